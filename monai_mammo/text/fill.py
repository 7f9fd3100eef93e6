"""Conditions that are left open, filled from the text that comes with them."""

from __future__ import annotations

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.terms import Finding
from monai_mammo.text.parse import conditions_of_text
from monai_mammo.text.report import ParsedReport, ReportedFinding

__all__ = ["DESCRIBED", "filled_from_text", "notes_on_text", "requested_finding"]

DESCRIBED = {
    "lesion_shape": "shape",
    "lesion_margin": "margins",
    "calc_type": "morphologies",
    "calc_distribution": "distribution",
}
"""Conditions that a text may fill from the descriptors of a finding, and what the finding calls them."""

_DESCRIPTORS = ("shape", "margins", "mass_density", "morphologies", "distribution")


def filled_from_text(conditions: Conditions) -> Conditions:
    """Conditions with what their text states where they are open; those without a text as they are.

    Parameters
    ----------
    conditions : Conditions

    Returns
    -------
    Conditions
        Without a box from the text: see `ReportedFinding.region`.

    Raises
    ------
    RequestError
        Nothing of the text was understood, or it states something else than the conditions.
    """
    if conditions.text is None:
        return conditions
    report = conditions_of_text(conditions.text)
    if not report.is_understood:
        words = ", ".join(report.not_understood[:8]) or "it has none"
        raise RequestError(
            f"text {conditions.text[:60]!r} was not understood ({words}): write a finding, density, view, side, place "
            "or BI-RADS category as in a mammography report"
        )
    stated = report.conditions.to_dict()
    finding = requested_finding(report, conditions)
    if conditions.finding not in (None, Finding.NONE) and finding is not None:
        stated["finding"] = str(conditions.finding)
        stated = {name: value for name, value in stated.items() if name not in DESCRIBED}
        stated |= {name: str(value) for name, value in finding.described().items()}
        side = finding.laterality
        stated["laterality"] = str(side) if side is not None else stated.get("laterality")
    given = conditions.to_dict()
    for name, value in stated.items():
        if value is not None and name in given and given[name] != value:
            raise RequestError(f"text states {name} {value}, but {name} {given[name]} is requested: they must agree")
    if conditions.box is not None and stated.get("finding") == Finding.NONE:
        raise RequestError("text states that there is no finding, but a box is requested: they must agree")
    return Conditions.from_dict({**stated, **given})


def requested_finding(report: ParsedReport, conditions: Conditions) -> ReportedFinding | None:
    """Finding of a report that conditions ask for: the first of their category, by default the main one.

    Parameters
    ----------
    report : ParsedReport
    conditions : Conditions

    Returns
    -------
    ReportedFinding or None
    """
    if conditions.finding is None:
        return report.main_finding
    for finding in report.findings:
        if finding.category is not None and finding.category.finding is conditions.finding:
            return finding
    return next((finding for finding in report.findings if finding.category is None), None)


def notes_on_text(conditions: Conditions, *, is_encoded: bool = False) -> list[str]:
    """Sentences on what of the text of conditions is not drawn, or not as it says.

    Parameters
    ----------
    conditions : Conditions
        Filled, with view and laterality.
    is_encoded : bool
        Whether the weights are told of the text itself too, and so of descriptors that are not conditions.

    Returns
    -------
    list of str
    """
    if conditions.text is None:
        return []
    report = conditions_of_text(conditions.text)
    notes = []
    if report.not_understood:
        notes.append(f"of the text was not understood: {', '.join(report.not_understood)}")
    finding = requested_finding(report, conditions)
    if finding is not None:
        notes += _not_drawn(finding, conditions, is_encoded=is_encoded)
    others = [one for one in report.findings if one is not finding]
    if others:
        names = ", ".join(str(one.category or "lesion").replace("_", " ") for one in others)
        notes.append(f"one finding is requested of a mammogram, so the text's further {names} is left out")
    if report.birads_letter:
        notes.append(f"BI-RADS 4{report.birads_letter} of the text is requested as BI-RADS 4")
    if report.opinions:
        notes.append(f"words of opinion in the text state no condition: {', '.join(report.opinions)}")
    return notes


def _not_drawn(finding: ReportedFinding, conditions: Conditions, *, is_encoded: bool) -> list[str]:
    view, laterality = conditions.view, conditions.laterality
    drawn = {getattr(conditions, name) for name in DESCRIBED}
    notes = []
    described = []
    for name in _DESCRIPTORS:
        value = getattr(finding, name)
        values = value if isinstance(value, tuple) else (value,) if value is not None else ()
        words = {"mass_density": "{} density"}.get(name, "{}")
        described += [words.format(str(one).replace("_", " ")) for one in values if one not in drawn]
    if described and not is_encoded:
        verb = "is" if len(described) == 1 else "are"
        notes.append(f"the weights do not respond to {', '.join(described)} of the text, which {verb} left out")
    places = [str(place).replace("_", " ") for place in (*finding.quadrants, *finding.depths)]
    if places and view is not None and laterality is not None and finding.region(view, laterality) is None:
        notes.append(f"{', '.join(places)} of the text is not told apart in {view} views and is left open")
    if finding.nipple_distance_mm is not None:
        notes.append("the distance from the nipple in the text is left out")
    return notes
