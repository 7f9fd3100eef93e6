"""The trace that a decoder leaves: differences across the borders of its blocks."""

from __future__ import annotations

import numpy as np

__all__ = ["border_ratio"]


def border_ratio(image: np.ndarray, breast: np.ndarray, *, block_px: int = 2) -> float | None:
    """Mean difference of neighbouring pixels across borders of blocks over that of neighbours within a block.

    Blocks begin at the picture's upper left corner. Acquired images know no blocks and have 1.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool
        Both neighbours lie in it.
    block_px : int
        Side of a block.

    Returns
    -------
    float or None
        `None` where the breast has no two neighbours of either sort, or no difference within blocks.
    """
    across, within = [], []
    for axis in (0, 1):
        pixels, inside = np.moveaxis(image.astype(np.float64), axis, 0), np.moveaxis(breast, axis, 0)
        difference, counts = np.abs(np.diff(pixels, axis=0)), inside[1:] & inside[:-1]
        is_border = np.arange(1, len(pixels)) % block_px == 0
        across.append(difference[is_border][counts[is_border]])
        within.append(difference[~is_border][counts[~is_border]])
    border, inner = np.concatenate(across), np.concatenate(within)
    if not border.size or not inner.size or inner.mean() <= 0:
        return None
    return float(border.mean() / inner.mean())
