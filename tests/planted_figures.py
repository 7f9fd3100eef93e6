"""Figures of a report that are planted, all within limits, so that each test moves one of them."""

from __future__ import annotations

import copy
from typing import Any

SORTS = ("radiomic", "filtered radiomic", "inner layers", "judge")


def figure(value: float, reach: float, n: int = 60) -> dict[str, Any]:
    """A figure with a symmetric interval."""
    return {"value": value, "low": value - reach, "high": value + reach, "n": n, "n_persons": n}


def planted() -> dict[str, Any]:
    """Figures of 60 images that could not be better."""
    auc = [
        {"kind": "all", "size": "full", "features": f, "synthetic": figure(0.5, 0.08), "control": figure(0.5, 0.1)}
        for f in SORTS
    ]
    frechet = [
        {"kind": "all", "features": f, "synthetic": figure(0.1, 0.05), "control": figure(0.1, 0.05)} for f in SORTS
    ]
    kernel = [{**row, "synthetic": figure(0.02, 0.1), "control": figure(-0.01, 0.1)} for row in frechet]
    measures = [
        {
            "kind": "all",
            "measure": m,
            "synthetic": figure(10, 0.1),
            "acquired": figure(10, 0.1),
            "share": figure(1, 0.02),
            "control_share": figure(1, 0.02),
        }
        for m in ("ridge length", "skin-line step", "frame step", "breast area", "solidity")
    ]
    spectrum = {
        "kind": "all",
        "view": "both",
        "measure": "power 1/4 to 1/2",
        "acquired": figure(-40, 0.5),
        "difference": figure(0, 0.5),
        "control_difference": figure(0, 0.5),
    }
    adherence = [
        {
            "network": "judge",
            "kind": "all",
            "measure": m,
            "synthetic": figure(0.7, 0.03),
            "acquired": {**figure(0.7, 0.03, 250), "most_frequent": 0.4},
            "ratio": figure(1, 0.06),
        }
        for m in ("Dice", "box IoU", "nothing found, no lesion there", "finding", "density", "view", "birads")
    ]
    neighbours = [
        {
            "kind": "all",
            "features": f,
            "measure": measure,
            "synthetic": figure(0.8, 0.04),
            "control": figure(0.8, 0.04),
        }
        for f in SORTS
        for measure in ("precision", "recall", "density", "coverage")
    ]
    closeness = [
        {"images": images, "n": n, "n_suspected": k, "similarity_median": 0.7, "ratio_median": 0.9, "ratio_lowest": 0.5}
        for images, n, k in (("synthetic", 60, 0), ("acquired, not trained on", 250, 2), ("planted copies", 100, 99))
    ]
    apart = {name: {**figure(6, 0.4), "n_pairs": 200} for name in ("within", "between", "ratio")}
    pair = {"synthetic": figure(0, 0.5, 20), "control": figure(0, 0.5, 20)}
    gain = {"gain": figure(0.03, 0.02), "n": 250}
    figures = {
        "utility": {"recipes": {"better": gain, "beyond_augmentation": gain, "alone": gain}},
        "realism": {
            "auc": auc,
            "frechet": frechet,
            "kernel": kernel,
            "measures": measures,
            "spectrum": [spectrum],
            "settings": {
                "n_images": {"synthetic": 60, "reference": 250, "control": 60},
                "n_of_kinds": {name: {"film": 60} for name in ("synthetic", "control")},
            },
        },
        "adherence": {"rows": adherence, "sides": {"n": 60, "as_requested": 60}},
        "memorisation": {"threshold": 0.6, "rows": closeness},
        "neighbours": neighbours,
        "diversity": [{"kind": "film", "features": "inner layers", "synthetic": apart, "acquired": apart}],
        "pairs": [],
        "cases": {
            "covered": {"synthetic": figure(0.9, 0.02), "control": figure(0.9, 0.02)},
            "stated": {"synthetic": figure(1, 0), "reference": figure(1, 0, 250)},
        },
        "subgroups": {"rows": [{"subgroup": {"kind": "film"}, "texture": pair}]},
        "identity": {"n": 60, "n_identical": 0, "n_of_shared_persons": 0},
        "origin": {"n": 60, "n_stated": 60},
    }
    return copy.deepcopy(figures)
