"""Where the breast is in a picture, and at which edge it is cut off: by the pixels alone."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from monai_mammo.errors import MammoError
from monai_mammo.prepare.geometry import resize
from monai_mammo.terms import AcquisitionKind, ChestWall

__all__ = ["bare_film", "breast_mask", "chest_wall_side", "largest_part"]

_WORKING_ROWS = 320
_FILM_EDGE_FRACTION = 0.015


def breast_mask(pixels: np.ndarray, *, kind: AcquisitionKind | None = None) -> np.ndarray:
    """Where the breast is, without film edges, tape and burnt-in letters.

    The largest part above a threshold of the blurred picture, opened, its holes filled. Pictures
    whose air is exactly 0 take a threshold just above it, so that the fat of digital views stays
    in; others take a share of Otsu's threshold, after bright strips along the film's edges,
    which are straight, thin and brighter than what lies beside them, were taken out.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    kind : AcquisitionKind or None
        `None` decides by the share of pixels that are exactly 0.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    MammoError
        Nothing in the picture is large enough to be a breast.
    """
    rows, columns = pixels.shape
    scale = min(1.0, _WORKING_ROWS / rows)
    small = resize(pixels, (max(8, round(rows * scale)), max(8, round(columns * scale))))
    is_film = kind is AcquisitionKind.FILM if kind is not None else float((small <= 1 / 255).mean()) < 0.08
    work = _without_film_edges(small) if is_film else small
    blurred = ndimage.gaussian_filter(work, 1.2)
    threshold = float(np.clip(0.45 * _otsu(blurred), 0.03, 0.25)) if is_film else 0.012
    part = largest_part(_opened(blurred > threshold, 3))
    if part.sum() < 0.02 * part.size:
        raise MammoError("no breast is found in the picture")
    part = largest_part(_opened(part, max(3, round(0.02 * small.shape[0]))))
    part = ndimage.binary_fill_holes(_closed_at_edges(part))
    full = resize(part.astype(np.float32), (rows, columns)) if part.shape != (rows, columns) else part
    return np.asarray(full) >= 0.5


def chest_wall_side(breast: np.ndarray) -> ChestWall | None:
    """Edge of the picture at which the breast is cut off, by its mask.

    Compares how many rows of the breast reach near the left and the right end of its extent: the
    chest wall is straight and long, the outline towards the nipple is round. `None` when the two
    differ by under a tenth.
    """
    occupied = np.nonzero(breast.any(axis=0))[0]
    if occupied.size == 0:
        return None
    first, last = occupied[0], occupied[-1]
    band = max(1, round(0.08 * (last - first + 1)))
    left = float(breast[:, first : first + band].mean())
    right = float(breast[:, last - band + 1 : last + 1].mean())
    if abs(left - right) < 0.1 * max(left, right):
        return None
    return ChestWall.LEFT if left > right else ChestWall.RIGHT


def bare_film(pixels: np.ndarray, breast: np.ndarray, *, is_mirrored: bool) -> np.ndarray:
    """Thin strips of bare film beside the chest wall and along the upper and lower edge.

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    strips = np.zeros_like(breast)
    for turns, fall in ((2 if is_mirrored else 0, 0.05), (1, 0.1), (3, 0.1)):  # quarter turns that bring an edge left
        found = _strip_at_left(np.rot90(pixels, turns), np.rot90(breast, turns), fall=fall)
        strips |= np.rot90(found, -turns)
    return strips


def _strip_at_left(pixels: np.ndarray, breast: np.ndarray, *, fall: float) -> np.ndarray:
    """Columns up to the last sharp fall in brightness, in the first 6 % of the breast.

    Tissue brightens towards an edge gradually; bare film falls by more than `fall` of the range
    within 0.7 % of the picture.
    """
    columns = np.nonzero(breast.any(axis=0))[0]
    strip = np.zeros_like(breast)
    if columns.size == 0:
        return strip
    first, step = int(columns[0]), max(2, round(0.007 * max(pixels.shape)))
    rows = breast[:, first : first + 8 * step].all(axis=1)
    limit = min(max(3 * step, round(0.06 * columns.size)), max(columns.size - 2 * step, 0))
    if rows.sum() >= 0.06 * pixels.shape[0]:
        profile = np.median(pixels[rows, first : first + limit + step], axis=0)
        falls = np.nonzero(profile[:-step] - profile[step:] > fall)[0]
        if falls.size:
            strip[:, : first + int(falls[-1]) + step] = True
    return strip


def _without_film_edges(pixels: np.ndarray) -> np.ndarray:
    """Film with a border cut off, and thin bright strips along its edges darkened to air."""
    out = pixels.copy()
    margin = max(2, round(_FILM_EDGE_FRACTION * pixels.shape[0]))
    out[:margin] = out[-margin:] = 0
    out[:, :margin] = out[:, -margin:] = 0
    for axis, at_end in ((0, False), (0, True), (1, False), (1, True)):
        out = _without_edge_strip(out, axis=axis, at_end=at_end, start=margin)
    return out


def _without_edge_strip(pixels: np.ndarray, *, axis: int, at_end: bool, start: int) -> np.ndarray:
    """Lines from an edge inward set to air as long as they are mostly near white."""
    lines = np.moveaxis(pixels, axis, 0)
    lines = lines[::-1] if at_end else lines
    limit = max(start + 1, round(0.12 * lines.shape[0]))
    stop = start
    for i in range(start, limit):
        if float((lines[i] > 0.9).mean()) > 0.35:
            stop = i + 1
    if stop == start:
        return pixels
    out = pixels.copy()
    view = np.moveaxis(out, axis, 0)
    view = view[::-1] if at_end else view
    view[:stop] = 0
    return out


def _otsu(pixels: np.ndarray) -> float:
    counts, edges = np.histogram(pixels, bins=256, range=(0, 1))
    centers = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sum_below = np.cumsum(counts * centers)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sum_below / below - (sum_below[-1] - sum_below) / above) ** 2
    return float(centers[int(np.nanargmax(np.where(np.isfinite(between), between, 0)))])


def _opened(mask: np.ndarray, size: int) -> np.ndarray:
    """Opening by a disc; the picture's edge counts as inside, as the chest wall is cut there."""
    radius = max(1, size // 2)
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disc = x * x + y * y <= radius * radius
    padded = np.pad(mask, radius + 1, mode="edge")
    opened = ndimage.binary_dilation(ndimage.binary_erosion(padded, disc), disc)
    return opened[radius + 1 : -radius - 1, radius + 1 : -radius - 1]


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Largest connected part of a mask, shape (rows, columns), bool; an empty mask as it is."""
    labels, n_parts = ndimage.label(mask)
    if n_parts == 0:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == int(sizes.argmax())


def _closed_at_edges(mask: np.ndarray) -> np.ndarray:
    """Chest-wall column closed between its first and last pixel, so that holes there are filled too."""
    out = mask.copy()
    for column in (0, -1):
        rows = np.nonzero(mask[:, column])[0]
        if rows.size > 0.25 * mask.shape[0]:
            out[rows[0] : rows[-1] + 1, column] = True
    return out
