"""Which bits of a pixel hold its value, where stream, header and pixels say different things.

The rules, first to last; each that is used leaves a note:

1. A stream cannot hold bits above its precision: where HighBit lies above it, values are taken from the lowest bits.
   The same holds where HighBit places values in the upper bits, while the lower ones are in use and the upper are not.
2. Values above BitsStored are values, and not unused bits, where a stream of fewer bits than are allocated holds
   them, where all patterns of the upper bits occur from 0 on (2 or more), or where the VOI shows them.
   Else they are unused bits, which are masked (PS3.5, 8.1.1).
3. Signed pixels in a stream without a sign have it in the highest bit of the stream's precision, be this less than
   BitsStored, unless the VOI lies where such values would be negative and none is.
4. Unsigned pixels in a stream with a sign are reread as unsigned, unless the VOI is centred on 0 or below.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from monai_mammo.dicom.notes import contradiction
from monai_mammo.dicom.reading.pixel_format import PixelFormat

__all__ = ["settled_format", "voi_center"]

_LEAST_PATTERNS = 3  # 0, 1 and 2: an overlay in one bit makes two
_OVERLAY_GROUPS = range(0x6000, 0x6020, 2)
_OVERLAY_BIT_POSITION = 0x0102


def settled_format(
    pixels: np.ndarray, form: PixelFormat, dataset: Dataset, *, precision: int | None = None
) -> tuple[PixelFormat, tuple[str, ...]]:
    """Format by which pixels are to be read, and notes on what contradicts it.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), integer
        As decoded; a signed type comes from a stream that carries a sign.
    form : PixelFormat
        What the header states.
    dataset : Dataset
        Whose VOI is evidence of the values that are meant.
    precision : int or None
        Bits of a value by the compressed stream; `None` where it does not say, as RLE and native pixels.

    Returns
    -------
    form : PixelFormat
    notes : tuple of str
    """
    center = voi_center(dataset)
    if pixels.dtype.kind == "i":
        return _of_signed_stream(pixels, form, center, precision or form.bits_allocated)
    notes: list[str] = []
    top = int(pixels.max())
    if form.high_bit >= form.bits_stored and not _is_shifted(pixels, form, top, precision):
        lowest = f"the values in the lowest {form.bits_stored} bits were taken"
        words = f"HighBit is {form.high_bit}, where the pixels have no values: {lowest}"
        notes.append(contradiction(words))
        form = dataclasses.replace(form, high_bit=form.bits_stored - 1)
    if form.high_bit == form.bits_stored - 1 and top >> form.bits_stored and not _is_sign_extended(pixels, form):
        form, note = _with_upper_bits(pixels, form, dataset, top, center, precision)
        notes += note
    elif precision is not None and precision < form.bits_stored:
        form, note = _with_fewer_bits(form, top, center, precision)
        notes += note
    if form.is_signed and center is not None and _is_unsigned_by_voi(pixels, form, top, center):
        notes.append(contradiction("PixelRepresentation says signed, the VOI shows unsigned values: these were taken"))
        form = dataclasses.replace(form, is_signed=False)
    elif form.is_signed and center is None and not notes and _tells_no_sign(pixels, form, top):
        bit = form.bits_stored - 1
        words = f"PixelRepresentation says signed, and nothing shows it: the sign was taken from bit {bit}"
        notes.append(contradiction(words))
    return form, tuple(notes)


def voi_center(dataset: Dataset) -> float | None:
    """Stored value at the centre of what the first VOI shows; `None` where that is not known.

    Parameters
    ----------
    dataset : Dataset
        Header of the image.

    Returns
    -------
    float or None
    """
    if dataset.get("VOILUTSequence"):
        descriptor = list(dataset.VOILUTSequence[0].get("LUTDescriptor") or ())
        center = _first(descriptor[1:2]) if len(descriptor) == 3 else None
        center = None if center is None else center + (descriptor[0] or 65536) / 2
    else:
        center = _first(dataset.get("WindowCenter"))
    if center is None or dataset.get("ModalityLUTSequence"):
        return None
    slope, intercept = _first(dataset.get("RescaleSlope")), _first(dataset.get("RescaleIntercept"))
    return None if slope == 0 else (center - (intercept or 0.0)) / (slope or 1.0)


def _first(value: Any) -> float | None:
    """First number of an attribute that has one or several."""
    if isinstance(value, (list, tuple)) or (hasattr(value, "__getitem__") and not isinstance(value, (str, bytes))):
        value = value[0] if len(value) else None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _of_signed_stream(
    pixels: np.ndarray, form: PixelFormat, center: float | None, precision: int
) -> tuple[PixelFormat, tuple[str, ...]]:
    low, high = int(pixels.min()), int(pixels.max())
    notes: tuple[str, ...] = ()
    if not form.is_signed:
        is_meant = low < 0 and center is not None and center <= 0
        taken = "the signed values" if is_meant else "its bits as unsigned ones"
        notes = (contradiction(f"the stream carries a sign, PixelRepresentation says unsigned: {taken} were taken"),)
        form = dataclasses.replace(form, is_signed=is_meant)
    half = 2 ** (form.bits_stored - 1)
    excess = max(high - (half - 1), -half - low)
    if form.is_signed and excess > half // 8 and form.bits_stored < precision:  # more than a lossy codec overshoots
        words = f"the stream holds values of more than the {form.bits_stored} bits of BitsStored, which were taken"
        bits = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1
        bits = min(bits, precision)
        return dataclasses.replace(form, bits_stored=bits, high_bit=bits - 1), (*notes, contradiction(words))
    return form, notes


def _is_shifted(pixels: np.ndarray, form: PixelFormat, top: int, precision: int | None) -> bool:
    """Whether values lie in the upper bits, as HighBit says."""
    if precision is not None and precision <= form.high_bit:
        return False
    is_low = top < 2**form.bits_stored
    unused = 2 ** (form.high_bit + 1 - form.bits_stored) - 1
    return not (is_low and bool((pixels & unused).any()))


def _is_sign_extended(pixels: np.ndarray, form: PixelFormat) -> bool:
    """Whether the bits above BitsStored only repeat the sign, or are not there."""
    if not form.is_signed:
        return False
    values = pixels.view(f"i{pixels.itemsize}")
    half = 2 ** (form.bits_stored - 1)
    return bool((values >= -half).all() and (values < 2 * half).all())


def _with_upper_bits(
    pixels: np.ndarray, form: PixelFormat, dataset: Dataset, top: int, center: float | None, precision: int | None
) -> tuple[PixelFormat, list[str]]:
    """Pixels that use bits above HighBit."""
    stated = form.bits_stored
    if _has_overlay_in_pixels(dataset):
        return form, []
    bits = top.bit_length()
    if precision is not None and precision < form.bits_allocated:
        source, bits = f"the stream has {precision} bits", precision
    elif _has_all_patterns(pixels >> stated) or (center is not None and center >= 2**stated):
        source = f"the pixels have {bits} bits"
    else:
        return form, [contradiction(f"pixels have bits above HighBit {form.high_bit}, which were masked")]
    words = f"{source}, BitsStored says {stated}: the values of {bits} bits were taken"
    return dataclasses.replace(form, bits_stored=bits, high_bit=bits - 1), [contradiction(words)]


def _has_overlay_in_pixels(dataset: Dataset) -> bool:
    """Whether an overlay lies in unused bits of the pixels, as old files have it (PS3.5, 8.1.2)."""
    tags = [(group, _OVERLAY_BIT_POSITION) for group in _OVERLAY_GROUPS]
    return any(tag in dataset and dataset[tag].value for tag in tags)


def _has_all_patterns(upper: np.ndarray) -> bool:
    """Whether the upper bits count from 0 without a gap, as those of values do and those of overlays do not."""
    found = np.flatnonzero(np.bincount(upper.ravel()))
    return len(found) >= _LEAST_PATTERNS and len(found) == found[-1] + 1


def _with_fewer_bits(
    form: PixelFormat, top: int, center: float | None, precision: int
) -> tuple[PixelFormat, list[str]]:
    """A stream of fewer bits than BitsStored."""
    said = f"the stream has {precision} bits, BitsStored says {form.bits_stored}"
    half = 2 ** (precision - 1)
    if not form.is_signed or top < half:
        return form, [contradiction(f"{said}: the values were taken as they are")]
    if center is not None and center >= half:
        return form, [contradiction(f"{said}: no value was taken for a negative one, as the VOI shows none")]
    words = contradiction(f"{said}: the sign was taken from bit {precision - 1}")
    return dataclasses.replace(form, bits_stored=precision, high_bit=precision - 1), [words]


def _is_unsigned_by_voi(pixels: np.ndarray, form: PixelFormat, top: int, center: float) -> bool:
    """Whether signed pixels are unsigned: no sign is extended, and the VOI is centred on what could not be there."""
    return _tells_no_sign(pixels, form, top) and center >= 2 ** (form.bits_stored - 1)


def _tells_no_sign(pixels: np.ndarray, form: PixelFormat, top: int) -> bool:
    """Whether the highest bit is used and the bits above it, which are there, do not repeat it."""
    half = 2 ** (form.bits_stored - 1)
    return half <= top < 2 * half and form.bits_stored < 8 * pixels.itemsize
