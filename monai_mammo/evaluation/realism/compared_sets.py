"""How real generated mammograms are: every figure beside the same one on acquired images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.intervals import difference_of_means, ratio_of_means, summary
from monai_mammo.evaluation.realism.classifier_auc import control_separability, separability
from monai_mammo.evaluation.realism.examined_set import ExaminedSet, compared_sizes, examined_set
from monai_mammo.evaluation.realism.feature_spread import has_one_unit
from monai_mammo.evaluation.realism.frechet import FeatureSpace, frechet_distance
from monai_mammo.evaluation.realism.frozen_encoder import FeatureEncoder
from monai_mammo.evaluation.realism.image_set import ImageSet
from monai_mammo.evaluation.realism.kernel_distance import kernel_distance
from monai_mammo.evaluation.realism.measured_image import MEASURES, POWER_MEASURES, PROFILE_MEASURES
from monai_mammo.evaluation.stated import kind_groups
from monai_mammo.progress import Progress, ProgressCallback

__all__ = [
    "Kept",
    "called",
    "check_comparable",
    "check_sizes",
    "compared_sets",
    "control_positions",
    "feature_rows",
    "halved_by_person",
    "realism_figures",
]

Kept = Callable[..., Any]
"""Calls a function with arrays and words, or finds what it gave for the same ones before; gives plain values."""

_Features = dict[str, np.ndarray]
_Measured = dict[str, tuple[dict[str, float], ...]]


def realism_figures(
    synthetic: ImageSet,
    reference: ImageSet,
    control: ImageSet,
    *,
    encoder: FeatureEncoder | None = None,
    device: torch.device | str = "cpu",
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Figures of generated images and of the control, both against the reference.

    Parameters
    ----------
    synthetic, reference : ImageSet
        Generated and acquired images of one size.
    control : ImageSet
        Acquired images of other persons than the reference's, about as many of each kind as there are generated ones:
        what no generator can be better than.
    encoder : FeatureEncoder, optional
        Frozen, on `device`; without it only radiomic features are compared.
    device : torch.device or str
    progress : callable or None
        Called with a `Progress` after each part of the work.

    Returns
    -------
    dict
        ``measures``: for each kind and measure the means ``synthetic`` and ``acquired``, ``share`` (their ratio)
        and ``control_share``; ``spectrum``: for each kind, view and band ``acquired``, ``difference`` and
        ``control_difference`` in dB; ``profile``: the same for size, brightness, percent density and slope of the
        spectrum, with ``synthetic`` beside it; ``frechet``, ``kernel`` and ``auc``: for each kind and sort of features
        (and size) ``synthetic`` and ``control``. Each with n and 95 % interval over persons. ``settings`` beside them.

    Raises
    ------
    RequestError
        The images differ in size, or a person of the reference is in the control.
    """
    check_comparable(synthetic, reference, control)
    n_parts, done = 3 * (len(compared_sizes(reference.shape)) + 1) + 1, 0

    def count() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(Progress(done, n_parts))

    examined = [
        examined_set(some, encoder=encoder, device=device, on_part=count) for some in (synthetic, reference, control)
    ]
    figures = compared_sets(*examined)
    count()
    return figures


def check_comparable(synthetic: ImageSet, reference: ImageSet, control: ImageSet) -> None:
    """Refuse sets that cannot be compared.

    Parameters
    ----------
    synthetic, reference, control : ImageSet
        As `realism_figures` takes them.

    Raises
    ------
    RequestError
        The images differ in size, or a person of the reference is in the control.
    """
    sets = {"synthetic": synthetic, "reference": reference, "control": control}
    check_sizes({name: one.shape for name, one in sets.items()})
    if set(reference.persons) & set(control.persons):
        raise RequestError("a person of the reference is in the control: their images would be taken for one another's")


def check_sizes(sizes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse sets of images of unequal sizes.

    Parameters
    ----------
    sizes : mapping of str to tuple of int
        Rows and columns of each set, by its name.

    Raises
    ------
    RequestError
    """
    if len(set(sizes.values())) > 1:
        stated = ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in sizes.items())
        raise RequestError(
            f"images are compared pixel for pixel and have one size, these have {stated}: `monai-mammo prepare` brings "
            "pictures to one"
        )


def called(function: Callable[..., Any], *arrays: np.ndarray, **words: Any) -> Any:
    """What a function gives for arrays and words; nothing is kept.

    Parameters
    ----------
    function : callable
    *arrays : ndarray
    **words
        Plain values.

    Returns
    -------
    object
    """
    return function(*arrays, **words)


def compared_sets(
    synthetic: ExaminedSet, reference: ExaminedSet, control: ExaminedSet, *, kept: Kept = called
) -> dict[str, Any]:
    """Figures of examined sets, as `realism_figures` gives them.

    Parameters
    ----------
    synthetic, reference, control : ExaminedSet
        As `realism_figures` takes their images.
    kept : callable
        Calls what compares features, or finds what it gave for the same ones before.

    Returns
    -------
    dict
    """
    examined = {"synthetic": synthetic, "reference": reference, "control": control}
    check_comparable(*(one.images for one in examined.values()))
    sets = {name: one.images for name, one in examined.items()}
    measured = {name: one.measures for name, one in examined.items()}
    groups = _shared_kinds(sets)
    return {
        "measures": _measure_rows(sets, measured, groups),
        "spectrum": _view_rows(sets, measured, groups, POWER_MEASURES),
        "profile": _view_rows(sets, measured, groups, PROFILE_MEASURES),
        **feature_rows(synthetic, reference, control, kept=kept),
        "settings": {
            "shape": list(reference.images.shape),
            "sizes": {size: list(shape) for size, shape in compared_sizes(reference.images.shape).items()},
            "n_images": {name: len(some) for name, some in sets.items()},
            "n_of_kinds": {name: dict(Counter(map(str, some.kinds))) for name, some in sets.items()},
            "n_persons": {name: some.n_persons for name, some in sets.items()},
        },
    }


def feature_rows(
    synthetic: ExaminedSet, reference: ExaminedSet, control: ExaminedSet, *, kept: Kept = called
) -> dict[str, list[Any]]:
    """Those figures of `compared_sets` that compare features.

    Parameters
    ----------
    synthetic, reference, control, kept
        As `compared_sets` takes them.

    Returns
    -------
    dict
        ``frechet``, ``kernel`` and ``auc``.
    """
    examined = {"synthetic": synthetic, "reference": reference, "control": control}
    sets = {name: one.images for name, one in examined.items()}
    sizes = compared_sizes(reference.images.shape)
    features = {size: {name: one.features[size] for name, one in examined.items()} for size in sizes}
    groups = _shared_kinds(sets)
    distances = _distance_rows(sets, features["full"], groups, kept)
    return {**distances, "auc": _auc_rows(sets, features, groups, kept)}


def control_positions(
    kinds: Sequence[str | None], synthetic_kinds: Sequence[str | None], *, seed: int = 0
) -> list[int]:
    """Positions of acquired images for the control: as many of each kind as are generated, as far as they last.

    Parameters
    ----------
    kinds : sequence of str or None
        Of the acquired images among which is chosen by chance.
    synthetic_kinds : sequence of str or None
        Of the generated images; `None`, a kind that is not known, takes acquired images of any kind.
    seed : int
        Decides all that is drawn by chance.

    Returns
    -------
    list of int
    """
    order = [int(i) for i in np.random.default_rng(seed).permutation(len(kinds))]
    chosen: set[int] = set()
    for kind in sorted(set(synthetic_kinds), key=str):
        n_needed = sum(k == kind for k in synthetic_kinds)
        chosen |= set([i for i in order if i not in chosen and kind in (None, kinds[i])][:n_needed])
    return sorted(chosen)


def halved_by_person(
    persons: Sequence[str], *, kinds: Sequence[str | None] | None = None, seed: int = 0
) -> tuple[list[int], list[int]]:
    """Positions of two sets of images that share no person, half of the persons each.

    Parameters
    ----------
    persons : sequence of str
        Of each image; two persons or more.
    kinds : sequence of str or None, optional
        Acquisition kind of each image: persons who have images of the same kinds are halved by themselves, so that
        both halves have the same mix of kinds.
    seed : int
        Decides all that is drawn by chance.

    Returns
    -------
    tuple of two lists of int

    Raises
    ------
    RequestError
        There is a single person.
    """
    if len(set(persons)) < 2:
        raise RequestError("acquired images of two persons or more are needed to compare them with each other")
    kinds_of: dict[str, set[str]] = {}
    for person, kind in zip(persons, kinds or [None] * len(persons), strict=True):
        kinds_of.setdefault(person, set()).add(str(kind))
    alike: dict[str, list[str]] = {}
    for person in sorted(kinds_of):
        alike.setdefault(" ".join(sorted(kinds_of[person])), []).append(person)
    rng, first, spare = np.random.default_rng(seed), set(), 1  # whose half has the odd person, in turn
    for _, names in sorted(alike.items()):
        first |= {names[i] for i in rng.permutation(len(names))[: (len(names) + spare) // 2]}
        spare = (spare + len(names)) % 2
    is_first = [person in first for person in persons]
    return [i for i, yes in enumerate(is_first) if yes], [i for i, yes in enumerate(is_first) if not yes]


def _shared_kinds(sets: dict[str, ImageSet]) -> dict[str, dict[str, list[int]]]:
    """Positions in each set by kind, for kinds that all have, and of all images of these kinds."""
    grouped = {name: kind_groups(some.kinds) for name, some in sets.items()}
    if any(None in some.kinds for some in sets.values()):
        return {"all": {name: list(range(len(some))) for name, some in sets.items()}}
    kinds = [kind for kind in grouped["synthetic"] if kind != "all" and all(kind in g for g in grouped.values())]
    groups = {kind: {name: rows[kind] for name, rows in grouped.items()} for kind in kinds}
    if len(kinds) != 1:
        groups["all"] = {name: sorted(sum((rows[k] for k in kinds), [])) for name, rows in grouped.items()}
    return groups


def _values(
    sets: dict[str, ImageSet], measured: _Measured, rows: dict[str, list[int]], measure: str
) -> dict[str, tuple[list[float], list[str]]]:
    """Per set the values of a measure and whose images they are, where the images allow it."""
    out = {}
    for name, positions in rows.items():
        known = [i for i in positions if measure in measured[name][i]]
        out[name] = [measured[name][i][measure] for i in known], [sets[name].persons[i] for i in known]
    return out


def _measure_rows(sets: dict[str, ImageSet], measured: _Measured, groups: Any) -> list[Any]:
    rows = []
    for kind, positions in groups.items():
        for measure in MEASURES:
            values = _values(sets, measured, positions, measure)
            reference, whose = values["reference"]
            row: dict[str, Any] = {"kind": kind, "measure": measure}
            row["synthetic"], row["acquired"] = (_summary(values[name]) for name in ("synthetic", "reference"))
            for key, name in (("share", "synthetic"), ("control_share", "control")):
                ours, persons = values[name]
                row[key] = ratio_of_means(ours, reference, persons=persons, reference_persons=whose)
            rows.append(row)
    return rows


def _view_rows(sets: dict[str, ImageSet], measured: _Measured, groups: Any, measures: Sequence[str]) -> list[Any]:
    """Means of measures by kind and view, and how far generated images and the control are from acquired ones."""
    rows = []
    for kind, positions in groups.items():
        views = sorted({str(v) for v in (sets["reference"].views[i] for i in positions["reference"]) if v is not None})
        for view in [*views, "both"] if len(views) > 1 else ["both"]:
            some = {
                name: [i for i in of_kind if view in ("both", sets[name].views[i])]
                for name, of_kind in positions.items()
            }
            for measure in measures:
                values = _values(sets, measured, some, measure)
                reference, whose = values["reference"]
                row: dict[str, Any] = {"kind": kind, "view": view, "measure": measure}
                row["synthetic"], row["acquired"] = (_summary(values[name]) for name in ("synthetic", "reference"))
                for key, name in (("difference", "synthetic"), ("control_difference", "control")):
                    ours, persons = values[name]
                    row[key] = difference_of_means(ours, reference, persons=persons, reference_persons=whose)
                rows.append(row)
    return rows


def _summary(values: tuple[Sequence[float], Sequence[str]]) -> dict[str, Any] | None:
    found = summary(values[0], persons=values[1])
    return None if found is None else {**found, "n_persons": len(set(values[1]))}


_DISTANCES = {"frechet": frechet_distance, "kernel": kernel_distance}


def _distance_rows(
    sets: dict[str, ImageSet], features: dict[str, _Features], groups: Any, kept: Kept
) -> dict[str, list[Any]]:
    """Rows by sort of features and kind of each distance, by its name."""
    rows: dict[str, list[Any]] = {name: [] for name in _DISTANCES}
    persons = {name: list(some.persons) for name, some in sets.items()}
    for family in features["reference"]:
        everything = (features[name][family] for name in ("synthetic", "reference", "control"))
        for name, found in kept(
            _distances, *everything, persons=persons, groups=groups, is_one_unit=has_one_unit(family)
        ).items():
            rows[name] += [{"kind": kind, "features": family, **of_sets} for kind, of_sets in found.items()]
    return rows


def _distances(
    synthetic: np.ndarray,
    reference: np.ndarray,
    control: np.ndarray,
    *,
    persons: dict[str, list[str]],
    groups: Any,
    is_one_unit: bool,
) -> dict[str, dict[str, Any]]:
    """By distance and kind, of generated images and of the control from the reference."""
    space = FeatureSpace.of(np.concatenate([reference, control]), is_one_unit=is_one_unit)
    sides = {"synthetic": synthetic, "control": control}
    return {
        distance: {
            kind: {
                name: measure(
                    features[positions[name]],
                    reference[positions["reference"]],
                    space=space,
                    persons=[persons[name][i] for i in positions[name]],
                    reference_persons=[persons["reference"][i] for i in positions["reference"]],
                )
                for name, features in sides.items()
            }
            for kind, positions in groups.items()
        }
        for distance, measure in _DISTANCES.items()
    }


def _auc_rows(
    sets: dict[str, ImageSet], features: dict[str, dict[str, _Features]], groups: Any, kept: Kept
) -> list[Any]:
    rows = []
    for size, of_sets in features.items():
        for family in of_sets["reference"]:
            for kind, positions in groups.items():
                some = {name: of_sets[name][family][of_kind] for name, of_kind in positions.items()}
                persons = {name: [sets[name].persons[i] for i in of_kind] for name, of_kind in positions.items()}
                synthetic = kept(
                    separability,
                    some["synthetic"],
                    some["reference"],
                    persons=persons["synthetic"],
                    acquired_persons=persons["reference"],
                )
                control = kept(
                    control_separability,
                    np.concatenate([some["reference"], some["control"]]),
                    persons=persons["reference"] + persons["control"],
                    n=len(some["synthetic"]),
                )
                rows.append(
                    {"kind": kind, "size": size, "features": family, "synthetic": synthetic, "control": control}
                )
    return rows
