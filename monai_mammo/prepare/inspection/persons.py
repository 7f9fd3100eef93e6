"""Persons whose pictures lie in several parts of a division."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.issue import Issue, IssueKind
from monai_mammo.terms import Split

__all__ = ["check_persons", "check_splits", "check_studies"]


def check_persons(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """Each person with pictures in several splits, or in several parts as published.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    return [
        *_shared(pictures, IssueKind.PERSON_IN_SPLITS, lambda seen: {seen.split} if seen.split else set()),
        *_shared(
            pictures,
            IssueKind.PERSON_IN_PUBLISHED_SPLITS,
            lambda seen: {part for part in seen.published_split.split("|") if part},
        ),
    ]


def check_splits(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """Training or validation without a picture, where the data set is divided.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    found = {seen.split for seen in pictures if seen.is_read and seen.split}
    return [
        Issue(kind=IssueKind.EMPTY_SPLIT, sentence=f"no picture is in the split {split}")
        for split in (Split.TRAIN, Split.VAL)
        if found and str(split) not in found
    ]


def check_studies(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """Each PatientID whose pictures are of several studies, by their StudyInstanceUID.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    studies: dict[str, set[str]] = defaultdict(set)
    names: dict[str, list[str]] = defaultdict(list)
    for seen in pictures:
        if seen.is_read and seen.person_id and seen.study.startswith("study-"):
            studies[seen.person_id].add(seen.study)
            names[seen.person_id].append(seen.name)
    return [
        Issue(
            kind=IssueKind.MANY_STUDIES,
            sentence=f"{_pictures(names[person])} of one PatientID are of {len(found)} studies",
            images=tuple(names[person]),
        )
        for person, found in studies.items()
        if len(found) > 1
    ]


def _shared(
    pictures: Sequence[InspectedImage], kind: IssueKind, parts_of: Callable[[InspectedImage], set[str]]
) -> list[Issue]:
    parts: dict[str, set[str]] = defaultdict(set)
    names: dict[str, list[str]] = defaultdict(list)
    for seen in pictures:
        if seen.person_id and parts_of(seen):
            parts[seen.person_id] |= parts_of(seen)
            names[seen.person_id].append(seen.name)
    return [
        Issue(
            kind=kind,
            sentence=f"{_pictures(names[person])} of one person lie in {_and(found)}",
            images=tuple(names[person]),
        )
        for person, found in parts.items()
        if len(found) > 1
    ]


def _pictures(names: list[str]) -> str:
    return "the picture" if len(names) == 1 else f"the {len(names)} pictures"


def _and(parts: set[str]) -> str:
    return " and ".join(sorted(parts))
