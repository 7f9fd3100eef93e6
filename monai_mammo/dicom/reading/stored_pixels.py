"""Any single grey frame as a picture, mammogram or not: masks and crops that data sets keep as DICOM."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import numpy as np

from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.reading.brightness import all_pixel_values
from monai_mammo.dicom.reading.codecs import decode, pixel_format
from monai_mammo.dicom.reading.guards import Limits, file_bytes, parse, sha256_beside
from monai_mammo.dicom.reasons import Failed, Refusal, Skipped, SkipReason
from monai_mammo.study import StoredImage

__all__ = ["read_stored_pixels"]


def read_stored_pixels(path: str | os.PathLike[str], *, limits: Limits | None = None) -> StoredImage | Skipped | Failed:
    """Pixels of a DICOM file as they are stored, whatever they show: neither rescaled, windowed nor inverted.

    Decodes in this process, where a damaged file may end it: see `GuardedReader.read_stored`.

    Parameters
    ----------
    path : path
    limits : Limits, optional

    Returns
    -------
    StoredImage
        Its brightness is the fraction of the largest value that the 8 or 16 bits of a pixel can hold.
    Skipped or Failed
        As from `read_mammogram`.
    """
    path, limits = Path(path), limits or Limits()
    try:
        with suppress_pydicom_messages():
            data = file_bytes(path, limits)
            sha256 = sha256_beside(data)
            dataset = parse(data, limits)
            form = pixel_format(dataset, limits)
            pixels = decode(dataset, form)
    except Refusal as refusal:
        return refusal.outcome(path)
    except Exception as error:  # values are converted on access, so a damaged one shows anywhere
        return Failed(path, SkipReason.DAMAGED, f"an attribute cannot be read ({type(error).__name__})")
    return StoredImage(
        pixels=pixels,
        brightness_table=_fractions(pixels.dtype, form.bits_allocated),
        source=path.name,
        source_sha256=sha256(),
    )


@functools.cache
def _fractions(kind: np.dtype, bits_allocated: int) -> np.ndarray:
    """Magnitude of each value that a pixel can hold, as a fraction of the largest; read-only."""
    fractions = np.abs(all_pixel_values(kind).astype(np.float32)) / np.float32(2**bits_allocated - 1)
    fractions.flags.writeable = False
    return fractions
