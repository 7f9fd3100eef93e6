"""The same picture twice, under one name or several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.issue import Issue, IssueKind
from monai_mammo.prepare.inspection.likeness import alike

__all__ = ["check_copies"]


_BYTES, _PIXELS, _ALIKE, _MIRRORED = (
    "equal byte for byte",
    "equal pixel for pixel",
    "the same but for size, margins or brightness",
    "mirror images",
)


class _Pair(NamedTuple):
    first: int
    second: int
    how: str


def check_copies(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """Equal files, equal pixels, and pictures that differ in size, brightness or a mirror only; an issue a group.

    Across persons or splits it is leakage: a network is then examined on what it has seen.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    read = [seen for seen in pictures if seen.is_read]
    issues = []
    for members, pairs in _groups(len(read), list(_pairs(read))):
        group = [read[i] for i in members]
        issues.append(_issue(group, [pair.how for pair in pairs]))
    return issues


def _pairs(read: list[InspectedImage]) -> Iterator[_Pair]:
    """Pairs of copies, each at least once."""
    yield from _equal([seen.sha256 for seen in read], _BYTES)
    yield from _equal([seen.pixels_sha256 for seen in read], _PIXELS)
    likened = [(place, seen.signature) for place, seen in enumerate(read) if seen.signature is not None]
    for i, j, is_mirrored in alike([signature for _, signature in likened]):
        yield _Pair(likened[i][0], likened[j][0], _MIRRORED if is_mirrored else _ALIKE)


def _equal(hashes: list[str], how: str) -> Iterator[_Pair]:
    first: dict[str, int] = {}
    for place, digest in enumerate(hashes):
        if digest and first.setdefault(digest, place) != place:
            yield _Pair(first[digest], place, how)


def _groups(n_pictures: int, pairs: list[_Pair]) -> Iterator[tuple[list[int], list[_Pair]]]:
    """Pictures that pairs join, in the order of the first of each group, with their pairs."""
    home = list(range(n_pictures))

    def root(place: int) -> int:
        while home[place] != place:
            place = home[place]
        return place

    for pair in pairs:
        roots = sorted((root(pair.first), root(pair.second)))
        home[roots[1]] = roots[0]
    joined = sorted({place for pair in pairs for place in pair[:2]})
    for top in sorted({root(place) for place in joined}):
        members = [place for place in joined if root(place) == top]
        yield members, [pair for pair in pairs if root(pair.first) == top]


def _issue(group: list[InspectedImage], hows: list[str]) -> Issue:
    n_persons = len({seen.person_id for seen in group})
    n_splits = len({seen.split for seen in group})
    across = f", of {n_persons} persons" if n_persons > 1 else ""
    across += f", in {n_splits} splits" if n_splits > 1 else ""
    kind = IssueKind.DUPLICATE_ACROSS if across else IssueKind.DUPLICATE
    sentence = f"{len(group)} pictures are {_strictest(group, hows)}{across}"
    return Issue(kind=kind, sentence=sentence, images=tuple(seen.name for seen in group))


def _strictest(group: list[InspectedImage], hows: list[str]) -> str:
    """How the pictures of a group are copies: by what holds for all of them, if anything does."""
    if len({seen.sha256 for seen in group}) == 1 and group[0].sha256:
        return _BYTES
    if len({seen.pixels_sha256 for seen in group}) == 1 and group[0].pixels_sha256:
        return _PIXELS
    return " or ".join(how for how in (_ALIKE, _MIRRORED) if how in hows) or _PIXELS
