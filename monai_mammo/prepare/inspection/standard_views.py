"""Which of the four standard views each person has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.issue import Issue, IssueKind
from monai_mammo.terms import Laterality, View

__all__ = ["check_views", "studies"]

_FOUR = tuple((side, view) for side in Laterality for view in View)


class _StudyKey(NamedTuple):
    person_id: str
    day: str
    kind: str


def studies(pictures: Sequence[InspectedImage]) -> dict[_StudyKey, list[InspectedImage]]:
    """Pictures of one person, day and kind of acquisition together; those without a person are left out.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    dict of tuple to list of InspectedImage
        By person and study.
    """
    found: dict[_StudyKey, list[InspectedImage]] = defaultdict(list)
    for seen in pictures:
        if seen.person_id:
            found[_StudyKey(seen.person_id, seen.study, str(seen.conditions.kind or ""))].append(seen)
    return found


def check_views(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """Views that a study lacks, or has twice; a view that the whole data set has not is told once.

    A picture that could not be read counts as a view that is there: it is told elsewhere.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    grouped = {key: [seen for seen in group if _view_of(seen)] for key, group in studies(pictures).items()}
    grouped = {key: group for key, group in grouped.items() if group}
    everywhere = {_view_of(seen) for group in grouped.values() for seen in group}
    lacking = [view for view in _FOUR if view not in everywhere]
    issues = []
    if grouped and lacking:
        sentence = f"no picture of the data set is a view of {_words(lacking)}"
        issues.append(Issue(kind=IssueKind.MISSING_VIEW, sentence=sentence))
    for group in grouped.values():
        issues += _of_study(group, everywhere)
    return issues


def _of_study(group: list[InspectedImage], everywhere: set) -> Iterator[Issue]:
    counted = Counter(_view_of(seen) for seen in group)
    missing = [view for view in _FOUR if view in everywhere and view not in counted]
    if missing:
        sentence = f"the study has no {_words(missing)}"
        yield Issue(kind=IssueKind.MISSING_VIEW, sentence=sentence, images=tuple(seen.name for seen in group))
    for view, n_pictures in counted.items():
        names = tuple(seen.name for seen in group if _view_of(seen) == view and seen.is_read)
        if n_pictures > 1 and len(names) > 1:
            sentence = f"the study has {len(names)} pictures of {_words([view])}"
            yield Issue(kind=IssueKind.DOUBLED_VIEW, sentence=sentence, images=names)


def _view_of(seen: InspectedImage) -> tuple[Laterality, View] | None:
    side, view = seen.conditions.laterality, seen.conditions.view
    return None if side is None or view is None else (side, view)


def _words(views: Sequence) -> str:
    return ", ".join(f"{side} {view}" for side, view in views)
