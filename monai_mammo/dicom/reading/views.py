"""Which projection an image shows: codes first, then names, then words (PS3.16, CID 4014)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataset import Dataset

from monai_mammo.dicom.reading.descriptions import VIEW_ACRONYMS, VIEW_MEANINGS, settled, single, views_in_words
from monai_mammo.dicom.reasons import Refusal, SkipReason
from monai_mammo.terms import Laterality, View

__all__ = ["POSITION_PATTERNS", "find_view", "names_a_view", "positions", "sides_of_positions"]

# SNOMED CT, SNOMED RT and the older Y codes
_VIEW_CODES = {
    **dict.fromkeys(("399162004", "R-10242"), "CC"),
    **dict.fromkeys(("399368009", "R-10226"), "MLO"),
    **dict.fromkeys(("399260004", "R-10224"), "ML"),
    **dict.fromkeys(("399352003", "R-10228"), "LM"),
    **dict.fromkeys(("399196006", "R-10244"), "FB"),
    **dict.fromkeys(("399099002", "R-10230"), "LMO"),
    **dict.fromkeys(("399188001", "R-102D0"), "SIO"),
    **dict.fromkeys(("441555000", "R-40AAA"), "ISO"),
    **dict.fromkeys(("399192008", "R-1024A", "Y-X1770"), "XCCL"),
    **dict.fromkeys(("399101009", "R-1024B", "Y-X1771"), "XCCM"),
    **dict.fromkeys(("127457009", "G-8310"), "SPECIMEN"),
}
_VIEW_NAMES = frozenset({*VIEW_ACRONYMS, "SPECIMEN"})

_ANY_VIEW = "(CC|MLO|ML|LM|LMO|XCC|XCCL|XCCM)"
POSITION_PATTERNS = {
    re.compile(rf"M{_ANY_VIEW}"): SkipReason.MAGNIFICATION,
    re.compile(rf"S{_ANY_VIEW}"): SkipReason.SPOT,
    re.compile(rf"{_ANY_VIEW}ID"): SkipReason.IMPLANT_DISPLACED,
    re.compile(rf"{_ANY_VIEW}R[LMIS]"): SkipReason.ROLLED,
    re.compile(r"TAN"): SkipReason.TANGENTIAL,
    re.compile(r"AT|CV"): SkipReason.PARTIAL_VIEW,
    re.compile(rf"{_ANY_VIEW}(?:SC|ST\+?|PRF\+?|POF\+?|POB\+?|POM)"): SkipReason.BIOPSY,
}
"""What ViewPosition says beside the view, by the ACR's acronyms (MQCM 1999), which PS3.3, table C.8-74a, repeats."""


def find_view(dataset: Dataset) -> tuple[View | None, tuple[str, ...]]:
    """Projection, and the sources that contradict it.

    A source that names several views tells none of them.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    view : View or None
    notes : tuple of str

    Raises
    ------
    Refusal
        The image is of a specimen, or of a projection other than those of `View`.
    """
    coded = [*_views(dataset)]
    named, several_notes = single("views", [*coded, *views_in_words(dataset)])
    name, notes = settled("the view", named)
    if dataset.get("ViewCodeSequence") and not any(source == "ViewCodeSequence" for source, _ in coded):
        notes = (*notes, "ViewCodeSequence holds a code that is not known")
    if name == "SPECIMEN":
        raise Refusal(SkipReason.SPECIMEN, "the image shows a specimen")
    if name is not None and name not in tuple(View):
        raise Refusal(SkipReason.UNSUPPORTED_VIEW, f"view {name} is not one of {View.allowed()}")
    return (View(name) if name else None), (*notes, *several_notes)


def names_a_view(dataset: Dataset) -> bool:
    """Whether an attribute made for it names a mammographic view; words of a description are not evidence.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    bool
    """
    return next(_views(dataset), None) is not None


def positions(dataset: Dataset) -> list[str]:
    """Values of ViewPosition without blanks and without a side, ``L-MLO`` and ``MLO-L`` as ``MLO``.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    list of str
        Several where they are separated by a backslash, a slash, a plus sign, a comma or a blank.
    """
    return [position for _, position in _sided_positions(dataset)]


def sides_of_positions(dataset: Dataset) -> set[Laterality]:
    """Sides that ViewPosition names before or behind the view.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    set of Laterality
    """
    return {Laterality(side) for side, _ in _sided_positions(dataset) if side}


def _sided_positions(dataset: Dataset) -> list[tuple[str, str]]:
    """Side, or nothing, and position of each value of ViewPosition."""
    value = dataset.get("ViewPosition")
    texts = [value] if isinstance(value, str) or value is None else list(value)
    whole = [_split_side(text) for text in (re.sub(r"[\s_-]", "", str(text or "").upper()) for text in texts) if text]
    if all(_is_position(position) for _, position in whole):
        return whole
    parts = [part for text in texts for part in re.split(r"[/+,;&\s]+", str(text or "").upper()) if part]
    found = [_split_side(re.sub(r"[_-]", "", part)) for part in parts]
    return found if len(found) > 1 and all(_is_position(position) for _, position in found) else whole


def _views(dataset: Dataset) -> Iterator[tuple[str, set[str]]]:
    items = dataset.get("ViewCodeSequence") or []
    names = (_VIEW_CODES.get(str(item.get("CodeValue") or "").strip()) or _view_of_meaning(item) for item in items)
    if coded := {name for name in names if name}:
        yield "ViewCodeSequence", coded
    if positioned := {name for name in map(_bare, positions(dataset)) if name in _VIEW_NAMES}:
        yield "ViewPosition", positioned
    orientation = dataset.get("PatientOrientation")
    if isinstance(orientation, str) and orientation.strip().upper() in _VIEW_NAMES:
        yield "PatientOrientation", {orientation.strip().upper()}


def _bare(position: str) -> str:
    """View of a position that says more than the view, ``MLOID`` as ``MLO``."""
    matches = (pattern.fullmatch(position) for pattern in POSITION_PATTERNS)
    return next((match[1] for match in matches if match and match.groups()), position)


def _view_of_meaning(item: Dataset) -> str | None:
    """View of an item whose code is a private or an unknown one."""
    meaning = str(item.get("CodeMeaning") or "").strip().upper()
    return next((name for pattern, name in VIEW_MEANINGS.items() if pattern.fullmatch(meaning)), None)


def _split_side(text: str) -> tuple[str, str]:
    """Side before or behind a position, and the position; no side where the text is a position as it is."""
    if not _is_position(text):
        for side, rest in ((text[:1], text[1:]), (text[-1:], text[:-1])):
            if side in ("L", "R") and _is_position(rest):
                return side, rest
    return "", text


def _is_position(text: str) -> bool:
    return text in _VIEW_NAMES or any(pattern.fullmatch(text) for pattern in POSITION_PATTERNS)
