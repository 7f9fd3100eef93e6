"""Means, intervals and ratios."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.evaluation.intervals import (
    difference_of_figures,
    difference_of_means,
    ratio_of_figures,
    ratio_of_means,
    share_of,
    summary,
)


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


def test_a_share_has_wilsons_interval():
    """At none of n the bounds are 0 and z^2 / (n + z^2); at half of n they are symmetric."""
    z2 = 1.959964**2
    assert share_of(0, 60) == {"mean": 0.0, "low": 0.0, "high": round(z2 / (60 + z2), 4), "n": 60}
    half = share_of(30, 60)
    assert half["low"] + half["high"] == pytest.approx(1.0, abs=1e-4)
    assert half["high"] - 0.5 == pytest.approx(1.959964 / (1 + z2 / 60) * np.sqrt(0.25 / 60 + z2 / 14400), abs=1e-4)
    assert share_of(60, 60)["high"] == 1.0 and share_of(0, 0) is None


def test_intervals_of_a_difference_add_up_as_variances_do():
    left, right = {"mean": 5.0, "low": 2.0, "high": 9.0}, {"value": 1.0, "low": -2.0, "high": 5.0}
    assert difference_of_figures(left, right) == {"value": 4.0, "low": 4.0 - 5.0, "high": 4.0 + 5.0}, "3 and 4 make 5"
    assert difference_of_figures(right, left) == {"value": -4.0, "low": -9.0, "high": 1.0}
    assert difference_of_figures(left, {**right, "low": None}) == {"value": 4.0, "low": None, "high": None}


def test_a_ratio_is_a_difference_of_logarithms():
    above, below = {"mean": 4.0, "low": 2.0, "high": 8.0}, {"mean": 2.0, "low": 2.0, "high": 2.0}
    assert ratio_of_figures(above, below) == {"value": 2.0, "low": 1.0, "high": 4.0}
    both = ratio_of_figures(above, above)
    assert both["low"] * both["high"] == pytest.approx(1.0, abs=1e-3)
    assert both["high"] == pytest.approx(2 ** np.sqrt(2), abs=1e-3)
    nothing = ratio_of_figures({"mean": 0.0, "low": 0.0, "high": 1.0}, below)
    assert nothing["value"] == nothing["low"] == 0.0 and nothing["high"] == pytest.approx(0.5, abs=1e-3)
    assert ratio_of_figures(below, {"mean": 0.0, "low": 0.0, "high": 1.0}) is None
    assert ratio_of_figures({"mean": 1.0, "low": 0.0, "high": 2.0}, below)["low"] < 1e-6


def test_joined_intervals_cover_the_truth_as_often_as_they_say():
    """Means of 40 and 25 skewed values: 95 % of 2,000 intervals hold the true difference, to three standard errors."""
    rng = np.random.default_rng(8)
    hits = 0
    for _ in range(2000):
        left, right = rng.gamma(4, 1, 40), rng.gamma(4, 0.5, 25)
        figures = []
        for values in (left, right):
            mean, error = values.mean(), values.std(ddof=1) / np.sqrt(values.size)
            figures.append({"mean": mean, "low": mean - 2.04 * error, "high": mean + 2.04 * error})
        found = difference_of_figures(*figures)
        hits += found["low"] <= 4 - 2 <= found["high"]
    assert hits / 2000 == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 2000))
