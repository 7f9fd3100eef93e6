"""Labels counted, and beside them what was counted on the published tables."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets import dataset_module
from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.issue import Issue, IssueKind

__all__ = ["LabelCount", "check_counts", "label_counts", "picture_counts"]

_FIELDS = ("kind", "view", "laterality", "density", "birads", "finding", "pathology")
_UNKNOWN = "not known"

_STATED_BY_AUTHORS: dict[str, dict[str, int]] = {
    # abstract of Khaled et al., Scientific Data 9:122 (2022); its sheets hold other numbers
    "cdd-cesm": {
        "sheets / mass_description": 310,
        "sheets / distortion": 48,
        "sheets / asymmetry": 222,
        "sheets / calcifications": 238,
        "sheets / mass enhancement_description": 334,
        "sheets / nonmass enhancement_description": 184,
        "sheets / postoperative": 159,
        "sheets / postneoajuvant chemotherapy": 8,
        "pathology / Normal": 751,
    },
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LabelCount:
    """One count of the data set's tables.

    Parameters
    ----------
    name : str
        What is counted, such as ``birads / 4a``.
    found : int
        Counted on this table.
    published : int or None
        Counted on the whole published table; `None` where that does not have the word.
    stated : int or None
        What the authors write in their paper, where that is known and may differ.
    """

    name: str
    found: int
    published: int | None = None
    stated: int | None = None

    @property
    def is_equal(self) -> bool:
        """Whether the table holds what the published one does."""
        return self.published is None or self.found == self.published

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        return {key: value for key, value in dataclasses.asdict(self).items() if value is not None}


def label_counts(dataset: str, source: Path) -> tuple[LabelCount, ...]:
    """Counts of a public data set's tables beside the published ones; empty for a set that has none.

    Parameters
    ----------
    dataset : str
        One of `monai_mammo.prepare.DATASETS`.
    source : Path
        Its folder.

    Returns
    -------
    tuple of LabelCount
    """
    module = dataset_module(dataset)
    if not hasattr(module, "PUBLISHED_COUNTS"):
        return ()
    try:
        found = dict(_flat(module.label_counts(source)))
    except RequestError:
        return ()
    published = dict(_flat(module.PUBLISHED_COUNTS))
    stated = _STATED_BY_AUTHORS.get(dataset, {})
    return tuple(
        LabelCount(name=name, found=found.get(name, 0), published=published.get(name), stated=stated.get(name))
        for name in dict.fromkeys((*published, *found))
        if name in found or name.partition(" / ")[0] in {other.partition(" / ")[0] for other in found}
    )


def check_counts(counts: Sequence[LabelCount]) -> list[Issue]:
    """One issue where counts differ from the published ones.

    Parameters
    ----------
    counts : sequence of LabelCount

    Returns
    -------
    list of Issue
    """
    different = [count for count in counts if not count.is_equal]
    if not different:
        return []
    first = different[0]
    sentence = (
        f"{len(different)} of {len(counts)} label counts differ from the published tables, "
        f"first {first.name}: {first.found} here, {first.published} there"
    )
    return [Issue(kind=IssueKind.LABEL_COUNT, sentence=sentence)]


def picture_counts(pictures: Sequence[InspectedImage]) -> dict[str, dict[str, int]]:
    """Number of pictures that were read, by each word of each vocabulary of which any word is known.

    ``categories`` counts findings, not pictures: a picture may have several, and a finding several words.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    dict of str to dict of str to int
    """
    read = [seen.conditions for seen in pictures if seen.is_read]
    described = Counter(
        word for seen in pictures if seen.is_read for finding in seen.findings for word in finding.get("categories", ())
    )
    counts: dict[str, dict[str, int]] = {}
    for field in _FIELDS:
        values = [getattr(conditions, field) for conditions in read]
        if any(value is not None for value in values):
            words = Counter(_UNKNOWN if value is None else str(value) for value in values)
            counts[field] = dict(sorted(words.items(), key=lambda item: (item[0] == _UNKNOWN, item[0])))
    return {**counts, "categories": dict(sorted(described.items()))} if described else counts


def _flat(counts: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, int]]:
    for name, value in counts.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} / ")
        else:
            yield f"{prefix}{name}", int(value)
