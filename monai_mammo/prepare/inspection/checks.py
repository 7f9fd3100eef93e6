"""All checks that go over the pictures of a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monai_mammo.prepare.inspection.copies import check_copies
from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.issue import Issue, IssueKind, Severity
from monai_mammo.prepare.inspection.label_contradictions import check_labels
from monai_mammo.prepare.inspection.persons import check_persons, check_splits, check_studies
from monai_mammo.prepare.inspection.pictures import check_background, check_faults, check_files, check_notes, check_side
from monai_mammo.prepare.inspection.standard_views import check_views

__all__ = ["CHECKS", "Check", "ordered"]

Check = Callable[[Sequence[InspectedImage]], list[Issue]]
"""Takes all pictures of a data set, gives what is wrong with them; changes nothing."""

CHECKS: tuple[Check, ...] = (
    check_persons,
    check_splits,
    check_studies,
    check_copies,
    check_background,
    check_side,
    check_faults,
    check_labels,
    check_files,
    check_views,
    check_notes,
)
"""Every check, each without knowledge of the others."""

_SEVERITIES, _KINDS = list(Severity), list(IssueKind)


def ordered(issues: Sequence[Issue]) -> tuple[Issue, ...]:
    """Issues, the gravest first, of one kind in the order in which they were found.

    Parameters
    ----------
    issues : sequence of Issue

    Returns
    -------
    tuple of Issue
    """
    return tuple(sorted(issues, key=lambda issue: (_SEVERITIES.index(issue.severity), _KINDS.index(issue.kind))))
