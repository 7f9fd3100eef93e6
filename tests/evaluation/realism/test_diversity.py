"""How unlike each other images are: distances that are known, a generator that repeats itself, and small sets."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.evaluation.realism.diversity import diversity_figures


def test_distances_on_a_line_are_counted_by_hand():
    points = np.array([[0.0], [1.0], [3.0], [10.0], [14.0]])
    groups = ["a", "a", "a", "b", "b"]
    found = diversity_figures(points, groups, persons=list("vwxyz"))
    within = [1, 3, 2, 4]
    between = [10, 14, 9, 13, 7, 11]
    assert found["within"]["value"] == pytest.approx(np.mean(within)) and found["within"]["n_pairs"] == 4
    assert found["between"]["value"] == pytest.approx(np.mean(between), abs=1e-4)
    assert found["ratio"]["value"] == pytest.approx(np.mean(within) / np.mean(between), abs=1e-4)
    assert found["within"]["low"] <= found["within"]["value"] <= found["within"]["high"] and found["within"]["n"] == 5


def test_two_images_of_one_person_are_no_pair():
    points = np.array([[0.0], [0.0], [1.0], [2.0], [3.0], [4.0]])
    found = diversity_figures(points, ["a"] * 6, persons=["p", "p", "q", "r", "s", "t"])
    assert found["within"]["n_pairs"] == 14 and found["between"] is None and found["ratio"] is None


def test_a_generator_that_repeats_itself_is_seen():
    rng = np.random.default_rng(3)
    centers = rng.normal(size=(6, 4)) * 3
    groups = [i % 6 for i in range(60)]
    acquired = centers[groups] + rng.normal(size=(60, 4))
    repeated = centers[groups] + 0.2 * rng.normal(size=(60, 4))
    persons = [f"p{i}" for i in range(60)]
    ours, theirs = (diversity_figures(x, groups, persons=persons) for x in (repeated, acquired))
    assert ours["within"]["high"] < 0.5 * theirs["within"]["low"] and ours["ratio"]["high"] < theirs["ratio"]["low"]


def test_the_interval_covers_a_known_distance():
    """Two draws of a normal law in four dimensions lie ``2 gamma(5/2) / gamma(2)`` apart in the mean."""
    known = 2 * 1.329340388
    n_covered = 0
    for seed in range(60):
        points = np.random.default_rng(seed).normal(size=(40, 4))
        found = diversity_figures(points, ["a"] * 40, persons=[str(i) for i in range(40)])["within"]
        n_covered += found["low"] <= known <= found["high"]
    assert 50 <= n_covered <= 60, "95 % of 60 are 57; a resampled pair of one person is no pair"


@pytest.mark.parametrize("groups", [[None] * 8, ["a", "b", "c", None, None, None, None, None]])
def test_sets_without_pairs_have_no_figure(groups):
    points = np.random.default_rng(0).normal(size=(8, 3))
    found = diversity_figures(points, groups, persons=[str(i) for i in range(8)])
    assert found == {"within": None, "between": None, "ratio": None}
