"""Spread by which features are scaled before they are compared."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.evaluation.realism.feature_spread import feature_spread
from monai_mammo.evaluation.realism.frechet import FeatureSpace, frechet_distance
from monai_mammo.evaluation.realism.kernel_distance import kernel_distance

DEVIATIONS = np.array([1e-4, 0.05, 0.5, 1.0, 2.0, 3.0])


def of_deviations(deviations: np.ndarray) -> np.ndarray:
    """Features of mean 0 and exactly these deviations."""
    return np.outer([1.0, -1.0] * 5, deviations)


def test_a_unit_of_a_network_has_a_tenth_of_the_usual_deviation_at_least():
    """The median of the deviations is 0.75; a feature of one value says nothing of what is usual."""
    some = np.column_stack([of_deviations(DEVIATIONS), np.full((10, 5), 7.0)])
    assert feature_spread(some, is_one_unit=True) == pytest.approx([0.075, 0.075, 0.5, 1, 2, 3, *[np.inf] * 5])


def test_a_feature_of_a_unit_of_its_own_is_scaled_by_its_deviation():
    assert feature_spread(of_deviations(DEVIATIONS)) == pytest.approx(DEVIATIONS)


def test_one_image_in_which_a_rare_unit_is_active_does_not_decide_a_distance_from_a_small_reference():
    """Two sets of one law, and a unit beside that is silent but for a trace in all but one of the second set.

    Without the floor it lies a thousand deviations beyond the reference there. With it the distances are about those
    of the other 64 features alone.
    """
    rng = np.random.default_rng(0)
    reference, others = rng.normal(size=(40, 64)), rng.normal(size=(26, 64))
    trace, active = 1e-3 * rng.normal(size=40), np.where(np.arange(26) == 7, 1.0, 0.0)
    alone = distances(others, reference)
    beside = distances(np.column_stack([others, active]), np.column_stack([reference, trace]))
    assert beside == pytest.approx(alone, abs=0.1)


def distances(features: np.ndarray, reference: np.ndarray) -> list[float]:
    space = FeatureSpace.of(reference, is_one_unit=True)
    names = {"persons": list(map(str, range(26))), "reference_persons": list(map(str, range(40)))}
    return [
        measure(features, reference, space=space, **names)["value"] for measure in (kernel_distance, frechet_distance)
    ]
