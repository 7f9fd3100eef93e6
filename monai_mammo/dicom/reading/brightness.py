"""From stored pixels to brightness: padding, bits, modality, VOI, polarity, in this order (PS3.3, C.7.6.3, C.11).

A pixel has at most 16 bits, so every step runs once over all values that a pixel can have, and the
image is one look-up. Polarity is owned here: it is applied once, last, in every mode.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from pydicom.dataset import Dataset

from monai_mammo.dicom.notes import contradiction
from monai_mammo.dicom.reading.lookup_table import LookupTable
from monai_mammo.dicom.reading.pixel_format import PixelFormat
from monai_mammo.dicom.reading.sample import Sample
from monai_mammo.dicom.reading.voi import Voi, chosen_voi, whole_range
from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = [
    "MODES",
    "Mode",
    "Rendering",
    "all_pixel_values",
    "padding_mask",
    "rendering",
    "stored_values",
]

Mode = Literal["voi", "modality", "raw"]
"""How far the values of a file are taken: as stored, after the modality step, or as a reader sees them."""

MODES: tuple[Mode, ...] = get_args(Mode)


class Rendering(NamedTuple):
    """Brightness of all values that a pixel can have, and how it came about.

    Parameters
    ----------
    brightness_table : ndarray, shape (256,) or (65536,), float32
        In [0, 1], dense tissue bright, padding 0; in the order of the values' bits.
    value_range : tuple of float, or None
        Values that 0 and 1 stand for; `None` after a window or a VOI table.
    notes : tuple of str
        What was chosen on the way.
    """

    brightness_table: np.ndarray
    value_range: tuple[float, float] | None
    notes: tuple[str, ...]


def stored_values(pixels: np.ndarray, form: PixelFormat) -> np.ndarray:
    """Stored values of pixels: unused bits masked, the sign extended from the highest stored bit.

    Parameters
    ----------
    pixels : ndarray, any shape, integer
        As decoded; a signed array comes from a stream that carries its sign and is taken as it is.
    form : PixelFormat

    Returns
    -------
    ndarray, shape of `pixels`, int32
    """
    values = pixels.astype(np.int32)
    if pixels.dtype.kind == "i" and form.is_signed:
        return values
    values = (values >> (form.high_bit + 1 - form.bits_stored)) & (2**form.bits_stored - 1)
    if form.is_signed:
        half = 2 ** (form.bits_stored - 1)
        values = (values ^ half) - half
    return values


def padding_mask(
    pixels: np.ndarray, values: np.ndarray, form: PixelFormat, padding: int, limit: int | None
) -> np.ndarray:
    """Where pixels are padding, from the padding value to the range limit, both included (PS3.3, C.7.5.1.1.2).

    The padding value may lie outside the stored bits, so pixels are compared as they came and as unpacked.

    Parameters
    ----------
    pixels : ndarray, any shape, integer
        As decoded.
    values : ndarray, shape of `pixels`, int32
        As unpacked by `stored_values`.
    form : PixelFormat
    padding : int
        PixelPaddingValue.
    limit : int or None
        PixelPaddingRangeLimit.

    Returns
    -------
    ndarray, shape of `pixels`, bool
    """
    ends = [_as_stored(end, form) for end in (padding, padding if limit is None else limit)]
    low, high = min(ends), max(ends)
    as_signed = np.dtype(f"i{pixels.itemsize}").newbyteorder(pixels.dtype.byteorder)
    raw = pixels.view(as_signed) if form.is_signed else pixels
    return ((raw >= low) & (raw <= high)) | ((values >= low) & (values <= high))


def _as_stored(value: int, form: PixelFormat) -> int:
    """A value whose VR got the sign or the width wrong, read as a pixel."""
    span = 2**form.bits_allocated
    return (value + span // 2) % span - span // 2 if form.is_signed else value % span


def rendering(
    dataset: Dataset, kind: np.dtype, form: PixelFormat, *, mode: Mode = "voi", pixels: np.ndarray | None = None
) -> Rendering:
    """What each value of a pixel shows.

    Modes ``raw`` and ``modality`` are scaled by the whole range that can be stored, never by what
    the image happens to hold. A VOI that leaves of these pixels nothing but black and white is passed over.

    Parameters
    ----------
    dataset : Dataset
        Header of the image.
    kind : dtype
        Of the pixels, as `monai_mammo.dicom.reading.codecs.decode` gives them.
    form : PixelFormat
    mode : {"voi", "modality", "raw"}
    pixels : ndarray, shape (rows, columns), integer, optional
        Those of the image; without them the first VOI is taken, whatever it shows.

    Returns
    -------
    Rendering

    Raises
    ------
    Refusal
        A rescale or a look-up table is damaged.
    """
    low = -(2 ** (form.bits_stored - 1)) if form.is_signed else 0
    domain = np.arange(low, low + 2**form.bits_stored)  # every value that can be stored
    every = all_pixel_values(kind)
    values = stored_values(every, form)
    index = np.clip(values - low, 0, domain.size - 1)
    padding = _padding(dataset, every, values, form)
    sample = Sample.of(pixels, index, padding)
    voi = _steps(dataset, domain, form, mode, sample)
    table, value_range = voi.brightness, voi.value_range
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        table = 1.0 - table
        value_range = value_range and value_range[::-1]
    extremes = sample.extremes(table) if mode == "voi" else ()
    brightness = table.astype(np.float32)[index]
    if padding is not None:
        brightness[padding] = 0.0
    return Rendering(brightness, value_range, (*voi.notes, *extremes, *_polarity_notes(dataset)))


def _padding(dataset: Dataset, every: np.ndarray, values: np.ndarray, form: PixelFormat) -> np.ndarray | None:
    padding, limit = (_integer(dataset.get(name)) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    return None if padding is None else padding_mask(every, values, form, padding, limit)


def all_pixel_values(kind: np.dtype) -> np.ndarray:
    """All values that a pixel of a type can have, in the order of their bits.

    Parameters
    ----------
    kind : dtype
        Integer of 8 or 16 bits.

    Returns
    -------
    ndarray, shape (256,) or (65536,), of that type
    """
    return np.arange(2 ** (8 * kind.itemsize)).astype(f"u{kind.itemsize}").view(f"{kind.kind}{kind.itemsize}")


def _polarity_notes(dataset: Dataset) -> tuple[str, ...]:
    shape = {"IDENTITY": "MONOCHROME2", "INVERSE": "MONOCHROME1"}.get(str(dataset.get("PresentationLUTShape")))
    if shape is not None and shape != dataset.get("PhotometricInterpretation"):
        return (contradiction("PresentationLUTShape contradicts PhotometricInterpretation, which was taken"),)
    return ()


def _steps(dataset: Dataset, domain: np.ndarray, form: PixelFormat, mode: Mode, sample: Sample) -> Voi:
    """What all stored values show, before polarity."""
    if mode == "raw":
        return whole_range(domain, "stored values, the whole range of the stored bits")
    order = ">" if dataset.original_encoding[1] is False else "<"
    x = _modality(dataset, domain, form, order)
    if mode == "modality":
        return whole_range(x, "modality values, the whole range of the stored bits")
    return chosen_voi(dataset, x, sample, is_signed=form.is_signed, order=order)


def _modality(dataset: Dataset, domain: np.ndarray, form: PixelFormat, order: str) -> np.ndarray:
    if dataset.get("ModalityLUTSequence"):
        table = LookupTable.of(dataset.ModalityLUTSequence[0], is_signed=form.is_signed, order=order)
        return table(domain).astype(np.float64)
    slope, intercept = (_rescale(dataset, *pair) for pair in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0)))
    if slope == 0:
        raise Refusal(SkipReason.DAMAGED, "RescaleSlope is 0")
    return domain * slope + intercept


def _rescale(dataset: Dataset, keyword: str, default: float) -> float:
    value = dataset.get(keyword)
    if value is None or value == "":
        return default
    number = _number(value)
    if number is None or not abs(number) < 1e9:
        raise Refusal(SkipReason.DAMAGED, f"{keyword} is not a number that can be used")
    return number


def _number(value: Any) -> float | None:
    try:
        return None if value is None or value == "" else float(value)
    except (TypeError, ValueError):
        return None


def _integer(value: Any) -> int | None:
    number = _number(value if not isinstance(value, bytes) else None)
    return None if number is None or not math.isfinite(number) else int(number)
