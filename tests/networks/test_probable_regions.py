"""Regions of maps whose peaks are known."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.networks.probable_regions import regions


def blobs(*specs: tuple[int, int, int, float], shape: tuple[int, int] = (60, 40)) -> np.ndarray:
    """Map with squares (row, column, half side, height) on a floor of 0.001."""
    out = np.full(shape, 0.001, np.float32)
    for row, column, half, height in specs:
        out[row - half : row + half + 1, column - half : column + half + 1] = height
    return out


def test_faint_and_bright_places_are_both_found_best_first():
    found = regions(blobs((10, 10, 3, 0.9), (40, 25, 2, 0.1), (25, 30, 4, 0.4)))
    assert [round(r.score, 3) for r in found] == [0.9, 0.4, 0.1]
    assert [r.center for r in found] == [
        pytest.approx(c, abs=0.02) for c in ((10.5 / 40, 10.5 / 60), (30.5 / 40, 25.5 / 60), (25.5 / 40, 40.5 / 60))
    ]
    assert [int(r.mask.sum()) for r in found] == pytest.approx([49, 81, 25], rel=0.5)


def test_a_box_goes_round_its_region_and_no_further():
    (found,) = regions(blobs((20, 15, 5, 0.8)))
    assert tuple(found.box) == pytest.approx((10 / 40, 15 / 60, 21 / 40, 26 / 60), abs=1.01 / 40)
    rows, columns = np.nonzero(found.mask)
    sides = columns.min() / 40, rows.min() / 60, (columns.max() + 1) / 40, (rows.max() + 1) / 60
    assert tuple(found.box) == pytest.approx(sides)


def test_the_slope_of_a_bright_place_is_not_a_second_one():
    rows, columns = np.mgrid[:60, :40]
    bell = 0.9 * np.exp(-((rows - 30) ** 2 + (columns - 20) ** 2) / 50)
    assert len(regions(bell, min_score=0.3)) == 1


def test_nothing_is_found_outside_the_breast_nor_below_the_lowest_score():
    probability, breast = blobs((10, 10, 3, 0.9), (40, 25, 3, 0.3)), np.zeros((60, 40), dtype=bool)
    breast[30:] = True
    assert [round(r.score, 2) for r in regions(probability, within=breast)] == [0.3]
    assert regions(probability, within=breast, min_score=0.31) == []
    assert regions(np.zeros((8, 8))) == []


def test_no_more_than_asked_for_are_found():
    many = blobs(*[(6 + 12 * i, 6 + 12 * j, 2, 0.9 - 0.01 * (3 * i + j)) for i in range(4) for j in range(3)])
    assert [round(r.score, 2) for r in regions(many, max_regions=3)] == [0.9, 0.89, 0.88]
    assert len(regions(many, max_regions=50)) == 12
