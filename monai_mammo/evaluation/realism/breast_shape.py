"""What a breast's outline tells: size, proportions, bites, and bright specks beside it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.morphology import convex_hull_image

from monai_mammo.prepare.breast import beside_breast

__all__ = ["bright_parts", "shape_measures"]

_LEAST_BRIGHTNESS = 0.03  # of 12-bit noise and rounding nothing is left above it


def bright_parts(image: np.ndarray) -> float:
    """Number of separate parts brighter than 0.03 that no other part encloses; the breast alone is 1.

    Dark fat may leave islands inside the skin line: they lie in the breast and do not count. Neighbours share a side.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1], chest wall left.

    Returns
    -------
    float
    """
    bright = image > _LEAST_BRIGHTNESS
    return float(1 + ndimage.label(beside_breast(bright))[1]) if bright.any() else 0.0


def shape_measures(breast: np.ndarray) -> dict[str, float]:
    """Size and form of a breast.

    Parameters
    ----------
    breast : ndarray, shape (rows, columns), bool
        Chest wall left.

    Returns
    -------
    dict
        ``breast area`` as share of the picture; ``breast width`` and ``breast height`` as shares of its sides;
        ``solidity``: area over that of the convex hull, which bites lower. Empty for an empty mask.
    """
    if not breast.any():
        return {}
    rows, columns = np.nonzero(breast.any(axis=1))[0], np.nonzero(breast.any(axis=0))[0]
    hull = convex_hull_image(breast) if breast.sum() > 3 else breast
    return {
        "breast area": float(breast.mean()),
        "breast width": float(columns[-1] - columns[0] + 1) / breast.shape[1],
        "breast height": float(rows[-1] - rows[0] + 1) / breast.shape[0],
        "solidity": float(breast.sum() / max(hull.sum(), 1)),
    }
