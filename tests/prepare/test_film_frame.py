"""Bright borders, rounded corners and bare strips of drawn films, of known place, are told from what films show."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.conditions import Conditions
from monai_mammo.prepare import breast_mask, prepare_mammogram
from monai_mammo.prepare.film_frame import FilmFrame, bare_corners, blended_columns, film_frame, frame_round_breast
from monai_mammo.study import Mammogram

ROWS, COLUMNS = 448, 269


def film(*, muscle=0.8, border=1.0, frame=(9, 7, 4, 2)):
    """MLO view: a bright muscle at the top left that runs out of the film, a breast, dark air and a border.

    Returns the pixels and where breast and muscle are.
    """
    y, x = np.mgrid[:ROWS, :COLUMNS].astype(np.float32)
    breast = (x / 200) ** 2 + ((y - 250) / 150) ** 2 < 1
    arm = x < 110 - 0.35 * y
    pixels = np.full((ROWS, COLUMNS), 0.01, np.float32)
    pixels[breast] = 0.45
    pixels[arm] = muscle
    pixels += 0.004 * np.random.default_rng(0).standard_normal(pixels.shape).astype(np.float32)
    top, bottom, left, right = frame
    tissue = breast | arm
    edge = np.ones_like(tissue)
    edge[top : ROWS - bottom, left : COLUMNS - right] = False
    pixels[edge] = border
    return np.clip(pixels, 0, 1), tissue & ~edge


@pytest.mark.parametrize("frame", [(9, 7, 4, 2), (30, 1, 1, 1), (3, 20, 25, 12)])
@pytest.mark.parametrize("muscle", [0.3, 0.8, 0.9])
def test_the_frame_of_a_film_is_found_to_the_line(frame, muscle):
    pixels, _ = film(muscle=muscle, frame=frame)
    found = film_frame(pixels)
    for lines, truth in zip((found.top, found.bottom, found.left, found.right), frame, strict=True):
        assert 0 <= lines - truth <= 1


def test_a_soft_border_is_cut_to_where_it_ends():
    pixels, _ = film(frame=(0, 0, 0, 0))
    ramp = np.clip(np.linspace(0.6, 0, 16), 0, 1)[:, None]
    pixels[:16] = np.clip(pixels[:16] + ramp, 0, 1)
    assert 8 <= film_frame(pixels).top <= 17


def test_a_film_without_a_border_loses_one_line_on_each_side():
    pixels, _ = film(frame=(0, 0, 0, 0))
    assert film_frame(pixels) == FilmFrame(1, 1, 1, 1)


@pytest.mark.parametrize("muscle", [0.3, 0.6, 0.93])
def test_the_top_of_a_muscle_is_a_straight_cut_whatever_its_brightness(muscle):
    """A border set to air let the blur carry bright muscle over the cut: a line of dots above it."""
    pixels, truth = film(muscle=muscle)
    mask = breast_mask(pixels, kind="film")
    top = np.flatnonzero(mask.any(axis=1))[0]
    assert 9 <= top <= 10
    over_muscle = slice(8, 80)
    assert mask[top, over_muscle].all() and not mask[:top].any()
    assert (mask & truth).sum() / (mask | truth).sum() > 0.97


def test_a_prepared_muscle_reaches_the_top_row_without_air_or_film_above():
    pixels, _ = film()
    prepared = prepare_mammogram(Mammogram(pixels=pixels, conditions=Conditions(kind="film")), shape=(384, 288))
    assert prepared.breast[0, 4:80].all()
    assert np.allclose(prepared.image[0, 4:80], 0.8, atol=0.03)


def test_round_corners_are_bare_and_the_muscle_beside_them_is_not():
    pixels, _ = film(muscle=0.7, frame=(0, 0, 0, 0))
    y, x = np.mgrid[:ROWS, :COLUMNS]
    corner = (x < 14) & (y < 14) & ((x - 14) ** 2 + (y - 14) ** 2 > 14**2)
    pixels[corner] = 1.0
    found = bare_corners(pixels)
    assert found[corner].all()
    assert found.sum() < corner.sum() + 120  # two pixels round it, nothing at the other corners
    assert not bare_corners(film(muscle=0.7, frame=(0, 0, 0, 0))[0]).any()


def test_a_strip_beside_the_breast_alone_is_cut_bright_or_dark():
    pixels, tissue = film(muscle=0.5, frame=(0, 0, 0, 0))
    beside = tissue[:, 3]
    for brightness in (0.95, 0.02):
        strip = pixels.copy()
        strip[beside, :5] = brightness
        found = frame_round_breast(strip, tissue)
        assert 5 <= found.left <= 6 and (found.top, found.bottom, found.right) == (0, 0, 0)
    assert frame_round_breast(pixels, tissue) == FilmFrame(0, 0, 0, 0)


def test_glow_along_the_chest_wall_is_no_breast():
    y, x = np.mgrid[:ROWS, :COLUMNS].astype(np.float32)
    breast = (x / 180) ** 2 + ((y - 224) / 140) ** 2 < 1
    pixels = np.where(breast, 0.5, 0.01 + 0.09 * np.clip(1 - x / 25, 0, 1)).astype(np.float32)
    rows = np.flatnonzero(breast_mask(pixels, kind="film").any(axis=1))
    assert abs(rows[0] - 84) <= 12 and abs(rows[-1] - 364) <= 12


def test_a_column_blended_with_padding_is_cut_and_one_of_tissue_is_not():
    pixels, tissue = film(frame=(0, 0, 0, 0))
    assert blended_columns(pixels, tissue) == FilmFrame(0, 0, 0, 0)
    pixels[:, 0] *= 0.5
    assert blended_columns(pixels, tissue) == FilmFrame(0, 0, 1, 0)
    assert blended_columns(pixels[:, ::-1], tissue[:, ::-1]) == FilmFrame(0, 0, 0, 1)
    prepared = prepare_mammogram(
        Mammogram(pixels=np.where(tissue, pixels, 0).astype(np.float32), conditions=Conditions(kind="digital"))
    )
    assert prepared.trace.crop[2] == 1
