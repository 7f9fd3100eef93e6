"""Areas and shares of readers against closed forms, and intervals that hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from monai_mammo.evaluation.reader_study.reader_intervals import (
    area_interval,
    area_jackknife,
    figure_of_readers,
    interval_over_readers,
    share_jackknife,
)


def test_the_area_counts_pairs_and_ties_half():
    scores = np.array([[5, 1], [3, 1], [3, 5], [1, 5]])
    areas, without = area_jackknife(scores, np.array([True, True, False, False]), persons=["a", "b", "c", "d"])
    assert areas.tolist() == [0.875, 0.0]
    assert without[0].tolist() == [0.75, 0.0], "3 against 3 and 1"
    assert without[2].tolist() == [1.0, 0.0], "5 and 3 against 1"


def test_a_person_is_left_out_with_all_images():
    rng = np.random.default_rng(0)
    scores, is_synthetic = rng.integers(1, 6, (30, 3)), np.arange(30) < 12
    persons = [f"s{i}" for i in range(12)] + [f"p{i // 2}" for i in range(18)]
    _, without = area_jackknife(scores, is_synthetic, persons=persons)
    assert without.shape == (21, 3)
    kept = np.array(persons) != "p4"
    alone, _ = area_jackknife(scores[kept], is_synthetic[kept], persons=np.array(persons)[kept])
    np.testing.assert_allclose(without[12 + 4], alone)
    right = rng.random((18, 3)) < 0.6
    shares, fewer = share_jackknife(right, persons=persons[12:])
    np.testing.assert_allclose(shares, right.mean(axis=0))
    np.testing.assert_allclose(fewer[4], np.delete(right, [8, 9], axis=0).mean(axis=0))


@pytest.mark.parametrize(("n", "area"), [(50, 0.5), (30, 0.8), (20, 1.0)])
def test_the_interval_of_one_reader_is_also_one_at_the_ends(n, area):
    """At either bound the area seen lies 1.96 deviations away, by the variance of Hanley and McNeil (1982)."""
    found = area_interval(area, n, n)
    for bound in {found["low"], found["high"]} - {1.0}:
        q1, q2 = bound / (2 - bound), 2 * bound**2 / (1 + bound)
        variance = (bound * (1 - bound) + (n - 1) * (q1 - bound**2) + (n - 1) * (q2 - bound**2)) / n**2
        assert abs(area - bound) == pytest.approx(1.96 * variance**0.5, rel=1e-3)
    mirrored = area_interval(1 - area, n, n)
    assert mirrored["low"] == pytest.approx(1 - found["high"]) and mirrored["high"] == pytest.approx(1 - found["low"])


def test_readers_who_all_tell_everything_have_the_interval_of_one():
    values, without = np.ones(4), np.ones((40, 4))
    assert interval_over_readers(values, without) is None
    figure = figure_of_readers(values, without, alone=area_interval(1.0, 20, 20), n=40)
    assert figure["holds_for"] == "other cases" and figure["low"] < 0.95 and figure["high"] == 1.0


def simulated(rng, *, n_readers=5, n_images=60, distance=1.0, apart=0.3, shared=0.7):
    """Ratings 1 to 5 of readers who differ in skill, on images that are hard or easy to all of them."""
    is_synthetic = np.arange(n_images) < n_images // 2
    skill = distance + apart * rng.standard_normal(n_readers)
    image = shared * rng.standard_normal(n_images)[:, None]
    own = np.sqrt(1 - shared**2) * rng.standard_normal((n_images, n_readers))
    latent = image + own + is_synthetic[:, None] * skill
    return np.digitize(latent, (-0.5, 0.2, 0.8, 1.5)), is_synthetic


def test_the_interval_holds_for_other_readers_and_cases():
    """True area: that of 400 readers on 20,000 images. An interval of cases alone would hold it less often."""
    rng = np.random.default_rng(1)
    scores, is_synthetic = simulated(rng, n_readers=60, n_images=4000)
    truth = np.mean([_area(scores[:, r], is_synthetic) for r in range(60)])
    assert truth == pytest.approx(norm.cdf(1 / np.sqrt(2 + 0.3**2)), abs=0.03), "less by the five classes"
    n_runs, held, held_by_pairs = 400, 0, 0
    for _ in range(n_runs):
        scores, is_synthetic = simulated(rng)
        persons = [str(i) for i in range(len(scores))]
        found = interval_over_readers(*area_jackknife(scores, is_synthetic, persons=persons))
        held += found["low"] <= truth <= found["high"]
        pooled = area_interval(found["value"], 30 * 5, 30 * 5)  # as though each rating were an image of its own
        held_by_pairs += pooled["low"] <= truth <= pooled["high"]
    assert 0.92 <= held / n_runs <= 0.985
    assert held_by_pairs / n_runs < 0.85


def test_the_interval_of_shares_holds_for_other_readers_and_cases():
    rng = np.random.default_rng(2)
    n_runs, held = 400, 0
    for _ in range(n_runs):
        skill, image = 0.6 + 0.3 * rng.standard_normal(5), 0.7 * rng.standard_normal((40, 1))
        latent = skill + image + np.sqrt(1 - 0.7**2) * rng.standard_normal((40, 5))
        found = interval_over_readers(*share_jackknife(latent > 0, persons=[str(i) for i in range(40)]))
        held += found["low"] <= norm.cdf(0.6 / np.sqrt(1 + 0.3**2)) <= found["high"]
    assert 0.92 <= held / n_runs <= 0.985


def _area(scores, is_synthetic):
    levels = np.arange(5)
    ours = np.array([(scores[is_synthetic] == k).mean() for k in levels])
    theirs = np.array([(scores[~is_synthetic] == k).mean() for k in levels])
    return float(sum(ours[k] * (theirs[:k].sum() + 0.5 * theirs[k]) for k in levels))
