"""The same picture twice, under one name or several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monai_mammo.prepare.inspection.issue import Issue, IssueKind
from monai_mammo.prepare.inspection.likeness import alike
from monai_mammo.prepare.inspection.seen import Seen

__all__ = ["check_copies"]


class _Pair(NamedTuple):
    first: Seen
    second: Seen
    how: str


def check_copies(pictures: Sequence[Seen]) -> list[Issue]:
    """Equal files, equal pixels, and pictures that differ in size, brightness or a mirror only.

    Across persons or splits it is leakage: a network is then examined on what it has seen.
    """
    read = [seen for seen in pictures if seen.is_read]
    told: set[frozenset[str]] = set()
    issues = []
    for pair in _pairs(read):
        names = frozenset((pair.first.name, pair.second.name))
        if names not in told and len(names) == 2:
            told.add(names)
            issues.append(_issue(pair))
    return issues


def _pairs(read: list[Seen]) -> Iterator[_Pair]:
    """Pairs, those that are equal in more ways first."""
    yield from _equal(read, "sha256", "the two files are equal byte for byte")
    yield from _equal(read, "pixels_sha256", "the two pictures are equal pixel for pixel")
    likened = [seen for seen in read if seen.signature is not None and seen.signature.any()]
    for i, j, is_mirrored in alike([seen.signature for seen in likened if seen.signature is not None]):
        how = "each other's mirror image" if is_mirrored else "the same but for size, margins or brightness"
        yield _Pair(likened[i], likened[j], f"the two pictures are {how}")


def _equal(read: list[Seen], attribute: str, how: str) -> Iterator[_Pair]:
    groups: dict[str, list[Seen]] = defaultdict(list)
    for seen in read:
        if getattr(seen, attribute):
            groups[getattr(seen, attribute)].append(seen)
    for group in groups.values():
        for other in group[1:]:
            yield _Pair(group[0], other, how)


def _issue(pair: _Pair) -> Issue:
    across = ""
    if pair.first.person_id != pair.second.person_id:
        across += ", of two persons"
    if pair.first.split != pair.second.split:
        across += ", in two splits"
    kind = IssueKind.DUPLICATE_ACROSS if across else IssueKind.DUPLICATE
    return Issue(kind=kind, sentence=pair.how + across, images=(pair.first.name, pair.second.name))
