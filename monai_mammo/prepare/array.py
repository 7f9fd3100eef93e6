"""A mammogram's pixels brought to the array contract: plain numpy, one idea a function.

Prepared means: float32 brightness in [0, 1], everything outside the breast set to air (0),
chest wall left, cropped to the breast, padded to the grid's aspect and scaled to one size.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.prepare.breast import air_brightness, breast_mask, chest_wall_side
from monai_mammo.prepare.geometry import Trace, box_of_mask, mirror_box
from monai_mammo.prepare.grid import DEFAULT_SHAPE
from monai_mammo.prepare.plausibility import picture_doubts
from monai_mammo.study import Mammogram
from monai_mammo.terms import AcquisitionKind, ChestWall

__all__ = [
    "CHAIN_VERSION",
    "LocatedBreast",
    "PreparedMammogram",
    "locate_breast",
    "prepare_mammogram",
]

CHAIN_VERSION = "2"
"""Version of this chain; prepared data name it, so that a change is noticed."""

_MOST_BREAST = 0.95
_LEAST_HEIGHT_MM = 80.0


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
        What was noticed, a sentence each.
    person_id : str
        Pseudonym of the person.
    study_id : str
        Pseudonym of the study; empty where it is not known.
    source : str
        Folder of the data set, as it is published.
    source_sha256 : str
        Hash of the file, in hexadecimal.
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
    study_id: str = ""
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
    pixel_aspect : float
        Width of a pixel over its height; the prepared grid has square pixels.
    notes : tuple of str
        What is doubtful about the picture, as ``code: sentence`` (`monai_mammo.prepare.plausibility`).
    """

    mammogram: Mammogram
    mask: np.ndarray
    chest_wall: ChestWall
    pixel_aspect: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the picture is as high as a breast is and leaves room for air, and so shows no part of one alone."""
        spacing = self.mammogram.spacing
        if spacing is not None and self.mask.shape[0] * spacing.row_mm < _LEAST_HEIGHT_MM:
            return False
        return float(self.mask.mean()) <= _MOST_BREAST

    def on_grid(self, shape: tuple[int, int] | None) -> PreparedMammogram:
        """Mammogram brought to the array contract.

        Parameters
        ----------
        shape : tuple of int or None
            Rows and columns of the prepared grid; `None` keeps the pixels of the file: turned, cropped and cleaned
            of what is no breast, but neither padded nor scaled.

        Returns
        -------
        PreparedMammogram
        """
        mammogram, breast = self.mammogram, self.mask
        trace = _trace_to_breast(
            breast, is_mirrored=self.chest_wall is ChestWall.RIGHT, shape=shape, pixel_aspect=self.pixel_aspect
        )
        soft = trace.forward(breast.astype(np.float32))
        reach = max(2, round(0.007 * breast.shape[0]))  # the skin line is scaled with the air beside it, then cut
        image = np.clip(trace.forward(np.where(_grown(breast, reach), mammogram.pixels, np.float32(0)), order=3), 0, 1)
        breast_out = soft >= 0.5
        image = np.where(breast_out, image, np.float32(0))
        expected = mammogram.expected_chest_wall
        contradicts = expected is not None and self.chest_wall != expected
        notes = (*mammogram.notes, *self.notes)
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
            study_id=mammogram.study_id,
            source=mammogram.source,
            source_sha256=mammogram.source_sha256,
        )


def prepare_mammogram(
    mammogram: Mammogram,
    *,
    shape: tuple[int, int] | None = DEFAULT_SHAPE,
    chest_wall: ChestWall | None = None,
    pixel_aspect: float | None = None,
) -> PreparedMammogram:
    """Mammogram brought to the array contract.

    Parameters
    ----------
    mammogram : Mammogram
    shape : tuple of int or None
        Rows and columns of the prepared grid; `None` keeps the pixels of the file.
    chest_wall : ChestWall or None
        Overrides what the pixels say, where a data set's table knows better.
    pixel_aspect : float or None
        Width of a pixel over its height, where a data set's table knows the true size; by default as the spacing says.

    Returns
    -------
    PreparedMammogram

    Raises
    ------
    MammoError
        No breast is found in the picture.
    """
    return locate_breast(mammogram, chest_wall=chest_wall, pixel_aspect=pixel_aspect).on_grid(shape)


def locate_breast(
    mammogram: Mammogram, *, chest_wall: ChestWall | None = None, pixel_aspect: float | None = None
) -> LocatedBreast:
    """Where the breast of a mammogram is, and at which edge it is cut off.

    Parameters
    ----------
    mammogram : Mammogram
    chest_wall : ChestWall or None
        Overrides what the pixels say, where a data set's table knows better.
    pixel_aspect : float or None
        Width of a pixel over its height, where a data set's table knows the true size; by default as the spacing says.

    Returns
    -------
    LocatedBreast

    Raises
    ------
    MammoError
        No breast is found in the picture.
    """
    breast = breast_mask(mammogram.pixels, kind=mammogram.conditions.kind)
    by_pixels = chest_wall_side(breast)
    side = chest_wall or by_pixels or mammogram.expected_chest_wall or ChestWall.LEFT
    is_film = mammogram.conditions.kind is AcquisitionKind.FILM
    air = None if is_film else air_brightness(mammogram.pixels)  # the air of a film is never quite black
    doubts = picture_doubts(mammogram.pixels, breast, air=air, side=by_pixels)
    spacing = mammogram.spacing
    if pixel_aspect is None:
        pixel_aspect = 1.0 if spacing is None else spacing.column_mm / spacing.row_mm
    return LocatedBreast(
        mammogram=mammogram,
        mask=breast,
        chest_wall=side,
        pixel_aspect=pixel_aspect,
        notes=tuple(f"{code}: {words}" for code, words in doubts.items()),
    )


def _moved_conditions(mammogram: Mammogram, trace: Trace) -> Conditions:
    conditions = mammogram.conditions
    box = None if conditions.box is None else trace.forward_box(conditions.box)
    if box is None and mammogram.lesion_mask is not None:
        box = box_of_mask(trace.forward(mammogram.lesion_mask))
    return conditions.replace(box=box)


def _grown(mask: np.ndarray, reach: int) -> np.ndarray:
    """Mask, shape (rows, columns), with all pixels up to `reach` rows and columns away."""
    out = mask.copy()
    for axis in (0, 1):
        lines, grown = np.moveaxis(out.copy(), axis, 0), np.moveaxis(out, axis, 0)
        for step in range(1, reach + 1):
            grown[step:] |= lines[:-step]
            grown[:-step] |= lines[step:]
    return out


def _trace_to_breast(
    breast: np.ndarray, *, is_mirrored: bool, shape: tuple[int, int] | None, pixel_aspect: float
) -> Trace:
    box = box_of_mask(breast)
    if box is None:
        raise MammoError("no breast is found in the picture")
    box = mirror_box(box) if is_mirrored else box
    rows, columns = breast.shape
    row0, row1 = round(box.y0 * rows), round(box.y1 * rows)
    column0, column1 = round(box.x0 * columns), round(box.x1 * columns)
    margin = max(1, round(0.01 * (row1 - row0)))  # a little air round the skin line, none where the picture cuts it
    if not _is_cut(breast[row0]):
        row0 = max(0, row0 - margin)
    if not _is_cut(breast[row1 - 1]):
        row1 = min(rows, row1 + margin)
    column1 = min(columns, column1 + margin)
    height, width = row1 - row0, column1 - column0
    if shape is None:
        padded_height, padded_width = height, width
    else:
        padded_width = max(width, round(height * shape[1] / shape[0] / pixel_aspect))
        padded_height = max(height, round(width * shape[0] / shape[1] * pixel_aspect))
    top = (padded_height - height) // 2
    return Trace(
        source_shape=(rows, columns),
        is_mirrored=is_mirrored,
        crop=(row0, row1, column0, column1),
        padding=(top, padded_height - height - top, 0, padded_width - width),
        shape=(height, width) if shape is None else shape,
    )


def _is_cut(line: np.ndarray) -> bool:
    """Whether the outermost line of a breast is as long as an edge of the picture makes it, not as a round outline."""
    return bool(line.mean() > 0.12)
