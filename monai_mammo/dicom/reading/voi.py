"""Values of interest (PS3.3, C.11.2): windows and look-up tables of a header, and which of them is shown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydicom.dataset import Dataset

from monai_mammo.dicom.notes import contradiction
from monai_mammo.dicom.reading.lookup_table import LookupTable
from monai_mammo.dicom.reading.sample import Sample
from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["Voi", "chosen_voi", "linear", "linear_exact", "sigmoid", "whole_range"]


class Voi(NamedTuple):
    """Brightness of all values that can be stored, by one choice of the header.

    Parameters
    ----------
    brightness : ndarray, shape (n_stored_values,), float64
        As fraction of the output range.
    value_range : tuple of float, or None
        Values that 0 and 1 stand for; `None` after a window or a table.
    notes : tuple of str
        What it is.
    name : str
        Such as ``window``; empty for the whole range.
    """

    brightness: np.ndarray
    value_range: tuple[float, float] | None
    notes: tuple[str, ...]
    name: str = ""


def linear(x: np.ndarray, center: float, width: float) -> np.ndarray:
    """LINEAR window of modality values, as fraction of the output range (PS3.3, C.11.2.1.2.1).

    Parameters
    ----------
    x : ndarray, any shape
    center, width : float
        ``width >= 1``; a width of 1 is a step.

    Returns
    -------
    ndarray, shape of `x`, float64
    """
    if width == 1:
        return (x > center - 0.5).astype(np.float64)
    return np.clip((x - (center - 0.5)) / (width - 1) + 0.5, 0.0, 1.0)


def linear_exact(x: np.ndarray, center: float, width: float) -> np.ndarray:
    """LINEAR_EXACT window, as fraction of the output range (PS3.3, C.11.2.1.3.2).

    Parameters
    ----------
    x : ndarray, any shape
    center, width : float
        ``width > 0``.

    Returns
    -------
    ndarray, shape of `x`, float64
    """
    return np.clip((x - center) / width + 0.5, 0.0, 1.0)


def sigmoid(x: np.ndarray, center: float, width: float) -> np.ndarray:
    """SIGMOID window, as fraction of the output range (PS3.3, C.11.2.1.3.1).

    Parameters
    ----------
    x : ndarray, any shape
    center, width : float
        ``width > 0``.

    Returns
    -------
    ndarray, shape of `x`, float64
    """
    return 0.5 * (1.0 + np.tanh(2.0 * (x - center) / width))  # 1 / (1 + exp(-4 (x - c) / w)), without overflow


_WINDOWS = {"LINEAR": (linear, 1.0), "LINEAR_EXACT": (linear_exact, 0.0), "SIGMOID": (sigmoid, 0.0)}


def chosen_voi(dataset: Dataset, x: np.ndarray, sample: Sample, *, is_signed: bool, order: str) -> Voi:
    """First VOI of a header that leaves grey values of an image; the whole range where none does, or there is none.

    Tables come before windows, each in the order of the header.

    Parameters
    ----------
    dataset : Dataset
    x : ndarray, shape (n_stored_values,)
        Modality values of all values that can be stored.
    sample : Sample
        Pixels of the image.
    is_signed : bool
        Whether pixels can be negative.
    order : {"<", ">"}
        Byte order of the file.

    Returns
    -------
    Voi

    Raises
    ------
    Refusal
        A look-up table is damaged, or all values have the same output.
    """
    passed_over: list[str] = []
    for voi in _vois(dataset, x, is_signed=is_signed or x.min() < 0, order=order):
        if not voi.name or sample.is_shown(voi.brightness):
            break
        words = f"the {voi.name} leaves nothing of the picture but black and white, and was passed over"
        passed_over.append(contradiction(words))
    return voi._replace(notes=(*dict.fromkeys(passed_over), *voi.notes))


def whole_range(x: np.ndarray, note: str) -> Voi:
    """All values between the least and the largest.

    Parameters
    ----------
    x : ndarray, shape (n_stored_values,)
        Values that there can be.
    note : str
        What is said of it.

    Returns
    -------
    Voi

    Raises
    ------
    Refusal
        All values are equal.
    """
    low, high = float(x.min()), float(x.max())
    if low == high:
        raise Refusal(SkipReason.DAMAGED, "the modality step gives all values the same output")
    return Voi((x - low) / (high - low), (low, high), (note,))


def _vois(dataset: Dataset, x: np.ndarray, *, is_signed: bool, order: str) -> Iterator[Voi]:
    items = dataset.get("VOILUTSequence") or []
    for number, item in enumerate(items, 1):
        yield _of_table(item, x, number, dataset, is_signed=is_signed, order=order)
    centers, widths = (_several(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    name, notes = str(dataset.get("VOILUTFunction") or "LINEAR"), []
    if centers and widths and name not in _WINDOWS:
        name, notes = "LINEAR", ["VOILUTFunction is not a known one, LINEAR taken"]
    is_possible = True
    for number, (center, width) in enumerate(zip(centers, widths, strict=False), 1):
        brightness = _of_window(name, x, center, width)
        if brightness is None:
            is_possible = False
            if number == 1:
                break
            continue
        several = [_ordinal(number, len(centers), "windows")] if len(centers) > 1 else []
        yield Voi(brightness, None, (*notes, *several, f"window {name} applied"), "window")
    if not centers or not widths:
        yield whole_range(x, "no VOI, the whole range of the stored bits is shown")
    elif not is_possible:
        whole = whole_range(x, "the window is not possible, the whole range of the stored bits is shown")
        yield whole._replace(notes=(*notes, *whole.notes))
    else:
        yield whole_range(x, "the whole range of the stored bits is shown")


def _of_table(item: Dataset, x: np.ndarray, number: int, dataset: Dataset, *, is_signed: bool, order: str) -> Voi:
    table = LookupTable.of(item, is_signed=is_signed, order=order)
    notes = ["VOI LUT sequence applied", *table.notes]
    if len(dataset.VOILUTSequence) > 1:
        notes.append(_ordinal(number, len(dataset.VOILUTSequence), "VOI look-up tables"))
    if dataset.get("WindowCenter") is not None:
        notes.append("the window beside the VOI LUT is not used")
    return Voi(np.clip(table(x) / table.top, 0.0, 1.0), None, tuple(notes), "VOI look-up table")


def _of_window(name: str, x: np.ndarray, center: Any, width: Any) -> np.ndarray | None:
    """Brightness by a window; `None` where its numbers are not possible."""
    center, width = (math.nan if number is None else number for number in map(_number, (center, width)))
    function, least = _WINDOWS[name]
    is_wide = width >= least if name == "LINEAR" else width > least
    return function(x, center, width) if is_wide and math.isfinite(center) and math.isfinite(width) else None


def _ordinal(number: int, count: int, nouns: str) -> str:
    return f"first of {count} {nouns}" if number == 1 else f"number {number} of {count} {nouns}"


def _several(value: Any) -> list:
    """Values of an attribute, one or several."""
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _number(value: Any) -> float | None:
    try:
        return None if value is None or value == "" else float(value)
    except (TypeError, ValueError):
        return None
