"""Simple measures of an image, on pictures whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.conditions import Conditions
from monai_mammo.evaluation.knobs.knob_measures import measured, ring_contrast
from monai_mammo.generation.engine.check import check_image
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare.array import prepare_mammogram
from monai_mammo.terms import Laterality


def test_contrast_to_the_ring_is_the_difference_of_the_means_whatever_lies_farther_off():
    row, column = np.mgrid[:64, :64]
    distance = np.hypot(row - 32, column - 32)
    lesion, breast = distance < 6, distance < 30
    image = np.where(lesion, 0.8, np.where(distance < 14, 0.5, 0.1)).astype(np.float32)
    assert ring_contrast(image, lesion, breast) == pytest.approx(0.3, abs=1e-6)
    assert ring_contrast(image, np.zeros_like(lesion), breast) is None
    assert ring_contrast(image, lesion, None) is None


def test_the_ring_ends_at_the_skin():
    row, column = np.mgrid[:64, :64]
    lesion = np.hypot(row - 32, column - 32) < 6
    breast = column < 40
    image = np.where(lesion, 0.8, np.where(breast, 0.5, 0.0)).astype(np.float32)
    assert ring_contrast(image, lesion, breast) == pytest.approx(0.3, abs=1e-6)


@pytest.fixture(scope="module")
def result():
    asked = Conditions(kind="digital", view="CC", laterality="L", density="D", finding="mass")
    prepared = prepare_mammogram(draw_mammogram(asked, seed=4, shape=(192, 144)), shape=(96, 72))
    lesion = prepared.lesion_mask
    probabilities = {
        "density": {"A": 0.0, "B": 0.0, "C": 0.25, "D": 0.75},
        "birads": {str(n): 0.5 if n in (2, 5) else 0.0 for n in range(7)},
    }
    return check_image(
        prepared.image, lesion, probabilities, requested=lesion, breast=prepared.breast, dice_threshold=0
    )


def test_readings_lie_on_their_scale(result):
    judged = {"density": {"A": 1.0, "B": 0.0, "C": 0.0, "D": 0.0}}
    found = measured(result, Laterality.L, judged=judged, n_regions=2, presence=0.7)
    assert found["density read"] == pytest.approx(3.75) and found["density judged"] == pytest.approx(1.0)
    assert found["birads read"] == pytest.approx(3.5) and "birads judged" not in found
    assert (found["n regions"], found["presence"], found["dice"]) == (2.0, 0.7, 1.0)


@pytest.mark.parametrize("side", list(Laterality))
def test_the_side_is_that_of_the_picture_as_it_hangs(result, side):
    found = measured(result, side, judged={}, n_regions=0, presence=float("nan"))
    assert found[f"laterality={side}"] == 1.0 and found["presence"] is None
    assert sum(found[f"laterality={one}"] for one in Laterality) == 1.0


def test_breast_and_lesion_figures(result):
    found = measured(result, Laterality.L, judged={}, n_regions=0, presence=0.5)
    breast = result.image > 0
    assert found["breast area"] == pytest.approx(breast.mean(), abs=0.05)
    assert found["brightness"] == pytest.approx(result.image[breast].mean(), abs=0.05)
    assert 0 < found["dense share"] < 1
    rows = np.nonzero(result.found)[0]
    assert found["found row"] == pytest.approx((rows.mean() + 0.5) / 96) and found["found area"] > 0
