"""Statistics of readers who detect and rank: FROC, ROC, rank correlation, and intervals over persons."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

__all__ = [
    "ScoredDetections",
    "auc",
    "by_person",
    "sensitivity_at_false_positives",
    "spearman",
    "specificity_at_sensitivity",
]

N_RESAMPLES = 1000
_SEED = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScoredDetections:
    """Detections of one image, beside its lesions.

    Parameters
    ----------
    scores : tuple of float
        Of the detections.
    hits : tuple of int
        Lesion that each detection meets, -1 for none.
    n_lesions : int
        Lesions in the image.
    """

    scores: tuple[float, ...]
    hits: tuple[int, ...]
    n_lesions: int


def by_person(
    statistic: Callable[[np.ndarray], float | None], persons: Sequence[str], *, n_resamples: int = N_RESAMPLES
) -> dict[str, Any] | None:
    """A statistic of images with its 95 % percentile interval over persons (cluster bootstrap, fixed seed).

    Parameters
    ----------
    statistic : callable
        From indices of images, with repetitions, to a value; `None` where it is not defined.
    persons : sequence of str, one an image
    n_resamples : int
        Times that persons are drawn anew.

    Returns
    -------
    dict or None
        ``mean`` (the statistic of all images), ``low``, ``high``, ``n``, ``n_persons``; `None` where it is not defined.
        ``low`` and ``high`` are `None` with fewer than two persons.
    """
    names, owner = np.unique(np.asarray(persons, dtype=str), return_inverse=True)
    value = statistic(np.arange(len(owner))) if len(owner) else None
    if value is None:
        return None
    images = [np.flatnonzero(owner == i) for i in range(len(names))]
    rng = np.random.default_rng(_SEED)
    drawn = []
    for _ in range(n_resamples if len(names) > 1 else 0):
        some = statistic(np.concatenate([images[i] for i in rng.integers(0, len(names), len(names))]))
        if some is not None:
            drawn.append(some)
    low, high = np.percentile(drawn, (2.5, 97.5)) if drawn else (None, None)
    rounded = [None if v is None else round(float(v), 4) for v in (value, low, high)]
    return dict(zip(("mean", "low", "high"), rounded, strict=True)) | {"n": len(owner), "n_persons": len(names)}


def auc(scores: np.ndarray, is_positive: np.ndarray) -> float | None:
    """Area under the ROC curve: the chance that a positive ranks above a negative, ties counted half.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    is_positive : ndarray, shape (n,), bool

    Returns
    -------
    float or None
        `None` where either class is missing.
    """
    n_positive = int(is_positive.sum())
    n_negative = len(is_positive) - n_positive
    if not n_positive or not n_negative:
        return None
    ranks = stats.rankdata(scores)
    return float((ranks[is_positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def spearman(scores: np.ndarray, labels: np.ndarray) -> float | None:
    """Rank correlation, ties at their mean rank (Spearman 1904).

    Parameters
    ----------
    scores, labels : ndarray, shape (n,)

    Returns
    -------
    float or None
        `None` where either does not vary, or with fewer than 3 images.
    """
    if len(scores) < 3 or np.ptp(scores) == 0 or np.ptp(labels) == 0:
        return None
    return float(np.corrcoef(stats.rankdata(scores), stats.rankdata(labels))[0, 1])


def specificity_at_sensitivity(
    scores: np.ndarray, is_positive: np.ndarray, *, sensitivity: float = 0.8
) -> float | None:
    """Share of negatives below the highest threshold at which at least `sensitivity` of the positives are named.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    is_positive : ndarray, shape (n,), bool
    sensitivity : float
        In (0, 1].

    Returns
    -------
    float or None
        `None` where either class is missing.
    """
    positives, negatives = np.sort(scores[is_positive])[::-1], scores[~is_positive]
    if not len(positives) or not len(negatives):
        return None
    threshold = positives[int(np.ceil(sensitivity * len(positives))) - 1]
    return float((negatives < threshold).mean())


def sensitivity_at_false_positives(images: Sequence[ScoredDetections], *, false_positives: float = 1.0) -> float | None:
    """Share of lesions that are met where no more than a number of detections an image, on average, meet none (FROC).

    A lesion counts as met once, however many detections meet it; a second detection on it is no false one.

    Parameters
    ----------
    images : sequence of ScoredDetections
        With and without lesions.
    false_positives : float
        Mean number an image.

    Returns
    -------
    float or None
        `None` where there is no lesion.
    """
    n_lesions = sum(image.n_lesions for image in images)
    if not n_lesions:
        return None
    false_scores = np.sort([s for image in images for s, hit in zip(image.scores, image.hits, strict=True) if hit < 0])
    allowed = int(np.floor(false_positives * len(images)))
    threshold = -np.inf if len(false_scores) <= allowed else false_scores[::-1][allowed]
    met = 0
    for image in images:
        met += len({h for s, h in zip(image.scores, image.hits, strict=True) if h >= 0 and s > threshold})
    return met / n_lesions
