"""An acquired mammogram that is to be edited: its stored values, what they show, and where the breast is."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom import Failed, Skipped
from monai_mammo.dicom.writing.provenance_attributes import edited_source
from monai_mammo.dicom.writing.store import read_dataset
from monai_mammo.dicom.writing.told_lesions import told_lesions
from monai_mammo.editing.burnt_text import burnt_text
from monai_mammo.editing.run_images import is_edited_picture, is_generated_picture, with_conditions_beside
from monai_mammo.editing.stored_scale import StoredScale
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.prepare.array import LocatedBreast, PreparedMammogram, locate_breast
from monai_mammo.prepare.geometry import box_of_mask, mask_of_box
from monai_mammo.prepare.reading import is_picture, read_any, read_stored
from monai_mammo.study import Mammogram

__all__ = ["FRAME", "EditSource", "origin_of_file"]

FRAME = (384, 288)
"""Rows and columns of the frame on which places are drawn."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditSource:
    """A mammogram on its own grid and in the prepared frame.

    Parameters
    ----------
    path : Path
    mammogram : Mammogram
        As a reader sees it.
    stored : ndarray, shape (rows, columns), unsigned
        As the file stores it.
    scale : StoredScale
        From brightness back to stored values.
    located : LocatedBreast
        Where the breast is.
    prepared : PreparedMammogram
        The breast in the prepared frame.
    is_dicom : bool
        Whether the file is DICOM; a picture otherwise.
    origin : {"acquired", "generated", "edited"}
        What the file says of itself.
    told : tuple of Box
        Lesions that the header of an edited file tells of.
    """

    path: Path
    mammogram: Mammogram
    stored: np.ndarray
    scale: StoredScale
    located: LocatedBreast
    prepared: PreparedMammogram
    is_dicom: bool
    origin: str = "acquired"
    told: tuple[Box, ...] = ()

    @classmethod
    def read(cls, path: str | Path, *, shown: Conditions | None = None) -> EditSource:
        """Source from a DICOM file or a picture.

        Parameters
        ----------
        path : str or Path
        shown : Conditions or None
            What is known of it beside what the file states: kind, view, laterality, density.

        Returns
        -------
        EditSource

        Raises
        ------
        RequestError
            The file is not a mammogram that is read, shows no breast, or cannot be edited.
        """
        path = Path(path)
        mammogram, stored = read_any(path), None
        if isinstance(mammogram, Mammogram):
            stored = read_stored(path)
        for found in (mammogram, stored):
            if isinstance(found, (Skipped, Failed)):
                raise RequestError(f"{path} is not edited: {found.detail} [{found.reason.value}]")
        assert isinstance(mammogram, Mammogram) and stored is not None and not isinstance(stored, (Skipped, Failed))
        try:
            mammogram = with_conditions_beside(mammogram, path) if is_generated_picture(path) else mammogram
        except MammoError as error:
            raise RequestError(f"{path} is not edited: {error}") from None
        stated = {name: value for name, value in mammogram.conditions.to_dict().items() if name in _KNOWN}
        known = Conditions.from_dict({**({} if shown is None else shown.to_dict()), **stated})
        try:
            mammogram = mammogram.replace(conditions=mammogram.conditions.replace(**_fields(known)))
            located = locate_breast(mammogram)
            is_dicom = not is_picture(path)
            header = read_dataset(path) if is_dicom else None
            bits = 8 * stored.pixels.itemsize if header is None else int(header.BitsStored)
            scale = StoredScale.of(stored.pixels, mammogram.pixels, largest=2**bits - 1)
            prepared = located.on_grid(FRAME)
        except MammoError as error:
            raise RequestError(f"{path} is not edited: {error}") from None
        return cls(
            path=path,
            mammogram=mammogram,
            stored=stored.pixels,
            scale=scale,
            located=located,
            prepared=prepared,
            is_dicom=is_dicom,
            origin=_origin(path, header),
            told=() if header is None else told_lesions(header),
        )

    @property
    def breast(self) -> np.ndarray:
        """Breast on the grid of the file, shape (rows, columns), bool."""
        return self.located.mask

    @property
    def spacing_mm(self) -> float | None:
        """Side of a pixel, the mean of both directions; `None` where the file states none."""
        spacing = self.mammogram.spacing
        return None if spacing is None else (spacing.row_mm + spacing.column_mm) / 2

    @property
    def conditions(self) -> Conditions:
        """Kind, view, side and density, as far as they are known."""
        return Conditions(**_fields(self.mammogram.conditions))

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences on what the file's pixels went through before."""
        notes, out = self.mammogram.notes, []
        if any("compressed with loss" in note for note in notes):
            out.append("the source was compressed with loss before it was edited")
        if self.origin != "acquired":
            out.append(f"the source is itself {'synthetic' if self.origin == 'generated' else 'an edited image'}")
        return tuple(out)

    def known_lesions(self) -> np.ndarray:
        """Lesions that the file, or the JSON file beside it, tells of; of an edited image those of earlier edits, too.

        Returns
        -------
        ndarray, shape (rows, columns), bool
        """
        shown = np.zeros(self.stored.shape, dtype=bool)
        if self.mammogram.lesion_mask is not None:
            shown |= self.mammogram.lesion_mask
        if self.mammogram.conditions.box is not None:
            shown |= mask_of_box(self.mammogram.conditions.box, self.breast.shape) > 0
        for box in self.told:
            shown |= mask_of_box(box, self.breast.shape) >= 0.5
        return shown

    def over_known(self, outline: np.ndarray) -> tuple[str, ...]:
        """Sentence for a named place that lies over a lesion that is known already; none where it does not.

        Parameters
        ----------
        outline : ndarray, shape (rows, columns), bool

        Returns
        -------
        tuple of str
        """
        share = float((outline & self.known_lesions()).sum() / max(1, outline.sum()))
        return () if not share else (f"{share:.0%} of the lesion's place lies over a lesion that the file tells of",)

    def brightness_of(self, pixels: np.ndarray, window: tuple[slice, slice] | None = None) -> np.ndarray:
        """What changed stored values show.

        Parameters
        ----------
        pixels : ndarray, shape (rows, columns), unsigned
        window : tuple of slice, optional
            Outside which nothing changed.

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        shown = self.mammogram.pixels.copy()
        part = window or (slice(None), slice(None))
        shown[part] = self.scale.shown(pixels[part], self.stored[part], shown[part])
        return shown

    def on_grid(self, picture: np.ndarray, shape: tuple[int, int]) -> PreparedMammogram:
        """Picture of the mammogram's size as a network sees it, in the frame of the source.

        Parameters
        ----------
        picture : ndarray, shape (rows, columns), float32
            Brightness in [0, 1].
        shape : tuple of int
            Rows and columns of the frame.

        Returns
        -------
        PreparedMammogram
        """
        return dataclasses.replace(self.located, mammogram=self.mammogram.replace(pixels=picture)).on_grid(shape)

    def edited_on_grid(
        self, pixels: np.ndarray, shape: tuple[int, int], window: tuple[slice, slice] | None = None
    ) -> PreparedMammogram:
        """Edited version of the mammogram as a network sees it, in the frame of the source.

        Parameters
        ----------
        pixels : ndarray, shape (rows, columns), unsigned
            Stored values after the edit.
        shape : tuple of int
            Rows and columns of the frame.
        window : tuple of slice, optional
            Outside which nothing changed.

        Returns
        -------
        PreparedMammogram
        """
        return self.on_grid(self.brightness_of(pixels, window), shape)

    def box_in_frame(self, box: Box) -> Box:
        """Box of the file's picture in the prepared frame.

        Parameters
        ----------
        box : Box

        Returns
        -------
        Box

        Raises
        ------
        RequestError
            It lies outside the breast.
        """
        found = self.prepared.trace.forward_box(box)
        if found is None:
            raise RequestError(f"box {tuple(box)} lies outside the breast of {self.path}")
        return found

    def refuse_outside(self, region: np.ndarray, *, most: float = 0.0) -> None:
        """Raise where a region does not lie in the breast.

        Parameters
        ----------
        region : ndarray, shape (rows, columns), bool
        most : float
            Share of it that may lie outside.

        Raises
        ------
        RequestError
        """
        if not region.any():
            raise RequestError(f"the region in {self.path} is empty: name one of a few pixels at least")
        share = float((region & ~self.breast).sum() / region.sum())
        if share > most:
            box = box_of_mask(region)
            where = "" if box is None else f" at {', '.join(f'{v:.3f}' for v in box)}"
            how_much = "less than 1%" if share < 0.01 else f"{share:.0%}"
            allowed = f"{most:.0%} is the most" if most else "none of it may"
            raise RequestError(f"{how_much} of the region{where} lies outside the breast of {self.path}: {allowed}")

    def refuse_text(self, region: np.ndarray) -> None:
        """Raise where text is burnt into the picture under a region: it would be painted over, or show through.

        Parameters
        ----------
        region : ndarray, shape (rows, columns), bool
            Not empty.

        Raises
        ------
        RequestError
        """
        if burnt_text(self.stored, region, is_bright_high=self.scale.is_rising):
            x0, y0, x1, y1 = box_of_mask(region) or (0.0, 0.0, 1.0, 1.0)
            raise RequestError(
                f"text is burnt into {self.path} under the region at {x0:.3f}, {y0:.3f}, {x1:.3f}, {y1:.3f}: "
                "name a place without it"
            )


_KNOWN = ("kind", "view", "laterality", "density")


def origin_of_file(path: Path) -> str:
    """What a mammogram's file is known to be.

    Parameters
    ----------
    path : Path
        DICOM file, or picture: it cannot say what it is, and one that lies in the folder of its sample is known.

    Returns
    -------
    {"acquired", "generated", "edited"}

    Raises
    ------
    MammoError
        The file cannot be read.
    """
    return _origin(path, None if is_picture(path) else read_dataset(path))


def _origin(path: Path, header: Dataset | None) -> str:
    if header is None:
        return "edited" if is_edited_picture(path) else "generated" if is_generated_picture(path) else "acquired"
    if header.get("SyntheticData") != "YES":
        return "acquired"
    return "generated" if edited_source(header) is None else "edited"


def _fields(conditions: Conditions) -> dict[str, Any]:
    return {name: getattr(conditions, name) for name in _KNOWN}
