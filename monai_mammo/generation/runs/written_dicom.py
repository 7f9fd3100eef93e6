"""A mammogram's DICOM file of a run, read as a foreign one: a run may come from anywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from monai_mammo.dicom.process.worker import read_stored_guarded
from monai_mammo.dicom.reasons import Failed, Skipped
from monai_mammo.dicom.writing.store import read_dataset
from monai_mammo.errors import MammoError

__all__ = ["written_dicom"]


def written_dicom(path: Path) -> tuple[Dataset, np.ndarray]:
    """Header and pixels of a file that `generate` wrote; its frame is decoded in a process of its own.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dataset : Dataset
    pixels : ndarray, shape (rows, columns), float32
        In [0, 1], of the range that BitsStored states.

    Raises
    ------
    MammoError
        The file cannot be read or decoded.
    """
    dataset = read_dataset(path)
    stored = read_stored_guarded(path)
    if isinstance(stored, Skipped | Failed):
        raise MammoError(f"{path.name} cannot be decoded: {stored.detail}")
    bits = dataset.get("BitsStored")
    if not isinstance(bits, int) or not 1 <= bits <= 16:
        raise MammoError(f"{path.name} cannot be decoded: BitsStored is not from 1 to 16")
    return dataset, stored.pixels.astype(np.float32) / np.float32(2**bits - 1)
