"""Trends whose truth is known: of drawn lesions, by an observer that knows their form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import fftconvolve

from monai_mammo.conditions import Conditions
from monai_mammo.evaluation.loop.trends import lesion_contrast, rank_trend, trend_rows
from monai_mammo.phantom import draw_mammogram

SHAPE = (96, 72)


def drawn(
    seed: int, *, density: str = "B", half: float = 0.06, strength: float = 1.0, grain: float = 0.02
) -> tuple[dict, float]:
    """A drawn breast whose mass is weaker by a factor, and how many other places of it look less like that mass."""
    box = [0.3 - half * 96 / 72, 0.5 - half, 0.3 + half * 96 / 72, 0.5 + half]
    shown = {"kind": "digital", "view": "CC", "laterality": "L", "density": density}
    healthy = draw_mammogram(Conditions.from_dict({**shown, "finding": "none"}), seed=seed, shape=SHAPE)
    with_mass = draw_mammogram(Conditions.from_dict({**shown, "finding": "mass", "box": box}), seed=seed, shape=SHAPE)
    signal, mask = (with_mass.pixels - healthy.pixels) * strength, with_mass.lesion_mask
    noise = grain * np.random.default_rng(seed).normal(size=SHAPE)
    image = np.clip(healthy.pixels + signal + noise, 0, 1)
    rows, columns = (np.flatnonzero(mask.any(axis=k)) for k in (1, 0))
    template = signal[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    response = fftconvolve(image, (template - template.mean())[::-1, ::-1], mode="same")
    breast = healthy.pixels > 0
    here = response[(rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2]
    item = {
        "image": np.rint(image * 65535).astype(np.uint16),
        "breast": breast,
        "label": mask,
        "mask_kind": "contour",
        "boxes": [list(with_mass.conditions.box)],
        "conditions": {**shown, "finding": "mass"},
        "person_id": f"p{seed}",
    }
    return item, float((response[breast] < here).mean())


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("density", [{"density": d} for d in "ABCD"]),
        ("size", [{"half": h, "grain": 0.2} for h in (0.03, 0.05, 0.07, 0.09)]),  # where grain limits it
        ("contrast", [{"strength": s} for s in (0.1, 0.3, 0.6, 1.2)]),
    ],
)
def test_what_must_hold_on_drawn_lesions_holds(name, levels):
    cases = [drawn(seed, **level) for seed in range(100, 116) for level in levels]
    items, found = zip(*cases, strict=True)
    row = next(row for row in trend_rows(items, found) if row["property"] == name)
    assert row["verdict"] == "holds" and row["trend"]["n"] == 64
    turned = next(row for row in trend_rows(items, [1 - score for score in found]) if row["property"] == name)
    assert turned["verdict"] == "against" and turned["trend"]["value"] == pytest.approx(-row["trend"]["value"])


def test_the_correlation_is_that_of_ranks():
    persons = [f"p{i}" for i in range(30)]
    levels = np.arange(30.0)
    assert rank_trend(levels, np.exp(levels), persons=persons)["value"] == 1
    found = rank_trend(levels, np.random.default_rng(0).normal(size=30), persons=persons)
    assert found["low"] < 0 < found["high"]
    assert rank_trend(levels[:19], levels[:19], persons=persons[:19]) is None, "under 20"
    assert rank_trend(levels, np.ones(30), persons=persons) is None


def test_contrast_is_that_to_the_ring_around():
    image = np.zeros((40, 40))
    image[::2], image[1::2] = 0.4, 0.6
    lesion = np.zeros((40, 40), dtype=bool)
    lesion[16:24, 16:24] = True
    image[lesion] += 0.3
    pixels = np.rint(image * 65535).astype(np.uint16)
    item = {"image": pixels, "breast": np.ones((40, 40), bool), "label": lesion, "mask_kind": "contour"}
    assert lesion_contrast(item) == pytest.approx(3.0, abs=0.1)
    assert lesion_contrast({**item, "mask_kind": "box"}) is None
