"""Means, intervals and ratios."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.evaluation.intervals import ratio_of_means, summary


def test_the_interval_is_that_of_the_normal_law():
    """For the mean of many values the bootstrap tends to mean +- 1.96 standard errors (Efron 1979)."""
    values = np.random.default_rng(1).normal(5, 2, 400)
    found = summary(values)
    error = values.std() / 20
    assert found["n"] == 400
    assert found["mean"] == pytest.approx(values.mean(), abs=1e-4)
    # 2000 resamples place a 2.5 % percentile to 0.06 standard errors; three times that
    assert found["low"] == pytest.approx(values.mean() - 1.96 * error, abs=0.18 * error)
    assert found["high"] == pytest.approx(values.mean() + 1.96 * error, abs=0.18 * error)


def test_the_same_values_give_the_same_interval():
    values = np.random.default_rng(2).random(20)
    assert summary(values) == summary(list(values))


def test_few_values_have_no_interval_and_none_no_mean():
    assert summary([0.5]) == {"mean": 0.5, "low": None, "high": None, "n": 1}
    assert summary([]) is None


def test_ratio_of_constants_is_exact():
    assert ratio_of_means([0.3] * 5, [0.6] * 4) == {"mean": 0.5, "low": 0.5, "high": 0.5}
    assert ratio_of_means([0.3], []) is None
    assert ratio_of_means([0.3], [0.0, 0.0]) is None


def test_the_ratio_knows_the_uncertainty_of_both():
    values, reference = np.random.default_rng(3).random((2, 50))
    both, one = ratio_of_means(values, reference), ratio_of_means(values, [reference.mean()] * 50)
    assert both["mean"] == one["mean"]
    assert both["high"] - both["low"] > 1.2 * (one["high"] - one["low"])


def test_both_are_resampled_on_their_own():
    """The same numbers, measured on other images: their ratio is 1 and still uncertain."""
    values = np.random.default_rng(4).random(50)
    found = ratio_of_means(values, values)
    assert found["mean"] == 1 and found["low"] < 0.9 and found["high"] > 1.1
