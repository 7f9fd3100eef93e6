"""Checks of single pictures: read or not, background, side, masks and boxes, notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.issue import Issue, IssueKind
from monai_mammo.prepare.inspection.polarity import INVERTED_BELOW

__all__ = ["check_files", "check_faults", "check_background", "check_notes", "check_side"]


def check_files(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """Files that were not read, each with its reason.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    kinds = {"failed": IssueKind.UNREADABLE, "skipped": IssueKind.REFUSED}
    return [
        Issue(kind=kinds[seen.status], sentence=seen.detail, images=(seen.name,), reason=seen.reason)
        for seen in pictures
        if not seen.is_read
    ]


def check_background(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """Pictures whose background is bright, where air must be dark.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    sentence = "the background outside the breast is bright, as in a negative"
    return [
        Issue(kind=IssueKind.INVERTED, sentence=sentence, images=(seen.name,))
        for seen in pictures
        if seen.is_read and seen.background < INVERTED_BELOW
    ]


def check_side(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """Pictures whose chest wall, by the pixels, is not where side or table say.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    issues = []
    for seen in pictures:
        if seen.chest_wall is None:
            continue
        if seen.by_table not in (None, seen.chest_wall):
            sentence = f"the chest wall is at the {seen.chest_wall} edge, {seen.by_table} by the table"
            issues.append(Issue(kind=IssueKind.WRONG_SIDE, sentence=sentence, images=(seen.name,)))
        elif seen.expected not in (None, seen.chest_wall):
            is_known = seen.by_table is not None
            kind = IssueKind.HANGS_MIRRORED if is_known else IssueKind.WRONG_SIDE
            sentence = f"the chest wall is at the {seen.chest_wall} edge, {seen.expected} by the laterality"
            issues.append(Issue(kind=kind, sentence=sentence, images=(seen.name,)))
    return issues


def check_faults(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """What is wrong with masks, boxes and pixels, as it was found on looking.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    return [
        Issue(kind=kind, sentence=sentence, images=(seen.name,)) for seen in pictures for kind, sentence in seen.faults
    ]


def check_notes(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """What readers and data sets wrote down, each sentence once with all its pictures.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    noted = _by_sentence((note, seen.name) for seen in pictures if seen.is_read for note in seen.notes)
    named = _by_sentence((word, seen.name) for seen in pictures for word in seen.identifying)
    private = tuple(seen.name for seen in pictures if seen.n_private)
    issues = [Issue(kind=IssueKind.NOTICED, sentence=note, images=names) for note, names in noted.items()]
    for keyword, names in named.items():
        sentence = f"the DICOM attribute {keyword} is filled, and not with the PatientID"
        issues.append(Issue(kind=IssueKind.PRIVATE_DATA, sentence=sentence, images=names))
    if private:
        sentence = "the files carry private DICOM attributes, which may hold anything"
        issues.append(Issue(kind=IssueKind.PRIVATE_DATA, sentence=sentence, images=private))
    return issues


def _by_sentence(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for sentence, name in pairs:
        found[sentence][name] = None
    return {sentence: tuple(names) for sentence, names in found.items()}
