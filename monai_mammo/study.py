"""Pixels with their geometry: one mammogram, and the mammograms of one person on one day."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.terms import ChestWall

__all__ = ["Mammogram", "Spacing", "Study"]


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
    lesion_mask : ndarray, shape (rows, columns), bool, or None
        Outline of the findings on the same grid.
    person_id : str
        Pseudonym that splits go by.
    source : str
        Name of the file without folders.
    source_sha256 : str
        Hash of the bytes that were parsed.
    notes : tuple of str
        What was noticed on reading, such as a label that contradicts the pixels.
    """

    pixels: np.ndarray
    conditions: Conditions = Conditions()
    spacing: Spacing | None = None
    chest_wall: ChestWall | None = None
    lesion_mask: np.ndarray | None = None
    person_id: str = ""
    source: str = ""
    source_sha256: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        pixels = np.asarray(self.pixels, dtype=np.float32)
        if pixels.ndim != 2 or min(pixels.shape) < 8:
            raise MammoError(f"a mammogram has two dimensions of 8 pixels or more, not shape {pixels.shape}")
        if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
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
        return ChestWall.LEFT if self.conditions.laterality.value == "L" else ChestWall.RIGHT

    @property
    def is_mirrored(self) -> bool:
        """Whether the pixels hang against the label, as about three in ten old films do."""
        expected = self.expected_chest_wall
        return expected is not None and self.chest_wall is not None and self.chest_wall != expected

    def replace(self, **changes: Any) -> Mammogram:
        """Copy with some fields changed, checked anew."""
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
