"""Sides, views and kinds of image by the words of free text, which devices and technologists write as they like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from monai_mammo.dicom.notes import contradiction
from monai_mammo.terms import Laterality

__all__ = [
    "VIEW_ACRONYMS",
    "VIEW_MEANINGS",
    "descriptions",
    "menu_texts",
    "settled",
    "sides_in_words",
    "single",
    "views_in_words",
]

VIEW_ACRONYMS = ("CC", "MLO", "ML", "LM", "LMO", "FB", "SIO", "ISO", "XCC", "XCCL", "XCCM")
"""Views of PS3.16, CID 4014, as they are abbreviated."""

VIEW_MEANINGS = {
    re.compile(r"(?<!EXAGGERATED )\bCRANIO[\s-]*CAUDAL\b(?! EXAGGERATED)"): "CC",
    re.compile(r"\bMEDIO[\s-]*LATERAL[\s-]*OBLIQUE\b"): "MLO",
}
"""The same in words, for those that are read."""

_FREE_TEXTS = ("SeriesDescription", "ProtocolName")
# what a device was set to: Fuji's and Agfa's computed radiography says side and view here, and often nowhere else
_MENU_KEYWORDS = ("AcquisitionDeviceProcessingDescription", "AcquisitionDeviceProcessingCode")
_MORE_KEYWORDS = ("PerformedProcedureStepDescription", "BodyPartExamined")
_PRIVATE_MENUS = {  # as pydicom's dictionary of private attributes names them
    ("FDMS 1.0", 0x0019, 0x30): "Menu Character String of FDMS 1.0",  # Fuji
    ("FDMS 1.0", 0x0019, 0x32): "Kanji Menu Name of FDMS 1.0",
    ("SPI-P-PCR Release 2", 0x0019, 0x60): "View Name of SPI-P-PCR",  # Philips
    ("GEMS_SENO_02", 0x0045, 0x1B): "Clinical View of GEMS_SENO_02",
}
_PRIVATE_GROUPS = frozenset(group for _, group, _ in _PRIVATE_MENUS)
_MENU_BYTES = 256
_ACRONYM = "(?:CC|MLO|ML|LM|LMO|FB|SIO|ISO|XCC|XCCL|XCCM)"
_SIDE = re.compile(
    rf"\b(LEFT|RIGHT|LT|RT)\b|\b([LR])\)?[ -]?(?:{_ACRONYM}\b|CRANIO|MEDIO)"
    r"|\b(?:CC|MLO)(?:[ -]|[ -]?\()([LR])\b|\b([LR])[ -]?(?:BREAST|MAMM)"
)
_BOTH = re.compile(r"\b(?:BILAT(?:ERAL)?|BOTH)\b")
_VIEW = re.compile(rf"\b(?:[LR][ -]?)?(CC|MLO)\b|\b[LR][ -]?({_ACRONYM})\b")
_Value = TypeVar("_Value")


def descriptions(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Free text and menus of an image that may name side, view or kind, in capitals, by keyword or name.

    Parameters
    ----------
    dataset : Dataset

    Yields
    ------
    keyword, text : str
    """
    for keyword in _FREE_TEXTS:
        yield from _attribute(dataset, keyword)
    yield from menu_texts(dataset)
    for keyword in _MORE_KEYWORDS:
        yield from _attribute(dataset, keyword)


def menu_texts(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """What a device was set to by its menu, in capitals: standard attributes first, then the vendors' own.

    Parameters
    ----------
    dataset : Dataset

    Yields
    ------
    name, text : str
    """
    for keyword in _MENU_KEYWORDS:
        yield from _attribute(dataset, keyword)
    creators = {
        (_stored_text(dataset, tag), tag.group): tag.element << 8
        for tag in dataset.keys()  # noqa: SIM118 - iterating would convert the values
        if tag.group in _PRIVATE_GROUPS and 0x10 <= tag.element <= 0xFF
    }
    for (creator, group, element), name in _PRIVATE_MENUS.items():
        block = creators.get((creator, group))
        text = "" if block is None else _in_capitals(_stored_text(dataset, Tag(group, block + element)))
        if text:
            yield name, text


def _attribute(dataset: Dataset, keyword: str) -> Iterator[tuple[str, str]]:
    text = _in_capitals(str(dataset.get(keyword) or ""))
    if text:
        yield keyword, text


def _in_capitals(text: str) -> str:
    return re.sub(r"[\s_]+", " ", text.upper()).strip()


def _stored_text(dataset: Dataset, tag: BaseTag) -> str:
    """Value of a private attribute as text, whatever its type is said to be; empty where it is none or is long."""
    value = dataset.get_item(tag).value if tag in dataset else ""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip(" \0") if isinstance(value, str) and len(value) <= _MENU_BYTES else ""


def sides_in_words(dataset: Dataset) -> Iterator[tuple[str, set[Laterality]]]:
    """Sides that each text names; both where it names both, or the two breasts.

    Parameters
    ----------
    dataset : Dataset

    Yields
    ------
    keyword : str
    sides : set of Laterality
        Not empty.
    """
    for keyword, text in descriptions(dataset):
        sides = {Laterality(next(filter(None, match.groups()))[0]) for match in _SIDE.finditer(text)}
        if _BOTH.search(text):
            sides = set(Laterality)
        if sides:
            yield keyword, sides


def views_in_words(dataset: Dataset) -> Iterator[tuple[str, set[str]]]:
    """Views that each text names.

    Parameters
    ----------
    dataset : Dataset

    Yields
    ------
    keyword : str
    views : set of str
        Out of `VIEW_ACRONYMS`; not empty.
    """
    for keyword, text in descriptions(dataset):
        views = {next(filter(None, match.groups())) for match in _VIEW.finditer(text)}
        views |= {view for pattern, view in VIEW_MEANINGS.items() if pattern.search(text)}
        if views:
            yield keyword, views


def single(noun: str, sources: list[tuple[str, set[_Value]]]) -> tuple[list[tuple[str, _Value]], tuple[str, ...]]:
    """Sources that name one value; those that name several name none.

    Parameters
    ----------
    noun : str
        What is named, such as ``sides``.
    sources : list of (str, set)
        Keyword and values.

    Returns
    -------
    sources : list of (str, value)
    notes : tuple of str
        One for each source that names several.
    """
    named = [(source, next(iter(values))) for source, values in sources if len(values) == 1]
    several = [source for source, values in sources if len(values) > 1]
    return named, tuple(contradiction(f"{source} names several {noun}, of which none was taken") for source in several)


def settled(noun: str, sources: Sequence[tuple[str, _Value]]) -> tuple[_Value | None, tuple[str, ...]]:
    """First value found, and a note for every other source that says something else.

    Parameters
    ----------
    noun : str
        What they tell, such as ``the side``.
    sources : sequence of (str, value)
        Keyword and value, the most trusted first.

    Returns
    -------
    value : value or None
        `None` without sources.
    notes : tuple of str
    """
    if not sources:
        return None, ()
    first_source, value = sources[0]
    others = [source for source, other in sources[1:] if other != value]
    words = [f"{first_source} and {other} disagree about {noun}, the first was taken" for other in others]
    return value, tuple(map(contradiction, words))
