"""Stored cells of any single grey frame, mammogram or not: masks and crops that data sets keep as DICOM."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np

from monai_mammo.dicom.codecs import decode, pixel_format
from monai_mammo.dicom.guards import Limits, file_bytes, parse
from monai_mammo.dicom.reasons import Failed, Refusal, Skipped, SkipReason

__all__ = ["read_cells"]


def read_cells(path: str | os.PathLike[str], *, limits: Limits | None = None) -> np.ndarray | Skipped | Failed:
    """Pixels of a DICOM file as they are stored, whatever they show.

    Parameters
    ----------
    path : path
    limits : Limits, optional

    Returns
    -------
    ndarray, shape (rows, columns), unsigned integer
        Neither rescaled, windowed nor inverted.
    Skipped or Failed
        As from `read_mammogram`.
    """
    path, limits = Path(path), limits or Limits()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings quote values
            dataset = parse(file_bytes(path, limits), limits)
            return decode(dataset, pixel_format(dataset, limits))
    except Refusal as refusal:
        return refusal.outcome(path)
    except Exception as error:  # values are converted on access, so a damaged one shows anywhere
        return Failed(path, SkipReason.DAMAGED, f"an attribute can not be read ({type(error).__name__})")
