"""Places in a known breast: away from skin, muscle and lesions, of the size and in the part that is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.lesions.placing import draw_outline
from monai_mammo.lesions.placing_in_breast import allowed_places, fitting_places, place_in_breast, turned_outline
from monai_mammo.terms import View

SHAPE = (192, 144)


@pytest.fixture
def breast():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (x / 130) ** 2 + ((y - 96) / 90) ** 2 < 1


def test_skin_muscle_and_lesions_are_left_out_and_the_chest_wall_is_no_skin(breast):
    lesions = np.zeros_like(breast)
    lesions[90:100, 60:70] = True
    allowed = allowed_places(breast, view=View.CC, lesions=lesions)
    assert not (allowed & ~breast).any() and not allowed[88:102, 58:72].any()
    assert allowed[96, 0] and not allowed[96, 128] and allowed[40, 10]
    mlo = allowed_places(breast, view=View.MLO)
    assert not mlo[40, 10] and mlo[120, 10]
    assert allowed_places(breast, view=View.MLO, in_muscle=True)[40, 10]


@pytest.mark.parametrize("busy_half", ["upper", "lower"])
def test_places_are_allowed_of_the_size_asked_and_in_busier_tissue(breast, busy_half):
    is_upper, texture = np.mgrid[: SHAPE[0], : SHAPE[1]][0] < 96, np.random.default_rng(0).normal(0, 0.1, SHAPE)
    image = np.where(is_upper == (busy_half == "upper"), 0.3 + texture, 0.8).astype(np.float32) * breast
    allowed = allowed_places(breast, view=View.CC)
    conditions = Conditions(finding="mass", view="CC")
    centers = []
    for sample in range(24):
        placed = place_in_breast(conditions, image, allowed, seed=3, sample_id=sample, size_fraction=(0.12, 0.09))
        mask = draw_outline(placed.points, placed.box, SHAPE)
        assert not (mask & ~breast).any() and (mask & ~allowed).sum() <= 0.05 * mask.sum()
        assert max(np.ptp(np.flatnonzero(mask.any(axis=axis))) + 1 for axis in (0, 1)) in (16, 17, 18)
        centers.append(placed.box.center)
    assert len(set(centers)) > 6
    assert sum((y < 0.5) == (busy_half == "upper") for _, y in centers) >= 16  # 7 in the lower half without a choice
    words = {"seed": 3, "sample_id": 5, "size_fraction": (0.12, 0.09)}
    places = list(fitting_places(conditions, allowed, **words))
    assert 20 < len(places) < 200 and all((mask & ~allowed).sum() <= 0.05 * mask.sum() for _, mask in places)
    chosen = place_in_breast(conditions, image, allowed, **words)
    assert chosen.box in [placed.box for placed, _ in places[:3]], "the first three that fit"
    in_part = place_in_breast(
        conditions, image, allowed, seed=3, sample_id=1, region=Box(0.1, 0.55, 0.6, 0.8), size_fraction=(0.1, 0.08)
    )
    assert in_part.box.center[1] >= 0.55


def test_no_place_is_said(breast):
    with pytest.raises(RequestError, match="every place that was tried reaches"):
        place_in_breast(Conditions(finding="mass", view="CC"), breast * 1.0, np.zeros_like(breast), seed=1, sample_id=0)
    with pytest.raises(RequestError, match="the requested box reaches"):
        place_in_breast(
            Conditions(finding="mass", view="CC", box=Box(0.8, 0.0, 1.0, 0.2)),
            breast * 1.0,
            breast,
            seed=1,
            sample_id=0,
        )


def test_outlines_follow_shape_and_margin():
    def compactness(**words):
        out = []
        for sample in range(12):
            points, _ = turned_outline(Conditions(finding="mass", **words), seed=1, sample_id=sample)
            assert points.min() >= -1e-9 and points.max() <= 1 + 1e-9 and np.ptp(points, axis=0).max() > 0.99
            mask = draw_outline(points, Box(0.05, 0.05, 0.95, 0.95), (200, 200))
            edge = np.hypot(*np.diff(np.concatenate([points, points[:1]]), axis=0).T).sum() * 180
            out.append(4 * np.pi * mask.sum() / edge**2)
        return float(np.median(out))

    round_ones = compactness(lesion_shape="round", lesion_margin="circumscribed")
    irregular = compactness(lesion_shape="irregular", lesion_margin="indistinct")
    spiculated = compactness(lesion_shape="irregular", lesion_margin="spiculated")
    assert round_ones > 0.75 > irregular > spiculated
