"""Rows, columns and bits of a frame, by its header alone."""

from __future__ import annotations

import dataclasses

from pydicom.dataset import Dataset

from monai_mammo.dicom.reading.guards import Limits
from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["PixelFormat", "pixel_format"]

_SIZES = ("Rows", "Columns", "BitsAllocated", "BitsStored")


@dataclasses.dataclass(frozen=True, slots=True)
class PixelFormat:
    """Rows, columns and bits of a single grey frame, as its header states them.

    Parameters
    ----------
    rows : int
        Rows of the image.
    columns : int
        Columns of the image.
    bits_allocated : int
        8 or 16.
    bits_stored : int
        Bits that a stored value uses, 8 to 16.
    high_bit : int
        Highest bit that a stored value uses.
    is_signed : bool
        PixelRepresentation 1.
    """

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool


def pixel_format(dataset: Dataset, limits: Limits) -> PixelFormat:
    """Format of the frame that the header announces.

    Parameters
    ----------
    dataset : Dataset
    limits : Limits

    Returns
    -------
    PixelFormat

    Raises
    ------
    Refusal
        An attribute is missing or not possible, the bits are of a sort that is not read, or there are
        more pixels than the limit.
    """
    values = [dataset.get(keyword) for keyword in _SIZES]
    if not all(isinstance(value, int) and value > 0 for value in values):
        raise Refusal(SkipReason.DAMAGED, f"one of {', '.join(_SIZES)} is missing or not above 0")
    rows, columns, allocated, stored = (int(value) for value in values)
    high_bit = dataset.get("HighBit")
    high_bit = high_bit if isinstance(high_bit, int) else stored - 1
    if rows * columns > limits.pixels:
        raise Refusal(SkipReason.TOO_LARGE, f"the image has more than {limits.pixels} pixels")
    if min(rows, columns) < 8:
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, "the image has fewer than 8 rows or columns")
    if allocated not in (8, 16):
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, f"BitsAllocated {allocated} is not one of 8, 16")
    if stored > allocated:
        words = f"BitsStored {stored} is above BitsAllocated {allocated}"
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, words)
    if not stored - 1 <= high_bit < allocated:
        words = f"HighBit {high_bit} is not one of {stored - 1} to {allocated - 1}, which the bits leave for it"
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, words)
    return PixelFormat(rows, columns, allocated, stored, high_bit, dataset.get("PixelRepresentation") == 1)
