"""Parts of the breast in the picture as displayed."""

from __future__ import annotations

import pytest

from monai_mammo.errors import RequestError
from monai_mammo.terms import Depth, Laterality, Quadrant, View
from monai_mammo.text import ReportedFinding, box_of_place, quadrant_of_clock


@pytest.mark.parametrize(
    ("quadrant", "view", "is_top"),
    [
        (Quadrant.UPPER_OUTER, View.CC, True),
        (Quadrant.LOWER_OUTER, View.CC, True),
        (Quadrant.UPPER_INNER, View.CC, False),
        (Quadrant.LOWER_INNER, View.CC, False),
        (Quadrant.UPPER_INNER, View.MLO, True),
        (Quadrant.LOWER_OUTER, View.MLO, False),
        (Quadrant.UPPER, View.MLO, True),
        (Quadrant.INNER, View.CC, False),
    ],
)
def test_cc_shows_inner_and_outer_mlo_upper_and_lower(quadrant, view, is_top):
    box = box_of_place(quadrant, view=view, laterality=Laterality.L)
    assert (box.y1 <= 0.5) if is_top else (box.y0 >= 0.5)


@pytest.mark.parametrize(("quadrant", "view"), [(Quadrant.UPPER, View.CC), (Quadrant.OUTER, View.MLO), (None, View.CC)])
def test_what_a_view_cannot_show_is_left_open(quadrant, view):
    assert box_of_place(quadrant, view=view, laterality=Laterality.R) is None


def test_depth_counts_from_the_chest_wall():
    at = {d: box_of_place(None, view=View.CC, laterality=Laterality.L, depth=d).center[0] for d in Depth}
    assert at[Depth.POSTERIOR] < at[Depth.MIDDLE] < at[Depth.ANTERIOR]
    retroareolar = box_of_place(Quadrant.RETROAREOLAR, view=View.MLO, laterality=Laterality.L)
    assert retroareolar.center[0] > at[Depth.MIDDLE]


@pytest.mark.parametrize("quadrant", Quadrant)
@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("depth", [None, *Depth])
def test_a_right_breast_is_the_mirror_image(quadrant, view, depth):
    left = box_of_place(quadrant, view=view, laterality=Laterality.L, depth=depth)
    right = box_of_place(quadrant, view=view, laterality=Laterality.R, depth=depth)
    if left is None:
        assert right is None
    else:
        assert tuple(right) == pytest.approx((1 - left.x1, left.y0, 1 - left.x0, left.y1))


@pytest.mark.parametrize(
    ("hour", "left", "right"),
    [
        (12, "upper", "upper"),
        (1, "upper_outer", "upper_inner"),
        (3, "outer", "inner"),
        (4.5, "lower_outer", "lower_inner"),
        (6, "lower", "lower"),
        (8, "lower_inner", "lower_outer"),
        (9, "inner", "outer"),
        (10.5, "upper_inner", "upper_outer"),
        (12.5, "upper_outer", "upper_inner"),
    ],
)
def test_the_clock_face(hour, left, right):
    assert quadrant_of_clock(hour, Laterality.L).value == left
    assert quadrant_of_clock(hour, Laterality.R).value == right


@pytest.mark.parametrize("hour", [0, 13, -2])
def test_no_such_hour(hour):
    with pytest.raises(RequestError, match="is not an hour from 1 to 12"):
        quadrant_of_clock(hour, Laterality.L)


def test_several_places_are_taken_together_and_one_that_is_not_shown_opens_all():
    both = ReportedFinding(category=None, quadrants=(Quadrant.INNER, Quadrant.OUTER))
    box = both.region(View.CC, Laterality.L)
    assert box.y0 < 0.2 and box.y1 > 0.8
    assert both.region(View.MLO, Laterality.L) is None
