"""Grey pixels of a dataset, and what says how to read them."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

__all__ = ["BITS_STORED", "put_brightness", "put_pixels", "put_full_window"]

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
    put_pixels(dataset, np.rint(pixels.astype(np.float64) * top).astype(np.uint16), bits_stored)
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.RescaleIntercept = "0"
    dataset.RescaleSlope = "1"
    dataset.RescaleType = "US"


def put_pixels(dataset: Dataset, pixels: np.ndarray, bits_stored: int) -> None:
    """Set the pixels, native and little endian, from unsigned stored values.

    Parameters
    ----------
    dataset : Dataset
        Changed in place.
    pixels : ndarray, shape (rows, columns), unsigned integer
        Stored values below ``2**bits_stored``.
    bits_stored : int
        8 are allocated as 8 bits, others as 16.
    """
    bits_allocated = 8 if bits_stored == 8 else 16
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.BitsAllocated = bits_allocated
    dataset.BitsStored = bits_stored
    dataset.HighBit = bits_stored - 1
    dataset.PixelRepresentation = 0
    data = pixels.astype("<u1" if bits_allocated == 8 else "<u2").tobytes()
    dataset.add_new("PixelData", "OB" if bits_allocated == 8 else "OW", data + b"\0" * (len(data) % 2))


def put_full_window(dataset: Dataset, bits_stored: int) -> None:
    """Set the window that shows the whole range: LINEAR is then the plain scale from 0 to 2**bits_stored - 1.

    Parameters
    ----------
    dataset : Dataset
        Changed in place.
    bits_stored : int
        Bits that a stored value uses, 8 to 16.
    """
    dataset.WindowCenter = str(2 ** (bits_stored - 1))
    dataset.WindowWidth = str(2**bits_stored)
    dataset.VOILUTFunction = "LINEAR"
