"""Means with their uncertainty: 95 % bootstrap intervals, the same on every call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["N_RESAMPLES", "difference_of_means", "ratio_of_means", "summary"]

N_RESAMPLES = 2000
_SEED = 0


def summary(values: Sequence[float] | np.ndarray) -> dict[str, Any] | None:
    """Mean of per-image figures with number of images and 95 % interval.

    Parameters
    ----------
    values : sequence of float, shape (n,)

    Returns
    -------
    dict or None
        ``mean``, ``low``, ``high``, ``n``; the interval is that of the percentile bootstrap over
        images (Efron 1979) with a fixed seed, and `None` where there are fewer than 2 images.
        `None` in place of the dict where there is no image.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return None
    return {**_with_interval(array.mean(), _resampled_means(array), array.size), "n": int(array.size)}


def ratio_of_means(values: Sequence[float], reference: Sequence[float]) -> dict[str, Any] | None:
    """Mean of `values` over mean of `reference`, both resampled on their own.

    Parameters
    ----------
    values, reference : sequence of float

    Returns
    -------
    dict or None
        ``mean`` (the ratio), ``low``, ``high``; `None` where either is empty or `reference` has mean 0.
    """
    above, below = np.asarray(values, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if not above.size or not below.size or not below.mean():
        return None
    denominators = _resampled_means(below, seed=_SEED + 1)
    ratios = _resampled_means(above)[denominators > 0] / denominators[denominators > 0]
    return _with_interval(above.mean() / below.mean(), ratios, min(above.size, below.size))


def difference_of_means(values: Sequence[float], reference: Sequence[float]) -> dict[str, Any] | None:
    """Mean of `values` less mean of `reference`, both resampled on their own.

    Parameters
    ----------
    values, reference : sequence of float

    Returns
    -------
    dict or None
        ``mean`` (the difference), ``low``, ``high``, and ``n``, the number of `values`; `None` where either is empty.
    """
    left, right = np.asarray(values, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if not left.size or not right.size:
        return None
    differences = _resampled_means(left) - _resampled_means(right, seed=_SEED + 1)
    interval = _with_interval(left.mean() - right.mean(), differences, min(left.size, right.size))
    return {**interval, "n": int(left.size)}


def _with_interval(mean: float, resampled: np.ndarray, n_least: int) -> dict[str, float | None]:
    """``mean``, ``low`` and ``high``; a figure of a single image has no interval."""
    low, high = np.percentile(resampled, (2.5, 97.5)) if n_least > 1 else (None, None)
    return {"mean": _rounded(mean), "low": _rounded(low), "high": _rounded(high)}


def _resampled_means(values: np.ndarray, *, seed: int = _SEED) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return values[rng.integers(0, values.size, (N_RESAMPLES, values.size))].mean(axis=1)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
