"""Figures by density, view, finding, acquisition kind and age, and by all of these but the finding together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_mammo.bundle.support import FEW_PERSONS
from monai_mammo.evaluation.intervals import difference_of_means, ratio_of_means, summary
from monai_mammo.evaluation.report.measured_side import MeasuredSide

__all__ = ["LEAST_IMAGES", "SUBGROUPS", "Covered", "age_band", "subgroup_figures"]

LEAST_IMAGES = 10
"""Generated and acquired images under which a subgroup has no figures."""

SUBGROUPS = ("kind", "view", "density", "finding", "age")
CROSSED = ("kind", "view", "density", "age")

_BANDS = (40, 50, 60, 70)
_TEXTURE, _RIDGE = "power 1/4 to 1/2", "ridge length"
_JUDGE = "judge"


Covered = dict[str, dict[int, bool]]
"""By ``synthetic`` and ``control``: whether the reference's image at a position has one of them as a neighbour."""


def subgroup_figures(
    synthetic: MeasuredSide,
    reference: MeasuredSide,
    control: MeasuredSide,
    *,
    covered: Mapping[str, Covered] | None = None,
) -> dict[str, Any]:
    """Figures of each subgroup that has enough images, and the names of those that have not.

    Parameters
    ----------
    synthetic, reference, control : MeasuredSide
    covered : mapping of str to dict, optional
        By sort of features.

    Returns
    -------
    dict
        ``rows``: for each of `SUBGROUPS` and each of its values ``n_synthetic``, ``n_acquired``, ``n_persons``,
        ``texture`` (difference in dB) and ``ridge`` (share), each of ``synthetic`` and ``control``, and ``box``,
        overlap that the judge reads, of ``synthetic`` and ``acquired``, and by sort of features ``coverage``, share of
        the acquired images that have a generated one (``synthetic``) or another acquired one (``control``) among their
        neighbours; ``crossed``: the same by `CROSSED` together; ``too_few``: subgroups and crossed ones without
        figures, with their numbers; ``few_persons``: those with acquired images of fewer than 20 persons.
    """
    sides = {"synthetic": synthetic, "reference": reference, "control": control}
    rows: list[dict[str, Any]] = []
    crossed: list[dict[str, Any]] = []
    too_few: list[dict[str, Any]] = []
    few_persons: list[dict[str, Any]] = []
    for names in [*((name,) for name in SUBGROUPS), CROSSED]:
        groups = {which: _groups(side, names) for which, side in sides.items()}
        for values in sorted(set(groups["synthetic"]) | set(groups["reference"])):
            positions = {which: of_side.get(values, []) for which, of_side in groups.items()}
            row = _row(sides, positions, dict(zip(names, values, strict=True)), covered or {})
            if 0 < row["n_persons"] < FEW_PERSONS:
                few_persons.append({"subgroup": row["subgroup"], "n_persons": row["n_persons"]})
            if min(row["n_synthetic"], row["n_acquired"]) < LEAST_IMAGES:
                too_few.append({key: row[key] for key in ("subgroup", "n_synthetic", "n_acquired", "n_persons")})
            else:
                (crossed if names == CROSSED else rows).append(row)
    return {
        "rows": rows,
        "crossed": crossed,
        "too_few": too_few,
        "few_persons": few_persons,
        "n_least_images": LEAST_IMAGES,
        "n_few_persons": FEW_PERSONS,
    }


def age_band(years: int | None) -> str | None:
    """Age in bands of ten years.

    Parameters
    ----------
    years : int or None
        Age of the person, where it is known.

    Returns
    -------
    str or None
        ``under 40``, ``40 to 49`` and so on to ``70 and over``.
    """
    if years is None:
        return None
    if years < _BANDS[0]:
        return f"under {_BANDS[0]}"
    low = max(band for band in _BANDS if band <= years)
    return f"{low} and over" if low == _BANDS[-1] else f"{low} to {low + 9}"


def _groups(side: MeasuredSide, names: Sequence[str]) -> dict[tuple[str, ...], list[int]]:
    """Positions by values of some conditions, images left out that do not state all of them."""
    columns = [
        [age_band(v) for v in side.conditions("age_years")] if name == "age" else side.conditions(name)
        for name in names
    ]
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, values in enumerate(zip(*columns, strict=True)):
        if None not in values:
            groups.setdefault(tuple(str(value) for value in values), []).append(i)
    return groups


def _row(
    sides: dict[str, MeasuredSide],
    positions: dict[str, list[int]],
    of: dict[str, str],
    covered: Mapping[str, Covered],
) -> dict[str, Any]:
    persons = {sides["reference"].persons[i] for i in positions["reference"]}
    row: dict[str, Any] = {
        "subgroup": of,
        "n_synthetic": len(positions["synthetic"]),
        "n_acquired": len(positions["reference"]),
        "n_persons": len(persons),
    }
    if min(row["n_synthetic"], row["n_acquired"]) < LEAST_IMAGES:
        return row
    for name, measure, compare in (("texture", _TEXTURE, difference_of_means), ("ridge", _RIDGE, ratio_of_means)):
        reference, whose = _measured(sides["reference"], positions["reference"], measure)
        row[name] = {}
        for which in ("synthetic", "control"):
            values, persons_of = _measured(sides[which], positions[which], measure)
            is_enough = len(values) >= LEAST_IMAGES
            found = compare(values, reference, persons=persons_of, reference_persons=whose) if is_enough else None
            row[name][which] = None if found is None else {**found, "n": len(values)}
    row["box"] = {
        "synthetic": _read(sides["synthetic"], positions["synthetic"]),
        "acquired": _read(sides["reference"], positions["reference"]),
    }
    row["coverage"] = {
        family: {which: _share(flags, sides["reference"], positions["reference"]) for which, flags in of_family.items()}
        for family, of_family in covered.items()
    }
    return row


def _share(flags: Mapping[int, bool], side: MeasuredSide, positions: Sequence[int]) -> dict[str, Any] | None:
    known = [i for i in positions if i in flags]
    return summary([float(flags[i]) for i in known], persons=[side.persons[i] for i in known])


def _measured(side: MeasuredSide, positions: Sequence[int], measure: str) -> tuple[list[float], list[str]]:
    known = [i for i in positions if measure in side.examined.measures[i]]
    return [side.examined.measures[i][measure] for i in known], [side.persons[i] for i in known]


def _read(side: MeasuredSide, positions: Sequence[int]) -> dict[str, Any] | None:
    readings = side.readings.get(_JUDGE, ())
    if not readings:
        return None
    some = [readings[i] for i in positions]
    known = [(reading.iou, reading.person_id) for reading in some if reading.iou is not None]
    if len(known) < LEAST_IMAGES:
        return None
    return summary([iou for iou, _ in known], persons=[person for _, person in known])
