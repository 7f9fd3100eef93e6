"""Figures of edits as markdown, several runs side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monai_mammo.evaluation.markdown import table_of

__all__ = ["edit_tables"]

_NONE = "–"
_Row = Mapping[str, Any]


def edit_tables(figures: Mapping[str, Any]) -> str:
    """Tables with a column for each run: those of insertions, then those of removals.

    Parameters
    ----------
    figures : mapping
        As `evaluate_edits` gives them.

    Returns
    -------
    str
        Markdown.
    """
    pages = [
        _page(command, {name: run for name, run in figures["runs"].items() if run["command"] == command}, figures)
        for command in ("insert", "remove")
    ]
    return "\n".join(page for page in pages if page)


def _page(command: str, runs: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    if not runs:
        return ""
    is_insert = command == "insert"
    noun, others = ("inserted lesions", "real lesions") if is_insert else ("filled regions", "healthy places")
    about = "; ".join(
        f"{name}: {run['n']} {noun} of {run['n_persons']} persons beside {run['n_others']} {others} of "
        f"{run['n_persons_of_others']}"
        for name, run in runs.items()
    )
    head = (
        f"{about}. Pixels: {figures['settings']['pixels']}. Brackets: 95 % intervals over persons; for shares of "
        "counts, Wilson's."
    )
    parts = [
        head,
        f"Area under the curve of a logistic regression that tells {noun} from {others} in crops round the place, "
        "5-fold by person: 0.5 cannot, 1 always. Control: acquired crops divided by person at random, with the reach "
        "of chance.",
        _table(runs, "auc", _auc_key, [("edited", _value), ("n", _n_edited), ("control", _control)]),
        "Seam: share of circles elsewhere in the picture at whose edge brightness changes less than at the edge of "
        "the painted region: 0.5 is as anywhere, 1 always seen. Across the edge, and across over along it, which busy "
        f"tissue does not raise. Before: the same edge in the source; others: such an edge round {others}.",
        _table(
            runs,
            "seam",
            _band,
            [("edited", _value), ("n", _n_edited), ("before", _before), ("others", _others_value)],
        ),
    ]
    if is_insert:
        parts += [
            "Contrast to the ring round it, share of full brightness.",
            _table(runs, "contrast", _kind, [("edited", _signed), ("real", _others), ("difference", _difference)]),
            "Lines: how much of the strength of thin bright lines round the lesion points away from it, 1 where they "
            "run anywhere, more round a lesion with spicules. Before: the same place in the source.",
            _table(
                runs,
                "lines",
                _kind,
                [("edited", _value), ("n", _n_edited), ("before", _before), ("real", _others_value)],
            ),
        ]
    parts += [
        f"Power inside, dB, by cycles a pixel, beside {others}.",
        _table(runs, "spectrum", _band, [("edited", _plain), ("others", _others_plain), ("difference", _decibels)]),
    ]
    if is_insert:
        parts += [
            "Score: highest probability of lesion at the place, medians; real lesions are of equal kind, and near in "
            "size and density; ratio of inserted to real. As conspicuous: near in contrast to the ring, too.",
            _table(
                runs,
                "score",
                _network,
                [("before", _median("before")), ("edited", _median("edited")), ("real", _median("others"))]
                + [("ratio", _ratio), ("n", _n)]
                + [("real, as conspicuous", _conspicuous_median), ("ratio, as conspicuous", _conspicuous_ratio)],
            ),
            "Trends: rank correlation of that score with what must lower it (density) or raise it (size, contrast), of "
            "inserted and of real lesions; from 20 lesions on.",
            _table(runs, "trends", _property, [("edited", _trend("edited")), ("real", _trend("others"))]),
        ]
    else:
        parts += [
            "Score: highest probability of lesion at the place, medians. Limit: 75th percentile of healthy places; "
            "below it: share of the filled regions, and of the same before they were filled.",
            _table(
                runs,
                "score",
                _network,
                [("before", _median("before")), ("edited", _median("edited")), ("limit", _median("limit"))]
                + [("below", _below("below")), ("below, before", _below("below_before")), ("n", _n)],
            ),
        ]
    if any("localisation" in run for run in runs.values()):
        parts += [
            "Where the lesion network found the region: how often the highest value of a map lies in the known lesion "
            "(pointing game), and the overlap (IoU) of what reaches half of it. Difference: of source and edited "
            "picture.",
            _table(runs, "localisation", _map, [("hit", _hit), ("IoU", _iou), ("n", _n_hit)]),
        ]
    return "\n\n".join(parts) + "\n"


def _table(
    runs: Mapping[str, Any],
    part: str,
    key_of: Callable[[_Row], tuple[str, ...]],
    columns: Sequence[tuple[str, Callable[[_Row], str]]],
) -> str:
    """Rows by their key, with the columns of each run."""
    rows = {name: {key_of(row): row for row in run.get(part, ())} for name, run in runs.items()}
    keys = list(dict.fromkeys(key for of_run in rows.values() for key in of_run))
    several = len(runs) > 1
    titles = [*_TITLES[part], *(f"{title}, {name}" if several else title for name in runs for title, _ in columns)]
    lines = [
        [*key, *(text(rows[name][key]) if key in rows[name] else _NONE for name in runs for _, text in columns)]
        for key in keys
    ]
    return table_of(titles, lines)


_TITLES = {
    "auc": ("kind", "crop", "features"),
    "seam": ("kind", "gradient"),
    "contrast": ("kind",),
    "lines": ("kind",),
    "spectrum": ("kind", "band"),
    "score": ("kind", "read by"),
    "trends": ("kind", "read by", "property"),
    "localisation": ("kind", "map"),
}


def _auc_key(row: _Row) -> tuple[str, ...]:
    return row["kind"], f"{row['crop_px']} px", row["features"]


def _kind(row: _Row) -> tuple[str, ...]:
    return (row["kind"],)


def _band(row: _Row) -> tuple[str, ...]:
    return row["kind"], row["measure"]


def _network(row: _Row) -> tuple[str, ...]:
    return row["kind"], row["network"]


def _property(row: _Row) -> tuple[str, ...]:
    return row["kind"], row["network"], row["property"]


def _map(row: _Row) -> tuple[str, ...]:
    return row["kind"], row["map"]


def _value(row: _Row) -> str:
    return _text(row["edited"], 2)


def _control(row: _Row) -> str:
    return _text(row["control"], 2)


def _before(row: _Row) -> str:
    return _text(row["before"], 2)


def _others_value(row: _Row) -> str:
    return _text(row["others"], 2)


def _signed(row: _Row) -> str:
    return _text(row["edited"], 3, sign="+")


def _others(row: _Row) -> str:
    return _text(row["others"], 3, sign="+")


def _difference(row: _Row) -> str:
    return _text(row["difference"], 3, sign="+")


def _plain(row: _Row) -> str:
    return _text(row["edited"], 1)


def _others_plain(row: _Row) -> str:
    return _text(row["others"], 1)


def _decibels(row: _Row) -> str:
    return _text(row["difference"], 1, sign="+")


def _ratio(row: _Row) -> str:
    return _text(row["ratio"], 2)


def _conspicuous_median(row: _Row) -> str:
    return _median("others")(row["as_conspicuous"])


def _conspicuous_ratio(row: _Row) -> str:
    return _ratio(row["as_conspicuous"])


def _hit(row: _Row) -> str:
    return _text(row["hit"], 2)


def _iou(row: _Row) -> str:
    return _text(row["iou"], 2)


def _n(row: _Row) -> str:
    return str(row["n"])


def _n_edited(row: _Row) -> str:
    return _NONE if not row["edited"] else str(row["edited"]["n"])


def _n_hit(row: _Row) -> str:
    return _NONE if not row["hit"] else str(row["hit"]["n"])


def _median(name: str) -> Callable[[_Row], str]:
    return lambda row: _NONE if row[name] is None else f"{row[name]:.2f}"


def _trend(name: str) -> Callable[[_Row], str]:
    return lambda row: f"{_text(row[name]['trend'], 2, sign='+')}, {row[name]['verdict']}"


def _below(name: str) -> Callable[[_Row], str]:
    return lambda row: _text(row[name], 2)


def _text(found: Mapping[str, Any] | None, digits: int, *, sign: str = "") -> str:
    if not found:
        return _NONE
    value = found["value"] if "value" in found else found["mean"]
    text = f"{value:{sign}.{digits}f}"
    if found["low"] is None:
        return text
    return f"{text} ({found['low']:{sign}.{digits}f} to {found['high']:{sign}.{digits}f})"
