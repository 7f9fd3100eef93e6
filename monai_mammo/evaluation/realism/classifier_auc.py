"""Can a classifier tell generated images from acquired ones?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from monai_mammo.evaluation.realism.person_folds import PersonResampler, folds_by_person

__all__ = ["area_of_pairs", "control_separability", "cross_validated_scores", "logistic_scores", "separability"]

N_FOLDS = 5
_PENALTY = 0.03
_MAX_NEWTON_STEPS = 30
_N_RESAMPLES = 2000
_N_DIVISIONS = 4


def logistic_scores(
    train: np.ndarray, is_synthetic: np.ndarray, test: np.ndarray, *, penalty: float = _PENALTY
) -> np.ndarray:
    """Log-odds of being synthetic by a logistic regression with a quadratic penalty.

    Features are brought to mean 0 and deviation 1 by the training images, then divided by the root of their number,
    so that the penalty means the same for 43 and for 1280 of them; both sorts of images weigh alike. Newton's method
    on the principal axes of the training images, which is exact also where there are more features than images.

    Parameters
    ----------
    train : ndarray, shape (n, d)
    is_synthetic : ndarray, shape (n,), bool
    test : ndarray, shape (m, d)
    penalty : float
        Half of it times the squared length of the weights is added to the mean log loss of an image.

    Returns
    -------
    ndarray, shape (m,)
    """
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    scale = np.where(deviation > 1e-9, deviation, np.inf) * np.sqrt(train.shape[1])
    scaled = (train - mean) / scale
    values, vectors = np.linalg.eigh(scaled @ scaled.T)  # scaled = vectors sqrt(values) axes
    kept = values > 1e-9 * max(float(values[-1]), 1e-30)
    axes = (vectors[:, kept] / np.sqrt(values[kept])).T @ scaled  # (r, d), rows of length 1
    x, y = np.column_stack([scaled @ axes.T, np.ones(len(train))]), is_synthetic.astype(np.float64)
    weight = np.where(is_synthetic, 0.5 / max(y.sum(), 1), 0.5 / max((1 - y).sum(), 1))
    ridge = np.full(x.shape[1], penalty)
    ridge[-1] = 1e-9
    coefficients = np.zeros(x.shape[1])
    for _ in range(_MAX_NEWTON_STEPS):
        p = expit(x @ coefficients)
        gradient = x.T @ (weight * (p - y)) + ridge * coefficients
        hessian = (x.T * (weight * p * (1 - p))) @ x + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        coefficients -= step
        if np.abs(step).max() < 1e-8:
            break
    return ((test - mean) / scale) @ axes.T @ coefficients[:-1] + coefficients[-1]


def cross_validated_scores(features: np.ndarray, is_synthetic: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Score of each image by a classifier that saw no image of its fold.

    Parameters
    ----------
    features : ndarray, shape (n, d)
    is_synthetic : ndarray, shape (n,), bool
    folds : ndarray, shape (n,), int

    Returns
    -------
    ndarray, shape (n,)
    """
    scores = np.zeros(len(features))
    for fold in np.unique(folds):
        held_back = folds == fold
        scores[held_back] = logistic_scores(features[~held_back], is_synthetic[~held_back], features[held_back])
    return scores


def separability(
    synthetic: np.ndarray,
    acquired: np.ndarray,
    *,
    persons: Sequence[str],
    acquired_persons: Sequence[str],
    n_folds: int = N_FOLDS,
) -> dict[str, Any] | None:
    """Area under the curve of a classifier that tells two sets of images apart: 0.5 cannot, 1 always.

    Cross-validated by person. Only images of one fold are compared with each other, since each fold has a
    classifier of its own. The interval is that of the held-back scores: training the classifiers anew on other persons
    would widen it, near 0.5 above all. `control_separability` says how far chance reaches.

    Parameters
    ----------
    synthetic, acquired : ndarray, shape (n, d), (m, d)
        Features of the images.
    persons, acquired_persons : sequence of str
        Of each image; a generated image is a person of its own.
    n_folds : int
        Fewer where there are fewer persons.

    Returns
    -------
    dict or None
        ``value``; ``low``, ``high``: 95 % bootstrap interval over persons of the held-back scores; ``n``,
        ``n_persons`` of the synthetic images; `None` where either set has under 4 persons.
    """
    n_least = min(len(set(persons)), len(set(acquired_persons)))
    if n_least < 4:
        return None
    features = np.concatenate([synthetic, acquired]).astype(np.float64)
    is_synthetic = np.arange(len(features)) < len(synthetic)
    folds = folds_by_person([*persons, *acquired_persons], is_synthetic, n_folds=min(n_folds, n_least // 2))
    scores = cross_validated_scores(features, is_synthetic, folds)
    ours, theirs = scores[is_synthetic][:, None], scores[~is_synthetic][None]
    same_fold = folds[is_synthetic][:, None] == folds[~is_synthetic][None]
    wins = np.where(same_fold, (ours > theirs) + 0.5 * (ours == theirs), 0.0)
    return {
        **area_of_pairs(wins, same_fold, persons=persons, others=acquired_persons),
        "n": len(synthetic),
        "n_persons": len(set(persons)),
    }


def area_of_pairs(
    wins: np.ndarray, is_compared: np.ndarray, *, persons: Sequence[str], others: Sequence[str]
) -> dict[str, Any]:
    """Area under a curve as the share of pairs that the first of them wins.

    Parameters
    ----------
    wins : ndarray, shape (n, m)
        1 where the image of the row has the larger score than that of the column, 0.5 where both have the same, else 0;
        0 where a pair does not count.
    is_compared : ndarray, shape (n, m), bool
        Pairs that count, one at least.
    persons, others : sequence of str
        Of rows and columns; persons are resampled.

    Returns
    -------
    dict
        ``value``; ``low``, ``high``: 95 % bootstrap interval over persons.
    """
    rng = np.random.default_rng(0)
    left = PersonResampler(persons).weights(rng, _N_RESAMPLES).astype(np.float64)
    right = PersonResampler(others).weights(rng, _N_RESAMPLES).astype(np.float64)
    n_pairs = ((left @ is_compared) * right).sum(axis=1)
    drawn = ((left @ wins) * right).sum(axis=1)[n_pairs > 0] / n_pairs[n_pairs > 0]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return {
        "value": round(float(wins.sum() / is_compared.sum()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }


def control_separability(
    acquired: np.ndarray, *, persons: Sequence[str], n: int, n_folds: int = N_FOLDS
) -> dict[str, Any] | None:
    """What `separability` finds between acquired images, divided by person at random in four ways.

    Parameters
    ----------
    acquired : ndarray, shape (m, d)
        Features of the images.
    persons : sequence of str
        Of each image.
    n : int
        Images of the smaller part, at least; half of all at most.
    n_folds : int
        Parts into which persons are divided.

    Returns
    -------
    dict or None
        ``value``: mean over the divisions; ``low``, ``high``: 1.96 deviations of a single division about it, which is
        how far chance takes a figure of so many images; ``n``, ``n_persons`` of the smaller part on average; `None`
        where there are too few persons.
    """
    names = sorted(set(persons))
    found = []
    for seed in range(_N_DIVISIONS):
        order = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
        n_images = np.cumsum([sum(p == name for p in persons) for name in order])
        n_first = int(np.searchsorted(n_images, min(n, len(persons) // 2))) + 1
        first = np.isin(np.asarray(persons, dtype=str), order[:n_first])
        ours, theirs = ([p for p, is_in in zip(persons, side, strict=True) if is_in] for side in (first, ~first))
        found.append(
            separability(acquired[first], acquired[~first], persons=ours, acquired_persons=theirs, n_folds=n_folds)
        )
    known = [f for f in found if f is not None]
    if len(known) < 2:
        return None
    values = np.array([f["value"] for f in known])
    reach = 1.96 * float(values.std(ddof=1))
    return {
        "value": round(float(values.mean()), 4),
        "low": round(max(0.0, float(values.mean()) - reach), 4),
        "high": round(min(1.0, float(values.mean()) + reach), 4),
        "n": round(float(np.mean([f["n"] for f in known]))),
        "n_persons": round(float(np.mean([f["n_persons"] for f in known]))),
    }
