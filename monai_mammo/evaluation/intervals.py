"""Means with their uncertainty: 95 % bootstrap intervals over persons, the same on every call.

Images of one person are alike, so an interval over images would be too narrow: what is drawn again is a person, with
all of the person's images (cluster bootstrap; Davison and Hinkley 1997, section 3.8).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "N_RESAMPLES",
    "difference_of_figures",
    "difference_of_means",
    "ratio_of_figures",
    "ratio_of_means",
    "ratio_of_medians",
    "share_of",
    "summary",
]

N_RESAMPLES = 2000
_SEED = 0
_NORMAL_95 = 1.959964
_LEAST = 1e-9
_PARTS = ("value", "low", "high")


def summary(values: Sequence[float] | np.ndarray, *, persons: Sequence[str] | None = None) -> dict[str, Any] | None:
    """Mean of per-image figures with number of images and 95 % interval.

    Parameters
    ----------
    values : sequence of float, shape (n,)
    persons : sequence of str, length n, optional
        Whose image each is; without it each image is a person of its own.

    Returns
    -------
    dict or None
        ``mean``, ``low``, ``high``, ``n``; the interval is that of the percentile bootstrap over
        persons (Efron 1979) with a fixed seed, and `None` where there are fewer than 2 persons.
        `None` in place of the dict where there is no image.
    """
    sums = _Sums.of(values, persons)
    if sums is None:
        return None
    return {**_with_interval(sums.mean, sums.resampled(), sums.n_persons), "n": sums.n_images}


def ratio_of_means(
    values: Sequence[float] | np.ndarray,
    reference: Sequence[float] | np.ndarray,
    *,
    persons: Sequence[str] | None = None,
    reference_persons: Sequence[str] | None = None,
) -> dict[str, Any] | None:
    """Mean of `values` over mean of `reference`, both resampled on their own.

    Parameters
    ----------
    values, reference : sequence of float, shapes (n,) and (m,)
    persons, reference_persons : sequence of str, optional
        Whose image each is; without them each image is a person of its own.

    Returns
    -------
    dict or None
        ``mean`` (the ratio), ``low``, ``high``; `None` where either is empty or `reference` has mean 0.
    """
    above, below = _Sums.of(values, persons), _Sums.of(reference, reference_persons)
    if above is None or below is None or not below.mean:
        return None
    denominators = below.resampled(seed=_SEED + 1)
    ratios = above.resampled()[denominators > 0] / denominators[denominators > 0]
    return _with_interval(above.mean / below.mean, ratios, min(above.n_persons, below.n_persons))


def ratio_of_medians(
    values: Sequence[float] | np.ndarray,
    reference: Sequence[float] | np.ndarray,
    *,
    persons: Sequence[str],
    reference_persons: Sequence[str],
) -> dict[str, Any] | None:
    """Median of `values` over median of `reference`, both resampled on their own.

    Parameters
    ----------
    values, reference : sequence of float, shapes (n,) and (m,)
    persons, reference_persons : sequence of str
        Whose image each is.

    Returns
    -------
    dict or None
        ``mean`` (the ratio), ``low``, ``high``; `None` where either is empty or the median of `reference` is 0.
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (values, reference)]
    if not all(map(len, sides)) or not np.median(sides[1]):
        return None
    medians = [
        _resampled_medians(side, whose, seed)
        for seed, (side, whose) in enumerate(zip(sides, (persons, reference_persons), strict=True))
    ]
    is_known = medians[1] > 0
    n_least = min(len(set(persons)), len(set(reference_persons)))
    ratio = float(np.median(sides[0]) / np.median(sides[1]))
    return _with_interval(ratio, medians[0][is_known] / medians[1][is_known], n_least)


def _resampled_medians(values: np.ndarray, persons: Sequence[str], seed: int) -> np.ndarray:
    names, owner = np.unique(np.asarray(persons, dtype=str), return_inverse=True)
    of_person = [values[owner == i] for i in range(len(names))]
    rng = np.random.default_rng(_SEED + seed)
    drawn = rng.integers(0, len(names), (N_RESAMPLES, len(names)))
    return np.array([np.median(np.concatenate([of_person[i] for i in row])) for row in drawn])


def difference_of_means(
    values: Sequence[float] | np.ndarray,
    reference: Sequence[float] | np.ndarray,
    *,
    persons: Sequence[str] | None = None,
    reference_persons: Sequence[str] | None = None,
) -> dict[str, Any] | None:
    """Mean of `values` less mean of `reference`, both resampled on their own.

    Parameters
    ----------
    values, reference : sequence of float, shapes (n,) and (m,)
    persons, reference_persons : sequence of str, optional
        Whose image each is; without them each image is a person of its own.

    Returns
    -------
    dict or None
        ``mean`` (the difference), ``low``, ``high``, and ``n``, the number of `values`; `None` where either is empty.
    """
    left, right = _Sums.of(values, persons), _Sums.of(reference, reference_persons)
    if left is None or right is None:
        return None
    differences = left.resampled() - right.resampled(seed=_SEED + 1)
    interval = _with_interval(left.mean - right.mean, differences, min(left.n_persons, right.n_persons))
    return {**interval, "n": left.n_images}


def share_of(n_such: int, n: int) -> dict[str, Any] | None:
    """Share of `n` images, with Wilson's 95 % interval.

    Parameters
    ----------
    n_such : int
        Images that count, 0 to `n`.
    n : int
        All images.

    Returns
    -------
    dict or None
        ``mean``, ``low``, ``high``, ``n``; `None` where there is no image.

    References
    ----------
    Wilson, J Am Stat Assoc 22:209 (1927).
    """
    if n == 0:
        return None
    share, z2 = n_such / n, _NORMAL_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = _NORMAL_95 / (1 + z2 / n) * float(np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)))
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return {"mean": _rounded(share), "low": _rounded(low), "high": _rounded(high), "n": n}


def difference_of_figures(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, float | None]:
    """Difference of two figures that each have an interval of their own.

    Parameters
    ----------
    left, right : mapping
        ``mean`` or ``value``, with ``low`` and ``high``.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``: the distances from figure to bound add up as variances do, which is on the safe
        side where both figures share a reference. No interval where either has none.

    References
    ----------
    Zou and Donner, Stat Med 27:1693 (2008).
    """
    return {key: _rounded(value) for key, value in _exact_difference(left, right).items()}


def ratio_of_figures(above: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, float | None] | None:
    """Ratio of two figures that each have an interval of their own: `difference_of_figures` of logarithms.

    Parameters
    ----------
    above, below : mapping
        ``mean`` or ``value``, with ``low`` and ``high``.

    Returns
    -------
    dict or None
        ``value``, ``low``, ``high``; `None` where `above` is negative or `below` not positive.
    """
    parts = [_parts(figure) for figure in (above, below)]
    if parts[0][0] < 0 or parts[1][0] <= 0:
        return None
    logs = [
        {key: None if v is None else float(np.log(max(v, _LEAST))) for key, v in zip(_PARTS, part, strict=True)}
        for part in parts
    ]
    found = _exact_difference(*logs)
    return {key: None if value is None else _rounded(float(np.exp(value))) for key, value in found.items()}


class _Sums(NamedTuple):
    """Per person, sum of the figures and number of images, shapes (n persons,)."""

    totals: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, values: Sequence[float] | np.ndarray, persons: Sequence[str] | None) -> _Sums | None:
        array = np.asarray(values, dtype=np.float64)
        if array.size == 0:
            return None
        if persons is None:
            return cls(array, np.ones(array.size))
        if len(persons) != array.size:
            raise ValueError(f"{array.size} figures are of {len(persons)} persons: one person a figure is needed")
        _, person = np.unique(np.asarray(persons, dtype=str), return_inverse=True)
        return cls(np.bincount(person, weights=array), np.bincount(person).astype(np.float64))

    @property
    def n_persons(self) -> int:
        return self.totals.size

    @property
    def n_images(self) -> int:
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        return float(self.totals.sum() / self.counts.sum())

    def resampled(self, *, seed: int = _SEED) -> np.ndarray:
        """Means over images of persons drawn with replacement, shape (N_RESAMPLES,)."""
        drawn = _drawn_persons(seed, self.n_persons)
        return self.totals[drawn].sum(axis=1) / self.counts[drawn].sum(axis=1)


@functools.lru_cache(maxsize=16)
def _drawn_persons(seed: int, n_persons: int) -> np.ndarray:
    """Persons drawn with replacement, shape (N_RESAMPLES, n_persons): the same for all figures of as many persons."""
    drawn = np.random.default_rng(seed).integers(0, n_persons, (N_RESAMPLES, n_persons))
    drawn.flags.writeable = False
    return drawn


def _exact_difference(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, float | None]:
    (a, a_low, a_high), (b, b_low, b_high) = _parts(left), _parts(right)
    if a_low is None or a_high is None or b_low is None or b_high is None:
        return {"value": a - b, "low": None, "high": None}
    below, over = float(np.hypot(a - a_low, b_high - b)), float(np.hypot(a_high - a, b - b_low))
    return {"value": a - b, "low": a - b - below, "high": a - b + over}


def _parts(figure: Mapping[str, Any]) -> tuple[float, float | None, float | None]:
    return figure["value"] if "value" in figure else figure["mean"], figure["low"], figure["high"]


def _with_interval(mean: float, resampled: np.ndarray, n_least: int) -> dict[str, float | None]:
    """``mean``, ``low`` and ``high``; a figure of a single person has no interval."""
    low, high = np.percentile(resampled, (2.5, 97.5)) if n_least > 1 else (None, None)
    return {"mean": _rounded(mean), "low": _rounded(low), "high": _rounded(high)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
