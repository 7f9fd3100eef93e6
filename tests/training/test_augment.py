"""Augmentation moves image, mask and box alike."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.conditions import Box
from monai_mammo.lesions.planes import lesion_planes
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


@pytest.mark.parametrize("is_flipped", [False, True])
@pytest.mark.parametrize("box", [Box(0.0, 0.4, 0.25, 0.6), Box(0.3, 0.2, 0.62, 0.5)])
def test_box_mask_and_planes_of_a_view_agree_to_a_part_of_a_pixel(box, is_flipped):
    """Without shear a rectangle stays one: its mask, its box and both planes are the same rectangle."""
    change = Augmentation(column_scale=0.91, row_scale=0.94, row_shift=0.012, is_flipped=is_flipped)
    moved = change.box(box, SHAPE)
    mask = change.mask(mask_of_box(box, SHAPE) >= 0.5)
    assert np.abs(np.subtract(tuple(box_of_mask(mask)), tuple(moved)) * [192, 256, 192, 256]).max() <= 1.01
    of_box = mask_of_box(moved, SHAPE)
    rounding = 1 / (256 * moved.height_fraction) + 1 / (192 * moved.width_fraction)  # half a pixel at each edge
    assert abs(mask.sum() / of_box.sum() - 1) < rounding
    of_mask, of_moved = lesion_planes(mask, moved, shape=SHAPE, factor=4).numpy()
    assert np.abs(of_mask - of_moved).mean() < 0.01 and abs(of_mask.sum() / of_moved.sum() - 1) < rounding
    assert moved.x0 == 0 if box.x0 == 0 else moved.x0 == pytest.approx(0.91 * box.x0)


def test_the_middle_of_a_sheared_blob_is_the_middle_of_its_box():
    image = np.zeros(SHAPE, np.float32)
    image[100:121, 80:101] = 1
    change = Augmentation(column_scale=0.92, row_scale=0.95, shear=0.05, row_shift=-0.01)
    rows, columns = np.indices(SHAPE) + 0.5
    moved = change.image(image)
    middle = [(axis * moved).sum() / moved.sum() for axis in (columns, rows)]
    box = change.box(Box(80 / 192, 100 / 256, 101 / 192, 121 / 256), SHAPE)
    assert np.allclose(middle, [box.center[0] * 192, box.center[1] * 256], atol=0.02)
