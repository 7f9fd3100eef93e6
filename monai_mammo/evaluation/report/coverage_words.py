"""What of a reference is covered, in words for page and terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_mammo.evaluation.report.html_parts import figure_text

__all__ = ["coverage_lines", "covered_cases"]

_N_NAMED = 8
_FAMILIES = ("radiomic", "inner layers")


def covered_cases(cases: Mapping[str, Any]) -> str:
    """How many cases of the reference are generated, and how many of its images are of these.

    Parameters
    ----------
    cases : mapping
        As `case_figures` gives them.

    Returns
    -------
    str
        A sentence or two.
    """
    covered = cases["cases_covered"]
    if covered is None:
        return "Which cases of the reference are covered is not known: the images do not state them."
    n_such = covered["n"] - len(cases["missing"])
    of_images = cases["covered"]["synthetic"]
    return (
        f"{n_such} of {covered['n']} cases of the reference (kind, view, density and finding) are generated, "
        f"{figure_text(covered)}; {figure_text(of_images)} of its {of_images['n']} images are of these."
    )


def coverage_lines(figures: Mapping[str, Any]) -> list[str]:
    """Coverage for the terminal: cases, neighbours, and what has too few persons or images.

    Parameters
    ----------
    figures : mapping
        Of a report.

    Returns
    -------
    list of str
        Points of a markdown list.
    """
    cases, subgroups = figures["cases"], figures["subgroups"]
    lines = [covered_cases(cases)]
    for row in figures["neighbours"]:
        if row["measure"] == "coverage" and row["features"] in _FAMILIES and row["synthetic"]:
            ours, control = figure_text(row["synthetic"]), figure_text(row["control"])
            lines.append(
                f"By {row['features']} features {ours} of {row['synthetic']['n']} acquired images have a generated one "
                f"among their nearest neighbours; {control} have one of the control."
            )
    if cases["missing"]:
        lines.append(f"Not generated: {_some(cases['missing'])}.")
    few = [
        f"{', '.join(row['subgroup'].values())} ({row['n_persons']})"
        for row in sorted(subgroups["few_persons"], key=lambda row: row["n_persons"], reverse=True)
        if len(row["subgroup"]) > 1
    ]
    if few:
        lines.append(
            f"Cells of kind, view, density and age with fewer than {subgroups['n_few_persons']} persons: {_some(few)}."
        )
    return [f"- {line}" for line in lines]


def _some(names: Sequence[str]) -> str:
    more = f"; and {len(names) - _N_NAMED} more, see report.json" if len(names) > _N_NAMED else ""
    return "; ".join(names[:_N_NAMED]) + more
