"""Differences between trainings: intervals, p-values corrected for their number, and what could have been seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.stats import nct, norm, t

from monai_mammo.evaluation.reader_study.reader_intervals import ReadersMean

__all__ = ["POWER", "detectable_gain", "difference_jackknife", "holm_adjusted", "probit_of", "two_sided_p"]

POWER = 0.8
"""Share of studies that would show a gain as large as `detectable_gain`."""

_LEAST_AREA = 1e-3
_WIDEST = 100.0
_MANY = 1e5  # degrees of freedom from which on Student's distribution is the normal one
_Jackknife = tuple[np.ndarray, np.ndarray]


def difference_jackknife(one: _Jackknife, other: _Jackknife, *, is_paired: bool) -> _Jackknife:
    """Difference of two figures of each reader, and the same with one case left out in turn.

    Parameters
    ----------
    one, other : tuple of ndarray, shapes (n readers,) and (n cases, n readers)
        Figure of each reader, and without each case; the same readers in both.
    is_paired : bool
        Whether both are of the same cases; else no case is in both.

    Returns
    -------
    values : ndarray, shape (n readers,)
    without : ndarray, shape (n cases, n readers), or of the cases of both
    """
    if is_paired:
        return one[0] - other[0], one[1] - other[1]
    return one[0] - other[0], np.concatenate([one[1] - other[0], one[0] - other[1]])


def probit_of(figure: _Jackknife) -> _Jackknife:
    """Areas under the curve as the distance of two normal distributions of one width, in their deviations.

    Parameters
    ----------
    figure : tuple of ndarray, shapes (n readers,) and (n cases, n readers)
        Areas, from 0 to 1.

    Returns
    -------
    tuple of ndarray, shapes (n readers,) and (n cases, n readers)
        Cohen's d, the root of 2 times the probit; areas of 0 and 1 count as 0.001 and 0.999.
    """
    values, without = (math.sqrt(2) * norm.ppf(np.clip(x, _LEAST_AREA, 1 - _LEAST_AREA)) for x in figure)
    return values, without


def two_sided_p(mean: ReadersMean | None) -> float:
    """Probability of a difference as large where there is none, by Student's distribution.

    Parameters
    ----------
    mean : ReadersMean or None
        `None` where nothing varies, so that nothing is shown.

    Returns
    -------
    float
    """
    return 1.0 if mean is None else float(2 * t.sf(abs(mean.value) / mean.error, mean.freedom))


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, in the order given.

    Parameters
    ----------
    p_values : sequence of float

    Returns
    -------
    list of float
        Under 0.05 where the comparison is shown with a probability of 5 % at most of any wrong one among them all.

    References
    ----------
    Holm, Scand J Stat 6:65 (1979).
    """
    n, highest = len(p_values), 0.0
    out = [0.0] * n
    for rank, i in enumerate(sorted(range(n), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (n - rank) * p_values[i]))
        out[i] = highest
    return out


def detectable_gain(mean: ReadersMean | None, *, alpha: float = 0.05, power: float = POWER) -> float | None:
    """Smallest true difference that a two-sided test with this uncertainty shows in `power` of studies.

    Parameters
    ----------
    mean : ReadersMean or None
        Its error and degrees of freedom count, not its value.
    alpha : float
        Probability of showing a difference where there is none.
    power : float
        From `alpha` to 1.

    Returns
    -------
    float or None
        By the noncentral distribution of Student; `None` without an uncertainty.
    """
    if mean is None:
        return None
    if mean.freedom > _MANY:
        limit = float(norm.ppf(1 - alpha / 2))
        reach = brentq(lambda d: norm.sf(limit - d) + norm.cdf(-limit - d) - power, 0, _WIDEST)
    else:
        limit = float(t.ppf(1 - alpha / 2, mean.freedom))
        reach = brentq(lambda d: _sf(limit, mean.freedom, d) - power, 0, _WIDEST + 10 * limit)
    return float(reach) * mean.error


def _sf(limit: float, freedom: float, shift: float) -> float:
    """Probability that Student's statistic, shifted, lies beyond the limit on either side."""
    return float(nct.sf(limit, freedom, shift) + np.nan_to_num(nct.cdf(-limit, freedom, shift)))
