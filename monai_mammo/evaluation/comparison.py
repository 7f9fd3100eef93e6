"""Figures of several generators side by side, each as its own command measured it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.figures_file import read_figures

__all__ = ["comparison_figures"]

_COMPARED = ("realism", "texture", "adherence", "report")
_Found = Mapping[str, Any] | None


def comparison_figures(files: Sequence[str]) -> dict[str, Any]:
    """Figures of realism, texture, adherence and reports, with a column for each generator or folder.

    Nothing is measured anew. Acquired images stand in a column of their own; where the figures of two generators were
    measured beside different ones, since the control follows the kinds of the generated images, it holds both.

    Parameters
    ----------
    files : sequence of str
        ``NAME=FIGURES.json``: name of the generator's column, and a file that ``evaluate realism``, ``texture``,
        ``adherence`` or ``evaluate SYNTHETIC --reference …`` wrote: the last takes the images of anybody. Of which a
        generator has no file, its column stays open.

    Returns
    -------
    dict
        ``generators``: name, and weights with their versions where the figures state them; ``rows``: for each figure
        that any of the generators has, ``acquired`` (a list without repetition) and ``generated`` (one for each
        generator, `None` where it has none).

    Raises
    ------
    RequestError
        A file cannot be read, is of another command or comes twice, or the figures of two generators are of different
        acquired images.
    """
    by_generator: dict[str, dict[str, dict[str, Any]]] = {}
    for word in files:
        name, _, path = str(word).partition("=")
        if not name or not path:
            raise RequestError(f"figures {word!r} are not NAME=FIGURES.json, such as mammo_vae=realism.json")
        figures = read_figures(Path(path))
        command = str(figures.get("command"))
        if command not in _COMPARED:
            raise RequestError(f"figures {path} are of command {command!r}, not one of {', '.join(_COMPARED)}")
        known = by_generator.setdefault(name, {})
        if command in known:
            raise RequestError(f"generator {name} has two files of {command}, the second is {path}")
        known[command] = figures
    try:
        return _compared(by_generator)
    except (LookupError, TypeError, ValueError, AttributeError):  # figures of any JSON shape
        raise RequestError("figures are not as `evaluate` writes them: a row lacks what is compared") from None


def _compared(by_generator: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    commands = [command for command in _COMPARED if any(command in known for known in by_generator.values())]
    for command in commands:
        _check_references(command, {name: known[command] for name, known in by_generator.items() if command in known})
    return {
        "name": "comparison",
        "command": "comparison",
        "generators": [{"name": name, "weights": _weights(known)} for name, known in by_generator.items()],
        "rows": [
            row for command in commands for row in _rows(command, [k.get(command) for k in by_generator.values()])
        ],
    }


def _check_references(command: str, figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse figures beside different acquired images; the first generator's are what the others must have."""
    first, *others = figures
    for name in others:
        if not _is_same_reference(figures[first], figures[name]):
            raise RequestError(f"figures of {command} of {first} and {name} are of different acquired images")


def _is_same_reference(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if _stated_reference(one) != _stated_reference(other):
        return False
    ours, theirs = _acquired_means(one), _acquired_means(other)
    return all(ours[key] == theirs[key] for key in ours.keys() & theirs.keys())


def _stated_reference(figures: Mapping[str, Any]) -> Any:
    if figures["command"] == "report":
        about = figures["reference"]
        return about["name"], about["split"], about["n_images"], about["n_persons"]
    data = figures["data"]
    if "datalist_sha256" in data:
        return data["split"], data["datalist_sha256"]
    settings = figures["settings"]
    counts = settings["n_images"]["reference"], settings["n_persons"]["reference"]
    return data["split"], counts, settings["shape"]


def _acquired_means(figures: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """Means of acquired images by kind and measure: realism states no hash of its images, and these tell them apart.

    Of all kinds together there is none, since the kinds that the generated images lack are left out there.
    """
    rows = [row for row in figures.get("measures", ()) if row["kind"] != "all" and row["acquired"]]
    return {(row["kind"], row["measure"]): row["acquired"]["mean"] for row in rows}


def _weights(known: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Weights of the runs, as the figures of adherence state them."""
    runs = known.get("adherence", {}).get("runs", [])
    found = {weights["name"]: weights for run in runs for weights in run.get("weights", [])}
    return [{key: weights[key] for key in ("name", "version", "sha256")} for weights in found.values()]


def _rows(command: str, figures: Sequence[Mapping[str, Any] | None]) -> Iterator[dict[str, Any]]:
    found = [{} if one is None else dict(_ROWS_OF[command](one)) for one in figures]
    for key in dict.fromkeys(key for rows in found for key in rows):
        pairs = [rows.get(key, (None, None)) for rows in found]
        acquired: list[Any] = []
        for beside, _ in pairs:
            if beside is not None and beside not in acquired:
                acquired.append(beside)
        yield {
            "figures": command,
            "measure": key[0],
            "kind": key[1],
            "acquired": acquired,
            "generated": [generated for _, generated in pairs],
        }


def _realism(figures: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], tuple[_Found, _Found]]]:
    """Shares of acquired images' measures by kind; distance and separability over all kinds."""
    for row in figures["measures"]:
        if row["kind"] != "all":
            share = None if row["share"] is None else {**row["share"], "n": row["synthetic"]["n"]}
            yield (f"{row['measure']}, share of acquired", row["kind"]), (row["control_share"], share)
    for row in figures["frechet"]:
        if row["kind"] == "all":
            yield (f"Fréchet distance, {row['features']}", "all"), (row["control"], row["synthetic"])
    for row in figures["auc"]:
        if row["kind"] == "all":
            rows, columns = figures["settings"]["sizes"][row["size"]]
            measure = f"area under the curve, {row['features']}, {rows} x {columns}"
            yield (measure, "all"), (row["control"], row["synthetic"])


def _texture(figures: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], tuple[_Found, _Found]]]:
    for row in figures["rows"]:
        if row["kind"] != "all" and row["measure"] != "exponent" and row.get("generated"):
            measure = f"power {row['measure']}, generated less acquired, dB"
            yield (measure, row["kind"]), (None, row["generated"])


def _adherence(figures: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], tuple[_Found, _Found]]]:
    for row in figures["rows"]:
        if row["kind"] == "all":
            yield (f"{row['measure']}, read by {row['network']}", "all"), (row["acquired"], row["synthetic"])


def _report(figures: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], tuple[_Found, _Found]]]:
    """Verdicts of a report's first screen, each with what stands beside it."""
    for row in figures["verdicts"]:
        if row["figure"] is not None:
            beside = row["beside"] if row["beside"] and "value" in row["beside"] else None
            yield (row["title"], "all"), (beside, row["figure"])


_ROWS_OF = {"realism": _realism, "texture": _texture, "adherence": _adherence, "report": _report}
