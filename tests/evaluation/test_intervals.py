"""Means, intervals and ratios."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.evaluation.intervals import difference_of_means, ratio_of_means, summary


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


def test_persons_are_resampled_with_all_of_their_images():
    """Four equal images of each of 100 persons know no more than one of each: the interval is that of 100 values."""
    values = np.random.default_rng(5).normal(5, 2, 100)
    one, four = summary(values), summary(np.repeat(values, 4), persons=np.repeat(np.arange(100), 4).astype(str))
    by_image = summary(np.repeat(values, 4))
    assert four["n"] == 400 and four["mean"] == one["mean"]
    assert four["high"] - four["low"] == pytest.approx(one["high"] - one["low"], rel=0.05)
    assert by_image["high"] - by_image["low"] == pytest.approx((one["high"] - one["low"]) / 2, rel=0.05)


def test_persons_weigh_with_their_number_of_images():
    assert summary([1, 1, 1, 5], persons=["a", "a", "a", "b"])["mean"] == 2
    assert summary([1, 2, 3], persons=["a", "a", "a"]) == {"mean": 2, "low": None, "high": None, "n": 3}


@pytest.mark.parametrize("compare", [ratio_of_means, difference_of_means])
def test_comparisons_resample_the_persons_of_both(compare):
    values, reference = np.random.default_rng(6).random((2, 50)) + 1
    persons = [str(i // 5) for i in range(50)]
    alone = compare(values, reference)
    ours = compare(np.repeat(values, 4), reference, persons=[str(i // 4) for i in range(200)])
    theirs = compare(values, np.repeat(reference, 4), reference_persons=[str(i // 4) for i in range(200)])
    for found in (ours, theirs):
        assert found["high"] - found["low"] == pytest.approx(alone["high"] - alone["low"], rel=0.07)
    few = compare(values, reference, persons=persons, reference_persons=["one"] * 50)
    assert few["mean"] == alone["mean"] and few["low"] is None


def test_figures_without_their_persons_are_our_own_mistake():
    with pytest.raises(ValueError, match="3 figures are of 2 persons"):
        summary([1, 2, 3], persons=["a", "b"])
