"""What a try shows, and whether it is kept."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.conditions import Conditions
from monai_mammo.generation.engine.check import (
    LOW_DICE,
    NO_BREAST,
    NOTHING_LEFT,
    OUTSIDE,
    TOO_LARGE,
    WRONG_SIDE,
    best_of,
    check_image,
    clean_air,
)
from monai_mammo.measures.overlap import dice
from monai_mammo.phantom import draw_layers

SHAPE = (256, 192)


@pytest.fixture(scope="module")
def layers():
    return draw_layers(Conditions(kind="digital", view="CC", laterality="L", finding="mass"), seed=3, shape=SHAPE)


def square(row: int, column: int, side: int = 10) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[row : row + side, column : column + side] = True
    return mask


def checked(layers, requested, found, *, breast="drawn", threshold=0.3):
    inside = layers.breast if isinstance(breast, str) else breast
    image = layers.mammogram.pixels
    return check_image(image, found, {}, requested=requested, breast=inside, dice_threshold=threshold)


def test_dice_of_known_masks():
    assert dice(square(0, 0), square(0, 5)) == pytest.approx(0.5)
    assert dice(square(0, 0), square(50, 50)) == 0
    assert dice(square(0, 0), square(0, 0)) == 1
    nothing = np.zeros(SHAPE, bool)
    assert dice(nothing, nothing) == 1


def test_air_is_cleaned_and_the_breast_is_left_alone(layers):
    rng = np.random.default_rng(0)
    noisy = np.clip(layers.mammogram.pixels + 0.008 * rng.standard_normal(SHAPE), 0, 1).astype(np.float32)
    clean, breast = clean_air(noisy)
    agreement = (breast & layers.breast).sum() / (breast | layers.breast).sum()
    assert agreement > 0.97  # the blur before the threshold moves the outline by a pixel
    assert not clean[~breast].any()
    assert (clean[breast] == noisy[breast]).mean() > 0.999  # a speck of noise at the edge may go


def test_specks_beside_the_breast_go_and_islands_of_tissue_stay():
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
    image = np.where(np.hypot(row - 128, column) < 100, np.float32(0.4), np.float32(0))
    image[120:136, 60:76] = 0.01  # dark fat
    image[127:129, 67:69] = 0.3  # a fibre in it, enclosed
    image[100:104, 94:99] = 0.01  # a gap at the skin line
    image[102, 96:98] = 0.05  # noise in it
    image[140:160, 96:99] = 0.02
    image[143:150, 97] = 0.05  # a piece of skin beside it
    clean, _ = clean_air(image.astype(np.float32))
    assert not clean[102, 96:98].any()
    assert clean[127:129, 67:69].all() and clean[143:150, 97].all()


def test_a_black_picture_has_no_breast():
    image = np.zeros(SHAPE, np.float32)
    clean, breast = clean_air(image)
    assert breast is None and (clean == image).all()


def test_a_lesion_found_where_it_was_asked_is_kept(layers):
    asked = square(120, 20)
    result = checked(layers, asked, asked)
    assert result.defect == "" and result.dice == 1 and result.outside_share == 0


@pytest.mark.parametrize(
    ("change", "defect"),
    [
        ({"found": square(40, 20)}, LOW_DICE),
        ({"requested": square(0, 180)}, NOTHING_LEFT),
        ({"requested": "half in the air"}, OUTSIDE),
        ({"requested": "the breast"}, TOO_LARGE),
        ({"breast": None}, NO_BREAST),
        ({"breast": "mirrored"}, WRONG_SIDE),
    ],
)
def test_each_defect_is_named(layers, change, defect):
    words = {"requested": square(120, 20), "found": square(120, 20), **change}
    if isinstance(words["requested"], str):
        rows, columns = np.nonzero(layers.breast)
        tip = square(int(rows[columns.argmax()]) - 5, int(columns.max()) - 5, 12)
        words["requested"] = words["found"] = layers.breast if words["requested"] == "the breast" else tip
    if isinstance(words.get("breast"), str):
        words["breast"] = layers.breast[:, ::-1]
        words["requested"] = words["found"] = square(120, 160)
    assert checked(layers, **words).defect == defect


def test_where_no_lesion_is_asked_there_is_no_dice(layers):
    result = checked(layers, np.zeros(SHAPE, bool), square(120, 20))
    assert result.dice is None and result.defect == ""


def test_what_lies_outside_the_breast_is_cut(layers):
    rows, columns = np.nonzero(layers.breast)
    tip = int(rows[columns.argmax()]), int(columns.max())
    asked = square(tip[0] - 5, tip[1] - 7, 12)
    result = checked(layers, asked, asked, threshold=0)
    assert 0 < result.outside_share < 1
    assert not (result.requested & ~layers.breast).any()
    assert not (result.found & ~layers.breast).any()
    assert result.outside_share == pytest.approx((asked & ~layers.breast).sum() / asked.sum())
    assert checked(layers, asked, asked & layers.breast, threshold=0).dice == 1, "what is in the air does not count"
    assert checked(layers, asked & layers.breast, asked, threshold=0).dice == 1


def test_the_first_without_a_defect_is_kept_else_the_best(layers):
    asked = square(120, 20)
    bad, worse = checked(layers, asked, square(126, 25), threshold=0.9), checked(layers, asked, square(40, 20))
    good, none = checked(layers, asked, asked), checked(layers, asked, asked, breast=None)
    assert best_of([worse, good]) is good
    assert best_of([none, worse, bad]) is bad
    assert best_of([none, worse]) is worse
