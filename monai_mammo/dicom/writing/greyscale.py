"""Grey pixels of a dataset, and what says how to read them."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

__all__ = ["BITS_STORED", "put_brightness", "put_cells", "put_full_window"]

BITS_STORED = (8, 10, 12, 14, 16)
"""Bits a pixel that a mammogram may be written with."""


def put_brightness(dataset: Dataset, pixels: np.ndarray, bits_stored: int) -> None:
    """Set the pixels, native and little endian, from brightness in [0, 1], and what says how to read them.

    Parameters
    ----------
    dataset : Dataset
        Changed in place.
    pixels : ndarray, shape (rows, columns), float
        Brightness, dense tissue bright.
    bits_stored : int
        One of `BITS_STORED`.
    """
    top = 2**bits_stored - 1
    put_cells(dataset, np.rint(pixels.astype(np.float64) * top).astype(np.uint16), bits_stored)
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.RescaleIntercept = "0"
    dataset.RescaleSlope = "1"
    dataset.RescaleType = "US"


def put_cells(dataset: Dataset, cells: np.ndarray, bits_stored: int) -> None:
    """Set the pixels, native and little endian, from unsigned stored values of shape (rows, columns)."""
    bits_allocated = 8 if bits_stored == 8 else 16
    dataset.Rows, dataset.Columns = cells.shape
    dataset.SamplesPerPixel = 1
    dataset.BitsAllocated = bits_allocated
    dataset.BitsStored = bits_stored
    dataset.HighBit = bits_stored - 1
    dataset.PixelRepresentation = 0
    data = cells.astype("<u1" if bits_allocated == 8 else "<u2").tobytes()
    dataset.add_new("PixelData", "OB" if bits_allocated == 8 else "OW", data + b"\0" * (len(data) % 2))


def put_full_window(dataset: Dataset, bits_stored: int) -> None:
    """Set the window that shows the whole range: LINEAR is then the plain scale from 0 to 2**bits_stored - 1."""
    dataset.WindowCenter = str(2 ** (bits_stored - 1))
    dataset.WindowWidth = str(2**bits_stored)
    dataset.VOILUTFunction = "LINEAR"
