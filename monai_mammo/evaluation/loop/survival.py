"""What of an acquired image's attributes a reader finds again: in its reconstruction, and in a synthetic image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from monai_mammo.attributes import HEADS
from monai_mammo.evaluation.intervals import summary
from monai_mammo.evaluation.lesion_readings import Reading

__all__ = ["ATTRIBUTES", "FOUND_DICE", "FOUND_IOU", "N_LEAST", "STAGES", "broken_attributes", "loop_figures"]

STAGES = ("acquired", "reconstructed", "synthetic")
"""Images of a triplet, in order."""

FOUND_DICE, FOUND_IOU = 0.3, 0.2
"""Overlaps from which an outlined and a boxed lesion count as found."""

N_LEAST = 10
"""Triplets under which an attribute has no figure."""

_Score = Callable[[Reading], float | None]
_Triplet = tuple[Reading, Reading, Reading]


def _of_head(head: str) -> _Score:
    return lambda r: float(r.labels[head] == r.found[head]) if head in r.labels else None


_SCORES: dict[str, tuple[_Score, float]] = {
    "mask (Dice)": (lambda r: r.dice, FOUND_DICE),
    "box (IoU)": (lambda r: r.iou, FOUND_IOU),
    "no lesion": (lambda r: float(r.is_clear) if r.mask_kind == "none" else None, 1.0),
    **{head: (_of_head(head), 1.0) for head in HEADS},
}

ATTRIBUTES = tuple(_SCORES)
"""What is compared: overlaps and, as 0 or 1, whether what is read is what is stated."""


def loop_figures(triplets: Sequence[_Triplet]) -> list[dict[str, Any]]:
    """Figures of each attribute over triplets, each image read by the same network and compared with its own statement.

    Parameters
    ----------
    triplets : sequence of tuple of Reading
        Of the acquired, the reconstructed and the synthetic image.

    Returns
    -------
    list of dict
        For each of `ATTRIBUTES` that some triplet states on all three images: ``attribute``; ``n``; ``score``: mean on
        each of `STAGES`; ``autoencoder_error`` and ``cycle_error``: mean score lost from the acquired to the
        reconstructed, and from there to the synthetic image; ``n_read``: triplets in which it is found in the acquired
        and in the reconstructed image; ``survives``: share of these in which it is found in the synthetic image;
        ``by_chance``: share of all in which it is, whatever was read before. Figures of fewer than `N_LEAST` are
        `None`, and ``reason`` says so.
    """
    rows = []
    for attribute in ATTRIBUTES:
        scores, persons = _scores(attribute, triplets)
        if not len(scores):
            continue
        found = scores >= _SCORES[attribute][1]
        is_read = found[:, 0] & found[:, 1]
        row: dict[str, Any] = {"attribute": attribute, "n": len(scores), "n_persons": len(set(persons))}
        is_enough = len(scores) >= N_LEAST
        row["score"] = {
            stage: summary(scores[:, i], persons=persons) if is_enough else None for i, stage in enumerate(STAGES)
        }
        for name, before, after in (("autoencoder_error", 0, 1), ("cycle_error", 1, 2)):
            row[name] = summary(scores[:, before] - scores[:, after], persons=persons) if is_enough else None
        row["n_read"] = int(is_read.sum())
        of_read = [person for person, yes in zip(persons, is_read, strict=True) if yes]
        row["survives"] = summary(found[is_read, 2], persons=of_read) if row["n_read"] >= N_LEAST else None
        row["by_chance"] = summary(found[:, 2], persons=persons) if is_enough else None
        row["reason"] = _reason(len(scores), row["n_read"])
        rows.append(row)
    return rows


def broken_attributes(triplet: _Triplet) -> list[str]:
    """Attributes that are found in the acquired and in the reconstructed image, and not in the synthetic one.

    Parameters
    ----------
    triplet : tuple of Reading

    Returns
    -------
    list of str
        Of `ATTRIBUTES`.
    """
    broken = []
    for name, (score, least) in _SCORES.items():
        values = [score(reading) for reading in triplet]
        known = [value for value in values if value is not None]
        if len(known) == len(STAGES) and min(known[:2]) >= least > known[2]:
            broken.append(name)
    return broken


def _scores(attribute: str, triplets: Sequence[_Triplet]) -> tuple[np.ndarray, list[str]]:
    """Scores, shape (n, 3), of the triplets that state an attribute on all images, and their acquired persons."""
    score = _SCORES[attribute][0]
    values = [[score(reading) for reading in triplet] for triplet in triplets]
    known = [i for i, row in enumerate(values) if None not in row]
    persons = [triplets[i][0].person_id for i in known]
    return np.array([values[i] for i in known], dtype=float).reshape(-1, len(STAGES)), persons


def _reason(n: int, n_read: int) -> str:
    if n < N_LEAST:
        return f"{n} triplets state it, and {N_LEAST} at least are needed"
    if n_read < N_LEAST:
        return f"it is read in {n_read} acquired and reconstructed images, and {N_LEAST} at least are needed"
    return ""
