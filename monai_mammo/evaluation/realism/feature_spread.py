"""Spread of features, those left out that do not vary but for rounding."""

from __future__ import annotations

import numpy as np

__all__ = ["RADIOMIC_SORTS", "feature_spread", "has_one_unit"]

RADIOMIC_SORTS = ("radiomic", "filtered radiomic")
"""Sorts of features of which each has a unit of its own; those of a network are all activations."""

_ROUNDING = 1e-6  # of the size of what was added up: ten times the precision of single precision
_LEAST_OF_USUAL = 0.1  # of the deviation that half of a network's units exceed


def has_one_unit(sort: str) -> bool:
    """Whether features of a sort can be held against each other without being scaled.

    Parameters
    ----------
    sort : str
        Name of the sort, such as ``judge``.

    Returns
    -------
    bool
    """
    return sort not in RADIOMIC_SORTS


def feature_spread(features: np.ndarray, *, is_one_unit: bool = False) -> np.ndarray:
    """Standard deviation of each feature, infinity where it is no more than rounding: over it nothing is left of it.

    Rounding is as large as what was added up. A feature of one value is told by its own size. A unit of a network may
    be silent but for what is left where large numbers cancel, so there the usual size of a feature counts as well.

    In few images a unit of a network may hardly vary by chance, and one image in which it does would lie beyond all
    others. So no spread of such a unit is less than a tenth of the usual one, the median of those that vary.

    Parameters
    ----------
    features : ndarray, shape (n, d)
    is_one_unit : bool
        Whether all features have one unit, as those of a network do.

    Returns
    -------
    ndarray, shape (d,)
    """
    size = np.abs(features).max(axis=0, initial=0.0)
    usual_size = float(np.median(size)) if is_one_unit and size.size else 0.0
    deviation = features.std(axis=0)
    varies = deviation > _ROUNDING * np.maximum(size, usual_size)
    least = _LEAST_OF_USUAL * float(np.median(deviation[varies])) if is_one_unit and varies.any() else 0.0
    spread: np.ndarray = np.where(varies, np.maximum(deviation, least), np.inf)
    return spread
