"""What a breast's outline tells: size, proportions, bites, and bright specks beside it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

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
    return {
        "breast area": float(breast.mean()),
        "breast width": float(columns[-1] - columns[0] + 1) / breast.shape[1],
        "breast height": float(rows[-1] - rows[0] + 1) / breast.shape[0],
        "solidity": float(breast.sum() / _hull_area(breast)),
    }


def _hull_area(region: np.ndarray) -> int:
    """Pixels whose middle the convex hull of the region's pixels holds, each pixel the rhombus of its sides' middles.

    As many as `skimage.morphology.convex_hull_image` has, which asks each pixel of the picture whether it lies in the
    hull. Here each row is cut by the hull's sides, in whole numbers of half pixels.
    """
    rows = np.flatnonzero(region.any(axis=1))
    first, last = region[rows].argmax(axis=1), region.shape[1] - 1 - region[rows, ::-1].argmax(axis=1)
    ends = 2 * np.concatenate([np.column_stack([rows, columns]) for columns in (first, last)])
    points = np.concatenate([ends + step for step in ((-1, 0), (1, 0), (0, -1), (0, 1))])
    corners = points[ConvexHull(points).vertices]
    lower, upper = corners, np.roll(corners, -1, axis=0)
    is_turned = lower[:, :1] > upper[:, :1]
    lower, upper = np.where(is_turned, upper, lower), np.where(is_turned, lower, upper)
    is_sloping = upper[:, 0] > lower[:, 0]  # the ends of a level side belong to sloping ones
    (y, x), (height, width) = lower[is_sloping].T[..., None], (upper - lower)[is_sloping].T[..., None]
    line = 2 * np.arange(rows[0], rows[-1] + 1)
    is_cut = (y <= line) & (line <= y + height)  # (sides, rows)
    above, below = x * height + width * (line - y), 2 * height
    left = np.where(is_cut, -(-above // below), region.shape[1]).min(axis=0)
    right = np.where(is_cut, above // below, -1).max(axis=0)
    return int((right - left + 1).sum())
