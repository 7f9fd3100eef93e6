"""All figures of a report, from sides measured once: realism, adherence, memorisation, coverage, subgroups."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_mammo.bundle.fingerprint import Nearest
from monai_mammo.evaluation.adherence import compared_readings
from monai_mammo.evaluation.memorisation import compared_closeness
from monai_mammo.evaluation.realism.compared_sets import Kept, called, compared_sets, feature_rows
from monai_mammo.evaluation.realism.diversity import diversity_figures
from monai_mammo.evaluation.realism.feature_spread import has_one_unit
from monai_mammo.evaluation.realism.frechet import FeatureSpace
from monai_mammo.evaluation.realism.neighbours import NEIGHBOUR_MEASURES, covered_images, neighbour_figures
from monai_mammo.evaluation.report.cases import case_figures
from monai_mammo.evaluation.report.measure_cache import content_digest
from monai_mammo.evaluation.report.measured_side import MeasuredSide
from monai_mammo.evaluation.report.subgroups import Covered, subgroup_figures

__all__ = ["call_comparisons", "compared_sides"]

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
    kept: Kept = called,
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
    kept : callable
        Calls what compares features, or finds what it gave for the same ones before.

    Returns
    -------
    dict
        ``realism``: as `compared_sets` gives them; ``adherence``: ``rows`` and ``sides``, or the ``reason`` why there
        are none; ``memorisation``: as `compared_closeness`, or ``reason``; ``neighbours``: for each kind, sort of
        features and measure ``synthetic`` and ``control``; ``diversity``: for each kind and sort of features, and each
        of ``synthetic`` and ``acquired``, as `diversity_figures` gives them; ``cases``, ``subgroups``, ``identity``,
        ``origin``.
    """
    neighbours, covered = _neighbours(synthetic, reference, control, kept)
    return {
        "realism": compared_sets(synthetic.examined, reference.examined, control.examined, kept=kept),
        "adherence": _adherence(synthetic, reference, sides),
        "memorisation": _memorisation(synthetic, reference, copies),
        "neighbours": neighbours,
        "diversity": _diversity(synthetic, reference, control, kept),
        "cases": case_figures(synthetic, reference, control),
        "subgroups": subgroup_figures(synthetic, reference, control, covered=covered),
        "identity": _identity(synthetic, reference, control),
        "origin": {"n": len(synthetic), "n_stated": n_origins_stated},
    }


def call_comparisons(synthetic: MeasuredSide, reference: MeasuredSide, control: MeasuredSide, *, kept: Kept) -> None:
    """Hand all comparisons of features that `compared_sides` makes to what calls or notes them.

    Parameters
    ----------
    synthetic, reference, control, kept
        As `compared_sides` takes them.
    """
    _neighbours(synthetic, reference, control, kept)
    feature_rows(synthetic.examined, reference.examined, control.examined, kept=kept)
    _diversity(synthetic, reference, control, kept)


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
    synthetic: MeasuredSide, reference: MeasuredSide, control: MeasuredSide, kept: Kept
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
        persons = {
            name: [side.persons[i] for i in of_kinds[name]]
            for name, side in (("synthetic", synthetic), ("reference", reference), ("control", control))
        }
        found = kept(_neighbours_of_features, *everything.values(), persons=persons, is_one_unit=has_one_unit(family))
        for measure in NEIGHBOUR_MEASURES:
            row = {which: of_side["figures"][measure] for which, of_side in found.items()}
            rows.append({"kind": "all", "features": family, "measure": measure, **row})
        covered[family] = {
            which: dict(zip(of_kinds["reference"], of_side["covered"], strict=False))
            for which, of_side in found.items()
        }
    return rows, covered


def _neighbours_of_features(
    synthetic: np.ndarray,
    reference: np.ndarray,
    control: np.ndarray,
    *,
    persons: dict[str, list[str]],
    is_one_unit: bool,
) -> dict[str, Any]:
    """Figures of generated images and of the control, and which images of the reference have one of them near."""
    space = FeatureSpace.of(np.concatenate([reference, control]), is_one_unit=is_one_unit)
    known = space.project(reference)
    found = {}
    for name, features in (("synthetic", synthetic), ("control", control)):
        points = space.project(features)
        figures = neighbour_figures(points, known, persons=persons[name], reference_persons=persons["reference"])
        flags = covered_images(points, known)
        found[name] = {"figures": figures, "covered": [] if flags is None else [bool(flag) for flag in flags]}
    return found


def _diversity(
    synthetic: MeasuredSide, reference: MeasuredSide, control: MeasuredSide, kept: Kept
) -> list[dict[str, Any]]:
    """How far images of one kind lie apart, of equal and of other view, density and finding."""
    rows: list[dict[str, Any]] = []
    kinds = sorted({str(k) for k in synthetic.conditions("kind") if k in reference.conditions("kind")})
    about = {
        name: {
            "kinds": [str(kind) for kind in side.conditions("kind")],
            "groups": [_group(values) for values in zip(*(side.conditions(c) for c in _CONDITIONS), strict=True)],
            "persons": list(side.persons),
        }
        for name, side in (("synthetic", synthetic), ("acquired", reference))
    }
    for family in [sort for sort in _DIVERSITY_SORTS if sort in reference.examined.features["full"]]:
        of_family = (side.examined.features["full"][family] for side in (synthetic, reference, control))
        words = {"about": about, "kinds": kinds, "is_one_unit": has_one_unit(family)}
        for kind, found in kept(_diversity_of_features, *of_family, **words).items():
            rows.append({"kind": kind, "features": family, **found})
    return rows


def _group(values: tuple[Any, ...]) -> str | None:
    """What images of equal conditions have in common; `None` where one is not stated."""
    return None if None in values else json.dumps(values, default=str)


def _diversity_of_features(
    synthetic: np.ndarray,
    acquired: np.ndarray,
    control: np.ndarray,
    *,
    about: dict[str, Any],
    kinds: list[str],
    is_one_unit: bool,
) -> dict[str, dict[str, Any]]:
    """By kind, of generated and of acquired images."""
    space = FeatureSpace.of(np.concatenate([acquired, control]), n_components=0, is_one_unit=is_one_unit)
    found: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        found[kind] = {}
        for name, features in (("synthetic", synthetic), ("acquired", acquired)):
            chosen = [i for i, k in enumerate(about[name]["kinds"]) if k == kind]
            points = space.scaled(features[chosen]) / np.sqrt(len(space.mean))
            groups, persons = ([about[name][key][i] for i in chosen] for key in ("groups", "persons"))
            found[kind][name] = diversity_figures(points, groups, persons=persons)
    return found


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
