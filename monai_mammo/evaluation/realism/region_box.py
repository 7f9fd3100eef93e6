"""The part of a picture round a region, where all that is measured of the region can be computed."""

from __future__ import annotations

import numpy as np

__all__ = ["box_round"]


def box_round(inside: np.ndarray, margin_px: int) -> tuple[slice, slice]:
    """Rows and columns of a region with what filters see beside it.

    Parameters
    ----------
    inside : ndarray, shape (rows, columns), bool
        One pixel or more.
    margin_px : int
        How far filters reach; cut off at the picture's edges.

    Returns
    -------
    tuple of two slices
    """
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    down, across = (slice(max(0, int(some[0]) - margin_px), int(some[-1]) + 1 + margin_px) for some in (rows, columns))
    return down, across
