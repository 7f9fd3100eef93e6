"""Conditions as a radiologist would write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai_mammo.conditions import Conditions
from monai_mammo.terms import (
    AcquisitionKind,
    CalcificationDistribution,
    CalcificationMorphology,
    Density,
    Finding,
    FindingCategory,
    Laterality,
    MassDensity,
    Pathology,
    Quadrant,
)
from monai_mammo.text.report import DESCRIPTOR_FITS, ReportedFinding

__all__ = ["text_of_conditions"]

_KINDS = {
    AcquisitionKind.FILM: "Screen-film",
    AcquisitionKind.DIGITAL: "Digital",
    AcquisitionKind.CONTRAST: "Contrast-enhanced",
}
_SIDES = {Laterality.L: "left", Laterality.R: "right"}
_COMPOSITIONS = {
    Density.A: "The breast is almost entirely fatty (ACR A).",
    Density.B: "There are scattered areas of fibroglandular density (ACR B).",
    Density.C: "The breast is heterogeneously dense (ACR C).",
    Density.D: "The breast is extremely dense (ACR D).",
}
_PLURAL = {
    FindingCategory.CALCIFICATION: "calcifications",
    FindingCategory.POSTOPERATIVE: "postoperative changes",
    FindingCategory.EDEMA: "edema",
    FindingCategory.ARCHITECTURAL_DISTORTION: "architectural distortion",
    FindingCategory.NONMASS_ENHANCEMENT: "non-mass enhancement",
    FindingCategory.ENHANCEMENT: "enhancement",
    FindingCategory.SKIN_THICKENING: "skin thickening",
    FindingCategory.SKIN_RETRACTION: "skin retraction",
    FindingCategory.NIPPLE_RETRACTION: "nipple retraction",
    FindingCategory.SUSPICIOUS_LYMPH_NODE: "axillary adenopathy",
}
_NOUNS = {
    None: "lesion",
    FindingCategory.FOCUS: "enhancing focus",
    FindingCategory.DUCT: "dilated duct",
    FindingCategory.LYMPH_NODE: "intramammary lymph node",
}
_MASS_DENSITIES = {MassDensity.FAT_CONTAINING: "fat-containing"}
_MORPHOLOGIES = {CalcificationMorphology.LARGE_ROD_LIKE: "large rod-like"}


def text_of_conditions(
    conditions: Conditions,
    *,
    findings: Sequence[ReportedFinding] = (),
    negated: Sequence[FindingCategory] = (),
    birads_letter: str = "",
) -> str:
    """Report of a mammogram in words that `conditions_of_text` reads back.

    Box and `Conditions.text` have no words of their own and are left out.

    Parameters
    ----------
    conditions : Conditions
    findings : sequence of ReportedFinding
        What `conditions` cannot hold of its findings; by default its one finding as they describe it.
    negated : sequence of FindingCategory
        What is said not to be there.
    birads_letter : str
        ``a``, ``b`` or ``c`` behind category 4.

    Returns
    -------
    str
        Sentences; empty where nothing is known.

    Examples
    --------
    >>> text_of_conditions(Conditions(laterality="L", finding="mass", birads=5))
    'Left breast. There is a mass in the left breast. BI-RADS 5.'
    """
    sentences = []
    if header := _header(conditions):
        sentences.append(header)
    if conditions.age_years is not None:
        sentences.append(f"{conditions.age_years}-year-old woman.")
    if conditions.density is not None:
        sentences.append(_COMPOSITIONS[conditions.density])
    sentences += [_sentence(finding, index > 0) for index, finding in enumerate(findings or _only_finding(conditions))]
    if conditions.finding is Finding.NONE:
        sentences.append("No abnormality is seen.")
    if negated:
        *first, last = [_noun(category) for category in negated]
        sentences.append(f"No {', '.join(first)} or {last}." if first else f"No {last}.")
    if conditions.pathology is Pathology.NORMAL and conditions.finding is not Finding.NONE and not findings:
        sentences.append("Normal.")
    elif conditions.pathology in (Pathology.BENIGN, Pathology.MALIGNANT):
        sentences.append(f"Biopsy-proven {conditions.pathology}.")
    if conditions.birads is not None:
        letter = birads_letter if conditions.birads == 4 else ""
        sentences.append(f"BI-RADS {conditions.birads}{letter}.")
    return " ".join(sentences)


def _header(conditions: Conditions) -> str:
    words = [_KINDS[conditions.kind].lower()] if conditions.kind else []
    if conditions.laterality:
        words.append(_SIDES[conditions.laterality])
    if conditions.view:
        words.append(f"{conditions.view} view")
    elif conditions.laterality:
        words.append("breast")
    elif words:
        words.append("image")
    text = " ".join(words)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _only_finding(conditions: Conditions) -> tuple[ReportedFinding, ...]:
    if conditions.finding in (None, Finding.NONE):
        return ()
    category = FindingCategory(conditions.finding)
    stated = {
        "shape": conditions.lesion_shape,
        "margins": () if conditions.lesion_margin is None else (conditions.lesion_margin,),
        "morphologies": () if conditions.calc_type is None else (conditions.calc_type,),
        "distribution": conditions.calc_distribution if category is FindingCategory.CALCIFICATION else None,
    }
    fitting: dict[str, Any] = {name: value for name, value in stated.items() if category in DESCRIPTOR_FITS[name]}
    return (ReportedFinding(category=category, laterality=conditions.laterality, **fitting),)


def _noun(category: FindingCategory | None) -> str:
    if category is None or category in _NOUNS:
        return _NOUNS[category]
    return _PLURAL.get(category, category.value.replace("_", " "))


def _sentence(finding: ReportedFinding, is_another: bool) -> str:
    """One sentence for a finding: descriptors, noun, margin, place, size."""
    is_uncounted = finding.category in _PLURAL
    words = []
    if finding.size_mm is not None:
        words.append(f"{finding.size_mm:g} mm")
    if finding.shape:
        words.append(finding.shape.value)
    if finding.mass_density:
        words.append(_MASS_DENSITIES.get(finding.mass_density, f"{finding.mass_density.value}-density"))
    if finding.distribution:
        words.append(_distribution(finding.distribution))
    words += [_MORPHOLOGIES.get(form, form.value.replace("_", " ")) for form in finding.morphologies]
    words.append(_noun(finding.category))
    text = " ".join(words)
    if is_another and not is_uncounted:
        start = f"There is another {text}"
    elif is_uncounted:
        start = f"There are {text}" if text.endswith("s") else f"There is {text}"
    else:
        start = f"There is {'an' if text[0] in 'aeiou8' else 'a'} {text}"
    if finding.margins:
        start += f" with {' and '.join(margin.value for margin in finding.margins)} margins"
    return f"{start}{_place(finding)}."


def _distribution(distribution: CalcificationDistribution) -> str:
    return distribution.value


def _place(finding: ReportedFinding) -> str:
    parts = []
    quadrants = () if finding.clock_hour is not None and len(finding.quadrants) == 1 else finding.quadrants
    for quadrant in quadrants:
        name = quadrant.value.replace("_", " ")
        is_region = quadrant in (Quadrant.RETROAREOLAR, Quadrant.CENTRAL)
        noun = (
            ""
            if quadrant is Quadrant.AXILLARY_TAIL
            else " region"
            if is_region
            else " quadrant"
            if " " in name
            else " half"
        )
        parts.append(f"in the {name}{noun}")
    if finding.clock_hour is not None:
        hour, rest = divmod(finding.clock_hour, 1)
        parts.append(f"at {int(hour)}{f':{round(rest * 60):02d}' if rest else ''} o'clock")
    parts += [f"at {depth.value} depth" for depth in finding.depths]
    if finding.nipple_distance_mm is not None:
        parts.append(f"{finding.nipple_distance_mm:g} mm from the nipple")
    if finding.laterality:
        parts.append(
            f"of the {_SIDES[finding.laterality]} breast" if parts else f"in the {_SIDES[finding.laterality]} breast"
        )
    return f" {' '.join(parts)}" if parts else ""
