"""Pixels with their geometry: one mammogram, and the mammograms of one person on one day."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import MammoError
from monai_mammo.terms import ChestWall, Finding, FindingCategory, Laterality, Pathology, parse_birads

__all__ = ["MASK_KINDS", "Annotation", "Mammogram", "Spacing", "StoredImage", "Study", "chest_wall_of"]

MASK_KINDS = ("contour", "box", "circle", "point", "none")
"""What the place of a finding may have been drawn as."""


def chest_wall_of(laterality: Laterality) -> ChestWall:
    """Edge at which readers expect the chest wall: left for a left breast.

    Parameters
    ----------
    laterality : Laterality

    Returns
    -------
    ChestWall
    """
    return ChestWall.LEFT if laterality is Laterality.L else ChestWall.RIGHT


@dataclasses.dataclass(frozen=True, slots=True)
class Spacing:
    """Distance of neighbouring pixels at the detector, and where the figure comes from.

    Parameters
    ----------
    row_mm, column_mm : float
        Between rows and between columns, in mm, both above 0.
    source : str
        Such as ``imager``, ``calibrated`` or ``nominal``. An unknown spacing is no
        `Spacing` at all, never 1.0.
    """

    row_mm: float
    column_mm: float
    source: str

    def __post_init__(self) -> None:
        if not (0 < self.row_mm < 100 and 0 < self.column_mm < 100):
            raise MammoError(f"spacing {self.row_mm} x {self.column_mm} mm is not above 0")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotation:
    """One finding that a data set describes on one mammogram.

    Parameters
    ----------
    categories : tuple of FindingCategory
        What it is called, one or several words; empty where the data set does not say.
    box : Box or None
        In fractions of the picture of the file.
    outlines : tuple of ndarray, shape (n, 2), float64
        Closed outlines as x and y, in fractions of the picture.
    mask_kind : str
        What the place was drawn as: ``contour``, ``box``, ``circle``, ``point`` or ``none``.
    birads : int or None
        Assessment category of this finding.
    birads_letter : str
        ``a``, ``b`` or ``c`` behind category 4, else empty.
    pathology : Pathology or None
    descriptors : dict of str to tuple of str
        The data set's words by what they describe, such as ``shape``, ``margin`` or ``distribution``.
    notes : tuple of str
        What was noticed, such as a box that was clipped to the frame.
    """

    categories: tuple[FindingCategory, ...] = ()
    box: Box | None = None
    outlines: tuple[np.ndarray, ...] = ()
    mask_kind: str = "none"
    birads: int | None = None
    birads_letter: str = ""
    pathology: Pathology | None = None
    descriptors: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mask_kind not in MASK_KINDS:
            raise MammoError(f"mask kind {self.mask_kind!r} is not one of {', '.join(MASK_KINDS)}")
        if self.birads is not None:
            object.__setattr__(self, "birads", parse_birads(self.birads))
        if self.birads_letter not in ("", "a", "b", "c"):
            raise MammoError(f"letter {self.birads_letter!r} behind a BI-RADS category is not one of a, b, c")

    @property
    def is_lesion(self) -> bool:
        """Whether it is a lesion in the breast, rather than skin, nipple or nothing."""
        return any(category.finding not in (None, Finding.NONE) for category in self.categories)

    def to_dict(self) -> dict[str, Any]:
        """What is known of it as plain JSON values, outlines apart.

        Returns
        -------
        dict
        """
        values = {
            "categories": [str(category) for category in self.categories],
            "box": None if self.box is None else list(self.box),
            "mask_kind": self.mask_kind,
            "birads": self.birads,
            "birads_letter": self.birads_letter,
            "pathology": None if self.pathology is None else str(self.pathology),
            "descriptors": {name: list(words) for name, words in self.descriptors.items()},
            "notes": list(self.notes),
        }
        return {name: value for name, value in values.items() if value not in (None, "", [], {})}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredImage:
    """One grey frame as its file stores it, whatever it shows, and the brightness that each value stands for.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), integer of 8 or 16 bits
        As decoded, in the processor's byte order.
    brightness_table : ndarray, shape (256,) or (65536,), float32
        Brightness in [0, 1] of every value that a pixel can have, in the order of their bits.
    source : str
        Name of the file without folders.
    source_sha256 : str
        Hash of the bytes that were parsed.
    """

    pixels: np.ndarray
    brightness_table: np.ndarray
    source: str = ""
    source_sha256: str = ""

    def __post_init__(self) -> None:
        pixels, table = self.pixels, self.brightness_table
        if pixels.ndim != 2 or pixels.dtype not in _PIXEL_TYPES:
            raise MammoError(f"pixels have two dimensions and 8 or 16 bits, not shape {pixels.shape} of {pixels.dtype}")
        if table.shape != (2 ** (8 * pixels.itemsize),) or table.dtype != np.float32:
            raise MammoError(f"brightness of pixels of {pixels.dtype} is not a float32 for each of them")
        if not (table.min() >= 0 and table.max() <= 1):  # false for NaN as well
            raise MammoError("brightness of pixels must be finite and lie in [0, 1]")

    def brightness(self) -> np.ndarray:
        """Brightness of each pixel, shape (rows, columns), float32, read-only.

        Returns
        -------
        ndarray, shape (rows, columns), float32
            In [0, 1], read-only.
        """
        index = self.pixels.view(f"u{self.pixels.itemsize}")
        pixels = np.empty(self.pixels.shape, dtype=np.float32)
        for row in range(0, len(index), _ROWS_AT_ONCE):
            block = slice(row, row + _ROWS_AT_ONCE)
            np.take(self.brightness_table, index[block], out=pixels[block], mode="clip")  # other modes copy `out`
        pixels.setflags(write=False)
        return pixels


_PIXEL_TYPES = tuple(np.dtype(name) for name in ("uint8", "uint16", "int8", "int16"))
_ROWS_AT_ONCE = 64  # a block of rows stays in the cache while it is looked up


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mammogram:
    """One image of one breast in one view, as its file shows it.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), float32
        Brightness in [0, 1], dense tissue bright; kept read-only.
    conditions : Conditions
        What is known of the image.
    spacing : Spacing or None
        `None` where it is unknown.
    chest_wall : ChestWall or None
        Edge at which the chest wall lies **by the pixels**; `None` where they do not tell.
    stated_chest_wall : ChestWall or None
        Edge at which the file's header says that it lies; `None` where it says nothing.
    lesion_mask : ndarray, shape (rows, columns), bool, or None
        Outline of the findings on the same grid.
    person_id : str
        Pseudonym that splits go by.
    study_id : str
        Pseudonym of the study, which stands for the person where no one is named.
    source : str
        Name of the file without folders.
    source_sha256 : str
        Hash of the bytes that were parsed.
    value_range : tuple of float, or None
        Values of the file that brightness 0 and 1 stand for, in this order, so that
        ``value_range[0] + pixels * (value_range[1] - value_range[0])`` gives them back; the first
        is the larger one where dark means high. `None` where a window or a table lies between.
    notes : tuple of str
        What was noticed on reading, such as a label that contradicts the pixels.
    """

    pixels: np.ndarray
    conditions: Conditions = Conditions()
    spacing: Spacing | None = None
    chest_wall: ChestWall | None = None
    stated_chest_wall: ChestWall | None = None
    lesion_mask: np.ndarray | None = None
    person_id: str = ""
    study_id: str = ""
    source: str = ""
    source_sha256: str = ""
    value_range: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        pixels = np.asarray(self.pixels, dtype=np.float32)
        if pixels.ndim != 2 or min(pixels.shape) < 8:
            raise MammoError(f"a mammogram has two dimensions of 8 pixels or more, not shape {pixels.shape}")
        if not (pixels.min() >= 0 and pixels.max() <= 1):  # false for NaN as well
            raise MammoError("brightness of a mammogram must be finite and lie in [0, 1]")
        object.__setattr__(self, "pixels", _read_only(pixels))
        if self.lesion_mask is not None:
            mask = np.asarray(self.lesion_mask).astype(bool)
            if mask.shape != pixels.shape:
                raise MammoError(f"lesion mask {mask.shape} and image {pixels.shape} do not fit")
            object.__setattr__(self, "lesion_mask", _read_only(mask))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape

    @property
    def expected_chest_wall(self) -> ChestWall | None:
        """Edge at which readers expect the chest wall: left for a left breast."""
        if self.conditions.laterality is None:
            return None
        return chest_wall_of(self.conditions.laterality)

    @property
    def is_mirrored(self) -> bool:
        """Whether the pixels hang against the label, as about three in ten old films do."""
        expected = self.expected_chest_wall
        return expected is not None and self.chest_wall is not None and self.chest_wall != expected

    def replace(self, **changes: Any) -> Mammogram:
        """Copy with some fields changed, checked anew.

        Returns
        -------
        Mammogram
        """
        return dataclasses.replace(self, **changes)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """The mammograms of one person on one day.

    Parameters
    ----------
    person_id : str
        Pseudonym; the same for all mammograms in it.
    mammograms : tuple of Mammogram
        In the order in which they were read.
    """

    person_id: str
    mammograms: tuple[Mammogram, ...]

    def __post_init__(self) -> None:
        others = {m.person_id for m in self.mammograms if m.person_id and m.person_id != self.person_id}
        if others:
            raise MammoError("a study holds mammograms of more than one person")

    def __iter__(self) -> Iterator[Mammogram]:
        return iter(self.mammograms)

    def __len__(self) -> int:
        return len(self.mammograms)


def _read_only(array: np.ndarray) -> np.ndarray:
    array = array if not array.flags.writeable else array.copy()
    array.setflags(write=False)
    return array
