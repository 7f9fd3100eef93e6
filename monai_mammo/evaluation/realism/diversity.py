"""How unlike each other the images of a set are, within equal conditions and between them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from monai_mammo.evaluation.realism.person_folds import PersonResampler

__all__ = ["diversity_figures"]

_N_RESAMPLES = 500
_LEAST_PERSONS = 5


def diversity_figures(
    points: np.ndarray, groups: Sequence[Hashable | None], *, persons: Sequence[str]
) -> dict[str, dict[str, Any] | None]:
    """Mean distance of two images of two persons, of one group and of two groups.

    Where images of equal conditions lie closer together than acquired ones do, a generator draws the same breast again
    and again; where the ratio of both distances is lower than that of acquired images, it follows its conditions more
    than breasts do.

    Parameters
    ----------
    points : ndarray, shape (n, k)
        Features of the images in one scale.
    groups : sequence, length n
        What is equal within a group, such as the conditions; images of `None` are left out.
    persons : sequence of str, length n
        Of each image; persons are resampled, and two images of one person are no pair.

    Returns
    -------
    dict of str to dict or None
        ``within``, ``between`` and ``ratio`` (within over between), each with ``value``, ``low``, ``high`` (95 %
        bootstrap interval over persons), ``n`` images and ``n_pairs``; `None` where there is no such pair, or images
        of fewer than 5 persons.
    """
    known = [i for i, group in enumerate(groups) if group is not None]
    whose = np.array([str(persons[i]) for i in known])
    empty: dict[str, dict[str, Any] | None] = dict.fromkeys(("within", "between", "ratio"))
    if len(set(whose)) < _LEAST_PERSONS:
        return empty
    of = {group: number for number, group in enumerate(dict.fromkeys(groups[i] for i in known))}
    number = np.array([of[groups[i]] for i in known])
    distance = cdist(points[known], points[known])
    is_pair = whose[:, None] != whose[None]
    is_equal = number[:, None] == number[None]
    weights = PersonResampler(list(whose)).weights(np.random.default_rng(0), _N_RESAMPLES).astype(float)
    weights = np.concatenate([np.ones((1, len(known))), weights])
    means = {name: _means(distance, is_pair & some, weights) for name, some in _parts(is_equal).items()}
    n_pairs = {name: int((is_pair & some).sum()) // 2 for name, some in _parts(is_equal).items()}
    found = {name: _figure(values, len(known), n_pairs[name]) for name, values in means.items()}
    both = min(n_pairs.values())
    return {**empty, **found, "ratio": _figure(means["within"] / means["between"], len(known), both) if both else None}


def _parts(is_equal: np.ndarray) -> dict[str, np.ndarray]:
    return {"within": is_equal, "between": ~is_equal}


def _means(distance: np.ndarray, counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean distance of the pairs that count, at each row of weights, shape (n rows,); NaN where there is none."""
    above = ((weights @ (distance * counts)) * weights).sum(axis=1)
    below = ((weights @ counts.astype(float)) * weights).sum(axis=1)
    return np.divide(above, below, out=np.full(len(weights), np.nan), where=below > 0)


def _figure(values: np.ndarray, n: int, n_pairs: int) -> dict[str, Any] | None:
    """Figure of all images, which stands first, with the reach of the others."""
    if not n_pairs:
        return None
    drawn = values[1:][np.isfinite(values[1:])]
    low, high = np.percentile(drawn, (2.5, 97.5)) if len(drawn) else (np.nan, np.nan)
    value = {key: round(float(x), 4) for key, x in (("value", values[0]), ("low", low), ("high", high))}
    return {**value, "n": n, "n_pairs": n_pairs}
