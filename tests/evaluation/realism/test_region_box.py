"""What is computed round the breast alone is what the whole picture gives, and what libraries give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import convex_hull_image

from monai_mammo.evaluation.realism import fibres, skin_line
from monai_mammo.evaluation.realism.breast_shape import shape_measures
from monai_mammo.evaluation.realism.region_box import box_round

SHAPE = (150, 190)
_Y, _X = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
ROUND = ((_Y - 80) / 45) ** 2 + ((_X - 70) / 38) ** 2 <= 1
CUT = ((_Y - 70) / 60) ** 2 + (_X / 50) ** 2 <= 1  # by the chest wall
PICTURE = (0.4 + 0.1 * ndimage.gaussian_filter(np.random.default_rng(3).normal(size=SHAPE), 1)).astype(np.float32)


def test_a_box_has_its_margin_and_ends_with_the_picture():
    assert box_round(CUT, 5) == (slice(5, 136), slice(0, 56))
    assert box_round(ROUND, 200)[0].start == 0 and ROUND[box_round(ROUND, 200)].shape == SHAPE


@pytest.mark.parametrize("breast", [ROUND, CUT], ids=["round", "cut"])
@pytest.mark.parametrize(
    ("room", "measure"),
    [(fibres, fibres.ridge_length), (fibres, fibres.orientation_coherence), (skin_line, skin_line.skin_line_step)],
)
def test_measures_are_those_of_the_whole_picture(room, measure, breast, monkeypatch):
    found = measure(PICTURE, breast)
    monkeypatch.setattr(room, "box_round", lambda inside, margin_px: (slice(0, SHAPE[0]), slice(0, SHAPE[1])))
    assert found is not None and found == measure(PICTURE, breast)


@pytest.mark.parametrize("margin_px", [1, 6])
def test_a_margin_is_taken_off_at_the_skin_and_not_at_the_frame(margin_px):
    for breast in (ROUND, CUT):
        expected = ndimage.binary_erosion(breast, iterations=margin_px, border_value=1)
        assert np.array_equal(fibres._eroded(breast, margin_px), expected)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.6])
def test_solidity_has_the_hull_that_a_library_finds_pixel_by_pixel(share):
    rng = np.random.default_rng(0)
    for shape in ((40, 30), (7, 60), (60, 7), (1, 50), (50, 1)):
        region = rng.random(shape) < share
        if region.sum() > 3:
            assert shape_measures(region)["solidity"] == region.sum() / convex_hull_image(region).sum()
