"""Statistics of detections and ranks on cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monai_mammo.evaluation.detection import (
    ScoredDetections,
    auc,
    by_person,
    sensitivity_at_false_positives,
    spearman,
    specificity_at_sensitivity,
)

# two lesions in the first image, one in the second, none in the third
MARKED = [
    ScoredDetections(scores=(0.9, 0.8, 0.3), hits=(0, -1, 1), n_lesions=2),
    ScoredDetections(scores=(0.7, 0.6, 0.5), hits=(-1, 0, 0), n_lesions=1),
    ScoredDetections(scores=(0.4, 0.2), hits=(-1, -1), n_lesions=0),
]


@pytest.mark.parametrize(
    ("false_positives", "expected"),
    [
        (0, 1 / 3),  # above 0.8: the detection of 0.9
        (1 / 3, 1 / 3),  # above 0.7: no more
        (2 / 3, 2 / 3),  # above 0.4: the second image's lesion, once
        (1, 1),  # above 0.2: all three
        (9, 1),
    ],
)
def test_sensitivity_where_a_number_of_false_positives_is_allowed(false_positives, expected):
    assert sensitivity_at_false_positives(MARKED, false_positives=false_positives) == pytest.approx(expected)
    assert sensitivity_at_false_positives(MARKED[2:]) is None


def test_a_mark_as_sure_as_the_first_false_one_too_many_does_not_count():
    tied = [ScoredDetections(scores=(0.5, 0.5), hits=(0, -1), n_lesions=1)]
    assert sensitivity_at_false_positives(tied, false_positives=0) == 0
    assert sensitivity_at_false_positives(tied, false_positives=1) == 1


def test_area_under_the_curve_is_that_of_the_rank_sum_test():
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(0, 6, 60) / 5, rng.random(60) < 0.4
    expected = stats.mannwhitneyu(scores[positive], scores[~positive]).statistic / (positive.sum() * (~positive).sum())
    assert auc(scores, positive) == pytest.approx(expected)
    assert auc(np.array([1.0, 2.0]), np.array([False, True])) == 1
    assert auc(np.ones(2), np.array([False, True])) == 0.5
    assert auc(np.ones(2), np.array([True, True])) is None


def test_rank_correlation_is_scipys():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    assert spearman(a, a + b) == pytest.approx(stats.spearmanr(a, a + b).statistic)
    assert spearman(np.zeros(9), np.arange(9)) is None


def test_specificity_where_four_in_five_positives_are_named():
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.1, 0.65, 0.5, 0.2, 0.05])
    positive = np.array([True] * 5 + [False] * 4)
    assert specificity_at_sensitivity(scores, positive) == pytest.approx(3 / 4)  # threshold 0.6
    assert specificity_at_sensitivity(scores, positive, sensitivity=1.0) == pytest.approx(1 / 4)
    assert specificity_at_sensitivity(scores, np.ones(9, dtype=bool)) is None


def test_an_interval_counts_persons_not_images():
    """Ten images of each of 20 persons, all of a person alike: the interval is that of 20 values."""
    values = np.repeat(np.random.default_rng(2).random(20), 10)
    found = by_person(lambda i: float(values[i].mean()), [f"p{i // 10}" for i in range(200)])
    assert found["mean"] == pytest.approx(values.mean(), abs=1e-4)
    assert (found["n"], found["n_persons"]) == (200, 20)
    half_width = (found["high"] - found["low"]) / 2
    assert half_width == pytest.approx(1.96 * values[::10].std(ddof=1) / np.sqrt(20), rel=0.15)


def test_one_person_has_no_interval_and_nothing_has_no_figure():
    assert by_person(lambda i: float(len(i)), ["p", "p"]) == {
        "mean": 2,
        "low": None,
        "high": None,
        "n": 2,
        "n_persons": 1,
    }
    assert by_person(lambda i: None, ["p", "q"]) is None
    assert by_person(lambda i: 1.0, []) is None
