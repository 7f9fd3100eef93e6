"""Figures of several readers on the same cases: their mean, with an interval for other readers and other cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm, t

from monai_mammo.evaluation.intervals import share_of

__all__ = [
    "ReadersMean",
    "area_interval",
    "area_jackknife",
    "figure_of_readers",
    "interval_over_readers",
    "mean_over_readers",
    "share_interval",
    "share_jackknife",
]

_LEAST_VARIANCE, _LEAST_AREA = 1e-12, 1e-6
_Z = float(norm.ppf(0.975))


def area_jackknife(
    scores: np.ndarray, is_synthetic: np.ndarray, *, persons: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Area under the curve of each reader, and the same with one person left out in turn.

    Parameters
    ----------
    scores : ndarray, shape (n images, n readers)
        The larger, the surer that an image is synthetic; equal scores count half.
    is_synthetic : ndarray, shape (n images,), bool
        Some are and some are not.
    persons : sequence of str
        Of each image; a generated image is a person of its own. No person has images of both sorts, and neither sort is
        of one person alone.

    Returns
    -------
    areas : ndarray, shape (n readers,)
    without : ndarray, shape (n persons, n readers)
    """
    ours, theirs = scores[is_synthetic], scores[~is_synthetic]
    wins = (ours[:, None] > theirs[None]) + 0.5 * (ours[:, None] == theirs[None])  # (m, n, n readers)
    of_each = np.zeros(scores.shape)  # what an image contributes to the sum over pairs
    of_each[is_synthetic], of_each[~is_synthetic] = wins.sum(axis=1), wins.sum(axis=0)
    m, n = len(ours), len(theirs)
    total, group = wins.sum(axis=(0, 1)), _numbered(persons)
    n_left = n - np.bincount(group, weights=~is_synthetic)
    m_left = m - np.bincount(group, weights=is_synthetic)
    return total / (m * n), (total - _sums(of_each, group)) / (m_left * n_left)[:, None]


def share_jackknife(is_right: np.ndarray, *, persons: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Share of right answers of each reader, and the same with one person left out in turn.

    Parameters
    ----------
    is_right : ndarray, shape (n cases, n readers), bool
    persons : sequence of str
        Of each case, two persons or more.

    Returns
    -------
    shares : ndarray, shape (n readers,)
    without : ndarray, shape (n persons, n readers)
    """
    group = _numbered(persons)
    n_left = len(is_right) - np.bincount(group)
    without = (is_right.sum(axis=0) - _sums(is_right.astype(np.float64), group)) / n_left[:, None]
    return is_right.mean(axis=0), without


def interval_over_readers(values: np.ndarray, without: np.ndarray) -> dict[str, float] | None:
    """Mean figure of readers with a 95 % interval that holds for other readers and other cases.

    The model of Obuchowski and Rockette for readings of one kind: the figures of readers differ by reader, and by the
    cases, which all of them read, so that their errors are correlated. Covariances come from the jackknife over
    cases, the degrees of freedom are those of Hillis.

    Parameters
    ----------
    values : ndarray, shape (n readers,)
        Figure of each reader on all cases.
    without : ndarray, shape (n cases, n readers)
        The same with each case left out in turn.

    Returns
    -------
    dict or None
        ``value``, ``low``, ``high`` in [0, 1]; `None` of fewer than two readers, or where the figures do not vary at
        all, as where everything is told by everybody: they say nothing of their own uncertainty then.

    References
    ----------
    Obuchowski and Rockette, Commun Stat Simul 24:285 (1995); Hillis, Stat Med 26:596 (2007).
    """
    found = mean_over_readers(values, without)
    if found is None:
        return None
    low, high = found.bounds()
    return {"value": found.value, "low": max(0.0, low), "high": min(1.0, high)}


class ReadersMean(NamedTuple):
    """Mean figure of readers, its standard error and degrees of freedom.

    Parameters
    ----------
    value, error : float
        The mean, and its standard error, of readers and cases alike.
    freedom : float
        Infinite where the figures do not differ by reader.
    """

    value: float
    error: float
    freedom: float

    def bounds(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of Student's distribution.

        Parameters
        ----------
        level : float
            Share of studies whose interval is to hold the true figure.

        Returns
        -------
        low, high : float
        """
        reach = float(t.ppf(0.5 + level / 2, self.freedom)) * self.error
        return self.value - reach, self.value + reach


def mean_over_readers(values: np.ndarray, without: np.ndarray) -> ReadersMean | None:
    """Mean figure of readers and its uncertainty, as `interval_over_readers` says.

    Where the figure is a difference between two readings of the same reader, this is the model's comparison of them.

    Parameters
    ----------
    values : ndarray, shape (n readers,)
        Figure of each reader on all cases.
    without : ndarray, shape (n cases, n readers)
        The same with each case left out in turn.

    Returns
    -------
    ReadersMean or None
        `None` of fewer than two readers, or where the figures do not vary at all.
    """
    n_cases, n_readers = without.shape
    if n_readers < 2:
        return None
    apart = without - without.mean(axis=0)
    covariances = (n_cases - 1) / n_cases * apart.T @ apart
    covariance = (covariances.sum() - np.trace(covariances)) / (n_readers * (n_readers - 1))
    between = float(values.var(ddof=1))
    total = between + n_readers * max(float(covariance), 0.0)
    if total < _LEAST_VARIANCE:
        return None
    freedom = math.inf if between < _LEAST_VARIANCE else total**2 / (between**2 / (n_readers - 1))
    return ReadersMean(float(values.mean()), math.sqrt(total / n_readers), freedom)


def area_interval(area: float, n_synthetic: int, n_acquired: int) -> dict[str, float]:
    """Area under the curve of one reader with a 95 % interval that also holds at 0 and 1.

    Parameters
    ----------
    area : float
        From 0 to 1.
    n_synthetic, n_acquired : int
        Images; persons where some have several.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``: the areas at which the variance of Hanley and McNeil just reaches the one seen.

    References
    ----------
    Newcombe, Stat Med 25:559 (2006), method 5.
    """
    n_mean = (n_synthetic + n_acquired) / 2

    def excess(other: float) -> float:
        shape = 1 + (n_mean - 1) * ((1 - other) / (2 - other) + other / (1 + other))
        variance = other * (1 - other) * shape / (n_synthetic * n_acquired)
        return (area - other) ** 2 - _Z**2 * variance

    inside = min(max(area, _LEAST_AREA), 1 - _LEAST_AREA)
    low = float(brentq(excess, 0.0, inside)) if area > _LEAST_AREA else 0.0
    high = float(brentq(excess, inside, 1.0)) if area < 1 - _LEAST_AREA else 1.0
    return {"value": area, "low": low, "high": high}


def figure_of_readers(values: np.ndarray, without: np.ndarray, *, alone: dict[str, Any], n: int) -> dict[str, Any]:
    """Mean figure of readers, with the interval of one reader where that of several cannot be had.

    Parameters
    ----------
    values : ndarray, shape (n readers,)
    without : ndarray, shape (n cases, n readers)
    alone : dict
        ``low`` and ``high`` of the mean as though one reader had it.
    n : int
        Cases.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``, ``n``, ``n_readers``, and ``holds_for``: ``other readers and cases``, or ``other
        cases``.
    """
    found = interval_over_readers(values, without)
    low, high = (found or alone)["low"], (found or alone)["high"]
    return {
        "value": round(float(values.mean()), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "n": n,
        "n_readers": len(values),
        "holds_for": "other readers and cases" if found else "other cases",
    }


def share_interval(share: float, n: int) -> dict[str, Any]:
    """Share of `n` cases with Wilson's interval, where it may be the mean of several readers.

    Parameters
    ----------
    share : float
        From 0 to 1.
    n : int
        1 or more.

    Returns
    -------
    dict
        ``mean``, ``low``, ``high``, ``n``.
    """
    return dict(share_of(round(share * n), n) or {})


def _numbered(persons: Sequence[str]) -> np.ndarray:
    """Number of each image's person, in the order in which persons come, shape (n,)."""
    numbers = {name: i for i, name in enumerate(dict.fromkeys(persons))}
    return np.array([numbers[name] for name in persons])


def _sums(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Sums of rows by group, shape (n groups, n readers)."""
    sums = np.zeros((int(group.max()) + 1, values.shape[1]))
    np.add.at(sums, group, values)
    return sums
