"""Boxes where no more than a coarse region of the breast is known."""

from __future__ import annotations

import pytest

from monai_mammo.conditions import Box
from monai_mammo.lesions.boxes_in_region import box_in_region
from monai_mammo.terms import View

REGIONS = [Box(0.8, 0.0, 1.0, 0.2), Box(0.0, 0.8, 0.2, 1.0), Box(0.0, 0.0, 0.1, 0.1), Box(0.85, 0.85, 1.0, 1.0)]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("size", [(0.6, 0.2), (0.1, 0.7), (1.0, 1.0)])
def test_a_stated_size_is_kept_at_every_edge_of_the_picture(region, size):
    for sample_id in range(4):
        box = box_in_region(region, view=View.MLO, seed=3, sample_id=sample_id, size_fraction=size)
        assert (box.width_fraction, box.height_fraction) == pytest.approx(size)


def test_a_lesion_that_fits_lies_in_the_middle_of_a_region_without_real_ones():
    box = box_in_region(Box(0.97, 0.01, 0.99, 0.03), view=View.CC, seed=0, sample_id=0, size_fraction=(0.02, 0.02))
    assert box.center == pytest.approx((0.98, 0.02))
