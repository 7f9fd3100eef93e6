"""A classifier that should, and one that should not, tell two sets of images apart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from monai_mammo.evaluation.realism.classifier_auc import control_separability, logistic_scores, separability
from monai_mammo.evaluation.realism.person_folds import PersonResampler, folds_by_person


def features(n, d, seed, shift=0.0):
    x = np.random.default_rng(seed).normal(size=(n, d))
    x[:, 0] += shift
    return x


def names(prefix, n, images_each=1):
    return [f"{prefix}{i // images_each}" for i in range(n)]


def test_equal_laws_cannot_be_told_apart():
    persons = {"persons": names("s", 60), "acquired_persons": names("a", 120)}
    found = [separability(features(60, 40, s), features(120, 40, 1000 + s), **persons) for s in range(8)]
    # a single figure of 60 against 120 images has a deviation of 0.05; their mean of 8 a third of it
    assert np.mean([f["value"] for f in found]) == pytest.approx(0.5, abs=0.05)


def test_a_shift_has_the_area_of_the_normal_law():
    """One feature moved by one deviation: the best classifier has an area of Phi(1 / sqrt 2) = 0.76."""
    found = separability(
        features(600, 2, 0, shift=1.0), features(600, 2, 1), persons=names("s", 600), acquired_persons=names("a", 600)
    )
    assert found["value"] == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.035)  # its standard error is 0.014
    assert found["low"] < found["value"] < found["high"] and found["high"] - found["low"] < 0.08
    assert (found["n"], found["n_persons"]) == (600, 600)


def test_sets_that_never_overlap_are_always_told_apart_also_with_more_features_than_images():
    found = separability(
        features(30, 500, 0) + 1, features(40, 500, 1), persons=names("s", 30), acquired_persons=names("a", 40)
    )
    assert found["value"] == 1


def test_a_person_known_from_training_does_not_help():
    """Two images of a person are the same point: by image a classifier would know every second one by heart."""
    left, right = (np.repeat(features(30, 200, s), 2, axis=0) for s in (0, 1))
    known = separability(left, right, persons=names("s", 60, 2), acquired_persons=names("a", 60, 2))
    by_heart = separability(left, right, persons=names("s", 60), acquired_persons=names("a", 60))
    assert known["value"] < 0.7 < 0.85 < by_heart["value"]


def test_too_few_persons_give_no_figure():
    x = features(9, 3, 0)
    assert separability(x, x, persons=names("s", 9, 3), acquired_persons=names("a", 9)) is None


@pytest.mark.parametrize("d", [5, 39, 40, 90])
def test_log_odds_are_those_of_the_penalised_optimum(d):
    """At the optimum the gradient of loss and penalty is 0; checked in the features' own space, by differences."""
    x, y = features(40, d, 3, shift=1.0), np.arange(40) % 3 == 0
    scaled = (x - x.mean(0)) / x.std(0) / np.sqrt(d)
    basis = np.vstack([x.mean(0), x.mean(0) + np.eye(d) * x.std(0) * np.sqrt(d)])
    scores = logistic_scores(x, y, basis, penalty=0.1)
    intercept, weights = scores[0], scores[1:] - scores[0]

    def loss(w, b):
        margin = np.where(y, 1, -1) * (scaled @ w + b)
        share = np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())
        return (share * np.logaddexp(0, -margin)).sum() + 0.05 * (w @ w)

    least = loss(weights, intercept)
    for step in 1e-3 * np.eye(d):
        assert loss(weights + step, intercept) > least and loss(weights - step, intercept) > least
    assert loss(weights, intercept + 1e-3) > least and loss(weights, intercept - 1e-3) > least


def test_the_control_is_near_one_half_and_knows_how_far_chance_reaches():
    found = control_separability(features(160, 10, 0), persons=names("a", 160, 2), n=50)
    assert found["low"] < 0.5 < found["high"] and 0.35 < found["value"] < 0.65
    assert found["n"] == 50 and found["n_persons"] == 25
    assert control_separability(features(4, 3, 0), persons=names("a", 4), n=2) is None


def test_folds_hold_whole_persons_and_both_sorts_evenly():
    persons = names("s", 20) + names("a", 40, 2)
    is_synthetic = np.arange(60) < 20
    folds = folds_by_person(persons, is_synthetic, n_folds=5)
    assert all(len({f for f, p in zip(folds, persons, strict=True) if p == name}) == 1 for name in set(persons))
    assert np.bincount(folds[is_synthetic]).tolist() == [4] * 5
    assert np.bincount(folds[~is_synthetic]).tolist() == [8] * 5


def test_resampled_persons_bring_all_of_their_images():
    resampler = PersonResampler(["a", "b", "a", "c"])
    weights = resampler.weights(np.random.default_rng(0), 200)
    assert weights.shape == (200, 4) and (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert set(np.bincount(resampler.draw(np.random.default_rng(1)), minlength=4)[[0, 2]]) in ({0}, {1}, {2}, {3})
