"""One mammogram of a data set, before it is read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.draw import polygon

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import MammoError
from monai_mammo.files.digest import file_sha256
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.prepare.mask_files import MaskFiles, StoredReader, find_mask
from monai_mammo.prepare.reading import empty_mask_note, read_mask, read_stored
from monai_mammo.study import Annotation, Mammogram, Spacing
from monai_mammo.terms import ChestWall, Finding, Split

__all__ = ["PERSON_OF_FILE", "Entry"]

PERSON_OF_FILE = "file-"
"""Start of the pseudonym that stands for a person where nothing is known of one, not even a folder."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """Where a mammogram is, and what its data set says of it.

    Parameters
    ----------
    path : Path
        File of the picture.
    image_id : str
        Name in the prepared folder, one for each entry.
    name : str
        Name in the report, relative to the data set.
    origin : str
        Data set, or the file's name.
    person_id : str
        Pseudonym; an empty one is taken from the file's person, else its study, else from ``fallback_person``.
    fallback_person : str
        Folder or file that stands for the person where no one is named.
    split : Split or None
        Published part; `None` is divided by person.
    conditions : Conditions or None
        Labels that replace those of the file.
    lesions, diffuse : tuple of Box
        Boxes of lesions, and of skin or diffuse change, in fractions of the file's picture.
    mask_path : Path or None
        Mask of all changes, on the grid of the picture.
    is_mask_of_lesions : bool
        Whether ``mask_path`` shows lesions alone, so that no outline is needed to tell which of its parts are some.
    outlines : tuple of ndarray, shape (n, 2)
        Outlines of the lesions alone, as x and y in fractions of the picture.
    masks : tuple of MaskFiles
        Files that hold the masks of single findings, looked into by `with_masks`.
    lesion_mask : ndarray, shape (rows, columns), bool, or None
        Mask of the lesions, in memory; goes before ``mask_path`` and ``outlines``.
    chest_wall : ChestWall or None
        Edge at which the data set's table says the chest wall is.
    pixel_aspect : float or None
        Width of a pixel over its height, where the data set knows the true size of a picture that was squeezed.
    sha256 : str
        Hash of the file as published.
    mammogram : Mammogram or None
        One already in memory; then no file is read.
    annotations : tuple of Annotation
        All findings that the data set describes; ``lesions``, ``diffuse`` and ``outlines`` follow from them where
        these are not given.
    spacing : Spacing or None
        Nominal one that the data set states, for files that have none of their own.
    labels : dict of str to str
        What `Conditions` has no place for, in the data set's words: ``birads_letter``, ``density_source``,
        ``pathology_source``, ``published_split``.
    record : dict
        Table, line numbers and untouched values behind the labels.
    notes : tuple of str
        What was noticed while the data set's tables were read.
    allow_outside : bool
        Whether a sidecar of the picture may name a mask outside its folder.
    """

    path: Path
    image_id: str
    name: str
    origin: str = ""
    person_id: str = ""
    fallback_person: str = ""
    split: Split | None = None
    conditions: Conditions | None = None
    lesions: tuple[Box, ...] = ()
    diffuse: tuple[Box, ...] = ()
    mask_path: Path | None = None
    is_mask_of_lesions: bool = False
    outlines: tuple[np.ndarray, ...] = ()
    masks: tuple[MaskFiles, ...] = ()
    lesion_mask: np.ndarray | None = None
    chest_wall: ChestWall | None = None
    pixel_aspect: float | None = None
    sha256: str = ""
    mammogram: Mammogram | None = None
    annotations: tuple[Annotation, ...] = ()
    spacing: Spacing | None = None
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    record: dict[str, Any] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    allow_outside: bool = False

    def __post_init__(self) -> None:
        if not self.annotations or self.lesions or self.diffuse or self.outlines:
            return
        lesions = [annotation for annotation in self.annotations if annotation.is_lesion]
        others = [annotation for annotation in self.annotations if not annotation.is_lesion]
        object.__setattr__(self, "lesions", tuple(a.box for a in lesions if a.box is not None))
        object.__setattr__(self, "diffuse", tuple(a.box for a in others if a.box is not None))
        object.__setattr__(self, "outlines", tuple(outline for a in lesions for outline in a.outlines))

    def fingerprint(self) -> str:
        """Hash of all that the data set says of the picture, pixels aside.

        Returns
        -------
        str
        """
        conditions = self.conditions or (self.mammogram.conditions if self.mammogram else None)
        plain = [
            [self.image_id, self.name, self.origin, self.person_id, self.fallback_person, str(self.chest_wall)],
            self.pixel_aspect,
            None if conditions is None else conditions.to_dict(),
            [list(box) for box in self.lesions],
            [list(box) for box in self.diffuse],
            [np.round(outline, 6).tolist() for outline in self.outlines],
            file_sha256(self.mask_path) if self.mask_path else None,
            [files.fingerprint() for files in self.masks],
            [annotation.to_dict() for annotation in self.annotations],
            [self.labels, self.record, self.notes],
            None if self.spacing is None else [self.spacing.row_mm, self.spacing.column_mm, self.spacing.source],
        ]
        plain += [True] if self.is_mask_of_lesions and self.mask_path else []
        return hashlib.sha256(json.dumps(plain).encode()).hexdigest()

    def with_masks(self, shape: tuple[int, int], *, read: StoredReader = read_stored) -> Entry:
        """Entry whose findings have the boxes and the mask that their files show; itself where there are none.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the picture.
        read : callable, optional
            Gives the stored pixels of a file.

        Returns
        -------
        Entry
        """
        if not self.masks:
            return self
        annotations, notes = list(self.annotations), list(self.notes)
        lesions = None
        for files in self.masks:
            found = find_mask(files, shape, read=read)
            annotation = annotations[files.annotation]
            changes: dict[str, Any] = {"notes": (*annotation.notes, *found.notes)}
            if found.mask is not None:
                changes |= {"box": box_of_mask(found.mask), "mask_kind": "contour"}
                if annotation.is_lesion:
                    lesions = found.mask if lesions is None else lesions | found.mask
            annotations[files.annotation] = dataclasses.replace(annotation, **changes)
            notes += [f"{note}, finding {files.annotation + 1}" for note in found.notes]
        found_all: dict[str, Any] = {"annotations": tuple(annotations), "notes": tuple(notes), "lesion_mask": lesions}
        return dataclasses.replace(self, **found_all, lesions=(), diffuse=(), masks=())

    def labelled(self, mammogram: Mammogram) -> Mammogram:
        """Mammogram as read, with the data set's labels put on it.

        The largest lesion gives the box. The mask shows lesions only, no skin or diffuse change.

        Parameters
        ----------
        mammogram : Mammogram
            As read, on the grid of the file.

        Returns
        -------
        Mammogram

        Raises
        ------
        MammoError
            The mask cannot be read or has another size than the picture.
        """
        conditions = self.conditions or mammogram.conditions
        if self.lesions and conditions.finding is not Finding.NONE:
            largest = max(self.lesions, key=lambda box: box.width_fraction * box.height_fraction)
            conditions = conditions.replace(box=largest)
        mask, notes = self._lesion_mask(mammogram.shape), self.notes
        if mask is not None and self.mask_path is not None and not mask.any():
            mask, notes = None, (*notes, *empty_mask_note(self.mask_path, conditions))
        return mammogram.replace(
            conditions=conditions,
            spacing=mammogram.spacing or self.spacing,
            lesion_mask=mammogram.lesion_mask if mask is None else mask,
            person_id=self.person_id or mammogram.person_id or mammogram.study_id or self.fallback_person,
            source=self.origin or mammogram.source,
            notes=(*mammogram.notes, *notes),
        )

    def mask_kind(self, mammogram: Mammogram) -> str:
        """What stands behind the lesion mask.

        ``contour``, ``box``, ``circle`` or ``point`` as the lesions were drawn, ``none`` (no lesion) or ``unknown``.
        Of several the roughest counts; points, which are small, only where there is nothing else.

        Parameters
        ----------
        mammogram : Mammogram
            With the labels of the data set.

        Returns
        -------
        str
        """
        if mammogram.lesion_mask is not None:
            drawn = {annotation.mask_kind for annotation in self.annotations if annotation.is_lesion}
            return next((kind for kind in ("box", "circle", "contour", "point") if kind in drawn), "contour")
        if mammogram.conditions.box is not None:
            return "box"
        return "none" if mammogram.conditions.finding is Finding.NONE else "unknown"

    def _lesion_mask(self, shape: tuple[int, int]) -> np.ndarray | None:
        if self.lesion_mask is not None:
            return self.lesion_mask
        if not self.outlines and not (self.is_mask_of_lesions and self.mask_path):
            return None
        drawn = _filled(self.outlines, shape)
        if self.mask_path is None:
            return drawn
        published = read_mask(self.mask_path)
        if published.shape != shape:
            raise MammoError(f"mask {self.mask_path.name} has another size than its picture")
        return published if self.is_mask_of_lesions else _parts_under(published, drawn)


def _filled(outlines: tuple[np.ndarray, ...], shape: tuple[int, int]) -> np.ndarray:
    """Union of outlines, which run through the middles of boundary pixels, at half numbers."""
    mask = np.zeros(shape, bool)
    for outline in outlines:
        rows, columns = outline[:, 1] * shape[0] - 0.5, outline[:, 0] * shape[1] - 0.5
        mask[polygon(rows, columns, shape)] = True
        corners = np.rint(np.stack([rows, columns])).astype(int)
        mask[tuple(np.clip(corners, 0, np.array(shape)[:, None] - 1))] = True
    return mask


def _parts_under(published: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Parts of a published mask under the drawn outlines, which are simplified to 0.75 pixel and so differ a little.

    Each of the 914 lesion outlines of CDD-CESM meets one part, of which it covers 29 % or more, and no other.
    """
    parts, n_parts = ndimage.label(published, np.ones((3, 3)))
    share = ndimage.mean(drawn, parts, np.arange(1, n_parts + 1)) if n_parts else np.zeros(0)
    return np.isin(parts, 1 + np.flatnonzero(np.asarray(share) > 0.15))
