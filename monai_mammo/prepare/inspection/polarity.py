"""Whether the ground of a picture is dark, as it is in a mammogram, by its pixels alone."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.morphology import convex_hull_image

from monai_mammo.prepare.geometry import resize

__all__ = ["INVERTED_BELOW", "ground_darkness"]

INVERTED_BELOW = 0.1
"""Darkness of the ground under which a picture counts as inverted; decision 0010 shows the gap that it lies in."""

_SHAPE = (96, 72)
_MARGIN = 4  # rows and columns of film edge
_NEAR = 0.12  # of the range, to its dark or bright end
_FLATTEST = 0.03
_CORNER = 6


def ground_darkness(pixels: np.ndarray) -> float:
    """How sure it is that the ground round the breast is dark.

    Three kinds of evidence, each for "dark is air" less the same for "bright is air", so that an inverted picture
    has the opposite sign: air lies outside the convex breast, air is the flattest part of the picture, and at least two
    corners are air. Flatness and corners are taken twice, with and without the blank strips that films have along
    their edges.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1].

    Returns
    -------
    float
        From -4 (a bright ground) to 4 (a dark one); exactly the opposite for ``1 - pixels``.
    """
    small = resize(pixels, _SHAPE)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN].astype(np.float64)
    low, high = np.percentile(small, [1, 99])
    if high - low < 1e-3:
        return 0.0
    whole = np.clip((small - low) / (high - low), 0, 1)
    inner = _without_blank_lines(whole)
    outside = _air_outside(inner) - _air_outside(1 - inner)
    votes = [vote(part) for part in (whole, inner) for vote in (_flat_vote, _corner_vote)]
    return float(2 * outside + 0.5 * sum(votes))


def _without_blank_lines(values: np.ndarray) -> np.ndarray:
    """Picture without rows and columns at its edges that are all dark or all bright."""
    is_changed = True
    while is_changed:
        is_changed = False
        for turns in range(4):
            turned = np.rot90(values, turns)
            while turned.shape[0] >= 3 * _CORNER and _is_blank(turned[0]):
                turned, is_changed = turned[1:], True
            values = np.rot90(turned, -turns)
    return values


def _is_blank(line: np.ndarray) -> bool:
    return bool((line < _NEAR).mean() > 0.97 or (line > 1 - _NEAR).mean() > 0.97)


def _air_outside(values: np.ndarray) -> float:
    """Share of the picture that is dark, reaches an edge and lies outside the convex hull of the rest."""
    parts, _ = ndimage.label(values < _NEAR)
    at_edges = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    air = np.isin(parts, at_edges[at_edges > 0])
    body = ndimage.binary_opening(np.pad(~air, 3, mode="edge"), iterations=2)[3:-3, 3:-3]
    parts, n_parts = ndimage.label(body)
    if n_parts == 0:
        return 0.0
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return float((air & ~convex_hull_image(parts == sizes.argmax())).mean())


def _flat_vote(values: np.ndarray) -> float:
    """Share of the flattest pixels that are dark, less the share that are bright."""
    gradient = ndimage.gaussian_gradient_magnitude(values, 1.0)
    flattest = values[gradient <= np.quantile(gradient, _FLATTEST)]
    return float((flattest < _NEAR).mean() - (flattest > 1 - _NEAR).mean())


def _corner_vote(values: np.ndarray) -> float:
    """Darkness of the second darkest corner less brightness of the second brightest."""
    corners = [values[rows, columns] for rows in (_FIRST, _LAST) for columns in (_FIRST, _LAST)]
    ordered = sorted(float(np.median(corner)) for corner in corners)
    return (1 - ordered[1]) - ordered[2]


_FIRST, _LAST = slice(None, _CORNER), slice(-_CORNER, None)
