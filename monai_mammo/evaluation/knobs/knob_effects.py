"""From figures of images to effects of a knob: means by level, slope or gain, with intervals over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from monai_mammo.evaluation.intervals import N_RESAMPLES, summary
from monai_mammo.evaluation.knobs.knob_table import Knob

__all__ = ["knob_effects"]

Figures = Mapping[str, float | None]
_SIGNIFICANT = 0.05


def knob_effects(knob: Knob, images: Sequence[Sequence[Figures]]) -> dict[str, Any]:
    """What a knob does: a row for each measure, and whether the generator responds.

    The seeds are the same at all levels, so effects are taken seed by seed. Ordered levels: the least-squares slope
    from the first level to the last, its mean over seeds with a 95 % bootstrap interval over seeds, and Spearman's rank
    correlation. Levels without order: the range of the level means, with the share of random exchanges of the levels
    within each seed that give as large a range (permutation test).

    Parameters
    ----------
    knob : Knob
    images : sequence of sequence of mapping
        Figures of each image, first by level, then by seed.

    Returns
    -------
    dict
        ``knob``, ``levels``, ``rows``, ``decides`` (name and effect that the verdict rests on), ``responds`` (true,
        false, or null where the deciding figure could not be taken).
    """
    names = list(dict.fromkeys(name for level in images for figures in level for name in figures))
    rows = [_row(knob, name, images) for name in names]
    effect = _gain(knob, images) if knob.reads else _deciding(knob, rows)
    return {
        "knob": knob.name,
        "levels": [level.label for level in knob.levels],
        "is_ordered": knob.is_ordered,
        "decides": effect,
        "responds": _responds(knob, effect),
        "rows": [row for row in rows if row is not None],
    }


def _table(images: Sequence[Sequence[Figures]], name: str) -> np.ndarray:
    """Figures of one measure, shape (levels, seeds), NaN where it could not be taken."""
    return np.array([[np.nan if (v := f.get(name)) is None else float(v) for f in level] for level in images])


def _row(knob: Knob, name: str, images: Sequence[Sequence[Figures]]) -> dict[str, Any] | None:
    table = _table(images, name)
    if np.isfinite(table).sum() < 2:
        return None
    expected = "moves" if name in (knob.decides, *knob.moves) else "still" if name in knob.still else ""
    means = [summary(level[np.isfinite(level)]) for level in table]
    effect = _slope(knob, table) if knob.is_ordered else _range(table)
    return {"measure": name, "expected": expected, "levels": means, "effect": effect, "moved": _moved(effect)}


def _slope(knob: Knob, table: np.ndarray) -> dict[str, Any] | None:
    x = np.array([level.value for level in knob.levels], dtype=np.float64)
    slopes = []
    for y in table.T:
        is_known = np.isfinite(y)
        if is_known.sum() > 1:
            centred = x[is_known] - x[is_known].mean()
            slopes.append(float(np.ptp(x) * (centred @ y[is_known]) / (centred @ centred)))
    if not slopes:
        return None
    where = np.isfinite(table)
    levels, values = np.broadcast_to(x[:, None], table.shape)[where], table[where]
    varies = np.ptp(values) > 0 and np.ptp(levels) > 0
    rank = float(stats.spearmanr(levels, values).statistic) if varies else None
    slope = summary(slopes)
    assert slope is not None
    return {"form": "slope", **slope, "spearman": None if rank is None else round(rank, 3)}


def _range(table: np.ndarray) -> dict[str, Any] | None:
    """Largest less smallest level mean over the seeds at which all levels are known, and its permutation p."""
    known = table[:, np.isfinite(table).all(axis=0)]
    if known.shape[0] < 2 or known.shape[1] < 2:
        return None
    found = float(np.ptp(known.mean(axis=1)))
    rng = np.random.default_rng(0)
    exceeds = 0
    for _ in range(N_RESAMPLES):
        order = rng.permuted(np.broadcast_to(np.arange(len(known))[:, None], known.shape), axis=0)
        shuffled = np.take_along_axis(known, order, axis=0)
        exceeds += float(np.ptp(shuffled.mean(axis=1))) >= found - 1e-12
    p = (1 + exceeds) / (1 + N_RESAMPLES)
    return {"form": "range", "mean": round(found, 6), "p": round(p, 4), "n": known.shape[1]}


def _gain(knob: Knob, images: Sequence[Sequence[Figures]]) -> dict[str, Any] | None:
    """How much more probable an examiner finds a level where it was requested than where another one was."""
    tables = [_table(images, f"{knob.reads}={level.label}") for level in knob.levels]
    gains = []
    for seed in range(tables[0].shape[1]):
        parts = []
        for i, table in enumerate(tables):
            column = table[:, seed]
            if np.isfinite(column).all():
                parts.append(column[i] - np.delete(column, i).mean())
        if parts:
            gains.append(float(np.mean(parts)))
    found = summary(gains)
    return None if found is None else {"measure": f"{knob.reads} read as requested", "form": "gain", **found}


def _deciding(knob: Knob, rows: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    for row in rows:
        if row is not None and row["measure"] == knob.decides and row["effect"] is not None:
            return {"measure": knob.decides, **row["effect"]}
    return None


def _responds(knob: Knob, effect: Mapping[str, Any] | None) -> bool | None:
    if effect is None:
        return None
    moved = _moved(effect)
    if effect["form"] == "gain":
        return bool(moved and effect["mean"] > 0)
    return bool(moved and (knob.direction == 0 or effect["mean"] * knob.direction > 0)) if moved is not None else None


def _moved(effect: Mapping[str, Any] | None) -> bool | None:
    """Whether an interval leaves out 0, or a permutation p lies below 0.05; `None` where a single seed says nothing."""
    if effect is None:
        return None
    if effect["form"] == "range":
        return bool(effect["p"] < _SIGNIFICANT)
    return None if effect["low"] is None else bool(effect["low"] > 0 or effect["high"] < 0)
