"""Coverage of cases: which kinds, views, densities and findings occur on both sides, and which have too few persons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai_mammo.bundle.support import FEW_PERSONS
from monai_mammo.evaluation.intervals import share_of, summary
from monai_mammo.evaluation.report.measured_side import MeasuredSide

__all__ = ["CASE", "case_figures"]

CASE = ("kind", "view", "density", "finding")
"""Conditions that make a case."""


def case_figures(synthetic: MeasuredSide, reference: MeasuredSide, control: MeasuredSide) -> dict[str, Any]:
    """Share of acquired images whose case is generated too, and the table of cases.

    Parameters
    ----------
    synthetic, reference, control : MeasuredSide

    Returns
    -------
    dict
        ``covered``: ``synthetic`` and ``control``, share of the reference's images whose case occurs among them;
        ``cases_covered``: share of the reference's cases that are generated, with Wilson's interval, and ``missing``,
        the names of the others; ``stated``: ``synthetic`` and ``reference``, share of images that state all of `CASE`;
        ``rows``: each case with numbers of generated images, acquired images and persons; ``few_persons``: names of
        cases with under 20 persons.
    """
    cases = {
        name: _cases(side) for name, side in (("synthetic", synthetic), ("reference", reference), ("control", control))
    }
    known = [i for i, case in enumerate(cases["reference"]) if None not in case]
    whose = [reference.persons[i] for i in known]
    covered = {}
    for name in ("synthetic", "control"):
        there = set(cases[name])
        values = [float(cases["reference"][i] in there) for i in known]
        is_stated = any(None not in case for case in there)
        covered[name] = summary(values, persons=whose) if is_stated else None
    rows = _rows(cases["synthetic"], cases["reference"], reference.persons)
    acquired = [row for row in rows if row["n_acquired"]]
    missing = [_name(row) for row in acquired if not row["n_synthetic"]]
    is_stated = covered["synthetic"] is not None
    return {
        "covered": covered,
        "cases_covered": share_of(len(acquired) - len(missing), len(acquired)) if is_stated else None,
        "missing": missing if is_stated else [],
        "stated": {
            name: _stated(cases[name], side.persons)
            for name, side in (("synthetic", synthetic), ("reference", reference))
        },
        "rows": rows,
        "few_persons": [_name(row) for row in rows if row["n_persons"] < FEW_PERSONS],
        "n_few_persons": FEW_PERSONS,
    }


def _cases(side: MeasuredSide) -> list[tuple[str | None, ...]]:
    columns = [[None if value is None else str(value) for value in side.conditions(name)] for name in CASE]
    return list(zip(*columns, strict=True))


def _stated(cases: Sequence[tuple[str | None, ...]], persons: Sequence[str]) -> dict[str, Any] | None:
    return summary([float(None not in case) for case in cases], persons=persons)


def _rows(
    synthetic: Sequence[tuple[str | None, ...]], reference: Sequence[tuple[str | None, ...]], persons: Sequence[str]
) -> list[dict[str, Any]]:
    """Cases of either side, those with most acquired images first."""
    rows = []
    for case in set(synthetic) | set(reference):
        if None in case:
            continue
        of_case = [person for person, other in zip(persons, reference, strict=True) if other == case]
        row: dict[str, Any] = dict(zip(CASE, case, strict=True))
        row |= {"n_synthetic": list(synthetic).count(case), "n_acquired": len(of_case), "n_persons": len(set(of_case))}
        rows.append(row)
    return sorted(rows, key=lambda row: (-row["n_acquired"], -row["n_synthetic"], [str(row[name]) for name in CASE]))


def _name(row: dict[str, Any]) -> str:
    return ", ".join(str(row[name]) for name in CASE)
