"""Open attributes filled in, support looked up, lesion placed on the right side."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.bundle import SupportTable
from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation.engine.plan import plan_sample, resolve
from monai_mammo.prepare.geometry import mirror_box
from monai_mammo.text import filled_from_text

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


SETTINGS = {"index": 0, "seed": 0, "table": TABLE, "shape": SHAPE, "spacing_mm": 0.1}


def plan(requested: Conditions, **changes):
    return plan_sample(filled_from_text(requested), **{**SETTINGS, **changes})


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
        ((0.3, 0.4, 0.31, 0.41), "has 1 pixel on the grid of 64 x 48: 4 are the least"),
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


WORDS = "irregular spiculated mass, upper outer quadrant, left breast, posterior depth, heterogeneously dense"


@pytest.mark.parametrize("view", ["MLO", "CC"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_place_of_a_text_is_a_box_on_that_side_of_the_picture(view, side):
    for index in range(8):
        planned = plan(Conditions(text=WORDS.replace("left", side), view=view), index=index)
        x, y = planned.conditions.box.center
        assert planned.conditions.finding == "mass" and planned.conditions.density == "C"
        assert y <= 0.5  # upper in an MLO view, outer in a CC view
        assert (x <= 0.3) if side == "left" else (x >= 0.7)
        assert planned.lesion.mask.any()


def test_boxes_of_a_place_are_drawn_by_sample_and_have_the_stated_size():
    boxes = [plan(Conditions(text=f"{WORDS}, 2 mm", view="MLO"), index=i).conditions.box for i in range(6)]
    assert len({box.center for box in boxes}) > 1
    for box in boxes:  # 2 mm of 0.1 mm on 64 x 48
        assert (box.width_fraction * 48, box.height_fraction * 64) == pytest.approx((20, 20))


def test_what_of_a_text_is_not_drawn_is_said_in_every_sample():
    assert "spiculated" not in " ".join(plan(Conditions(text=WORDS, lesion_margin="spiculated", view="CC")).warnings)
    words = "spiculated dense malignant mass with purple calcifications, outer half"
    filled = filled_from_text(Conditions(text=words, view="MLO"))
    planned = plan_sample(filled.replace(lesion_margin=None), **SETTINGS)  # to which its weights do not respond
    said = " / ".join(planned.warnings)
    assert "of the text was not understood: purple" in said
    assert "the weights do not respond to spiculated, high density of the text, which are left out" in said
    responding = plan_sample(filled, **SETTINGS).warnings
    assert "the weights do not respond to high density of the text, which is left out" in responding
    encoded = " ".join(plan_sample(filled, **SETTINGS, encodes_text=True).warnings)
    assert "respond" not in encoded and "of the text was not understood: purple" in encoded
    assert "the text's further calcification is left out" in said
    assert "words of opinion in the text state no condition: malignant" in said
    assert "outer of the text is not told apart in MLO views and is left open" in said
    assert planned.warnings and not any("text" in warning for warning in plan(Conditions(finding="mass")).warnings)


@pytest.mark.parametrize(
    ("requested", "sentence"),
    [
        ({"density": "B"}, "text states density C, but density B is requested: they must agree"),
        ({"laterality": "R"}, "text states laterality L, but laterality R is requested"),
        ({"finding": "calcification"}, "text states finding mass, but finding calcification is requested"),
        ({"finding": "none"}, "text states finding mass, but finding none is requested"),
        (
            {"view": "MLO", "box": [0.1, 0.7, 0.2, 0.9]},
            "text places the lesion in 0.02, 0.12, 0.30, 0.50 of the picture",
        ),
    ],
)
def test_a_text_that_contradicts_what_is_requested_is_refused(requested, sentence):
    with pytest.raises(RequestError) as caught:
        plan(Conditions.from_dict({**requested, "text": WORDS}))
    assert sentence in str(caught.value)


def test_a_finding_may_be_chosen_among_those_of_a_text():
    text = "Oval mass, left breast. Calcifications, right breast, BI-RADS 4."
    planned = plan(Conditions(finding="calcification", text=text))
    assert planned.conditions.finding == "calcification" and planned.conditions.laterality == "R"


def test_a_text_of_which_nothing_is_understood_is_refused():
    with pytest.raises(RequestError, match=r"text 'blue elephants' was not understood \(blue, elephants\)"):
        plan(Conditions(text="blue elephants"))
