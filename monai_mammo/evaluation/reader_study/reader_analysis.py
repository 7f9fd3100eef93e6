"""What the answers of readers say: whether acquired and synthetic mammograms can be told apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.reader_study.kit_answers import ReaderAnswers, answers_of_files
from monai_mammo.evaluation.reader_study.kit_folder import KEY, STICK
from monai_mammo.evaluation.reader_study.reader_agreement import agreement_figures
from monai_mammo.evaluation.reader_study.reader_intervals import (
    area_interval,
    area_jackknife,
    figure_of_readers,
    share_interval,
    share_jackknife,
)
from monai_mammo.files import save_text
from monai_mammo.files.bounded import UnreadableFile, read_json

__all__ = ["reader_kit_analyse"]

_N_LEVELS = 5
_CALLED_SYNTHETIC = 4  # of 5, and above
_LEAST_OF_KIND = 10


def reader_kit_analyse(
    kit: str | Path, answers: Sequence[str | Path], *, out: str | Path | None = None
) -> dict[str, Any]:
    """Area under the curve, share of right choices and agreement of readers, with intervals.

    Parameters
    ----------
    kit : str or Path
        Folder that `reader_kit` wrote, with its key.
    answers : sequence of paths
        CSV file of each reader.
    out : str or Path, optional
        JSON file for the figures.

    Returns
    -------
    dict
        ``sentence``; ``rating``: ``readers`` and ``mean`` area under the curve (0.5 cannot tell, 1 always), ``kinds``,
        ``agreement`` in five classes and ``agreement_called`` in two; ``pair``: the same of right choices (0.5 is
        chance); ``notes``. A task that the kit does not have is `None`.

    Raises
    ------
    RequestError
        There is no key, or answers cannot be read, are of another kit, or are incomplete.
    MammoError
        `out` cannot be written.
    """
    key = _key(Path(kit))
    readers = answers_of_files([answers] if isinstance(answers, str | Path) else list(answers), key)
    try:
        figures = _figures(key, readers)
    except (LookupError, TypeError, AttributeError, ValueError):  # a key of any JSON shape
        raise RequestError(f"{Path(kit) / KEY} is not a key as reader-kit writes it") from None
    if out is not None:
        save_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", Path(out))
    return figures


def _key(folder: Path) -> dict[str, Any]:
    path = folder / KEY if folder.is_dir() else folder
    if not path.is_file():
        where = f"it lies beside {STICK}/, where reader-kit wrote it"
        raise RequestError(f"{folder} holds no {KEY}, without which answers say nothing: {where}")
    try:
        key = read_json(path)
    except UnreadableFile as error:
        raise RequestError(f"key {error.detail}") from None
    items = key.get("items") if isinstance(key, dict) else None
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and item.get("task") in ("pair", "rating") and isinstance(item.get("item"), str)
        for item in items
    ):
        raise RequestError(f"{path} is not a key as reader-kit writes it")
    return dict(key)


def _figures(key: Mapping[str, Any], readers: Sequence[ReaderAnswers]) -> dict[str, Any]:
    rated = [item for item in key["items"] if item["task"] == "rating"]
    paired = [item for item in key["items"] if item["task"] == "pair"]
    rating = _rating(rated, readers) if rated else None
    pair = _pair(paired, readers) if paired else None
    return {
        "name": "reader-study",
        "command": "reader study",
        "kit": key["kit"],
        "n_readers": len(readers),
        "sentence": " ".join(_sentences(rating, pair)),
        "rating": rating,
        "pair": pair,
        "notes": _notes(key, readers),
    }


def _rating(items: Sequence[Mapping[str, Any]], readers: Sequence[ReaderAnswers]) -> dict[str, Any]:
    scores = np.array([[int(one.answers[item["item"]]) for one in readers] for item in items])
    is_synthetic = np.array([item["images"][0]["origin"] == "synthetic" for item in items])
    persons = [str(item["images"][0]["person_id"]) for item in items]
    kinds = np.array([str(item["images"][0]["conditions"].get("kind")) for item in items])
    codes = [one.reader for one in readers]
    areas, mean = _areas(scores, is_synthetic, persons)
    of_kinds = []
    for kind in dict.fromkeys(kinds):
        here = kinds == kind
        counts = [int((here & side).sum()) for side in (is_synthetic, ~is_synthetic)]
        if len(set(kinds)) > 1 and min(counts) >= _LEAST_OF_KIND:
            some = [person for person, is_here in zip(persons, here, strict=True) if is_here]
            of_kinds.append({"kind": str(kind), "mean": _areas(scores[here], is_synthetic[here], some)[1]})
    called = (scores >= _CALLED_SYNTHETIC).astype(int)
    shared = {"persons": persons, "readers": codes}
    return {
        "n_synthetic": int(is_synthetic.sum()),
        "n_acquired": int((~is_synthetic).sum()),
        "readers": [{"reader": code, "area": area} for code, area in zip(codes, areas, strict=True)],
        "mean": mean,
        "kinds": of_kinds,
        "agreement": agreement_figures(scores - 1, n_classes=_N_LEVELS, **shared),
        "agreement_called": agreement_figures(called, n_classes=2, **shared),
    }


def _areas(
    scores: np.ndarray, is_synthetic: np.ndarray, persons: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Area of each reader, and their mean."""
    values, without = area_jackknife(scores, is_synthetic, persons=persons)
    n_persons = [
        len({p for p, is_of in zip(persons, side, strict=True) if is_of}) for side in (is_synthetic, ~is_synthetic)
    ]
    n = len(scores)
    each = [_rounded({**area_interval(float(value), *n_persons), "n": n}) for value in values]
    return each, figure_of_readers(values, without, alone=area_interval(float(values.mean()), *n_persons), n=n)


def _pair(items: Sequence[Mapping[str, Any]], readers: Sequence[ReaderAnswers]) -> dict[str, Any]:
    origins = [[image["origin"] for image in item["images"]] for item in items]
    right = [("left", "right")[of.index("synthetic")] for of in origins]
    answers = np.array([[one.answers[item["item"]] for one in readers] for item in items])
    is_right = answers == np.array(right)[:, None]
    persons = [str(item["images"][of.index("acquired")]["person_id"]) for item, of in zip(items, origins, strict=True)]
    codes, n_persons = [one.reader for one in readers], len(set(persons))
    shares, without = share_jackknife(is_right, persons=persons)
    each = []
    for code, share in zip(codes, shares, strict=True):
        interval = share_interval(float(share), n_persons)
        bounds = {"low": interval["low"], "high": interval["high"]}
        each.append({"reader": code, "share": _rounded({"value": float(share), **bounds, "n": len(items)})})
    chosen = (answers == "right").astype(int)
    return {
        "n_pairs": len(items),
        "readers": each,
        "mean": figure_of_readers(shares, without, alone=share_interval(float(shares.mean()), n_persons), n=len(items)),
        "agreement": agreement_figures(chosen, n_classes=2, persons=persons, readers=codes),
    }


def _sentences(rating: Mapping[str, Any] | None, pair: Mapping[str, Any] | None) -> list[str]:
    said = []
    for found, what, unit in (
        (rating, "images rated alone", "area under the curve"),
        (pair, "pairs", "share of right choices"),
    ):
        if found is None:
            continue
        mean = found["mean"]
        readers = "1 reader" if mean["n_readers"] == 1 else f"{mean['n_readers']} readers"
        verb = "was" if mean["n_readers"] == 1 else "were"
        figure = f"{mean['value']:.2f} ({mean['low']:.2f} to {mean['high']:.2f}, for {mean['holds_for']})"
        if mean["low"] > 0.5:
            said.append(f"In {what}, {readers} told synthetic from acquired images: {unit} {figure}; 0.5 is chance.")
        elif mean["high"] < 0.5:
            said.append(f"In {what}, {readers} took synthetic for acquired images: {unit} {figure}; 0.5 is chance.")
        else:
            said.append(
                f"In {what}, {readers} {verb} not shown to tell synthetic from acquired images: {unit} {figure}; up to "
                f"{mean['high']:.2f} is not excluded."
            )
    return said


def _notes(key: Mapping[str, Any], readers: Sequence[ReaderAnswers]) -> list[str]:
    notes = []
    right = {f"display-{field}": str(count) for field, count in key["display"].items()}
    for one in readers:
        if not one.display.keys() >= right.keys():
            notes.append(f"Of the display of reader {one.reader} nothing is stated.")
        elif any(one.display[field] != count for field, count in right.items()):
            notes.append(f"The display of reader {one.reader} did not show all grey steps.")
    if len(readers) == 1:
        notes.append("One reader: intervals say nothing of other readers.")
    return notes


def _rounded(figure: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in figure.items()}
