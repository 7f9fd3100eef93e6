"""What makes an image a view of its own beside the plain one: modifiers, magnification, parts of a breast."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from typing import Any

from pydicom.dataset import Dataset

from monai_mammo.dicom.reading.descriptions import descriptions
from monai_mammo.dicom.reading.views import POSITION_PATTERNS, positions
from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["MODIFIER_REASONS", "check_modifiers"]

# PS3.16, CID 4015
_MODIFIER_CODES = {
    **dict.fromkeys(("399163009", "R-102D6"), SkipReason.MAGNIFICATION),
    **dict.fromkeys(("399055006", "R-102D7"), SkipReason.SPOT),
    **dict.fromkeys(("399209000", "R-102D5"), SkipReason.IMPLANT_DISPLACED),
    **dict.fromkeys(("399110001", "R-102C2"), SkipReason.TANGENTIAL),
    **dict.fromkeys(("399161006", "R-102D2", "399011000", "R-102D1"), SkipReason.PARTIAL_VIEW),
    **dict.fromkeys(("442580003", "R-40AB2", "442593008", "R-40ABE"), SkipReason.PARTIAL_VIEW),
    **dict.fromkeys(("399197002", "R-102D3", "399226006", "R-102D4"), SkipReason.ROLLED),
    **dict.fromkeys(("414493004", "R-102CA", "415670009", "R-102C9"), SkipReason.ROLLED),
}
MODIFIER_REASONS = frozenset(_MODIFIER_CODES.values())
"""Reasons that a view modifier gives, which a caller may accept."""

_WORDS = {
    re.compile(r"\bMAG(?:NIF\w*|NIFIED|S)?\b"): SkipReason.MAGNIFICATION,
    re.compile(r"\bSPOT\b"): SkipReason.SPOT,
    re.compile(r"\bIMPLANTS? DISPLACED\b"): SkipReason.IMPLANT_DISPLACED,
}
_MOST_MAGNIFICATION = 1.3  # contact views state up to about 1.1
_MOST_POSSIBLE = 4.0  # distances in other units make larger ones


def check_modifiers(dataset: Dataset, *, accept: Collection[SkipReason] = ()) -> tuple[str, ...]:
    """Notes on modifiers that are accepted; other views of a part of the breast are refused.

    Parameters
    ----------
    dataset : Dataset
    accept : collection of SkipReason
        Out of `MODIFIER_REASONS`.

    Returns
    -------
    tuple of str

    Raises
    ------
    Refusal
        A view modifier, the view position, the magnification, the paddle or a description says what is not accepted.
    """
    notes = []
    for reason, detail in _modifiers(dataset):
        if reason not in accept:
            raise Refusal(reason, detail)
        notes.append(detail)
    return tuple(notes)


def _modifiers(dataset: Dataset) -> Iterator[tuple[SkipReason, str]]:
    """What makes this view one of its own, with a sentence each."""
    places = [dataset, *(dataset.get("ViewCodeSequence") or [])]  # old files hold modifiers at top level
    for code in (c for place in places for c in _codes(place, "ViewModifierCodeSequence")):
        if code in _MODIFIER_CODES:
            yield _MODIFIER_CODES[code], f"the view modifier says {_words(_MODIFIER_CODES[code])}"
    for position in positions(dataset):
        for pattern, reason in POSITION_PATTERNS.items():
            if pattern.fullmatch(position):
                yield reason, f"ViewPosition says {_words(reason)}"
    yield from _magnifications(dataset)
    partial = dataset.get("PartialView")
    if partial == "YES" or (not partial and dataset.get("PartialViewCodeSequence")):
        yield SkipReason.PARTIAL_VIEW, "PartialView says that the image shows a part of the breast"
    texts = [*descriptions(dataset), ("PaddleDescription", str(dataset.get("PaddleDescription") or "").upper())]
    for keyword, text in texts:
        for pattern, reason in _WORDS.items():
            if pattern.search(text):
                yield reason, f"{keyword} says {_words(reason)}"


def _magnifications(dataset: Dataset) -> Iterator[tuple[SkipReason, str]]:
    """By the factor that the device estimates, and by the distances of detector and breast support (C.8.11.7)."""
    factor = _positive(dataset.get("EstimatedRadiographicMagnificationFactor"))
    if factor is not None and factor > _MOST_MAGNIFICATION:
        yield SkipReason.MAGNIFICATION, f"the magnification is above {_MOST_MAGNIFICATION}"
    detector = _positive(dataset.get("DistanceSourceToDetector"))
    patient = _positive(dataset.get("DistanceSourceToPatient"))
    if detector and patient and _MOST_MAGNIFICATION < detector / patient <= _MOST_POSSIBLE:
        distances = "DistanceSourceToDetector and DistanceSourceToPatient"
        words = f"the magnification is above {_MOST_MAGNIFICATION} by {distances}"
        yield SkipReason.MAGNIFICATION, words


def _codes(dataset: Dataset, keyword: str) -> Iterator[str]:
    for item in dataset.get(keyword) or []:
        if item.get("CodeValue"):
            yield str(item.CodeValue).strip()


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _words(reason: SkipReason) -> str:
    return reason.value.replace("_", " ")
