"""How deep the texture of a filled region may be, held to that of the tissue round it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

__all__ = ["texture_share"]

_FINE, _COARSE = 1.0, 4.0
"""Deviations in pixels of the crop between which texture is measured: finer is grain, coarser is anatomy."""

_REACH = 8
_LEAST_PX = 64
_NORMAL = 1.4826


def texture_share(drawn: np.ndarray, crop: np.ndarray, region: np.ndarray, tissue: np.ndarray) -> float:
    """Share of a drawn texture that is as deep as that of the tissue round it, by the median.

    The painter draws texture as deep as the coarse structure round the region is. Where an edge between gland and fat
    runs through the surroundings, that is deeper than any texture there, and the region comes out in dark and bright
    lumps. The median does not count the edge.

    Parameters
    ----------
    drawn, crop : ndarray, shape (rows, columns)
        Brightness in [0, 1] of the picture that was drawn, and of the one before.
    region, tissue : ndarray, shape (rows, columns), bool
        What was drawn, and the breast.

    Returns
    -------
    float
        0 to 1; 1 where it is no deeper, or one of the two is too small to be measured.
    """
    inside = ndimage.binary_erosion(region, iterations=3)
    around = ndimage.binary_erosion(tissue, iterations=_REACH // 2) & ~ndimage.binary_dilation(
        region, iterations=_REACH
    )
    if min(inside.sum(), around.sum()) < _LEAST_PX:
        return 1.0
    depth, known = _depth(drawn, inside), _depth(crop, around)
    return 1.0 if depth <= known else known / depth


def _depth(image: np.ndarray, place: np.ndarray) -> float:
    """Deviation of the texture at a place, of the half of pixels that deviate least."""
    image = image.astype(np.float32)
    texture = (ndimage.gaussian_filter(image, _FINE) - ndimage.gaussian_filter(image, _COARSE))[place]
    return _NORMAL * float(np.median(np.abs(texture - np.median(texture))))
