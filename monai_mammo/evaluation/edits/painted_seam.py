"""Whether a seam is left where a region was painted: the gradient across its edge, beside that across circles."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from monai_mammo.lesions.painter_crops import blending_band_px

__all__ = ["SEAM_MEASURES", "edge_gradients", "seam_shares"]

SEAM_MEASURES = ("across", "across over along")
"""Change of brightness across an edge, and that over the change along it, which busy tissue does not raise."""

N_CIRCLES = 20
_SMOOTHING_PX = 1.0
_RADII = (1.0, 0.7, 0.5)
_COARSEST = 512


def edge_gradients(picture: np.ndarray, region: np.ndarray, *, band_px: float) -> dict[str, float]:
    """Mean change of brightness a pixel at the edge of a region, whichever way it goes.

    Parameters
    ----------
    picture : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    region : ndarray, shape (rows, columns), bool
        Not empty.
    band_px : float
        Width of the band along the edge that is looked at.

    Returns
    -------
    dict of str to float
        By `SEAM_MEASURES`.
    """
    part = _window(region, math.ceil(band_px) + 4)
    own, inside = picture[part], region[part]
    depth = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    band = np.abs(depth) <= band_px / 2
    down, right = np.gradient(ndimage.gaussian_filter(depth, 2.0))
    length = np.maximum(np.hypot(down, right), 1e-6)
    down, right = down / length, right / length
    slope_down, slope_right = np.gradient(ndimage.gaussian_filter(own.astype(np.float64), _SMOOTHING_PX))
    across = float(np.abs(down * slope_down + right * slope_right)[band].mean())
    along = float(np.abs(down * slope_right - right * slope_down)[band].mean())
    return dict(zip(SEAM_MEASURES, (across, across / max(along, 1e-9)), strict=True))


def seam_shares(
    picture: np.ndarray, region: np.ndarray, elsewhere: np.ndarray, rng: np.random.Generator
) -> dict[str, float]:
    """Share of circles elsewhere in the picture at whose edge brightness changes less than at a region's.

    Parameters
    ----------
    picture : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    region : ndarray, shape (rows, columns), bool
        What was painted; not empty.
    elsewhere : ndarray, shape (rows, columns), bool
        Where circles may lie, their band too: tissue that is as it was.
    rng : numpy.random.Generator
        Draws the circles.

    Returns
    -------
    dict of str to float
        By `SEAM_MEASURES`: 0.5 where the edge is as any other place, 1 where it is always seen; empty where no circle
        finds room.
    """
    band_px = blending_band_px(region)
    circles = _circles(elsewhere, math.sqrt(float(region.sum()) / math.pi), band_px, rng)
    if not circles:
        return {}
    own = edge_gradients(picture, region, band_px=band_px)
    others = [_of_circle(picture, *circle, band_px) for circle in circles]
    return {
        name: float(np.mean([(own[name] > one[name]) + 0.5 * (own[name] == one[name]) for one in others]))
        for name in SEAM_MEASURES
    }


def _circles(
    elsewhere: np.ndarray, radius: float, band_px: float, rng: np.random.Generator
) -> list[tuple[int, int, float]]:
    """Middles and radius of circles of one size, as large as the region where that finds room, else smaller."""
    factor = max(1, min(elsewhere.shape) // _COARSEST)
    room = ndimage.distance_transform_edt(np.pad(elsewhere[::factor, ::factor], 1))[1:-1, 1:-1] * factor
    for share in _RADII:
        rows, columns = np.nonzero(room > share * radius + band_px / 2 + 1)
        if len(rows):
            drawn = rng.integers(0, len(rows), N_CIRCLES)
            return [(int(rows[i]) * factor, int(columns[i]) * factor, share * radius) for i in drawn]
    return []


def _of_circle(picture: np.ndarray, row: int, column: int, radius: float, band_px: float) -> dict[str, float]:
    reach = math.ceil(radius + band_px) + 5
    top, left = max(0, row - reach), max(0, column - reach)
    part = picture[top : row + reach + 1, left : column + reach + 1]
    y, x = np.ogrid[: part.shape[0], : part.shape[1]]
    return edge_gradients(part, np.hypot(y - (row - top), x - (column - left)) <= radius, band_px=band_px)


def _window(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin),
    )
