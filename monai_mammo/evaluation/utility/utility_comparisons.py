"""Figures of all trainings, and of what generated images changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.reader_study.reader_intervals import ReadersMean, interval_over_readers, mean_over_readers
from monai_mammo.evaluation.utility.arm_scores import ArmScores
from monai_mammo.evaluation.utility.concordance import concordance_jackknife, spearman_jackknife
from monai_mammo.evaluation.utility.gain_statistics import (
    detectable_gain,
    difference_jackknife,
    holm_adjusted,
    probit_of,
    two_sided_p,
)
from monai_mammo.evaluation.utility.training_arms import (
    ACQUIRED,
    ADDED_AND_AUGMENTED,
    AUGMENTED,
    PRETRAINED,
    SYNTHETIC,
    comparisons_of,
    dose_name,
    title_of,
)

__all__ = ["RECIPES", "SHOWN", "utility_figures"]

SHOWN = 0.05
"""p-value, corrected, under which a comparison is shown."""

RECIPES: dict[str, tuple[str, str]] = {
    "added": (dose_name(1), ACQUIRED),
    "pretrained": (PRETRAINED, ACQUIRED),
    "beyond_augmentation": (ADDED_AND_AUGMENTED, AUGMENTED),
    "alone": (SYNTHETIC, ACQUIRED),
}
"""Comparisons that verdicts rest on, over all architectures, chosen before any figure is known."""

_HELPING = ("added", "pretrained")
_LEVEL_OF_BETTER = 1 - 0.05 / len(_HELPING)
_Jackknife = tuple[np.ndarray, np.ndarray]


def utility_figures(arms: Sequence[ArmScores]) -> dict[str, Any]:
    """Area under the curve of each arm, what each differs by, and the recipes that verdicts rest on.

    Parameters
    ----------
    arms : sequence of ArmScores
        One for each arm and architecture, acquired images alone among them; two seeds or more. Images of a kind that
        shows one class only make no pair, and count nowhere.

    Returns
    -------
    dict
        ``arms``: ``arm``, ``architecture``, ``title``, ``area`` and ``spearman`` (`None` for two classes), each with
        ``value``, ``low``, ``high``, ``n``, ``n_readers``. ``comparisons``: ``arm``, ``than``, ``architecture``,
        ``gain`` and ``effect`` with interval, ``p``, ``p_holm``, ``is_shown``, ``could_see`` and ``could_see_holm``,
        `None` where that is more than any gain can be.
        ``recipes``: by the names of `RECIPES` and ``better``, ``gain`` with interval over all architectures and
        ``could_see``, or `None`. ``n_comparisons``, ``sentence``.

    Raises
    ------
    RequestError
        Arms have different images or seeds, a single seed, or too few images.
    """
    table = {(one.architecture, one.arm): one.compared() for one in arms}
    _check(table)
    areas = {key: concordance_jackknife(one.scores, one.cases) for key, one in table.items()}
    comparisons = _comparisons(table, areas)
    recipes = {name: _recipe(name, table, areas) for name in RECIPES}
    recipes["better"] = _better(recipes)
    rows = [_arm_row(one, areas[key]) for key, one in table.items()]
    return {
        "arms": rows,
        "comparisons": comparisons,
        "n_comparisons": len(comparisons),
        "recipes": recipes,
        "sentence": _sentence(recipes, rows),
    }


def _check(table: Mapping[tuple[str, str], ArmScores]) -> None:
    for architecture in dict.fromkeys(architecture for architecture, _ in table):
        base = table.get((architecture, ACQUIRED))
        if base is None:
            raise RequestError(f"architecture {architecture!r} has no arm {ACQUIRED!r} to compare with")
        if len(base.seeds) < 2:
            raise RequestError(f"architecture {architecture!r} has one seed: two at least show how far figures vary")
        for (named, arm), one in table.items():
            if named != architecture:
                continue
            if one.seeds != base.seeds:
                raise RequestError(f"arm {arm!r} of {architecture!r} has other seeds than arm {ACQUIRED!r}")
            shared = set(one.cases.names) & set(base.cases.names)
            if shared and one.cases != base.cases:
                raise RequestError(f"arm {arm!r} of {architecture!r} has other images than arm {ACQUIRED!r}")


def _arm_row(one: ArmScores, areas: _Jackknife) -> dict[str, Any]:
    is_ordinal = len(set(one.cases.truth)) > 2
    correlations = spearman_jackknife(one.scores, one.cases) if is_ordinal else None
    return {
        "arm": one.arm,
        "architecture": one.architecture,
        "title": title_of(one.arm),
        "area": _figure(areas, one, interval_over_readers(*areas)),
        "spearman": None if correlations is None else _figure(correlations, one, _plain(correlations)),
    }


def _plain(figure: _Jackknife) -> dict[str, Any] | None:
    found = mean_over_readers(*figure)
    return None if found is None else dict(zip(("low", "high"), found.bounds(), strict=True))


def _figure(figure: _Jackknife, one: ArmScores, bounds: Mapping[str, float] | None) -> dict[str, Any]:
    return {
        "value": round(float(figure[0].mean()), 4),
        "low": None if bounds is None else round(bounds["low"], 4),
        "high": None if bounds is None else round(bounds["high"], 4),
        "n": len(one.cases),
        "n_persons": one.cases.n_persons,
        "n_readers": len(one.seeds),
    }


def _difference(table: Any, areas: Any, architecture: str, pair: tuple[str, str], *, is_effect: bool) -> _Jackknife:
    one, other = (areas[architecture, arm] for arm in pair)
    cases = [table[architecture, arm].cases for arm in pair]
    if is_effect:
        one, other = probit_of(one), probit_of(other)
    return difference_jackknife(one, other, is_paired=cases[0] == cases[1])


def _comparisons(table: Mapping[tuple[str, str], ArmScores], areas: Mapping[Any, _Jackknife]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    means: list[ReadersMean | None] = []
    for architecture in dict.fromkeys(architecture for architecture, _ in table):
        for pair in comparisons_of([arm for named, arm in table if named == architecture]):
            values = _difference(table, areas, architecture, pair, is_effect=False)
            effects = _difference(table, areas, architecture, pair, is_effect=True)
            means.append(mean_over_readers(*values))
            rows.append(
                {
                    "arm": pair[0],
                    "than": pair[1],
                    "architecture": architecture,
                    "gain": _with_bounds(values, means[-1]),
                    "effect": _with_bounds(effects, mean_over_readers(*effects)),
                }
            )
    p_values = [two_sided_p(mean) for mean in means]
    for row, mean, p, p_holm in zip(rows, means, p_values, holm_adjusted(p_values), strict=True):
        row |= {"p": float(f"{p:.4g}"), "p_holm": float(f"{p_holm:.4g}"), "is_shown": p_holm < SHOWN}
        room = _room(areas, [row["architecture"]], row["than"])
        row["could_see"] = _could_see(mean, room)
        row["could_see_holm"] = _could_see(mean, room, alpha=SHOWN / len(rows))
    return rows


def _recipe(name: str, table: Any, areas: Any) -> dict[str, Any] | None:
    """Gain over the networks of all architectures that have both arms."""
    pair, alpha = RECIPES[name], 1 - _LEVEL_OF_BETTER if name in _HELPING else SHOWN
    there = [named for named, arm in table if arm == pair[0] and (named, pair[1]) in table]
    if not there:
        return None
    found = [_difference(table, areas, architecture, pair, is_effect=False) for architecture in there]
    if len({table[named, arm].cases for named in there for arm in pair}) > 1:
        return None
    values, without = np.concatenate([v for v, _ in found]), np.concatenate([w for _, w in found], axis=1)
    mean, cases = mean_over_readers(values, without), table[there[0], pair[0]].cases
    return {
        "arm": pair[0],
        "than": pair[1],
        "gain": _with_bounds((values, without), mean),
        "adjusted": _with_bounds((values, without), mean, level=_LEVEL_OF_BETTER),
        "p": float(f"{two_sided_p(mean):.4g}"),
        "could_see": _could_see(mean, _room(areas, there, pair[1]), alpha=alpha),
        "n": len(cases),
        "n_persons": cases.n_persons,
        "n_readers": len(values),
    }


def _room(areas: Mapping[Any, _Jackknife], architectures: Sequence[str], than: str) -> float:
    """Largest gain that there can be over an arm: its area lacks so much of 1."""
    return 1 - float(np.concatenate([areas[named, than][0] for named in architectures]).mean())


def _could_see(mean: ReadersMean | None, room: float, *, alpha: float = SHOWN) -> float | None:
    """Smallest gain that four in five such studies show, `None` where it is more than any can be."""
    gain = detectable_gain(mean, alpha=alpha)
    return None if gain is None or gain > room else _rounded(gain)


def _better(recipes: Mapping[str, dict[str, Any] | None]) -> dict[str, Any] | None:
    """The better of the recipes that are to help, with the interval that holds for both of them at once."""
    known = [recipe for name in _HELPING if (recipe := recipes[name]) is not None]
    if not known:
        return None
    best = max(known, key=lambda recipe: float(recipe["gain"]["value"]))
    return {**best, "gain": best["adjusted"] if len(known) > 1 else best["gain"]}


def _with_bounds(figure: _Jackknife, mean: ReadersMean | None, *, level: float = 0.95) -> dict[str, Any]:
    low, high = (None, None) if mean is None else mean.bounds(level)
    return {"value": _rounded(float(figure[0].mean())), "low": _rounded(low), "high": _rounded(high)}


def _sentence(recipes: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    words = []
    better, alone = recipes["better"], recipes["alone"]
    if better is not None:
        named = {dose_name(1): "added one to one", PRETRAINED: "trained on first"}
        gains = [
            f"{_signed(recipe['gain'])} where they are {named[recipe['arm']]}"
            for name in _HELPING
            if (recipe := recipes[name]) is not None
        ]
        low, high = better["gain"]["low"], better["gain"]["high"]
        is_known = low is not None and high is not None
        verdict = "a gain is shown" if is_known and low > 0 else "no gain is shown"
        verdict = "they harm" if is_known and high < 0 else verdict
        words.append(f"Synthetic images change the area under the curve by {' and by '.join(gains)}: {verdict}.")
        seen = [recipes[name]["could_see"] for name in _HELPING if recipes[name] is not None]
        study = f"{better['n']} images of {better['n_persons']} persons and {better['n_readers']} networks an arm"
        if all(one is not None for one in seen):
            words.append(
                f"A gain of {max(seen):.3f} could have been seen: four in five such studies of {study} would have "
                "shown it."
            )
        elif is_known:
            reach = "No possible gain could have been seen"
            for one in (one for one in seen if one is not None):
                reach = f"A gain of {one:.3f} could have been seen of one recipe, and no possible one of the other"
            words.append(f"{reach}: {study} are few.")
    if alone is not None:
        base = np.mean([row["area"]["value"] for row in rows if row["arm"] == ACQUIRED])
        words.append(
            f"Trained on synthetic images alone the area is {base + alone['gain']['value']:.3f} instead of {base:.3f}, "
            f"a difference of {_signed(alone['gain'])}."
        )
    return " ".join(words)


def _signed(gain: Mapping[str, Any]) -> str:
    if gain["low"] is None:
        return f"{gain['value']:+z.3f}"
    return f"{gain['value']:+z.3f} ({gain['low']:+z.3f} to {gain['high']:+z.3f})"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
