"""Figures of a reader study as markdown, for the terminal and for cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_mammo.evaluation.report.html_parts import NONE, figure_text

__all__ = ["reader_table"]


def reader_table(figures: Mapping[str, Any]) -> str:
    """Sentence, notes, and a row for each reader, for their mean and for their agreement.

    Parameters
    ----------
    figures : mapping
        As `reader_kit_analyse` gives them.

    Returns
    -------
    str
        Markdown.
    """
    rating, pair = figures["rating"], figures["pair"]
    areas = {} if rating is None else {row["reader"]: row["area"] for row in rating["readers"]}
    shares = {} if pair is None else {row["reader"]: row["share"] for row in pair["readers"]}
    lines = [figures["sentence"], "", *(f"- {note}" for note in figures["notes"]), *[""] * bool(figures["notes"])]
    lines += ["| reader | area under the curve | right choices |", "| --- | --- | --- |"]
    rows: list[tuple[str, Any, Any]] = [
        (f"reader {reader}", areas.get(reader), shares.get(reader)) for reader in dict.fromkeys([*areas, *shares])
    ]
    rows.append(("mean", rating and rating["mean"], pair and pair["mean"]))
    rows += [(f"mean, {row['kind']}", row["mean"], None) for row in (rating or {}).get("kinds", [])]
    for words, name in (("five steps", "agreement"), ("synthetic or not", "agreement_called")):
        found = (rating or {}).get(name)
        if found is not None:
            of_pairs = (pair or {}).get("agreement") if name == "agreement_called" else None
            rows.append((f"Fleiss' kappa, {words}", found["all"], of_pairs and of_pairs["all"]))
    if rating is None and pair is not None and pair["agreement"] is not None:
        rows.append(("Fleiss' kappa", None, pair["agreement"]["all"]))
    for one in ((rating or {}).get("agreement") or {"pairs": []})["pairs"]:
        rows.append((f"weighted kappa of {' and '.join(one['readers'])}", one["kappa"], None))
    lines += [
        f"| {name} | {figure_text(one) if one else NONE} | {figure_text(other) if other else NONE} |"
        for name, one, other in rows
    ]
    counts = (
        []
        if rating is None
        else [f"{rating['n_synthetic']} synthetic and {rating['n_acquired']} acquired images rated"]
    )
    counts += [] if pair is None else [f"{pair['n_pairs']} pairs"]
    return "\n".join([*lines, "", f"{', '.join(counts)}; 95 % intervals; 0.5 is chance, a kappa of 0 as well."]) + "\n"
