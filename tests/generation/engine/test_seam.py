"""What is drawn set into a picture: nothing outside changes, no step is left."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.generation.engine.seam import with_seam

KEPT = np.float32(0.4) + np.float32(0.1) * np.random.default_rng(0).random((64, 48), dtype=np.float32)
ROW, COLUMN = np.mgrid[:64, :48]
DISTANCE = np.maximum(abs(ROW - 32), abs(COLUMN - 20))
WEIGHT = np.clip((16 - DISTANCE) / 8, 0, 1).astype(np.float32)
INSIDE = WEIGHT == 1


def test_outside_every_bit_stays():
    drawn = np.random.default_rng(1).random((64, 48), dtype=np.float32)
    assert np.array_equal(with_seam(drawn, KEPT, WEIGHT)[WEIGHT == 0], KEPT[WEIGHT == 0])


@pytest.mark.parametrize("offset", [-0.3, 0.2])
def test_a_region_that_is_darker_or_brighter_all_over_shows_no_step(offset):
    hole = np.where(WEIGHT > 0, KEPT + np.float32(offset), KEPT)
    # blocks of 4 pixels at the outer edge of the seam tell a part of the offset only
    assert np.abs(with_seam(hole, KEPT, WEIGHT) - KEPT)[INSIDE].max() < 0.02 * abs(offset)


def test_what_stands_out_in_the_region_stays():
    lesion = np.where(DISTANCE < 3, np.float32(0.3), np.float32(0))
    shifted = np.where(WEIGHT > 0, KEPT + lesion + np.float32(0.1), KEPT)
    found = (with_seam(shifted, KEPT, WEIGHT) - KEPT)[INSIDE]
    assert np.abs(found - lesion[INSIDE]).max() < 0.002


def test_weights_of_0_and_of_1_everywhere_choose_one_picture():
    drawn = np.ones_like(KEPT)
    assert np.array_equal(with_seam(drawn, KEPT, np.zeros_like(KEPT)), KEPT)
    assert np.array_equal(with_seam(drawn, KEPT, np.ones_like(KEPT)), drawn)


def test_sides_that_are_no_multiple_of_4_are_taken():
    weight = WEIGHT[:63, :47]
    found = with_seam(KEPT[:63, :47] + 0.1 * (weight > 0), KEPT[:63, :47], weight)
    assert found.shape == (63, 47) and np.isfinite(found).all()


def test_brightness_stays_in_its_range():
    found = with_seam(np.where(WEIGHT > 0, np.float32(1), KEPT) * (DISTANCE > 8), KEPT, WEIGHT)
    assert found.min() >= 0 and found.max() <= 1
