"""Requested lesions: real outlines in the asked box, the same for the same request."""

from __future__ import annotations

import csv
import json
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.lesions.contour_bank import build_contour_bank, shipped_bank
from monai_mammo.lesions.placing import ENOUGH, draw_outline, request_lesion
from monai_mammo.prepare.geometry import box_of_mask

SHAPE = (64, 48)
SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float)
TRIANGLE = np.array([[0, 0], [1, 0], [0, 1]], dtype=float)


def test_a_square_outline_fills_its_box_exactly():
    mask = draw_outline(SQUARE, Box(0.25, 0.5, 0.75, 0.75), SHAPE)
    wanted = np.zeros(SHAPE, bool)
    wanted[32:48, 12:36] = True
    assert (mask == wanted).all()


def test_a_triangle_is_half_its_box_on_the_side_of_its_corner():
    mask = draw_outline(TRIANGLE, Box(0, 0, 1, 1), (400, 300))
    assert mask.mean() == pytest.approx(0.5, abs=0.005)  # half a pixel along the long side
    assert mask[0, 0] and not mask[-1, -1]


def test_a_pixel_is_lesion_where_its_middle_lies_in_the_outline():
    """The long side falls by two columns a row, and passes the middles of the rows at columns 7, 5, 3 and 1."""
    mask = draw_outline(TRIANGLE, Box(0, 0, 1, 1), (4, 8))
    assert mask.sum(axis=1).tolist() == [7, 5, 3, 1]
    assert mask[:, 0].all()


def test_a_lesion_below_a_pixel_keeps_one():
    assert draw_outline(SQUARE, Box(0.501, 0.501, 0.502, 0.502), SHAPE).sum() == 1


@given(
    st.integers(0, 795),
    st.tuples(st.floats(0, 0.7), st.floats(0, 0.7), st.floats(0.1, 0.3), st.floats(0.1, 0.3)),
)
def test_every_shipped_outline_stays_in_its_box_and_touches_its_sides(index, numbers):
    x, y, w, h = numbers
    box = Box(x, y, x + w, y + h)
    bank = shipped_bank()
    found = box_of_mask(draw_outline(bank.contour(index % bank.n_contours), box, (256, 192)))
    assert found is not None
    pixel = 1.51 / 192  # thin tips lie between pixel centres
    assert found.x0 >= box.x0 - pixel and found.x1 <= box.x1 + pixel
    assert found.y0 >= box.y0 - pixel and found.y1 <= box.y1 + pixel
    assert found.width_fraction > 0.5 * w and found.height_fraction > 0.5 * h


def test_the_shipped_bank_is_small_and_lies_in_the_picture():
    data = resources.files("monai_mammo.lesions").joinpath("contours.npz").read_bytes()
    bank = shipped_bank()
    assert len(data) < 300_000
    assert bank.n_contours > 500 and len(bank.boxes) > 1000
    assert bank.boxes.min() >= 0 and bank.boxes.max() <= 1
    assert (bank.boxes[:, 2] > bank.boxes[:, 0]).all() and (bank.boxes[:, 3] > bank.boxes[:, 1]).all()
    assert np.diff(bank.starts).min() >= 6


def test_the_lesion_depends_on_seed_and_sample_alone():
    asked = Conditions(finding="mass", view="MLO")
    first = request_lesion(asked, shape=SHAPE, seed=7, sample_id=3)
    again = request_lesion(asked, shape=SHAPE, seed=7, sample_id=3)
    others = [request_lesion(asked, shape=SHAPE, seed=s, sample_id=i).source for s, i in ((7, 4), (8, 3), (9, 3))]
    assert (first.mask == again.mask).all() and first.box == again.box
    assert len({first.source, *others}) > 2


def test_the_shipped_draws_stay_what_they_are():
    """A run made today must be completed tomorrow: the choice is a promise of the package."""
    sources = [
        request_lesion(Conditions(finding="mass", view="CC"), shape=SHAPE, seed=7, sample_id=i).source for i in (0, 1)
    ]
    assert sources == ["real outline 747 in real box 672", "real outline 51 in real box 529"]


def test_an_asked_box_is_kept_and_a_drawn_one_is_a_real_one_of_the_view():
    box = Box(0.2, 0.3, 0.4, 0.5)
    lesion = request_lesion(Conditions(finding="mass", box=box), shape=SHAPE, seed=0, sample_id=0)
    assert lesion.box == box
    drawn = request_lesion(Conditions(finding="mass", view="MLO"), shape=SHAPE, seed=0, sample_id=0)
    bank = shipped_bank()
    row = int(drawn.source.rsplit(" ", 1)[1])
    assert bank.box_view[row] == 1 and bank.box_finding[row] == 0
    assert tuple(drawn.box) == pytest.approx(tuple(bank.boxes[row]))


@pytest.mark.parametrize("conditions", [Conditions(finding="none"), Conditions()])
def test_no_lesion_is_asked_for(conditions):
    lesion = request_lesion(conditions, shape=SHAPE, seed=0, sample_id=0)
    assert lesion.box is None and not lesion.mask.any()


def test_a_mask_of_ones_own_is_used_as_it_is():
    mask = np.zeros(SHAPE, bool)
    mask[10:20, 5:9] = True
    lesion = request_lesion(Conditions(finding="mass"), shape=SHAPE, seed=0, sample_id=0, mask=mask)
    assert (lesion.mask == mask).all()
    assert lesion.box == box_of_mask(mask)


def test_a_rare_finding_takes_boxes_of_its_view():
    """Fewer than enough boxes of a finding would repeat the same few lesions."""
    bank = shipped_bank()
    assert (bank.box_finding == 6).sum() < ENOUGH  # focus
    lesion = request_lesion(Conditions(finding="focus", view="CC"), shape=SHAPE, seed=0, sample_id=0)
    assert bank.box_view[int(lesion.source.rsplit(" ", 1)[1])] == 0


def test_the_bank_takes_training_lesions_only_and_mirrors_them(tmp_path):
    right = [[0.5, 0.2], [0.6, 0.2], [0.9, 0.3], [0.6, 0.4], [0.5, 0.4], [0.5, 0.3]]
    images = [("a", "train", "right"), ("b", "val", "left"), ("c", "train", "left")]
    contours = [("a", "lesion"), ("b", "lesion"), ("c", "skin_or_diffuse")]
    with open(tmp_path / "m.csv", "w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["image_id", "split", "chest_wall", "width", "height", "finding"])
        rows.writerows([i, s, c, 200, 100, "mass"] for i, s, c in images)
    with open(tmp_path / "c.csv", "w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["image_id", "type", "polygon"])
        rows.writerows([i, t, json.dumps(right)] for i, t in contours)
    item = {
        "image": "a.npy",
        "conditions": {"kind": "digital", "view": "CC", "finding": "mass", "box": [0.1, 0.2, 0.5, 0.4]},
    }
    (tmp_path / "d.json").write_text(json.dumps({"training": [item]}))
    bank = build_contour_bank(tmp_path / "c.csv", tmp_path / "m.csv", tmp_path / "d.json", tmp_path / "b.npz")
    assert bank.n_contours == 1
    assert bank.contour(0)[2] == pytest.approx([0.0, 0.5])  # the tip, at the right edge of its box before
    assert bank.aspect[0] == pytest.approx(0.4 * 200 / (0.2 * 100))
    assert bank.boxes.shape == (1, 4)
    read = type(bank).load(tmp_path / "b.npz")
    assert read.boxes == pytest.approx(bank.boxes, abs=1e-3)


@pytest.mark.parametrize(
    ("table", "cells", "sentence"),
    [
        ("c.csv", ["a", "lesion", "[[0, 0]"], "polygon in c.csv line 2 is not a list of points"),
        ("c.csv", ["a", "lesion", "{}"], "polygon in c.csv line 2 is not a list of points"),
        ("c.csv", ["a", "lesion", "[1, 2, 3]"], "polygon in c.csv line 2 is not a list of points"),
        ("m.csv", ["a", "train", "left", "wide", 100, "mass"], "m.csv line 2 needs numbers as width and height"),
        ("m.csv", ["a", "train", "left", 200, 100, "lump"], "m.csv line 2 needs numbers as width and height"),
    ],
)
def test_a_table_of_a_bank_that_is_damaged_is_one_sentence(tmp_path, table, cells, sentence):
    rows = {
        "m.csv": ["image_id,split,chest_wall,width,height,finding", "a,train,left,200,100,mass"],
        "c.csv": ["image_id,type,polygon", 'a,lesion,"[[0,0],[1,0],[1,1],[0.5,1],[0,1],[0,0.5]]"'],
    }
    for name, lines in rows.items():
        (tmp_path / name).write_text("\n".join(lines))
    with open(tmp_path / table, "w", newline="") as stream:
        csv.writer(stream).writerows([rows[table][0].split(","), cells])
    (tmp_path / "d.json").write_text(json.dumps({"training": []}))
    with pytest.raises(RequestError, match=sentence):
        build_contour_bank(tmp_path / "c.csv", tmp_path / "m.csv", tmp_path / "d.json", tmp_path / "b.npz")
    assert not (tmp_path / "b.npz").exists()
