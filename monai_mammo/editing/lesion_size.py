"""Size of a lesion that was painted, measured on what it added to a picture."""

from __future__ import annotations

import numpy as np

__all__ = ["measured_scale"]

_INSIDE, _OUTSIDE = 0.6, (1.35, 1.6)
_STEP = 0.02
_LEAST_CONTRAST = 0.004


def measured_scale(added: np.ndarray, level: np.ndarray) -> float | None:
    """Size of what was added, as a multiple of the outline that it was painted in: where its mean falls to half.

    The mean of what was added is taken along the outline at each size; between the mean inside 0.6 of the outline and
    that round it, the size at which it passes half way is the lesion's.

    Parameters
    ----------
    added : ndarray, shape (rows, columns), float32
        Brightness of the picture with the lesion less that of the same picture without it.
    level : ndarray, shape (rows, columns), float32
        How many times the outline must be enlarged to reach each pixel.

    Returns
    -------
    float or None
        `None` where the lesion differs by less than 0.4 % of full brightness from what lies round it, or is so small
        that no size is told.
    """
    near = level < 2
    at, values = level[near], added[near]
    inside, outside = at < _INSIDE, (at >= _OUTSIDE[0]) & (at < _OUTSIDE[1])
    if inside.sum() < 3 or outside.sum() < 3:
        return None
    high, low = float(values[inside].mean()), float(values[outside].mean())
    if abs(high - low) < _LEAST_CONTRAST:
        return None
    bins = np.floor(at / _STEP).astype(int)
    count = np.bincount(bins, minlength=round(2 / _STEP))
    total = np.bincount(bins, values, minlength=len(count))
    size = (np.arange(len(count)) + 0.5) * _STEP
    known = count > 0
    share = (total[known] / count[known] - low) / (high - low)
    size = size[known]
    start = int(np.searchsorted(size, _INSIDE))
    below = np.flatnonzero(share[start:] < 0.5)
    if not len(below) or start + below[0] == 0:
        return None
    k = start + int(below[0])
    before, after = share[k - 1], share[k]
    weight = 0.0 if before == after else float((before - 0.5) / (before - after))
    return float(size[k - 1] + np.clip(weight, 0, 1) * (size[k] - size[k - 1]))
