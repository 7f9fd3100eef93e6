"""Copies that are spoilt in a known way, and halves that share no person."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.report.baselines import baseline_positions, spoilt_items

ROWS, COLUMNS = 96, 72
BREAST = np.zeros((ROWS, COLUMNS), dtype=bool)
BREAST[12:84, :60] = True
PIXELS = np.where(BREAST, np.random.default_rng(0).integers(20000, 45000, BREAST.shape), 0).astype(np.uint16)
ITEM = {"image": PIXELS, "breast": BREAST, "person_id": "p", "conditions": {"view": "CC"}, "label": BREAST}


def spoilt(how: str) -> np.ndarray:
    (made,) = spoilt_items([ITEM], how, seed=1)
    assert {key: made[key] for key in made if key != "image"} == {key: ITEM[key] for key in ITEM if key != "image"}
    assert made["image"].dtype == np.uint16 and made["image"].shape == PIXELS.shape
    return made["image"].astype(float) / 65535


def test_noise_is_of_the_stated_size_and_lies_in_the_breast():
    change = spoilt("noised") - PIXELS / 65535
    assert change[BREAST].std() == pytest.approx(0.1, rel=0.05) and abs(change[BREAST].mean()) < 0.01
    assert not change[~BREAST].any()


def test_blur_takes_the_noise_and_leaves_the_mean():
    blurred, inner = spoilt("blurred"), np.s_[24:72, 5:50]
    assert blurred[inner].std() < 0.7 * (PIXELS / 65535)[inner].std()
    assert blurred.mean() == pytest.approx((PIXELS / 65535).mean(), rel=0.02)


def test_shuffled_squares_keep_every_pixel_and_the_outline():
    shuffled = np.rint(spoilt("shuffled") * 65535).astype(np.uint16)
    assert Counter(shuffled.ravel().tolist()) == Counter(PIXELS.ravel().tolist())
    assert ((shuffled > 0) == (PIXELS > 0)).all()
    moved = (shuffled != PIXELS).mean()
    assert moved > 0.5, "most of the breast lies elsewhere"
    tiles = PIXELS.reshape(8, 12, 6, 12).transpose(0, 2, 1, 3).reshape(48, 144)
    now = shuffled.reshape(8, 12, 6, 12).transpose(0, 2, 1, 3).reshape(48, 144)
    assert {tuple(tile) for tile in now} == {tuple(tile) for tile in tiles}, "squares are moved whole"


def test_each_image_has_noise_of_its_own_and_the_same_again():
    first, second = spoilt_items([ITEM, ITEM], "noised", seed=1)
    assert (first["image"] != second["image"]).any()
    assert (spoilt_items([ITEM], "noised", seed=1)[0]["image"] == first["image"]).all()


def test_an_unknown_baseline_is_refused():
    with pytest.raises(RequestError, match="baseline 'sharpened' is not one of blurred, shuffled, noised"):
        spoilt_items([ITEM], "sharpened")


def test_halves_share_no_person_and_have_the_kinds_that_are_generated():
    persons = [f"p{i // 2}" for i in range(40)]
    kinds = [("film", "film", "digital", "digital")[i % 4] for i in range(40)]
    taken, others = baseline_positions(persons, kinds, ["film"] * 6 + ["digital"] * 3)
    assert not {persons[i] for i in taken} & {persons[i] for i in others}
    assert Counter(kinds[i] for i in taken) == {"film": 6, "digital": 3}
    assert Counter(kinds[i] for i in others) == {"film": 10, "digital": 5}, "as many as there are of the same mix"
    taken, others = baseline_positions(persons, kinds, ["film"])
    assert [kinds[i] for i in taken] == ["film"] and {kinds[i] for i in others} == {"film"}
    taken, others = baseline_positions(persons, [None] * 40, [None] * 50)
    assert len(taken) == len(others) == 20
