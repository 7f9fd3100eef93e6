"""What `doctor` found, as a value, as JSON, as a plain table and as a page."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

from monai_mammo.prepare.inspection.counts import LabelCount, picture_counts
from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.issue import Issue, IssueKind, Severity
from monai_mammo.prepare.inspection.standard_views import studies

__all__ = ["DoctorReport"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DoctorReport:
    """What a data set hides.

    Parameters
    ----------
    name : str
        Of the data set's folder or table, without the way to it.
    dataset : str
        Sort of data set: one of `monai_mammo.prepare.DATASETS`, or ``prepared``.
    pictures : tuple of InspectedImage
        Each file once, in the order of the data set.
    issues : tuple of Issue
        The gravest first.
    label_counts : tuple of LabelCount
        Of the tables, beside the published ones.
    out : Path or None
        Folder with ``doctor.json`` and ``doctor.html``.
    """

    name: str
    dataset: str
    pictures: tuple[InspectedImage, ...]
    issues: tuple[Issue, ...]
    label_counts: tuple[LabelCount, ...] = ()
    out: Path | None = None

    @property
    def has_leakage(self) -> bool:
        """Whether persons or pictures lie in two splits, or a picture has two persons."""
        return any(issue.severity is Severity.LEAKAGE for issue in self.issues)

    def count(self, status: str) -> int:
        """Number of files that were ``read``, ``skipped`` or ``failed``.

        Parameters
        ----------
        status : str
            ``read``, ``skipped`` or ``failed``.

        Returns
        -------
        int
        """
        return sum(seen.status == status for seen in self.pictures)

    @property
    def n_persons(self) -> int:
        """Persons of the pictures that were read."""
        return len({seen.person_id for seen in self.pictures if seen.is_read and seen.person_id})

    @property
    def n_studies(self) -> int:
        """Studies of the pictures that were read."""
        return len({key[:2] for key in studies([seen for seen in self.pictures if seen.is_read])})

    @property
    def kinds(self) -> dict[IssueKind, list[Issue]]:
        """Issues by kind, the gravest first."""
        found: dict[IssueKind, list[Issue]] = {}
        for issue in self.issues:
            found.setdefault(issue.kind, []).append(issue)
        return found

    @property
    def reasons(self) -> dict[str, int]:
        """Number of files by the code of what kept them from being read."""
        return dict(sorted(Counter(seen.reason for seen in self.pictures if seen.reason).items()))

    @property
    def splits(self) -> dict[str, dict[str, int]]:
        """Images and persons of each part, as the data set or the datalist divides it."""
        return _parts(self.pictures, lambda seen: seen.split)

    @property
    def published_splits(self) -> dict[str, dict[str, int]]:
        """Images and persons of each part as published."""
        return _parts(self.pictures, lambda seen: seen.published_split)

    @property
    def view_table(self) -> dict[str, dict[str, int]]:
        """Images by view and side; ``not known`` where one of the two is missing."""
        table: dict[str, dict[str, int]] = {}
        for seen in self.pictures:
            if seen.is_read:
                view = str(seen.conditions.view or "not known")
                side = str(seen.conditions.laterality or "not known")
                row = table.setdefault(view, {})
                row[side] = row.get(side, 0) + 1
        return dict(sorted(table.items()))

    def to_dict(self) -> dict[str, Any]:
        """Content of ``doctor.json``: no person, no time, no path of the machine.

        Returns
        -------
        dict
        """
        return {
            "version": 1,
            "name": self.name,
            "dataset": self.dataset,
            "has_leakage": self.has_leakage,
            "counts": {status: self.count(status) for status in ("read", "skipped", "failed")},
            "persons": self.n_persons,
            "studies": self.n_studies,
            "reasons": self.reasons,
            "splits": self.splits,
            "published_splits": self.published_splits,
            "views": self.view_table,
            "pictures_by_label": picture_counts(self.pictures),
            "label_counts": [count.to_dict() for count in self.label_counts],
            "issue_counts": {kind.value: len(issues) for kind, issues in self.kinds.items()},
            "issues": [issue.to_dict() for issue in self.issues],
            "files": [seen.to_dict() for seen in self.pictures],
        }

    def lines(self) -> list[str]:
        """The table that the command prints: what was read, then a line for each kind of issue.

        Returns
        -------
        list of str
        """
        statuses = ", ".join(f"{self.count(status)} {status}" for status in ("read", "skipped", "failed"))
        said = [f"{self.name} ({self.dataset}): {statuses}; {self.n_persons} persons, {self.n_studies} studies"]
        if not self.issues:
            return [*said, "nothing was found"]
        width = max(len(kind.heading) for kind in self.kinds)
        said.append(f"{'weight':<10}{'what':<{width}}  {'issues':>6}  {'images':>6}")
        for kind, issues in self.kinds.items():
            n_images = len({name for issue in issues for name in issue.images})
            said.append(f"{kind.severity.value:<10}{kind.heading:<{width}}  {len(issues):>6}  {n_images:>6}")
        return said


def _parts(pictures: tuple[InspectedImage, ...], part_of: Any) -> dict[str, dict[str, int]]:
    persons: dict[str, set[str]] = {}
    images: Counter[str] = Counter()
    for seen in pictures:
        if seen.is_read and part_of(seen):
            images[part_of(seen)] += 1
            persons.setdefault(part_of(seen), set()).add(seen.person_id)
    return {part: {"images": n, "persons": len(persons[part])} for part, n in sorted(images.items())}
