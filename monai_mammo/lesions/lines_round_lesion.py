"""Thin lines of brightness round a lesion: how bright they are, and whether they point away from it.

Fibres run anywhere, spicules away from the lesion, which pulls at them. How many lines do is a classic sign of stellate
lesions (Karssemeijer & te Brake, IEEE Trans Med Imaging 15:611, 1996).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

__all__ = ["fibre_contrast", "line_responses", "line_width_px", "outward_lines", "without_rays"]

_N_DIRECTIONS = 12
_FIBRE_LENGTH = 8.0
_FIBRE_PERCENTILE = 97.0
_LEAST_WIDTH_PX = 0.55
_WIDTH_SHARE = 0.014
_RING = (0.08, 0.5)
"""Where lines are looked for: distances from the lesion, as shares of its diameter."""

_LEAST_PX = 200


def line_width_px(diameter: float) -> float:
    """Width of the lines that are looked for round a lesion: about a seventieth of its diameter.

    Parameters
    ----------
    diameter : float
        Of the lesion without its spicules, in pixels.

    Returns
    -------
    float
        Standard deviation of the brightness across a line, in pixels.
    """
    return max(_LEAST_WIDTH_PX, _WIDTH_SHARE * diameter)


def outward_lines(picture: np.ndarray, outline: np.ndarray, tissue: np.ndarray) -> float | None:
    """How much of the strength of thin bright lines round a lesion points away from it.

    Parameters
    ----------
    picture : ndarray, shape (rows, columns)
        Brightness.
    outline, tissue : ndarray, shape (rows, columns), bool
        The lesion, and where there is tissue.

    Returns
    -------
    float or None
        Share of the squared responses within 15 degrees of the direction away from its middle, over that of lines in
        every direction alike: 1 where lines run anywhere, above it round a lesion with spicules. `None` where less than
        200 pixels of tissue lie round it.
    """
    body = without_rays(outline)
    diameter = 2 * math.sqrt(float(body.sum()) / math.pi)
    distance = ndimage.distance_transform_edt(~body)
    ring = (distance > _RING[0] * diameter) & (distance < _RING[1] * diameter) & tissue
    if ring.sum() < _LEAST_PX:
        return None
    power = np.maximum(line_responses(picture, width_px=line_width_px(diameter)), 0)[:, ring] ** 2
    row, column = ndimage.center_of_mass(body)
    rows, columns = np.nonzero(ring)
    outward = np.arctan2(rows - row, columns - column)
    angles = math.pi * np.arange(_N_DIRECTIONS) / _N_DIRECTIONS
    away = np.abs((angles[:, None] - outward + math.pi / 2) % math.pi - math.pi / 2)
    is_outward = away <= math.pi / _N_DIRECTIONS
    total = float(power.sum())
    return float(power[is_outward].sum()) / total / float(is_outward.mean()) if total > 0 else None


def fibre_contrast(picture: np.ndarray, where: np.ndarray, *, width_px: float) -> float:
    """Brightness of fibres of one width above their surround: that which 3 % of the pixels pass.

    Parameters
    ----------
    picture : ndarray, shape (rows, columns)
        Brightness.
    where : ndarray, shape (rows, columns), bool
        Where fibres are looked for.
    width_px : float
        Standard deviation of the brightness across a fibre, in pixels.

    Returns
    -------
    float
        Height of a line of Gaussian profile that gives the same response; 0 where there is nothing to measure.
    """
    if not where.any():
        return 0.0
    response = np.percentile(line_responses(picture, width_px=width_px).max(axis=0)[where], _FIBRE_PERCENTILE)
    own = 1 / math.sqrt(2) - 1 / math.sqrt(10)  # of a line of height 1 that is no wider than the filter
    return max(0.0, float(response) / own)


def line_responses(picture: np.ndarray, *, width_px: float) -> np.ndarray:
    """How much brighter a line of each direction is than what lies beside it.

    Parameters
    ----------
    picture : ndarray, shape (rows, columns)
        Brightness.
    width_px : float
        Standard deviation of the brightness across a line, in pixels.

    Returns
    -------
    ndarray, shape (12, rows, columns), float32
        Directions from that of the columns towards that of the rows, in steps of 15 degrees.
    """
    values = picture.astype(np.float32)
    fine = ndimage.gaussian_filter(values, width_px) - ndimage.gaussian_filter(values, 3 * width_px)
    half = max(2, round(_FIBRE_LENGTH * width_px / 2))
    room, (rows, columns) = np.pad(fine, half), fine.shape
    out = np.zeros((_N_DIRECTIONS, rows, columns), dtype=np.float32)
    for number in range(_N_DIRECTIONS):
        angle = math.pi * number / _N_DIRECTIONS
        for at in range(-half, half + 1):
            row, column = half + round(at * math.sin(angle)), half + round(at * math.cos(angle))
            out[number] += room[row : row + rows, column : column + columns]
    return out / (2 * half + 1)


def without_rays(outline: np.ndarray) -> np.ndarray:
    """The lesion without its thin parts; as it is where nothing would be left.

    Parameters
    ----------
    outline : ndarray, shape (rows, columns), bool
        Not empty.

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    radius = 0.1 * 2 * math.sqrt(float(outline.sum()) / math.pi)
    depth = ndimage.distance_transform_edt(np.pad(outline, 1))[1:-1, 1:-1] > radius
    if not depth.any():
        return outline
    return ndimage.distance_transform_edt(~depth) <= radius
