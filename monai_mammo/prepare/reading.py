"""One mammogram from one file, whatever its format, read in a process of its own."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import cast

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, GuardedReader, Skipped, SkipReason
from monai_mammo.errors import MammoError
from monai_mammo.files.bounded import UnreadableFile
from monai_mammo.files.names import printable
from monai_mammo.files.picture import is_picture
from monai_mammo.files.stored_array import read_array
from monai_mammo.prepare.sidecar import Sidecar, sidecar_path
from monai_mammo.study import Mammogram, StoredImage
from monai_mammo.terms import Finding

__all__ = [
    "FileReader",
    "FullMask",
    "empty_mask_note",
    "read_any",
    "read_mask",
    "read_stored",
]


class FileReader(GuardedReader):
    """Reader of DICOM files and pictures in a process of its own; see `monai_mammo.dicom.GuardedReader`."""

    _process_module = "monai_mammo.prepare.reading_process"

    def read_mask(self, path: str | os.PathLike[str]) -> StoredImage | Skipped | Failed:
        """Mask that a picture shows, with pixels 0 and 1, or the reason why there is none.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        StoredImage, Skipped or Failed

        Raises
        ------
        MammoError
            No reading process can be started here.
        """
        request = {"path": os.path.abspath(path), "options": {"as_mask": True}}
        with self._lock:
            return cast("StoredImage | Skipped | Failed", self._read(Path(path), request))


def read_any(
    path: str | Path, *, reader: GuardedReader | None = None, allow_outside: bool = False
) -> Mammogram | Skipped | Failed:
    """Mammogram from a DICOM file or a picture (PNG, JPEG, TIFF, WebP, BMP, PGM), or the reason why there is none.

    The file is read in a process of its own, with bounded memory and time. A picture takes its conditions, person and
    lesion mask from a JSON file of the same name beside it (`Sidecar`).

    Parameters
    ----------
    path : path
    reader : GuardedReader, optional
        By default a `FileReader` that this process shares and that ends with it. A reader that knows DICOM only takes
        a picture for a file of another sort.
    allow_outside : bool
        Whether a sidecar may name a mask outside its folder.

    Returns
    -------
    Mammogram, Skipped or Failed
        Nothing is raised for a bad file.

    Raises
    ------
    MammoError
        No reading process can be started here.
    """
    mammogram, mask_path = read_apart(path, reader=reader, allow_outside=allow_outside)
    if not isinstance(mammogram, Mammogram) or mask_path is None:
        return mammogram
    try:
        mask = read_mask(mask_path)
        if mask.shape != mammogram.shape or mask.any():
            return mammogram.replace(lesion_mask=mask)
        return mammogram.replace(notes=(*mammogram.notes, *empty_mask_note(mask_path, mammogram.conditions)))
    except MammoError as error:
        return Failed(Path(path), SkipReason.UNREADABLE, str(error))


def read_apart(
    path: str | Path, *, reader: GuardedReader | None = None, allow_outside: bool = False
) -> tuple[Mammogram | Skipped | Failed, Path | None]:
    """What `read_any` reads, still without its mask, and the mask that a sidecar names.

    Parameters
    ----------
    path : path
    reader : GuardedReader, optional
    allow_outside : bool
        As in `read_any`.

    Returns
    -------
    found : Mammogram, Skipped or Failed
        Nothing is raised for a bad file.
    mask_path : Path or None

    Raises
    ------
    MammoError
        No reading process can be started here.
    """
    path = Path(path)
    mammogram = (reader or _reader_of_this_process()).read(path)
    if not isinstance(mammogram, Mammogram) or not is_picture(path):
        return mammogram, None
    beside = sidecar_path(path)
    try:
        sidecar = Sidecar.read(beside, allow_outside=allow_outside) if os.path.lexists(beside) else Sidecar()
        labelled = mammogram.replace(
            conditions=sidecar.conditions, person_id=sidecar.person_id, spacing=sidecar.spacing or mammogram.spacing
        )
    except MammoError as error:
        return Failed(path, SkipReason.UNREADABLE, str(error)), None
    return labelled, sidecar.lesion_mask


def read_stored(path: Path, *, reader: FileReader | None = None) -> StoredImage | Skipped | Failed:
    """Pixels of a file as they are stored, whatever it shows, such as a mask or a crop.

    Parameters
    ----------
    path : Path
    reader : FileReader, optional
        By default the one that `read_any` uses.

    Returns
    -------
    StoredImage, Skipped or Failed
        Nothing is raised for a bad file.

    Raises
    ------
    MammoError
        No reading process can be started here.
    """
    return (reader or _reader_of_this_process()).read_stored(path)


@functools.cache
def _reader_of_this_process() -> FileReader:
    return FileReader()


class FullMask(MammoError):
    """A mask that marks every pixel of its picture, the air too."""


def read_mask(path: Path, *, reader: FileReader | None = None) -> np.ndarray:
    """Mask that a picture shows by the rule of `monai_mammo.files.mask_picture`; empty is allowed, full is not.

    The file is read in a process of its own, with bounded memory and time. The mask of a prepared folder is an array
    (``.npy``), and read here.

    Parameters
    ----------
    path : Path
    reader : FileReader, optional
        By default the one that `read_any` uses.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    FullMask
        It marks every pixel.
    MammoError
        The file is not there, not a picture, not a mask, or too large.
    """
    if path.suffix == ".npy":
        return _array_mask(path)
    stored = (reader or _reader_of_this_process()).read_mask(path)
    name = printable(path.name)
    if not isinstance(stored, StoredImage):
        raise MammoError(f"mask {name}: {stored.detail}")
    return _not_full(stored.pixels.astype(bool), name)


def _not_full(mask: np.ndarray, name: str) -> np.ndarray:
    if mask.all():
        raise FullMask(f"mask {name} covers the whole picture")
    return mask


def _array_mask(path: Path) -> np.ndarray:
    try:
        array = read_array(path)
    except UnreadableFile as error:
        raise MammoError(f"mask {error.detail}") from None
    if array.dtype.kind not in "bu":
        raise MammoError(f"mask {printable(path.name)} has values below 0")
    return _not_full(array > 0, printable(path.name))


def empty_mask_note(path: Path, conditions: Conditions) -> tuple[str, ...]:
    """Note on a mask that shows nothing; none where the labels say that there is no finding.

    Parameters
    ----------
    path : Path
    conditions : Conditions
        What is known of the picture.

    Returns
    -------
    tuple of str
    """
    return () if conditions.finding is Finding.NONE else (f"mask_empty: the mask {printable(path.name)} shows nothing",)
