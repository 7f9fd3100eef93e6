"""Augmentation moves image, mask and box alike."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.conditions import Box
from monai_mammo.prepare.geometry import box_of_mask, mask_of_box
from monai_mammo.training.augment import Augmentation

SHAPE = (256, 192)


@pytest.mark.parametrize("seed", range(8))
def test_box_goes_where_the_mask_goes(seed):
    box = Box(0.2, 0.3, 0.45, 0.55)
    change = Augmentation.draw(np.random.default_rng(seed), strength=1.5)
    moved_mask = box_of_mask(change.mask(mask_of_box(box, SHAPE) > 0.5))
    moved_box = change.box(box, SHAPE)
    # one pixel of rounding, and one from the sheared corners
    assert np.allclose(tuple(moved_mask), tuple(moved_box), atol=2.5 / 192)


def test_image_and_mask_move_alike():
    mask = mask_of_box(Box(0.1, 0.6, 0.3, 0.8), SHAPE) > 0.5
    change = Augmentation(column_scale=0.9, row_scale=0.93, shear=0.05, row_shift=0.01)
    assert np.array_equal(change.image(mask.astype(np.float32)) >= 0.5, change.mask(mask))


def test_chest_wall_stays_at_the_left_edge():
    image = np.zeros(SHAPE, np.float32)
    image[60:200, :40] = 1
    moved = Augmentation(column_scale=0.9, shear=0.06).image(image)
    assert moved[70:190, 0].min() == 1


def test_structure_below_sinks_with_its_distance_from_the_wall():
    image = np.zeros(SHAPE, np.float32)
    image[100, :] = 1
    moved = Augmentation(shear=0.05).image(image)
    assert moved[:, 150].argmax() - moved[:, 0].argmax() == pytest.approx(0.05 * 150, abs=1)


def test_gamma_changes_brightness_only():
    image = np.linspace(0, 1, 256 * 192, dtype=np.float32).reshape(SHAPE)
    assert np.allclose(Augmentation(gamma=1.2).image(image), image**1.2, atol=1e-6)
