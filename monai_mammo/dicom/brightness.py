"""From stored cells to brightness: padding, bits, modality, VOI, polarity, in this order (PS3.3, C.7.6.3, C.11).

A stored value has at most 16 bits, so the steps after the bits run once over all values that can
be stored, and the image is one look-up. Polarity is owned here: it is applied once, last.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from monai_mammo.dicom.codecs import PixelFormat
from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["LookupTable", "brightness", "linear", "linear_exact", "padding_mask", "sigmoid", "stored_values"]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """Modality or VOI LUT (PS3.3, C.11.1.1, C.11.2.1).

    Parameters
    ----------
    values : ndarray, shape (entries,), integer
        Output for the input values ``first``, ``first + 1`` and so on.
    first : int
        First input value mapped; what lies below takes the first entry, what lies above the last.
    bits : int
        Declared bits of the output.
    """

    values: np.ndarray
    first: int
    bits: int

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Output values of the inputs; the index is computed in 64 bit, so that no table width wraps it."""
        index = np.rint(x).astype(np.int64) - self.first
        return self.values[np.clip(index, 0, self.values.size - 1)]

    @property
    def top(self) -> int:
        """Largest output value that the declared bits can hold."""
        return 2**self.bits - 1


def linear(x: np.ndarray, center: float, width: float) -> np.ndarray:
    """LINEAR window of modality values, as fraction of the output range (PS3.3, C.11.2.1.2.1).

    Parameters
    ----------
    x : ndarray
    center, width : float
        ``width >= 1``; a width of 1 is a step.
    """
    if width == 1:
        return (x > center - 0.5).astype(np.float64)
    return np.clip((x - (center - 0.5)) / (width - 1) + 0.5, 0.0, 1.0)


def linear_exact(x: np.ndarray, center: float, width: float) -> np.ndarray:
    """LINEAR_EXACT window, ``width > 0``, as fraction of the output range (PS3.3, C.11.2.1.3.2)."""
    return np.clip((x - center) / width + 0.5, 0.0, 1.0)


def sigmoid(x: np.ndarray, center: float, width: float) -> np.ndarray:
    """SIGMOID window, ``width > 0``, as fraction of the output range (PS3.3, C.11.2.1.3.1)."""
    return 0.5 * (1.0 + np.tanh(2.0 * (x - center) / width))  # 1 / (1 + exp(-4 (x - c) / w)), without overflow


_WINDOWS = {"LINEAR": (linear, 1.0), "LINEAR_EXACT": (linear_exact, 0.0), "SIGMOID": (sigmoid, 0.0)}


def stored_values(cells: np.ndarray, form: PixelFormat) -> np.ndarray:
    """Stored values of cells: unused bits masked, the sign extended from the highest stored bit.

    Parameters
    ----------
    cells : ndarray, integer
        As decoded; a signed array comes from a stream that carries its sign and is taken as it is.
    form : PixelFormat

    Returns
    -------
    ndarray, int32
    """
    values = cells.astype(np.int32)
    if cells.dtype.kind == "i" and form.is_signed:
        return values
    values = (values >> (form.high_bit + 1 - form.bits_stored)) & (2**form.bits_stored - 1)
    if form.is_signed:
        half = 2 ** (form.bits_stored - 1)
        values = (values ^ half) - half
    return values


def padding_mask(
    cells: np.ndarray, values: np.ndarray, form: PixelFormat, padding: int, limit: int | None
) -> np.ndarray:
    """Where pixels are padding, from the padding value to the range limit, both included (PS3.3, C.7.5.1.1.2).

    The padding value may lie outside the stored bits, so cells are looked at as they came and as unpacked.
    """
    ends = [_as_stored(end, form) for end in (padding, padding if limit is None else limit)]
    low, high = min(ends), max(ends)
    as_signed = np.dtype(f"i{cells.itemsize}").newbyteorder(cells.dtype.byteorder)
    raw = cells.view(as_signed) if form.is_signed else cells
    return ((raw >= low) & (raw <= high)) | ((values >= low) & (values <= high))


def _as_stored(value: int, form: PixelFormat) -> int:
    """A value whose VR got the sign wrong, read with the sign of the pixels."""
    if form.is_signed and value > 32767:
        return value - 65536
    return value + 65536 if value < 0 and not form.is_signed else value


def brightness(dataset: Dataset, cells: np.ndarray, form: PixelFormat) -> tuple[np.ndarray, tuple[str, ...]]:
    """Brightness of an image, and what was chosen on the way.

    Parameters
    ----------
    dataset : Dataset
        Header of the image.
    cells : ndarray, shape (rows, columns), integer
        As `monai_mammo.dicom.codecs.decode` gives them.
    form : PixelFormat

    Returns
    -------
    pixels : ndarray, shape (rows, columns), float32
        In [0, 1], dense tissue bright, padding 0.
    notes : tuple of str

    Raises
    ------
    Refusal
        A rescale or a look-up table is damaged.
    """
    values = stored_values(cells, form)
    low = -(2 ** (form.bits_stored - 1)) if form.is_signed else 0
    domain = np.arange(low, low + 2**form.bits_stored)  # every value that can be stored
    table, notes = _presentation(dataset, domain, form)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        table = 1.0 - table
    pixels = table.astype(np.float32)[np.clip(values - low, 0, domain.size - 1)]
    padding, limit = (_integer(dataset.get(name)) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    if padding is not None:
        pixels[padding_mask(cells, values, form, padding, limit)] = 0.0
    return pixels, notes


def _presentation(dataset: Dataset, domain: np.ndarray, form: PixelFormat) -> tuple[np.ndarray, tuple[str, ...]]:
    """Modality and VOI step over all stored values, as fraction of the output range."""
    x = _modality(dataset, domain, form)
    is_signed = form.is_signed or x.min() < 0
    if dataset.get("VOILUTSequence"):
        table = _lookup_table(dataset.VOILUTSequence[0], is_signed=is_signed)
        notes = ["VOI LUT sequence applied"]
        if table.values.max() < table.top // 2:
            notes.append("the VOI LUT declares more bits than it uses")
        return np.clip(table(x) / table.top, 0.0, 1.0), tuple(notes)
    return _window(dataset, x)


def _modality(dataset: Dataset, domain: np.ndarray, form: PixelFormat) -> np.ndarray:
    if dataset.get("ModalityLUTSequence"):
        table = _lookup_table(dataset.ModalityLUTSequence[0], is_signed=form.is_signed)
        return table(domain).astype(np.float64)
    slope, intercept = (_number(dataset.get(name)) for name in ("RescaleSlope", "RescaleIntercept"))
    slope, intercept = 1.0 if slope is None else slope, 0.0 if intercept is None else intercept
    if not (math.isfinite(slope) and math.isfinite(intercept)) or slope == 0:
        raise Refusal(SkipReason.DAMAGED, "RescaleSlope or RescaleIntercept is not possible")
    return domain * slope + intercept


def _window(dataset: Dataset, x: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    center, width = (_number(_first(dataset.get(name))) for name in ("WindowCenter", "WindowWidth"))
    whole = np.asarray((x - x.min()) / (x.max() - x.min()))
    if center is None or width is None:
        return whole, ("no VOI, the whole range of the stored bits is shown",)
    name = str(dataset.get("VOILUTFunction") or "LINEAR")
    notes = []
    if name not in _WINDOWS:
        name, notes = "LINEAR", ["VOILUTFunction is not a known one, LINEAR taken"]
    function, least = _WINDOWS[name]
    is_possible = width >= least if name == "LINEAR" else width > least
    if not (is_possible and math.isfinite(center) and math.isfinite(width)):
        return whole, (*notes, "the window is not possible, the whole range of the stored bits is shown")
    if isinstance(dataset.get("WindowCenter"), Sequence) and len(dataset.WindowCenter) > 1:
        notes.append(f"first of {len(dataset.WindowCenter)} windows")
    return function(x, center, width), (*notes, f"window {name} applied")


def _lookup_table(item: Dataset, *, is_signed: bool) -> LookupTable:
    descriptor = [_integer(value) for value in item.get("LUTDescriptor") or ()]
    if len(descriptor) != 3 or None in descriptor:
        raise Refusal(SkipReason.DAMAGED, "a look-up table has no descriptor")
    entries, first, bits = (int(value) for value in descriptor)  # type: ignore[arg-type]
    entries = entries % 65536 or 65536
    first = (first + 32768) % 65536 - 32768 if is_signed else first % 65536
    if not 1 <= bits <= 16:
        raise Refusal(SkipReason.DAMAGED, "a look-up table declares bits that are not possible")
    return LookupTable(_table_values(item.get("LUTData"), entries), first, bits)


def _table_values(data: Any, entries: int) -> np.ndarray:
    """Entries of LUTData, which comes as numbers, as 16-bit words or, with 8 bits, as packed bytes."""
    if isinstance(data, bytes):
        kind = "<u2" if len(data) >= 2 * entries else "u1"
        values = np.frombuffer(data[: len(data) // np.dtype(kind).itemsize * np.dtype(kind).itemsize], dtype=kind)
    elif isinstance(data, Sequence) and not isinstance(data, str):
        values = np.asarray(data, dtype=np.int64) % 65536
        if values.size == (entries + 1) // 2 and entries > 1:
            values = np.frombuffer(values.astype("<u2").tobytes(), dtype=np.uint8)
    else:
        values = np.zeros(0, dtype=np.int64)
    if values.size < entries:
        raise Refusal(SkipReason.DAMAGED, "a look-up table has fewer entries than it declares")
    return values[:entries].astype(np.int64)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, Sequence) and not isinstance(value, str) and len(value) else value


def _number(value: Any) -> float | None:
    try:
        return None if value is None or value == "" else float(value)
    except (TypeError, ValueError):
        return None


def _integer(value: Any) -> int | None:
    number = _number(value if not isinstance(value, bytes) else None)
    return None if number is None or not math.isfinite(number) else int(number)
