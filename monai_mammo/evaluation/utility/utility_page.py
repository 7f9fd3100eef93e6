"""Figures of utility as markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_mammo.evaluation.markdown import table_of
from monai_mammo.evaluation.utility.training_arms import title_of

__all__ = ["utility_table"]

_NONE = "–"


def utility_table(figures: Mapping[str, Any]) -> str:
    """Sentence, notes, area of each arm and comparisons.

    Parameters
    ----------
    figures : mapping
        As `evaluate_utility` gives them.

    Returns
    -------
    str
        Markdown.
    """
    target = figures["target"]
    areas = [
        [
            row["architecture"],
            row["title"],
            _value(row["area"]),
            *([_value(row["spearman"])] if _is_ordinal(figures) else []),
            str(row["area"]["n"]),
            str(row["area"]["n_persons"]),
            str(row["area"]["n_readers"]),
        ]
        for row in figures["arms"]
    ]
    comparisons = [
        [
            row["architecture"],
            title_of(row["arm"]),
            title_of(row["than"]),
            _value(row["gain"], sign="+"),
            _value(row["effect"], sign="+", digits=2),
            f"{row['p']:.2g}",
            f"{row['p_holm']:.2g}",
            "yes" if row["is_shown"] else "no",
            _plain(row["could_see"]),
            _plain(row["could_see_holm"]),
        ]
        for row in figures["comparisons"]
    ]
    read = f"Networks learn to read {target['name']} ({', '.join(target['classes'])})."
    parts = [
        f"{figures['sentence']} {read} {_about(figures['data'])}",
        "\n".join(f"- {note}" for note in figures["notes"]),
        "Area under the curve: share of pairs of images of one acquisition kind and of different classes that are put "
        "in the right order. Brackets: 95 % intervals over networks and persons (Obuchowski and Rockette).",
        table_of(_AREA_TITLES if _is_ordinal(figures) else _without_rank(_AREA_TITLES), areas),
        f"Effect: change of the distance between classes, in deviations. p by Holm: corrected for all "
        f"{figures['n_comparisons']} comparisons, shown under 0.05. Could be seen: gain that four in five such studies "
        f"show, without and with the correction; {_NONE} where it is more than any gain can be.",
        table_of(_TITLES, comparisons),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_AREA_TITLES = ["architecture", "trained on", "area under the curve", "rank correlation", "n", "persons", "networks"]
_TITLES = [
    "architecture",
    "trained on",
    "than on",
    "gain",
    "effect",
    "p",
    "p by Holm",
    "shown",
    "could be seen",
    "after correction",
]


def _without_rank(titles: list[str]) -> list[str]:
    return [title for title in titles if title != "rank correlation"]


def _is_ordinal(figures: Mapping[str, Any]) -> bool:
    return any(row["spearman"] for row in figures["arms"])


def _about(data: Mapping[str, Any]) -> str:
    words = []
    if "training" in data:
        one = data["training"]
        images = f"{one['n_images']} acquired images of {one['n_persons']} persons"
        words.append(f"trained on {images} ({one['split']} split)")
    if "synthetic" in data:
        words.append(f"{data['synthetic']['n_images']} synthetic images")
    one = data["test"]
    where = f"{one['split']} split" if "split" in one else one["name"]
    whose = "other persons" if words else "persons"
    words.append(f"tested on {one['n_images']} images of {one['n_persons']} {whose} ({where})")
    text = ", ".join(words)
    return f"{text[0].upper()}{text[1:]}."


def _value(figure: Mapping[str, Any] | None, *, sign: str = "", digits: int = 3) -> str:
    if figure is None:
        return _NONE
    text = f"{figure['value']:{sign}z.{digits}f}"
    if figure["low"] is None:
        return text
    return f"{text} ({figure['low']:{sign}z.{digits}f} to {figure['high']:{sign}z.{digits}f})"


def _plain(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"
