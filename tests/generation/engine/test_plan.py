"""Open attributes filled in, support looked up, lesion placed on the right side."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.bundle import SupportTable
from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation.engine.plan import plan_sample, resolve
from monai_mammo.prepare.geometry import mirror_box

SHAPE = (64, 48)
TABLE = SupportTable.from_dict(
    {
        "columns": ["kind", "density", "view", "finding", "birads", "images", "persons"],
        "rows": [
            ["digital", "C", "MLO", "mass", 5, 40, 25],
            ["film", "C", "MLO", "mass", 5, 90, 60],
            ["film", "C", "CC", "mass", 5, 30, 22],
            ["digital", "B", "CC", "calcification", 4, 9, 5],
        ],
    }
)


def plan(requested: Conditions, **changes):
    settings = {"index": 0, "seed": 0, "table": TABLE, "shape": SHAPE, "spacing_mm": 0.1, **changes}
    return plan_sample(requested, **settings)


def test_the_kind_with_most_persons_is_taken_and_the_rest_stays_open():
    resolved = resolve(Conditions(density="C", view="MLO", finding="mass"), TABLE, seed=0, sample_id=0)
    assert resolved.kind == "film"
    assert resolved.laterality is not None
    assert resolved.birads is None
    assert resolve(Conditions(finding="calcification"), TABLE, seed=0, sample_id=0).kind == "digital"


def test_open_views_come_in_proportion_to_training_images_and_sides_evenly():
    rows = [resolve(Conditions(finding="mass"), TABLE, seed=1, sample_id=i) for i in range(400)]
    assert np.mean([row.view == "MLO" for row in rows]) == pytest.approx(0.75, abs=0.08)  # 3 standard errors
    assert np.mean([row.laterality == "L" for row in rows]) == pytest.approx(0.5, abs=0.08)


def test_what_no_training_image_shows_is_refused_with_the_nearest():
    with pytest.raises(RequestError) as caught:
        plan(Conditions(kind="digital", density="C", view="CC", finding="mass"))
    assert "no training image shows kind digital, density C, view CC, finding mass" in str(caught.value)
    assert "kind film, density C, view CC, finding mass" in str(caught.value)
    assert "unsupported=override" in str(caught.value)


def test_an_override_is_said_in_every_sample():
    asked = Conditions(kind="digital", density="C", view="CC", finding="mass")
    planned = plan(asked, refuse_unsupported=False)
    assert planned.warnings[0].startswith("UNSUPPORTED: no training image shows kind digital")


def test_few_persons_are_warned_of():
    planned = plan(Conditions(density="B", finding="calcification"))
    assert planned.warnings == (
        "only 5 training persons (9 images) stand behind kind digital, density B, view CC, finding calcification",
    )
    assert plan(Conditions(kind="film", density="C", view="MLO", finding="mass")).warnings == ()


def test_coarse_pixels_are_warned_of_where_calcifications_are_asked():
    requested = Conditions(density="B", finding="calcification")
    assert any("single calcifications do not exist" in w for w in plan(requested, spacing_mm=0.9).warnings)


def test_a_lesion_below_what_the_weights_keep_is_warned_of():
    requested = Conditions(finding="mass", view="MLO", box=Box(0.1, 0.1, 0.2, 0.2))
    assert any("smallest that the weights keep" in w for w in plan(requested, smallest_px=6).warnings)
    assert not plan(requested, smallest_px=4).warnings


def test_a_right_breast_is_the_mirrored_left_one():
    """The asked box means the picture as it hangs; networks see the chest wall on the left."""
    box = Box(0.6, 0.3, 0.8, 0.4)
    right = plan(Conditions(view="MLO", finding="mass", laterality="R", box=box))
    left = plan(Conditions(view="MLO", finding="mass", laterality="L", box=mirror_box(box)))
    assert tuple(right.conditions.box) == pytest.approx(tuple(box))
    assert tuple(right.prepared_conditions.box) == pytest.approx(tuple(mirror_box(box)))
    assert (right.lesion.mask == left.lesion.mask).all()


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        ((0.92, 0.0, 1.0, 0.08), "where none of 861 real lesions of view MLO lies"),
        ((0.3, 0.4, 0.31, 0.41), "has 1 pixels on the grid of 64 x 48: 4 are the least"),
        ((0.0, 0.1, 0.9, 0.9), "of the picture: 20% is the most"),
    ],
)
@pytest.mark.parametrize("side", ["L", "R"])
def test_a_box_in_the_air_or_of_no_size_is_refused(box, sentence, side):
    box = Box(*box) if side == "L" else mirror_box(Box(*box))
    with pytest.raises(RequestError, match=sentence):
        plan(Conditions(view="MLO", finding="mass", laterality=side, box=box))


def test_a_mask_must_lie_in_its_box():
    mask = np.zeros(SHAPE, bool)
    mask[20:40, 10:20] = True
    asked = Conditions(view="MLO", finding="mass", laterality="L")
    around = Box(10 / 48, 20 / 64, 20 / 48, 40 / 64)
    assert plan(asked.replace(box=around), mask=mask).lesion.mask.sum() == 200
    half = Box(10 / 48, 20 / 64, 20 / 48, 30 / 64)
    with pytest.raises(RequestError, match="50% of the requested mask lies outside the requested box"):
        plan(asked.replace(box=half), mask=mask)


def test_drawn_lesions_are_neither_a_point_nor_half_a_breast():
    asked = Conditions(kind="digital", view="MLO", finding="mass")
    masks = [plan(asked, index=i, shape=(256, 192), refuse_unsupported=False).lesion.mask for i in range(60)]
    shares = [mask.mean() for mask in masks]
    assert max(shares) <= 0.2 and min(mask.sum() for mask in masks) >= 4
    assert np.median(shares) > 0.01


def test_a_mask_hangs_as_the_picture():
    mask = np.zeros(SHAPE, bool)
    mask[16:32, 32:40] = True
    planned = plan(Conditions(view="MLO", finding="mass", laterality="R"), mask=mask)
    assert (planned.lesion.mask == mask[:, ::-1]).all()
    assert tuple(planned.conditions.box) == pytest.approx((32 / 48, 16 / 64, 40 / 48, 32 / 64))
