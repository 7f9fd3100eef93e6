"""Persons whose pictures lie in several parts of a division."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from monai_mammo.prepare.inspection.issue import Issue, IssueKind
from monai_mammo.prepare.inspection.seen import Seen

__all__ = ["check_persons"]


def check_persons(pictures: Sequence[Seen]) -> list[Issue]:
    """Each person with pictures in several splits, or in several parts as published."""
    return [
        *_shared(pictures, IssueKind.PERSON_IN_SPLITS, lambda seen: {seen.split} if seen.split else set()),
        *_shared(
            pictures,
            IssueKind.PERSON_IN_PUBLISHED_SPLITS,
            lambda seen: {part for part in seen.published_split.split("|") if part},
        ),
    ]


def _shared(pictures: Sequence[Seen], kind: IssueKind, parts_of: Callable[[Seen], set[str]]) -> list[Issue]:
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
