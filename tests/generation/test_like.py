"""Conditions of a real mammogram as a request."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation.like import conditions_of_image, prepared_image
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare.geometry import box_of_mask

SHAPE = (64, 48)


@pytest.fixture(params=["L", "R"])
def picture(request, tmp_path):
    """A drawn mammogram with all that a JSON file may say."""
    asked = Conditions(kind="film", view="CC", laterality=request.param, density="B", finding="mass", birads=4)
    drawn = draw_mammogram(asked, seed=2, shape=(256, 192), film_labels=False)
    path = tmp_path / "one.png"
    Image.fromarray(np.rint(drawn.pixels * 255).astype(np.uint8)).save(path)
    told = drawn.conditions.replace(age_years=61, pathology="malignant", text="words of a report")
    path.with_suffix(".json").write_text(told.to_json())
    return path, drawn


def test_what_is_known_is_taken_and_what_belongs_to_the_person_is_not(picture):
    path, drawn = picture
    taken = conditions_of_image(path, shape=SHAPE)
    wanted = drawn.conditions.replace(box=None, age_years=None, pathology=None, text=None)
    assert taken.replace(box=None) == wanted


def test_the_box_lies_on_the_lesion_of_the_prepared_picture_as_it_hangs(picture):
    path, drawn = picture
    taken = conditions_of_image(path, shape=SHAPE)
    prepared = prepared_image(path, shape=SHAPE)
    lesion = prepared.trace.forward(drawn.lesion_mask)
    hung = lesion[:, ::-1] if drawn.conditions.laterality == "R" else lesion
    # half a pixel of the grid on each side
    assert tuple(taken.box) == pytest.approx(tuple(box_of_mask(hung)), abs=1.1 / 48)


def test_a_picture_that_says_nothing_leaves_all_open(picture):
    path, _ = picture
    path.with_suffix(".json").unlink()
    assert conditions_of_image(path, shape=SHAPE) == Conditions()


@pytest.mark.parametrize("name", ["a.dcm", "a.png", "missing.dcm"])
def test_no_mammogram_is_one_sentence(tmp_path, name):
    if name != "missing.dcm":
        (tmp_path / name).write_bytes(b"nothing of use")
    with pytest.raises(RequestError, match="is not read: ") as caught:
        conditions_of_image(tmp_path / name, shape=SHAPE)
    assert "\n" not in str(caught.value)


def test_a_picture_without_a_breast_is_refused(tmp_path):
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(RequestError, match="no breast"):
        conditions_of_image(tmp_path / "a.png", shape=SHAPE)
