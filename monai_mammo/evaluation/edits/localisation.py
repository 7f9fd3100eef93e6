"""How well a map of a mammogram tells where the lesion is."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

__all__ = ["difference_map", "located"]

_SMOOTHING_PX = 1.5
_SHARE_OF_PEAK = 0.5


def difference_map(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How much a picture changed where, smoothed.

    Parameters
    ----------
    before, after : ndarray, shape (rows, columns), float32

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    out: np.ndarray = ndimage.gaussian_filter(np.abs(after - before), _SMOOTHING_PX)
    return out


def located(values: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Pointing game and overlap of a map with a lesion.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        0 or more; high where the lesion is said to be.
    mask : ndarray, shape (rows, columns), bool
        The lesion.

    Returns
    -------
    dict
        ``hit``: 1 where the highest value lies in the lesion, else 0 (pointing game; Zhang et al. 2018); ``iou``: of
        what reaches half of the highest value with the lesion. Both 0 for a map of zeros.
    """
    peak = float(values.max())
    if peak <= 0:
        return {"hit": 0.0, "iou": 0.0}
    found = values >= _SHARE_OF_PEAK * peak
    return {
        "hit": float(mask[np.unravel_index(int(values.argmax()), values.shape)]),
        "iou": float((found & mask).sum() / (found | mask).sum()),
    }
