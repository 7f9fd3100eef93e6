"""How deep the texture of a filled region may be, held to that of the tissue round it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

__all__ = ["COARSE_PX", "LEAST_PX", "texture_depth", "texture_share", "tissue_round"]

LEAST_PX = 64
"""Pixels of a crop under which no texture is measured."""

COARSE_PX = 4.0
"""Deviation in pixels of a crop above which structure is anatomy; texture is finer."""

_FINE_PX = 1.0
"""The same under which it is grain."""

_REACH = 8
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
    around = tissue_round(region, tissue)
    if min(inside.sum(), around.sum()) < LEAST_PX:
        return 1.0
    depth, known = texture_depth(drawn, inside), texture_depth(crop, around)
    return 1.0 if depth <= known else known / depth


def tissue_round(region: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Tissue whose texture is that round a region.

    Parameters
    ----------
    region, tissue : ndarray, shape (rows, columns), bool
        The region, and the breast.

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    return ndimage.binary_erosion(tissue, iterations=_REACH // 2) & ~ndimage.binary_dilation(region, iterations=_REACH)


def texture_depth(image: np.ndarray, place: np.ndarray) -> float:
    """Deviation of the texture at a place, of the half of pixels that deviate least.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    place : ndarray, shape (rows, columns), bool
        Not empty.

    Returns
    -------
    float
    """
    image = image.astype(np.float32)
    texture = (ndimage.gaussian_filter(image, _FINE_PX) - ndimage.gaussian_filter(image, COARSE_PX))[place]
    return _NORMAL * float(np.median(np.abs(texture - np.median(texture))))
