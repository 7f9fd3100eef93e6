"""Masks that a data set keeps in files of their own: which file is the mask is told by its pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import numpy as np

from monai_mammo.dicom import Failed, Skipped
from monai_mammo.files.digest import file_sha256
from monai_mammo.prepare.reading import read_stored
from monai_mammo.study import StoredImage

__all__ = ["FoundMask", "MaskFault", "MaskFiles", "StoredReader", "find_mask"]

_LOSSY_SUFFIXES = frozenset({".jpg", ".jpeg"})
_SAME_RATIO = 0.003
_DARK, _BRIGHT, _GREY_SHARE = 32 / 255, 223 / 255, 0.01


class MaskFault(StrEnum):
    """What was found on looking for a mask; the code with which the note starts."""

    SWAPPED = "mask_swapped"
    RESIZED = "mask_resized"
    MISFIT = "mask_misfit"
    UNDECIDABLE = "mask_undecidable"
    MISSING = "mask_missing"
    EMPTY = "mask_empty"
    UNREADABLE = "mask_unreadable"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MaskFiles:
    """Files of which one is the mask of a finding; the others are crops.

    Parameters
    ----------
    annotation : int
        Index of the finding among the annotations of its entry.
    files : tuple of Path
        Candidates, in the data set's order.
    stated : Path or None
        The one that the data set's table calls the mask; `None` where it does not tell.
    """

    annotation: int
    files: tuple[Path, ...] = ()
    stated: Path | None = None

    def fingerprint(self) -> list[str]:
        """Hashes of the files' bytes.

        Returns
        -------
        list of str
        """
        stated = "" if self.stated is None else self.stated.name
        return [stated, *(file_sha256(path) for path in self.files)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundMask:
    """Mask of a finding on the grid of its picture.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool, or None
        `None` where no file gives one that fits.
    faults : dict of MaskFault to str
        What was noticed, with a sentence for each.
    """

    mask: np.ndarray | None = None
    faults: dict[MaskFault, str] = dataclasses.field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """Faults as ``code: sentence``."""
        return tuple(f"{fault}: {detail}" for fault, detail in self.faults.items())


StoredReader = Callable[[Path], StoredImage | Skipped | Failed]
"""Gives the stored pixels of a file, as `monai_mammo.prepare.reading.read_stored` does."""


def find_mask(files: MaskFiles, shape: tuple[int, int], *, read: StoredReader = read_stored) -> FoundMask:
    """The mask among some files, brought to the grid of its picture.

    The mask has two values (two clusters after JPEG), the crop has many. A mask of another size is resized where both
    axes differ by the same factor, to 0.3 % (in CBIS-DDSM it is 50 / 43.5, two scanners' pitches), and dropped
    otherwise: axes are never stretched apart.

    Parameters
    ----------
    files : MaskFiles
    shape : tuple of int
        Rows and columns of the picture.
    read : callable, optional
        Gives the stored pixels of a file.

    Returns
    -------
    FoundMask
    """
    binary: dict[Path, np.ndarray] = {}
    unreadable = 0
    for path in files.files:
        mask = _binary_or_none(path, read)
        if mask is None:
            unreadable += 1
        elif mask.size:
            binary[path] = mask
    if not files.files:
        return FoundMask(faults={MaskFault.MISSING: "no file of the mask is there"})
    if len(binary) != 1:
        if unreadable:
            return FoundMask(faults={MaskFault.UNREADABLE: f"{unreadable} of {len(files.files)} files cannot be read"})
        detail = "all files of mask and crop are grey" if not binary else "mask and crop have two values each"
        return FoundMask(faults={MaskFault.UNDECIDABLE: detail})
    ((path, mask),) = binary.items()
    return _fitted(mask, shape, _swap(path, files))


def _swap(path: Path, files: MaskFiles) -> dict[MaskFault, str]:
    if files.stated is None or files.stated == path:
        return {}
    return {MaskFault.SWAPPED: "by its pixels the mask is the file that is called the crop"}


def _fitted(mask: np.ndarray, shape: tuple[int, int], faults: dict[MaskFault, str]) -> FoundMask:
    if not mask.any():
        return FoundMask(faults={**faults, MaskFault.EMPTY: "the mask shows nothing"})
    if mask.shape == shape:
        return FoundMask(mask=mask, faults=faults)
    by_row, by_column = shape[0] / mask.shape[0], shape[1] / mask.shape[1]
    sizes = f"mask {mask.shape[0]} x {mask.shape[1]}, picture {shape[0]} x {shape[1]}"
    if abs(by_row / by_column - 1) > _SAME_RATIO:
        return FoundMask(faults={**faults, MaskFault.MISFIT: f"the mask was cropped in another way ({sizes})"})
    return FoundMask(mask=_resized(mask, shape), faults={**faults, MaskFault.RESIZED: f"the mask was scaled ({sizes})"})


def _resized(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Nearest neighbour, by the middles of pixels."""
    rows = ((np.arange(shape[0]) + 0.5) * mask.shape[0] / shape[0]).astype(int)
    columns = ((np.arange(shape[1]) + 0.5) * mask.shape[1] / shape[1]).astype(int)
    return mask[np.ix_(rows, columns)]


def _binary_or_none(path: Path, read: StoredReader) -> np.ndarray | None:
    """Mask of a file with two values; an array without elements for a grey one, `None` for an unreadable one."""
    stored = read(path)
    if not isinstance(stored, StoredImage):
        return None
    values, none = stored.brightness(), np.zeros((0, 0), bool)
    if path.suffix.lower() in _LOSSY_SUFFIXES:  # compression smears the edges
        return values > 0.5 if np.mean((values >= _DARK) & (values <= _BRIGHT)) < _GREY_SHARE else none
    low, high = values.min(), values.max()
    return values > low if np.all((values == low) | (values == high)) else none
