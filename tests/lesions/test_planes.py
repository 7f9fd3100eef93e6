"""Mask and box on the latent grid: each position stands for the pixels that the autoencoder gives it."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.conditions import Box
from monai_mammo.lesions import lesion_planes


def test_a_box_on_the_grid_fills_its_positions():
    mask, box = lesion_planes(None, Box(0.25, 0.25, 0.5, 0.5), shape=(64, 48), factor=4).numpy()
    assert mask.shape == box.shape == (16, 12)
    wanted = np.zeros((16, 12))
    wanted[4:8, 3:6] = 1
    assert np.allclose(box, wanted, atol=1e-6) and not mask.any()


def test_on_a_grid_that_is_no_multiple_a_position_still_stands_for_four_pixels():
    """250 x 190 pixels are 63 x 48 positions; stretched, the box would lie a quarter of a position off."""
    rows, columns = 250, 190
    lesion = np.zeros((rows, columns), dtype=bool)
    lesion[200:210, 150:158] = True
    box = Box(150 / columns, 200 / rows, 158 / columns, 210 / rows)
    planes = lesion_planes(lesion, box, shape=(rows, columns), factor=4).numpy()
    assert planes.shape == (2, 63, 48)
    wanted = np.zeros((63, 48))
    wanted[50:52, 37] = 0.5  # columns 150 and 151 of 148 to 151
    wanted[52, 37] = 0.25
    wanted[50:52, 38] = 1
    wanted[52, 38] = 0.5  # rows 208 and 209 of 208 to 211
    wanted[50:52, 39] = 0.5
    wanted[52, 39] = 0.25
    assert np.array_equal(planes[0], wanted)
    assert np.allclose(planes[1], wanted, atol=1e-5)


def test_what_is_padded_counts_as_uncovered():
    """The last positions of 250 x 190 hold 2 of 4 rows and 2 of 4 columns of the picture."""
    planes = lesion_planes(np.ones((250, 190), dtype=bool), Box(0, 0, 1, 1), shape=(250, 190), factor=4).numpy()
    for plane in planes:
        assert np.allclose(plane[:-1, :-1], 1, atol=1e-5)
        assert np.allclose(plane[-1, :-1], 0.5, atol=1e-5) and np.allclose(plane[:-1, -1], 0.5, atol=1e-5)
        assert plane[-1, -1] == pytest.approx(0.25, abs=1e-5)


@pytest.mark.parametrize(("rows", "columns", "factor"), [(250, 190, 4), (51, 41, 4), (7, 5, 8), (16, 12, 4)])
def test_the_covered_area_is_that_of_the_mask(rows, columns, factor):
    mask = np.random.default_rng(0).random((rows, columns)) < 0.3
    planes = lesion_planes(mask, None, shape=(rows, columns), factor=factor)
    assert planes.shape == (2, -(-rows // factor), -(-columns // factor))
    assert float(planes[0].sum()) * factor**2 == pytest.approx(mask.sum(), rel=1e-5)
    assert not planes[1].any()
