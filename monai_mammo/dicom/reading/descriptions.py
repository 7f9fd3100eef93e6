"""Sides, views and kinds of image by the words of free text, which devices and technologists write as they like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from pydicom.dataset import Dataset

from monai_mammo.dicom.notes import contradiction
from monai_mammo.terms import Laterality

__all__ = ["VIEW_ACRONYMS", "descriptions", "settled", "sides_in_words", "single", "views_in_words"]

VIEW_ACRONYMS = ("CC", "MLO", "ML", "LM", "LMO", "FB", "SIO", "ISO", "XCC", "XCCL", "XCCM")
"""Views of PS3.16, CID 4014, as they are abbreviated."""

# Fuji's and Agfa's computed radiography puts side and view into the last three, where the standard's attributes lack
_KEYWORDS = (
    *("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription"),
    *("PerformedProcedureStepDescription", "BodyPartExamined"),
)
_ACRONYM = "(?:CC|MLO|ML|LM|LMO|FB|SIO|ISO|XCC|XCCL|XCCM)"
_SIDE = re.compile(
    rf"\b(LEFT|RIGHT|LT|RT)\b|\b([LR])[ -]?{_ACRONYM}\b|\b(?:CC|MLO)[ -]([LR])\b|\b([LR])[ -]?(?:BREAST|MAMM)"
)
_BOTH = re.compile(r"\b(?:BILAT(?:ERAL)?|BOTH)\b")
_VIEW = re.compile(rf"\b(?:[LR][ -]?)?(CC|MLO)\b|\b[LR][ -]?({_ACRONYM})\b")
_Value = TypeVar("_Value")


def descriptions(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Free text of an image that may name side, view or kind, in capitals, by its keyword.

    Parameters
    ----------
    dataset : Dataset

    Yields
    ------
    keyword, text : str
    """
    for keyword in _KEYWORDS:
        text = re.sub(r"[\s_]+", " ", str(dataset.get(keyword) or "").upper())
        if text:
            yield keyword, text


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
