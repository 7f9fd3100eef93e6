"""The knob table as markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["knob_page"]

_NONE = "–"
_ANSWERS = {True: "responds", False: "does not respond", None: "not measured"}


def knob_page(figures: Mapping[str, Any]) -> str:
    """Two tables: whether the generator responds to each condition, and what moves with it.

    Parameters
    ----------
    figures : mapping
        As `knob_figures` gives them.

    Returns
    -------
    str
    """
    settings = figures["settings"]
    base = ", ".join(f"{name} {value}" for name, value in settings["base"].items() if name != "box")
    lines = [
        f"Each condition changed alone, {settings['n_seeds']} seeds at each level, all else as in {base}, nothing "
        "drawn again. Slope: from the first level to the last, by least squares within each seed, mean and 95 % "
        "bootstrap interval over seeds. Gain: how much more probable the lesion network finds a level where it was "
        "requested than where another one was. Range: largest less smallest level mean, with the p of a permutation "
        "within seeds.",
        "",
        "| condition | levels | measure that decides | effect | |",
        "|---|---|---|---|---|",
    ]
    for knob in figures["knobs"]:
        effect = knob["decides"]
        measure = _NONE if effect is None else f"{effect['measure']}, {effect['form']}"
        columns = [knob["knob"], ", ".join(knob["levels"]), measure, _effect(effect), _ANSWERS[knob["responds"]]]
        lines.append(f"| {' | '.join(columns)} |")
    titles = "| condition | measure | mean by level | effect | Spearman | expected | |"
    lines += ["", titles, "|---|---|---|---|---|---|---|"]
    for knob in figures["knobs"]:
        for row in knob["rows"]:
            if not row["expected"] and not row["moved"]:
                continue
            means = ", ".join(_NONE if one is None else f"{one['mean']:.3g}" for one in row["levels"])
            rank = (row["effect"] or {}).get("spearman")
            verdict = {True: "moved", False: "still", None: _NONE}[row["moved"]]
            is_odd = row["moved"] is not None and row["moved"] is (row["expected"] == "still") and bool(row["expected"])
            columns = [knob["knob"], row["measure"], means, _effect(row["effect"])]
            columns += [_NONE if rank is None else f"{rank:.2f}", row["expected"] or _NONE]
            lines.append(f"| {' | '.join(columns)} | {verdict}{' !' if is_odd else ''} |")
    return "\n".join(lines) + "\n"


def _effect(effect: Mapping[str, Any] | None) -> str:
    if effect is None:
        return _NONE
    if effect["form"] == "range":
        return f"{effect['mean']:.3g} (p {effect['p']:.3f})"
    mean, low, high = (None if effect[name] is None else effect[name] + 0.0 for name in ("mean", "low", "high"))
    return f"{mean:+.3f}" + ("" if low is None else f" ({low:+.3f} to {high:+.3f})")
