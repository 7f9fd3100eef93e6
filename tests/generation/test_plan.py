"""Open attributes filled in, support looked up, lesion placed on the right side."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.bundle import SupportTable
from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation.plan import plan_sample, read_mask, resolve
from monai_mammo.generation.request import Request
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


def plan(request: Request, index: int = 0, **changes):
    return plan_sample(request, index, **{"table": TABLE, "shape": SHAPE, "spacing_mm": 0.1, **changes})


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
        plan(Request(conditions=Conditions(kind="digital", density="C", view="CC", finding="mass")))
    assert "no training image shows kind digital, density C, view CC, finding mass" in str(caught.value)
    assert "kind film, density C, view CC, finding mass" in str(caught.value)
    assert "--unsupported" in str(caught.value)


def test_an_override_is_said_in_every_sample():
    asked = Conditions(kind="digital", density="C", view="CC", finding="mass")
    planned = plan(Request(conditions=asked, unsupported="override"))
    assert planned.warnings[0].startswith("UNSUPPORTED: no training image shows kind digital")


def test_few_persons_are_warned_of():
    planned = plan(Request(conditions=Conditions(density="B", finding="calcification")))
    assert planned.warnings == (
        "only 5 training persons (9 images) stand behind kind digital, density B, view CC, finding calcification",
    )
    assert plan(Request(conditions=Conditions(kind="film", density="C", view="MLO", finding="mass"))).warnings == ()


def test_coarse_pixels_are_warned_of_where_calcifications_are_asked():
    request = Request(conditions=Conditions(density="B", finding="calcification"))
    assert any("single calcifications do not exist" in w for w in plan(request, spacing_mm=0.9).warnings)


def test_a_lesion_below_what_the_weights_keep_is_warned_of():
    request = Request(conditions=Conditions(finding="mass", view="MLO", box=Box(0.1, 0.1, 0.2, 0.2)))
    assert any("smallest that the weights keep" in w for w in plan(request, smallest_px=6).warnings)
    assert not plan(request, smallest_px=4).warnings


def test_a_right_breast_is_the_mirrored_left_one():
    """The asked box means the picture as it hangs; networks see the chest wall on the left."""
    box = Box(0.6, 0.3, 0.8, 0.4)
    right = plan(Request(conditions=Conditions(view="MLO", finding="mass", laterality="R", box=box)))
    left = plan(Request(conditions=Conditions(view="MLO", finding="mass", laterality="L", box=mirror_box(box))))
    assert tuple(right.conditions.box) == pytest.approx(tuple(box))
    assert tuple(right.prepared_conditions.box) == pytest.approx(tuple(mirror_box(box)))
    assert (right.lesion.mask == left.lesion.mask).all()


def test_a_mask_file_hangs_as_the_picture(tmp_path):
    from PIL import Image

    picture = np.zeros((128, 96), np.uint8)
    picture[32:64, 64:80] = 255
    Image.fromarray(picture).save(tmp_path / "m.png")
    mask = read_mask(str(tmp_path / "m.png"), SHAPE)
    assert mask[16:32, 32:40].all() and mask.sum() == 16 * 8
    asked = Conditions(view="MLO", finding="mass", laterality="R")
    planned = plan(Request(conditions=asked, mask=str(tmp_path / "m.png")), mask=mask)
    assert (planned.lesion.mask == mask[:, ::-1]).all()
    assert tuple(planned.conditions.box) == pytest.approx((32 / 48, 16 / 64, 40 / 48, 32 / 64))


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_mask_that_is_no_picture_is_a_request_error(tmp_path, content):
    (tmp_path / "m.png").write_bytes(content)
    with pytest.raises(RequestError, match="can not be read as a picture"):
        read_mask(str(tmp_path / "m.png"), SHAPE)


def test_an_empty_mask_is_a_request_error(tmp_path):
    from PIL import Image

    Image.fromarray(np.zeros((64, 48), np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(RequestError, match="shows no lesion"):
        read_mask(str(tmp_path / "m.png"), SHAPE)
