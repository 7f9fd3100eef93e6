"""Whether the background of a picture is dark, as it is in a mammogram, by its pixels alone."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.morphology import convex_hull_image

from monai_mammo.prepare.geometry import resize

__all__ = ["INVERTED_BELOW", "background_darkness"]

INVERTED_BELOW = 0.0
"""Darkness of the background under which a picture counts as inverted; decision 0010 shows the gap that it lies in."""

_SHAPE = (96, 72)
_MARGIN = 4  # rows and columns of film edge
_NEAR = 0.12  # of the range, to its dark or bright end
_FLATTEST = 0.03
_CORNER = 6


def background_darkness(pixels: np.ndarray) -> float:
    """How sure it is that the background round the breast is dark.

    Evidence that dark is air, less the same evidence that bright is air, so that an inverted picture has the opposite
    sign. There are three kinds: air lies outside the convex breast, air is the flattest part of the picture, and at
    least two corners are air. Flatness and corners are taken twice, with and without the blank strips that films have
    along their edges. What leaves no breast cannot be air.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1].

    Returns
    -------
    float
        From -4 (a bright background) to 4 (a dark one); the opposite for ``1 - pixels``, and 0 for a blank picture.
    """
    small = resize(pixels, _SHAPE)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN].astype(np.float64)
    low, high = np.percentile(small, [1, 99])
    if high - low < 1e-3:
        return 0.0
    whole = np.clip((small - low) / (high - low), 0, 1)
    inner = _without_blank_lines(whole)
    return _evidence_of_dark_air(whole, inner) - _evidence_of_dark_air(1 - whole, 1 - inner)


def _evidence_of_dark_air(whole: np.ndarray, inner: np.ndarray) -> float:
    air = _dark_at_edges(inner)
    body = _largest_body(~air)
    if not body.any():
        return 0.0
    outside = float((air & ~convex_hull_image(body)).mean())
    flat = _share_of_flattest(inner, air) + _share_of_flattest(whole, _dark_at_edges(whole))
    return 2 * outside + 0.5 * (flat + _corner_darkness(inner) + _corner_darkness(whole))


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


def _dark_at_edges(values: np.ndarray) -> np.ndarray:
    """Dark parts that reach an edge of the picture."""
    parts, _ = ndimage.label(values < _NEAR)
    at_edges = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return np.isin(parts, at_edges[at_edges > 0])


def _largest_body(rest: np.ndarray) -> np.ndarray:
    """Largest part of what is not air, without thin lines; nothing where there is none."""
    opened = ndimage.binary_opening(np.pad(rest, 3, mode="edge"), iterations=2)[3:-3, 3:-3]
    parts, n_parts = ndimage.label(opened)
    if n_parts == 0:
        return np.zeros_like(rest)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return parts == sizes.argmax()


def _share_of_flattest(values: np.ndarray, air: np.ndarray) -> float:
    """Share of the flattest pixels that are air."""
    gradient = ndimage.gaussian_gradient_magnitude(values, 1.0)
    return float(air[gradient <= np.quantile(gradient, _FLATTEST)].mean())


def _corner_darkness(values: np.ndarray) -> float:
    """Darkness of the second darkest corner."""
    ends = slice(None, _CORNER), slice(-_CORNER, None)
    brightness = sorted(float(np.median(values[rows, columns])) for rows in ends for columns in ends)
    return 1 - brightness[1]
