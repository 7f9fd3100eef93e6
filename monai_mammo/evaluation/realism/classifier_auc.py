"""Can a classifier tell generated images from acquired ones?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import linalg
from scipy.special import expit

from monai_mammo.evaluation.realism.feature_spread import feature_spread
from monai_mammo.evaluation.realism.person_folds import PersonResampler, folds_by_person

__all__ = ["area_of_pairs", "control_separability", "cross_validated_scores", "logistic_scores", "separability"]

N_FOLDS = 5
_PENALTY = 0.03
_OFFSET_PENALTY = 1e-9
_MAX_NEWTON_STEPS = 30
_LEAST_STEP = 1e-8
_N_RESAMPLES = 2000
_N_DIVISIONS = 4


def logistic_scores(
    train: np.ndarray, is_synthetic: np.ndarray, test: np.ndarray, *, penalty: float = _PENALTY
) -> np.ndarray:
    """Log-odds of being synthetic by a logistic regression with a quadratic penalty.

    Features are brought to mean 0 and deviation 1 by the training images, then divided by the root of their number,
    so that the penalty means the same for 43 and for 1280 of them; both sorts of images weigh alike. Newton's method
    in as many unknowns as there are features or images, whichever are fewer: weights are sums of training images.

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
    mean, scale = train.mean(axis=0), feature_spread(train) * np.sqrt(train.shape[1])
    scaled, others = (train - mean) / scale, (test - mean) / scale
    y = is_synthetic.astype(np.float64)
    weight = np.where(is_synthetic, 0.5 / max(y.sum(), 1), 0.5 / max((1 - y).sum(), 1))
    if train.shape[1] < len(train):
        coefficients, offset = _by_features(scaled, y, weight, penalty)
        scores: np.ndarray = others @ coefficients + offset
    else:
        of_images, offset = _by_images(scaled @ scaled.T, y, weight, penalty)
        scores = others @ (scaled.T @ of_images) + offset
    return scores


def _by_features(x: np.ndarray, y: np.ndarray, weight: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Weight of each feature, shape (d,), and offset, by Newton's method in d + 1 unknowns."""
    with_one = np.column_stack([x, np.ones(len(x))])  # (n, d + 1)
    ridge = np.full(with_one.shape[1], penalty)
    ridge[-1] = _OFFSET_PENALTY
    coefficients = np.zeros(len(ridge))
    for _ in range(_MAX_NEWTON_STEPS):
        p = expit(with_one @ coefficients)
        gradient = with_one.T @ (weight * (p - y)) + ridge * coefficients
        hessian = (with_one.T * (weight * p * (1 - p))) @ with_one
        hessian[np.diag_indices_from(hessian)] += ridge
        step = linalg.solve(hessian, gradient, assume_a="pos", overwrite_a=True, check_finite=False)
        coefficients -= step
        if np.abs(step).max() < _LEAST_STEP:
            break
    return coefficients[:-1], float(coefficients[-1])


def _by_images(products: np.ndarray, y: np.ndarray, weight: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Weight of each image in the weights of the features, shape (n,), and offset, by the same steps in n unknowns.

    With K the images' products, D the curvatures and S their roots, a step solves ``(D K + penalty) a = r - D b``; the
    inverse of the left side is ``(1 - S B^-1 S K / penalty) / penalty``, ``B = 1 + S K S / penalty`` (Rasmussen and
    Williams 2006, algorithm 3.1).
    """
    n = len(products)
    score, of_images, offset = np.zeros(n), np.zeros(n), 0.0
    for _ in range(_MAX_NEWTON_STEPS):
        p = expit(score)
        curvature, slope = weight * p * (1 - p), weight * (p - y)
        root = np.sqrt(curvature)
        inner = products * (root[:, None] * root[None] / penalty)
        inner[np.diag_indices(n)] += 1.0
        factor = linalg.cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)
        sides = np.column_stack([curvature * score - slope, curvature])  # (n, 2)
        inverse = linalg.cho_solve(factor, root[:, None] * (products @ sides), check_finite=False)
        solved = (sides - root[:, None] * inverse / penalty) / penalty
        reached = products @ solved
        total, pull = sides.sum(axis=0) - curvature @ reached
        offset = float(total / (pull + _OFFSET_PENALTY))
        of_images = solved[:, 0] - offset * solved[:, 1]
        before, score = score, reached[:, 0] - offset * reached[:, 1] + offset
        if np.abs(score - before).max() < _LEAST_STEP:
            break
    return of_images, offset


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
    found = _compared_pairs(synthetic, acquired, persons=persons, acquired_persons=acquired_persons, n_folds=n_folds)
    if found is None:
        return None
    wins, is_compared = found
    return {
        **area_of_pairs(wins, is_compared, persons=persons, others=acquired_persons),
        "n": len(synthetic),
        "n_persons": len(set(persons)),
    }


def _compared_pairs(
    synthetic: np.ndarray,
    acquired: np.ndarray,
    *,
    persons: Sequence[str],
    acquired_persons: Sequence[str],
    n_folds: int,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Which pairs of an image of each set a classifier tells apart, and which of them count, as `area_of_pairs` takes
    them; `None` where either set has under 4 persons."""
    n_least = min(len(set(persons)), len(set(acquired_persons)))
    if n_least < 4:
        return None
    features = np.concatenate([synthetic, acquired]).astype(np.float64)
    is_synthetic = np.arange(len(features)) < len(synthetic)
    folds = folds_by_person([*persons, *acquired_persons], is_synthetic, n_folds=min(n_folds, n_least // 2))
    scores = cross_validated_scores(features, is_synthetic, folds)
    ours, theirs = scores[is_synthetic][:, None], scores[~is_synthetic][None]
    same_fold = folds[is_synthetic][:, None] == folds[~is_synthetic][None]
    return np.where(same_fold, (ours > theirs) + 0.5 * (ours == theirs), 0.0), same_fold


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
        "value": _area(wins, is_compared),
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
    n_of_person = Counter(persons)
    names = sorted(n_of_person)
    areas, n_images, n_persons = [], [], []
    for seed in range(_N_DIVISIONS):
        order = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
        n_until = np.cumsum([n_of_person[name] for name in order])
        n_first = int(np.searchsorted(n_until, min(n, len(persons) // 2))) + 1
        first = np.isin(np.asarray(persons, dtype=str), order[:n_first])
        ours, theirs = ([p for p, is_in in zip(persons, side, strict=True) if is_in] for side in (first, ~first))
        pairs = _compared_pairs(
            acquired[first], acquired[~first], persons=ours, acquired_persons=theirs, n_folds=n_folds
        )
        if pairs is not None:
            areas.append(_area(*pairs))
            n_images.append(len(ours))
            n_persons.append(len(set(ours)))
    if len(areas) < 2:
        return None
    values = np.array(areas)
    reach = 1.96 * float(values.std(ddof=1))
    return {
        "value": round(float(values.mean()), 4),
        "low": round(max(0.0, float(values.mean()) - reach), 4),
        "high": round(min(1.0, float(values.mean()) + reach), 4),
        "n": round(float(np.mean(n_images))),
        "n_persons": round(float(np.mean(n_persons))),
    }


def _area(wins: np.ndarray, is_compared: np.ndarray) -> float:
    return round(float(wins.sum() / is_compared.sum()), 4)
