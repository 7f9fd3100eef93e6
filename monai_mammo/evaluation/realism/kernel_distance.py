"""Unbiased kernel distance of two sets of features on a few principal components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_mammo.evaluation.realism.frechet import FeatureSpace
from monai_mammo.evaluation.realism.person_folds import PersonResampler

__all__ = ["kernel_distance"]

_DEGREE = 3
_LEAST_PERSONS = 3
_N_RESAMPLES = 200


def kernel_distance(
    features: np.ndarray,
    reference: np.ndarray,
    *,
    space: FeatureSpace,
    persons: Sequence[str],
    reference_persons: Sequence[str],
) -> dict[str, Any] | None:
    """Unbiased squared kernel distance of two sets of images, of the kernel ``(x . y / k + 1)^3``.

    It differs from 0 where means, covariances or third moments differ. Unlike the Fréchet distance it does not grow
    when images are few: the mean over many draws is that of all images, and it may be negative. Only pairs of
    two persons count within a set, as images of one person are alike. Coordinates are scaled so that those of the
    reference have mean square 1.

    Parameters
    ----------
    features, reference : ndarray, shape (n, d), (m, d)
    space : FeatureSpace
        Of k components.
    persons, reference_persons : sequence of str
        Of each image; persons are resampled.

    Returns
    -------
    dict or None
        ``value``, ``low``, ``high``, ``n``, ``n_persons``; `None` where either set is of fewer than 3 persons, or the
        reference never varies.

    References
    ----------
    Gretton et al., J Mach Learn Res 13:723 (2012), equation 3; Bińkowski et al., ICLR 2018.
    """
    if min(len(set(persons)), len(set(reference_persons))) < _LEAST_PERSONS:
        return None
    left, right = space.project(features), space.project(reference)
    scale = float(np.sqrt((right**2).mean()))
    if not scale > 0:
        return None
    left, right = left / scale, right / scale
    ours, theirs = (_by_person(names) for names in (persons, reference_persons))
    sums = (
        ours.T @ _kernel(left, left) @ ours,
        theirs.T @ _kernel(right, right) @ theirs,
        ours.T @ _kernel(left, right) @ theirs,
    )
    counts = ours.sum(axis=0), theirs.sum(axis=0)
    rng = np.random.default_rng(0)
    drawn = _distances(sums, counts, *(_draws(len(some), rng) for some in counts))
    value = float(_distances(sums, counts, *(np.ones((1, len(some))) for some in counts))[0])
    low, high = np.percentile(drawn, (2.5, 97.5)) - drawn.mean() + value
    return {
        **{key: round(float(x), 4) for key, x in (("value", value), ("low", low), ("high", high))},
        "n": len(features),
        "n_persons": len(counts[0]),
    }


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    kernel: np.ndarray = (x @ y.T / x.shape[1] + 1) ** _DEGREE
    return kernel


def _by_person(persons: Sequence[str]) -> np.ndarray:
    """Whose image each is, shape (n images, n persons)."""
    _, person = np.unique(np.asarray(persons, dtype=str), return_inverse=True)
    return np.eye(int(person.max()) + 1)[person]


def _draws(n_persons: int, rng: np.random.Generator) -> np.ndarray:
    """How often each person is drawn, shape (n resamples, n persons); draws of fewer than two persons are left out."""
    weights = PersonResampler([str(i) for i in range(n_persons)]).weights(rng, 2 * _N_RESAMPLES).astype(float)
    return weights[(weights > 0).sum(axis=1) > 1][:_N_RESAMPLES]


def _distances(
    sums: tuple[np.ndarray, np.ndarray, np.ndarray],
    counts: tuple[np.ndarray, np.ndarray],
    weights: np.ndarray,
    reference_weights: np.ndarray,
) -> np.ndarray:
    """Distance at each row of weights of the persons, shape (n rows,)."""
    n = min(len(weights), len(reference_weights))
    ours, theirs = weights[:n], reference_weights[:n]
    within = [
        _mean_of_two(kernel, count, weight)
        for kernel, count, weight in zip(sums[:2], counts, (ours, theirs), strict=True)
    ]
    between = ((ours @ sums[2]) * theirs).sum(axis=1) / (ours @ counts[0]) / (theirs @ counts[1])
    distances: np.ndarray = within[0] + within[1] - 2 * between
    return distances


def _mean_of_two(kernel: np.ndarray, count: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean of the kernel over pairs of images of two persons, at each row of weights."""
    pairs = np.outer(count, count)
    apart = 1 - np.eye(len(count))
    above, below = (((weights @ (x * apart)) * weights).sum(axis=1) for x in (kernel, pairs))
    mean: np.ndarray = above / below
    return mean
