"""Figures of edits: what was inserted beside real lesions, and what was filled beside healthy tissue."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from monai_mammo.evaluation.edits.alike import alike
from monai_mammo.evaluation.edits.edited_places import EditedPlace
from monai_mammo.evaluation.edits.localisation import difference_map, located
from monai_mammo.evaluation.edits.measured_place import BANDS, CROPS_PX, Place
from monai_mammo.evaluation.edits.painted_seam import SEAM_MEASURES
from monai_mammo.evaluation.intervals import difference_of_means, ratio_of_medians, share_of, summary
from monai_mammo.evaluation.loop.trends import density_level, trend_row
from monai_mammo.evaluation.realism.classifier_auc import control_separability, separability
from monai_mammo.evaluation.stated import kind_groups
from monai_mammo.evaluation.texture_power import band_name
from monai_mammo.networks.probable_regions import place_score

__all__ = ["Maps", "figures_of_run"]

PERCENTILE = 75
"""Of healthy places' scores, under which the score of a filled region is to fall."""

_Features = Callable[[Sequence[np.ndarray]], dict[str, np.ndarray]]


class Maps(NamedTuple):
    """Maps of lesion probability by one examiner, in the order of the places; `None` for a part of a breast.

    Attributes
    ----------
    before, after : list of ndarray or None, shape (rows, columns)
        Of the edited places.
    others : list of ndarray or None, shape (rows, columns)
        Of the real lesions, or the healthy places, that they are held against.
    """

    before: Sequence[np.ndarray | None]
    after: Sequence[np.ndarray | None]
    others: Sequence[np.ndarray | None]


def figures_of_run(
    edits: Sequence[EditedPlace],
    others: Sequence[Place],
    *,
    features: _Features,
    maps: Mapping[str, Maps],
    truths: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Figures of the edits of one command.

    Parameters
    ----------
    edits : sequence of EditedPlace
        All of ``insert``, or all of ``remove``.
    others : sequence of Place
        Real lesions for ``insert``, healthy places for ``remove``.
    features : callable
        From crops of one size to their features by sort, each of shape (n, d).
    maps : mapping of str to Maps
        By examiner.
    truths : mapping of str to ndarray, shape of the grid, bool
        Known lesions of the source files, by name.

    Returns
    -------
    dict
        ``auc``, ``seam``, ``contrast``, ``lines``, ``spectrum`` and ``score``, for ``insert`` ``trends`` of the score
        with density, size and contrast, for regions that the lesion network found ``localisation`` too: rows by kind,
        each figure with n and 95 % interval over persons.
    """
    is_insert = edits[0].command == "insert"
    groups = kind_groups([one.after.kind for one in edits])
    rows: dict[str, Any] = {
        name: [] for name in ("auc", "seam", "contrast", "lines", "spectrum", "score", "trends", "localisation")
    }
    for kind, members in groups.items():
        some = [edits[i] for i in members]
        positions = [i for i, other in enumerate(others) if kind in ("all", other.kind)]
        like = [others[i] for i in positions]
        rows["auc"] += [{"kind": kind, **row} for row in _auc(some, like, features)]
        for measure in SEAM_MEASURES:
            rows["seam"].append({"kind": kind, "measure": measure, **_seam(some, like, measure)})
        if is_insert:
            rows["contrast"].append({"kind": kind, **_beside([one.after for one in some], like, _contrast)})
            before = _beside([one.before for one in some], like, _lines)["edited"]
            rows["lines"].append({"kind": kind, **_beside([one.after for one in some], like, _lines), "before": before})
        for band in map(band_name, BANDS):
            powers = _beside([one.after for one in some], like, functools.partial(_power, band=band))
            rows["spectrum"].append({"kind": kind, "measure": band, **powers})
        for name, of_all in maps.items():
            of_some = Maps(
                [of_all.before[i] for i in members],
                [of_all.after[i] for i in members],
                [of_all.others[i] for i in positions],
            )
            row = _inserted_scores(some, like, of_some) if is_insert else _removed_scores(some, like, of_some)
            rows["score"].append({"kind": kind, "network": name, **row})
            if is_insert:
                trends = _trends([one.after for one in some], of_some.after), _trends(like, of_some.others)
                rows["trends"] += [
                    {"kind": kind, "network": name, "property": ours["property"], "edited": ours, "others": theirs}
                    for ours, theirs in zip(*trends, strict=True)
                ]
        rows["localisation"] += [{"kind": kind, **row} for row in _localisation(some, members, maps, truths)]
    return {
        "command": edits[0].command,
        "n": len(edits),
        "n_persons": len({one.after.person for one in edits}),
        "n_others": len(others),
        "n_persons_of_others": len({one.person for one in others}),
        **{name: found for name, found in rows.items() if found},
    }


def _auc(edits: Sequence[EditedPlace], others: Sequence[Place], features: _Features) -> list[dict[str, Any]]:
    rows = []
    for side in CROPS_PX:
        ours = [one.after for one in edits if side in one.after.crops]
        theirs = [one for one in others if side in one.crops]
        found: dict[str, Any] = {}
        if ours and theirs:
            both = features([one.crops[side] for one in (*ours, *theirs)])
            found = {name: (values[: len(ours)], values[len(ours) :]) for name, values in both.items()}
        for name, (own, real) in found.items():
            persons = [one.person for one in theirs]
            edited = separability(own, real, persons=[one.person for one in ours], acquired_persons=persons)
            control = control_separability(real, persons=persons, n=len(own))
            n_others = {"n_others": len(real), "n_persons_of_others": len(set(persons))}
            rows.append({"crop_px": side, "features": name, "edited": edited, "control": control, **n_others})
    return rows


def _seam(edits: Sequence[EditedPlace], others: Sequence[Place], measure: str) -> dict[str, Any]:
    sides = {"edited": [one.after for one in edits], "before": [one.before for one in edits], "others": others}
    out = {}
    for name, places in sides.items():
        known = [one for one in places if measure in one.seam]
        out[name] = summary([one.seam[measure] for one in known], persons=[one.person for one in known])
    return out


def _contrast(place: Place) -> float | None:
    return place.contrast


def _lines(place: Place) -> float | None:
    return place.lines


def _power(place: Place, *, band: str) -> float | None:
    return place.powers.get(band)


def _beside(
    ours: Sequence[Place], theirs: Sequence[Place], value_of: Callable[[Place], float | None]
) -> dict[str, Any]:
    """Means of a measure on both sides, and their difference."""
    sides = [[(value, one.person) for one in side if (value := value_of(one)) is not None] for side in (ours, theirs)]
    (own, persons), (real, whose) = (([v for v, _ in side], [p for _, p in side]) for side in sides)
    return {
        "edited": summary(own, persons=persons),
        "others": summary(real, persons=whose),
        "difference": difference_of_means(own, real, persons=persons, reference_persons=whose),
    }


def _inserted_scores(edits: Sequence[EditedPlace], real: Sequence[Place], maps: Maps) -> dict[str, Any]:
    known = [i for i, one in enumerate(edits) if one.after.on_grid is not None]
    usable = [i for i, one in enumerate(real) if one.on_grid is not None]

    def beside(with_contrast: bool) -> dict[str, Any]:
        partners = alike([edits[i].after for i in known], [real[i] for i in usable], with_contrast=with_contrast)
        pairs = [(i, usable[j]) for i, j in zip(known, partners, strict=True) if j >= 0]
        after, before = (
            [_score(getattr(maps, name)[i], getattr(edits[i], name)) for i, _ in pairs] for name in ("after", "before")
        )
        theirs = [_score(maps.others[j], real[j]) for _, j in pairs]
        persons, whose = [edits[i].after.person for i, _ in pairs], [real[j].person for _, j in pairs]
        return {
            "n": len(pairs),
            "n_persons": len(set(persons)),
            "n_others": len({j for _, j in pairs}),
            "before": _median(before),
            "edited": _median(after),
            "others": _median(theirs),
            "ratio": ratio_of_medians(after, theirs, persons=persons, reference_persons=whose) if pairs else None,
        }

    as_conspicuous = beside(True)
    return {
        **beside(False),
        "as_conspicuous": {name: as_conspicuous[name] for name in ("n_others", "others", "ratio")},
    }


def _trends(places: Sequence[Place], maps: Sequence[np.ndarray | None]) -> list[dict[str, Any]]:
    """Whether an examiner finds lesions less in dense breasts, and more where they are large and stand out."""
    seen = [(one, _score(found, one)) for one, found in zip(places, maps, strict=True) if one.on_grid is not None]
    rows = []
    for name, level_of in _LEVELS.items():
        known = [(level, score, one.person) for one, score in seen if (level := level_of(one)) is not None]
        levels, scores, persons = zip(*known, strict=True) if known else ((), (), ())
        rows.append(trend_row(name, levels, scores, persons=persons))
    return rows


_LEVELS: dict[str, Callable[[Place], float | None]] = {
    "density": lambda place: density_level(place.density),
    "size": lambda place: place.size_share,
    "contrast": lambda place: place.contrast,
}


def _removed_scores(edits: Sequence[EditedPlace], healthy: Sequence[Place], maps: Maps) -> dict[str, Any]:
    known = [i for i, one in enumerate(edits) if one.after.on_grid is not None]
    before, after = (
        [_score(getattr(maps, name)[i], getattr(edits[i], name)) for i in known] for name in ("before", "after")
    )
    others = [_score(maps.others[j], one) for j, one in enumerate(healthy) if one.on_grid is not None]
    limit = float(np.percentile(others, PERCENTILE)) if others else None
    return {
        "n": len(known),
        "n_persons": len({edits[i].after.person for i in known}),
        "n_others": len(others),
        "before": _median(before),
        "edited": _median(after),
        "others": _median(others),
        "limit": None if limit is None else round(limit, 4),
        "below": None if limit is None else share_of(sum(value <= limit for value in after), len(after)),
        "below_before": None if limit is None else share_of(sum(value <= limit for value in before), len(before)),
    }


def _score(probability: np.ndarray | None, place: Place) -> float:
    assert probability is not None and place.on_grid is not None
    return place_score(probability, place.on_grid.mask)


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 4) if len(values) else None


def _localisation(
    edits: Sequence[EditedPlace], members: Sequence[int], maps: Mapping[str, Maps], truths: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Difference map and each examiner's map against the known lesion, where the lesion network found the region."""
    known = [
        (one, i)
        for one, i in zip(edits, members, strict=True)
        if one.is_found and one.source in truths and one.before.on_grid is not None
    ]
    if not known:
        return []
    found: dict[str, list[dict[str, float]]] = {"difference": []}
    for one, i in known:
        before, after = one.before.on_grid, one.after.on_grid
        assert before is not None and after is not None
        truth = truths[one.source]
        found["difference"].append(located(difference_map(before.image, after.image), truth))
        for name, of_all in maps.items():
            probability = of_all.before[i]
            assert probability is not None
            found.setdefault(name, []).append(located(probability, truth))
    persons = [one.after.person for one, _ in known]
    return [
        {"map": name, **{key: summary([one[key] for one in values], persons=persons) for key in ("hit", "iou")}}
        for name, values in found.items()
    ]
