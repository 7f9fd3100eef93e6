"""Predictions as a table: what our own trainings write, and what any others may bring."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.utility.arm_scores import ArmScores, Cases
from monai_mammo.files.bounded import UnreadableFile, read_text

__all__ = ["COLUMNS", "arms_of_file", "predictions_text"]

COLUMNS = ("person", "image", "kind", "arm", "architecture", "seed", "truth", "score")
"""Of the table; ``kind`` may be left out."""

_MAX_BYTES = 512 * 2**20
_MAX_CASES = 5000


def arms_of_file(path: str | Path) -> list[ArmScores]:
    """Scores of arms from a CSV of predictions.

    Parameters
    ----------
    path : str or Path
        A line for each image and network, with the columns `COLUMNS`; ``truth`` is a number, the larger the higher the
        class, ``score`` too.

    Returns
    -------
    list of ArmScores

    Raises
    ------
    RequestError
        The file cannot be read, a column or a line is missing or double, a number is none, or the truth or person of an
        image differs between lines.
    """
    path = Path(path)
    try:
        text = read_text(path, max_bytes=_MAX_BYTES)
    except UnreadableFile as error:
        raise RequestError(f"predictions {error.detail}") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ()) and name != "kind"]
    if missing:
        raise RequestError(f"predictions {path.name} lack the columns {', '.join(missing)}")
    about: dict[str, tuple[str, str, float]] = {}
    table: dict[tuple[str, str], dict[int, dict[str, float]]] = {}
    try:
        for number, row in enumerate(reader, start=2):
            _add(row, f"{path.name} line {number}", about, table)
    except csv.Error as error:
        raise RequestError(f"predictions {path.name} are not a CSV: {error}") from None
    if not table:
        raise RequestError(f"predictions {path.name} hold no line")
    return [_arm(key, of_seeds, about, path.name) for key, of_seeds in table.items()]


def predictions_text(arms: Sequence[ArmScores]) -> str:
    """CSV of the scores of arms.

    Parameters
    ----------
    arms : sequence of ArmScores

    Returns
    -------
    str
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in arms:
        cases = one.cases
        for i, seed in enumerate(one.seeds):
            for j, (name, person, kind, truth) in enumerate(
                zip(cases.names, cases.persons, cases.kinds, cases.truth, strict=True)
            ):
                score = repr(float(one.scores[j, i]))
                writer.writerow([person, name, kind, one.arm, one.architecture, seed, f"{truth:g}", score])
    return out.getvalue()


def _add(row: dict[str, str | None], where: str, about: dict, table: dict) -> None:
    value = {name: (row.get(name) or "").strip() for name in COLUMNS}
    empty = [name for name in COLUMNS if not value[name] and name != "kind"]
    if empty:
        raise RequestError(f"{empty[0]} in {where} is empty")
    try:
        seed, truth, score = int(value["seed"]), float(value["truth"]), float(value["score"])
    except ValueError:
        raise RequestError(f"seed, truth and score in {where} are not all numbers") from None
    if not math.isfinite(truth) or not math.isfinite(score):
        raise RequestError(f"truth and score in {where} are not finite numbers")
    known = about.setdefault(value["image"], (value["person"], value["kind"], truth))
    if known != (value["person"], value["kind"], truth):
        raise RequestError(f"image {value['image']!r} in {where} has another person, kind or truth than before")
    of_seed = table.setdefault((value["architecture"], value["arm"]), {}).setdefault(seed, {})
    if value["image"] in of_seed:
        raise RequestError(f"image {value['image']!r} in {where} is scored twice by the same network")
    of_seed[value["image"]] = score


def _arm(key: tuple[str, str], of_seeds: dict[int, dict[str, float]], about: dict, file: str) -> ArmScores:
    architecture, arm = key
    names = tuple(sorted({name for of_seed in of_seeds.values() for name in of_seed}))
    if any(len(of_seed) < len(names) for of_seed in of_seeds.values()):
        raise RequestError(f"predictions {file}: seeds of arm {arm!r} of {architecture!r} score different images")
    if len(names) > _MAX_CASES:
        raise RequestError(f"predictions {file} are of {len(names)} images, more than {_MAX_CASES}")
    seeds = tuple(sorted(of_seeds))
    persons, kinds, truth = zip(*(about[name] for name in names), strict=True)
    return ArmScores(
        arm=arm,
        architecture=architecture,
        seeds=seeds,
        cases=Cases(names=names, persons=persons, kinds=kinds, truth=truth),
        scores=np.array([[of_seeds[seed][name] for seed in seeds] for name in names]),
    )
