"""Labels against each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from monai_mammo.conditions import Conditions
from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.issue import Issue, IssueKind
from monai_mammo.prepare.inspection.standard_views import studies
from monai_mammo.terms import Finding, FindingCategory, Pathology

__all__ = ["check_labels"]

_SUSPICIOUS = 4  # BI-RADS category from which a breast has something to be seen


def check_labels(pictures: Sequence[InspectedImage]) -> list[Issue]:
    """Findings, BI-RADS and pathology that do not go together, and densities that differ within a person.

    A picture without a finding in a breast of BI-RADS 4 is no contradiction while another view of it shows one.

    Parameters
    ----------
    pictures : sequence of InspectedImage

    Returns
    -------
    list of Issue
    """
    read = [seen for seen in pictures if seen.is_read]
    issues = [
        Issue(kind=IssueKind.LABEL_CONTRADICTION, sentence=sentence, images=(seen.name,))
        for seen in read
        for sentence in _contradictions(seen)
    ]
    for group in studies(read).values():
        issues += _densities(group)
        issues += _breasts_without_a_finding(group)
    return issues


def _contradictions(seen: InspectedImage) -> Iterator[str]:
    """What contradicts itself in the labels of one picture."""
    known: Conditions = seen.conditions
    words = {word for finding in seen.findings for word in finding.get("categories", ())}
    if known.finding is Finding.NONE and words - {FindingCategory.NONE.value}:
        yield "the finding is 'none', and a finding is described"
    if known.finding is Finding.NONE and known.pathology is Pathology.MALIGNANT:
        yield "the finding is 'none', the pathology malignant"
    if known.birads == 1 and known.finding not in (None, Finding.NONE):
        yield f"BI-RADS 1 says that nothing is to be seen, the finding is {known.finding}"
    if known.birads in (1, 2) and known.pathology is Pathology.MALIGNANT:
        yield f"BI-RADS {known.birads} says benign at most, the pathology is malignant"
    if known.birads is not None and known.birads >= _SUSPICIOUS and known.pathology is Pathology.NORMAL:
        yield f"BI-RADS {known.birads} says suspicious, the pathology is normal"


def _densities(group: list[InspectedImage]) -> Iterator[Issue]:
    """Several densities in one study."""
    labelled = [seen for seen in group if seen.conditions.density is not None]
    by_side: dict[str, set[str]] = defaultdict(set)
    for seen in labelled:
        by_side[str(seen.conditions.laterality or "")].add(str(seen.conditions.density))
    within = any(len(found) > 1 for found in by_side.values())
    if within or len(set().union(*by_side.values())) > 1:
        told = [f"{side or 'unknown side'} {'/'.join(sorted(found))}" for side, found in sorted(by_side.items())]
        where = "two views of one breast" if within else "the two breasts"
        names = tuple(seen.name for seen in labelled)
        sentence = f"density differs between {where}: {', '.join(told)}"
        yield Issue(kind=IssueKind.DENSITY_DIFFERS, sentence=sentence, images=names)


def _breasts_without_a_finding(group: list[InspectedImage]) -> Iterator[Issue]:
    """Breasts of BI-RADS 4 and more of which no view has a finding."""
    breasts: dict[str, list[InspectedImage]] = defaultdict(list)
    for seen in group:
        breasts[str(seen.conditions.laterality or "")].append(seen)
    for views in breasts.values():
        worst = max((seen.conditions.birads or 0 for seen in views), default=0)
        if worst >= _SUSPICIOUS and all(seen.conditions.finding is Finding.NONE for seen in views):
            sentence = f"the breast has BI-RADS {worst}, and no view of it a finding"
            names = tuple(seen.name for seen in views)
            yield Issue(kind=IssueKind.LABEL_CONTRADICTION, sentence=sentence, images=names)
