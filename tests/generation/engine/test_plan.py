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
    assert "--unsupported" in str(caught.value)


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


def test_a_mask_hangs_as_the_picture():
    mask = np.zeros(SHAPE, bool)
    mask[16:32, 32:40] = True
    planned = plan(Conditions(view="MLO", finding="mass", laterality="R"), mask=mask)
    assert (planned.lesion.mask == mask[:, ::-1]).all()
    assert tuple(planned.conditions.box) == pytest.approx((32 / 48, 16 / 64, 40 / 48, 32 / 64))
