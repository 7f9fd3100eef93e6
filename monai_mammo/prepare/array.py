"""A mammogram's pixels brought to the array contract: plain numpy, one idea a function.

Prepared means: float32 brightness in [0, 1], everything outside the breast set to air (0),
chest wall left, cropped to the breast, padded to the grid's aspect and scaled to one size.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.prepare.geometry import Trace, box_of_mask, mirror_box, resize
from monai_mammo.prepare.grid import DEFAULT_SHAPE
from monai_mammo.study import Mammogram
from monai_mammo.terms import AcquisitionKind, ChestWall

__all__ = [
    "CHAIN_VERSION",
    "LocatedBreast",
    "PreparedMammogram",
    "breast_mask",
    "chest_wall_side",
    "locate_breast",
    "prepare_mammogram",
]

CHAIN_VERSION = "1"
"""Version of this chain; prepared data name it, so that a change is noticed."""

_WORKING_ROWS = 320
_FILM_EDGE_FRACTION = 0.015


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedMammogram:
    """One mammogram on the prepared grid.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        Brightness in [0, 1], air exactly 0, chest wall left.
    breast : ndarray, shape (rows, columns), bool
    lesion_mask : ndarray, shape (rows, columns), bool, or None
    conditions : Conditions
        As read, with the box moved along.
    trace : Trace
        The way back to the file's own grid.
    chest_wall : ChestWall
        Edge of the file's picture at which the chest wall lies, by the pixels.
    contradicts_label : bool
        Whether that is not the edge which the laterality lets expect.
    notes : tuple of str
    person_id, source, source_sha256 : str
    """

    image: np.ndarray
    breast: np.ndarray
    lesion_mask: np.ndarray | None
    conditions: Conditions
    trace: Trace
    chest_wall: ChestWall
    contradicts_label: bool
    notes: tuple[str, ...] = ()
    person_id: str = ""
    source: str = ""
    source_sha256: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocatedBreast:
    """A mammogram, and where the breast is in it.

    Parameters
    ----------
    mammogram : Mammogram
    mask : ndarray, shape (rows, columns), bool
        The breast, on the grid of the file.
    chest_wall : ChestWall
        Edge of the file's picture at which the chest wall lies.
    """

    mammogram: Mammogram
    mask: np.ndarray
    chest_wall: ChestWall

    def on_grid(self, shape: tuple[int, int] | None) -> PreparedMammogram:
        """Mammogram brought to the array contract.

        Parameters
        ----------
        shape : tuple of int or None
            Rows and columns of the prepared grid; `None` keeps the pixels of the file: turned, cropped and cleaned
            of what is no breast, but neither padded nor scaled.
        """
        mammogram, breast = self.mammogram, self.mask
        trace = _trace_to_breast(breast, is_mirrored=self.chest_wall is ChestWall.RIGHT, shape=shape)
        soft = trace.forward(breast.astype(np.float32))
        image = np.clip(trace.forward(np.where(breast, mammogram.pixels, np.float32(0))), 0, 1)
        breast_out = soft >= 0.5
        image = np.where(breast_out, image, np.float32(0))
        expected = mammogram.expected_chest_wall
        contradicts = expected is not None and self.chest_wall != expected
        notes = mammogram.notes
        if contradicts:
            notes = (*notes, f"chest wall lies {self.chest_wall} by the pixels, {expected} by the laterality")
        stated = mammogram.stated_chest_wall
        if stated not in (None, self.chest_wall):
            notes = (*notes, f"chest wall lies {self.chest_wall} by the pixels, {stated} by PatientOrientation")
        return PreparedMammogram(
            image=image.astype(np.float32),
            breast=breast_out,
            lesion_mask=None if mammogram.lesion_mask is None else trace.forward(mammogram.lesion_mask),
            conditions=_moved_conditions(mammogram, trace),
            trace=trace,
            chest_wall=self.chest_wall,
            contradicts_label=contradicts,
            notes=notes,
            person_id=mammogram.person_id,
            source=mammogram.source,
            source_sha256=mammogram.source_sha256,
        )


def prepare_mammogram(
    mammogram: Mammogram, *, shape: tuple[int, int] | None = DEFAULT_SHAPE, chest_wall: ChestWall | None = None
) -> PreparedMammogram:
    """Mammogram brought to the array contract.

    Parameters
    ----------
    mammogram : Mammogram
    shape : tuple of int or None
        Rows and columns of the prepared grid; `None` keeps the pixels of the file.
    chest_wall : ChestWall or None
        Overrides what the pixels say, where a data set's table knows better.

    Raises
    ------
    MammoError
        No breast is found in the picture.
    """
    return locate_breast(mammogram, chest_wall=chest_wall).on_grid(shape)


def locate_breast(mammogram: Mammogram, *, chest_wall: ChestWall | None = None) -> LocatedBreast:
    """Where the breast of a mammogram is, and at which edge it is cut off.

    Parameters
    ----------
    mammogram : Mammogram
    chest_wall : ChestWall or None
        Overrides what the pixels say, where a data set's table knows better.

    Raises
    ------
    MammoError
        No breast is found in the picture.
    """
    breast = breast_mask(mammogram.pixels, kind=mammogram.conditions.kind)
    side = chest_wall or chest_wall_side(breast) or mammogram.expected_chest_wall or ChestWall.LEFT
    if mammogram.conditions.kind is AcquisitionKind.FILM:
        bare = _bare_film(mammogram.pixels, breast, is_mirrored=side is ChestWall.RIGHT)
        breast = _largest_part(breast & ~bare)
    return LocatedBreast(mammogram=mammogram, mask=breast, chest_wall=side)


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
    part = _largest_part(_opened(blurred > threshold, 3))
    if part.sum() < 0.02 * part.size:
        raise MammoError("no breast is found in the picture")
    part = _largest_part(_opened(part, max(3, round(0.02 * small.shape[0]))))
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


def _bare_film(pixels: np.ndarray, breast: np.ndarray, *, is_mirrored: bool) -> np.ndarray:
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


def _moved_conditions(mammogram: Mammogram, trace: Trace) -> Conditions:
    conditions = mammogram.conditions
    box = None if conditions.box is None else trace.forward_box(conditions.box)
    if box is None and mammogram.lesion_mask is not None:
        box = box_of_mask(trace.forward(mammogram.lesion_mask))
    return conditions.replace(box=box)


def _trace_to_breast(breast: np.ndarray, *, is_mirrored: bool, shape: tuple[int, int] | None) -> Trace:
    box = box_of_mask(breast)
    if box is None:
        raise MammoError("no breast is found in the picture")
    box = mirror_box(box) if is_mirrored else box
    rows, columns = breast.shape
    row0, row1 = round(box.y0 * rows), round(box.y1 * rows)
    column0, column1 = round(box.x0 * columns), round(box.x1 * columns)
    margin = max(1, round(0.01 * (row1 - row0)))  # a little air round the skin line
    row0, row1 = max(0, row0 - margin), min(rows, row1 + margin)
    column1 = min(columns, column1 + margin)
    height, width = row1 - row0, column1 - column0
    aspect = (height, width) if shape is None else shape
    wanted_width = max(width, round(height * aspect[1] / aspect[0]))
    wanted_height = max(height, round(width * aspect[0] / aspect[1]))
    top = (wanted_height - height) // 2
    return Trace(
        source_shape=(rows, columns),
        is_mirrored=is_mirrored,
        crop=(row0, row1, column0, column1),
        padding=(top, wanted_height - height - top, 0, wanted_width - width),
        shape=aspect,
    )


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


def _largest_part(mask: np.ndarray) -> np.ndarray:
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
