"""All figures of a report, from sides measured once: realism, adherence, memorisation, coverage, subgroups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_mammo.bundle.fingerprint import Nearest
from monai_mammo.evaluation.adherence import compared_readings
from monai_mammo.evaluation.memorisation import compared_closeness
from monai_mammo.evaluation.realism.compared_sets import compared_sets
from monai_mammo.evaluation.realism.diversity import diversity_figures
from monai_mammo.evaluation.realism.frechet import FeatureSpace
from monai_mammo.evaluation.realism.neighbours import NEIGHBOUR_MEASURES, covered_images, neighbour_figures
from monai_mammo.evaluation.report.cases import case_figures
from monai_mammo.evaluation.report.measure_cache import content_digest
from monai_mammo.evaluation.report.measured_side import MeasuredSide
from monai_mammo.evaluation.report.subgroups import Covered, subgroup_figures

__all__ = ["compared_sides"]

_DIVERSITY_SORTS = ("inner layers", "filtered radiomic")
_CONDITIONS = ("view", "density", "finding")


def compared_sides(
    synthetic: MeasuredSide,
    reference: MeasuredSide,
    control: MeasuredSide,
    *,
    copies: Sequence[Nearest] = (),
    sides: dict[str, int] | None = None,
    n_origins_stated: int = 0,
) -> dict[str, Any]:
    """Figures of one side beside another, each with the same on acquired images where there is one.

    Parameters
    ----------
    synthetic, reference, control : MeasuredSide
        The control is of other persons than the reference.
    copies : sequence of Nearest
        Of planted copies of training images.
    sides : dict of str to int, optional
        As `side_figures` gives them, of runs.
    n_origins_stated : int
        Generated images whose generator, weights and request are stated.

    Returns
    -------
    dict
        ``realism``: as `compared_sets` gives them; ``adherence``: ``rows`` and ``sides``, or the ``reason`` why there
        are none; ``memorisation``: as `compared_closeness`, or ``reason``; ``neighbours``: for each kind, sort of
        features and measure ``synthetic`` and ``control``; ``diversity``: for each kind and sort of features, and each
        of ``synthetic`` and ``acquired``, as `diversity_figures` gives them; ``cases``, ``subgroups``, ``identity``,
        ``origin``.
    """
    neighbours, covered = _neighbours(synthetic, reference, control)
    return {
        "realism": compared_sets(synthetic.examined, reference.examined, control.examined),
        "adherence": _adherence(synthetic, reference, sides),
        "memorisation": _memorisation(synthetic, reference, copies),
        "neighbours": neighbours,
        "diversity": _diversity(synthetic, reference, control),
        "cases": case_figures(synthetic, reference, control),
        "subgroups": subgroup_figures(synthetic, reference, control, covered=covered),
        "identity": _identity(synthetic, reference, control),
        "origin": {"n": len(synthetic), "n_stated": n_origins_stated},
    }


def _adherence(synthetic: MeasuredSide, reference: MeasuredSide, sides: dict[str, int] | None) -> dict[str, Any]:
    if not synthetic.readings or not reference.readings:
        return {"reason": "the images state no conditions, or no breast, by which they could be read", "sides": sides}
    rows = []
    for network, readings in synthetic.readings.items():
        rows += [{"network": network, **row} for row in compared_readings(readings, reference.readings[network])]
    return {"rows": rows, "sides": sides}


def _memorisation(synthetic: MeasuredSide, reference: MeasuredSide, copies: Sequence[Nearest]) -> dict[str, Any]:
    if synthetic.nearest is None or reference.nearest is None:
        return {"reason": "there is neither a fingerprint of the training images nor a training split"}
    kinds = set(synthetic.conditions("kind"))
    acquired = [
        near
        for near, kind in zip(reference.nearest, reference.conditions("kind"), strict=True)
        if None in kinds or kind in kinds
    ]
    return compared_closeness(synthetic.nearest, acquired or reference.nearest, copies)


def _neighbours(
    synthetic: MeasuredSide, reference: MeasuredSide, control: MeasuredSide
) -> tuple[list[dict[str, Any]], dict[str, Covered]]:
    """By sort of features, of all images whose kind is generated; and which of the reference have a neighbour."""
    kinds = set(synthetic.conditions("kind"))
    of_kinds = {
        name: [i for i, kind in enumerate(side.conditions("kind")) if None in kinds or kind in kinds]
        for name, side in (("synthetic", synthetic), ("reference", reference), ("control", control))
    }
    rows: list[dict[str, Any]] = []
    covered: dict[str, Covered] = {}
    for family in reference.examined.features["full"]:
        everything = {
            name: side.examined.features["full"][family][of_kinds[name]]
            for name, side in (("synthetic", synthetic), ("reference", reference), ("control", control))
        }
        if min(map(len, everything.values())) < 2:
            continue
        space = FeatureSpace.of(np.concatenate([everything["reference"], everything["control"]]))
        points = {name: space.project(x) for name, x in everything.items()}
        found = {
            name: neighbour_figures(
                points[name],
                points["reference"],
                persons=[side.persons[i] for i in of_kinds[name]],
                reference_persons=[reference.persons[i] for i in of_kinds["reference"]],
            )
            for name, side in (("synthetic", synthetic), ("control", control))
        }
        for measure in NEIGHBOUR_MEASURES:
            row = {which: of_side[measure] for which, of_side in found.items()}
            rows.append({"kind": "all", "features": family, "measure": measure, **row})
        covered[family] = {}
        for which in ("synthetic", "control"):
            flags = covered_images(points[which], points["reference"])
            some = [] if flags is None else [bool(flag) for flag in flags]
            covered[family][which] = dict(zip(of_kinds["reference"], some, strict=False))
    return rows, covered


def _diversity(synthetic: MeasuredSide, reference: MeasuredSide, control: MeasuredSide) -> list[dict[str, Any]]:
    """How far images of one kind lie apart, of equal and of other view, density and finding."""
    rows: list[dict[str, Any]] = []
    for family in [sort for sort in _DIVERSITY_SORTS if sort in reference.examined.features["full"]]:
        of_family = {
            name: side.examined.features["full"][family]
            for name, side in (("synthetic", synthetic), ("acquired", reference), ("control", control))
        }
        space = FeatureSpace.of(np.concatenate([of_family["acquired"], of_family["control"]]))
        for kind in sorted({str(k) for k in synthetic.conditions("kind") if k in reference.conditions("kind")}):
            row: dict[str, Any] = {"kind": kind, "features": family}
            for name, side in (("synthetic", synthetic), ("acquired", reference)):
                chosen = [i for i, k in enumerate(side.conditions("kind")) if str(k) == kind]
                columns = [side.conditions(condition) for condition in _CONDITIONS]
                values = [tuple(column[i] for column in columns) for i in chosen]
                groups = [None if None in value else value for value in values]
                points = space.scaled(of_family[name][chosen]) / np.sqrt(len(space.mean))
                row[name] = diversity_figures(points, groups, persons=[side.persons[i] for i in chosen])
            rows.append(row)
    return rows


def _identity(synthetic: MeasuredSide, reference: MeasuredSide, control: MeasuredSide) -> dict[str, Any]:
    """How many images stand on both sides, and how many are of persons who stand on both."""
    digests = {content_digest(item) for side in (reference, control) for item in side.items}
    persons = {*reference.persons, *control.persons}
    identical = [str(item.get("image_id")) for item in synthetic.items if content_digest(item) in digests]
    return {
        "n": len(synthetic),
        "n_identical": len(identical),
        "n_of_shared_persons": sum(person in persons for person in synthetic.persons),
        "identical": identical[:10],
    }
