"""Masks as people draw them, from a file beside the picture and from a table, to the prepared folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_mammo.prepare import prepare
from monai_mammo.prepare.reading import read_any, read_mask

CASES = Path(__file__).parents[1] / "fixtures" / "masks"
GRID = (128, 96)


@pytest.mark.parametrize("name", ["zero_one", "red_on_black"])
def test_masks_of_0_and_1_and_of_one_colour_are_read(name):
    read = read_any(CASES / f"{name}.png")
    assert read.lesion_mask.sum() == 1050 and read.lesion_mask.shape == (320, 240)
    assert read.notes == ()


def test_the_same_masks_reach_the_prepared_folder(tmp_path):
    report = prepare(CASES, out=tmp_path / "out", shape=GRID)
    assert report.count("read") == len(report.files) == 2
    sizes = {}
    for file in report.files:
        item = file.record["item"]
        mask = np.load(tmp_path / "out" / item["label"]) > 0
        sizes[file.name] = mask.sum()
        x0, y0, x1, y1 = item["conditions"]["box"]
        assert mask[int(y0 * 128) : int(np.ceil(y1 * 128)), int(x0 * 96) : int(np.ceil(x1 * 96))].sum() == mask.sum()
    assert sizes["zero_one.png"] == sizes["red_on_black.png"] > 50


@pytest.mark.parametrize(("finding", "noted"), [("mass", True), ("none", False), (None, True)])
def test_an_empty_mask_is_a_note_unless_there_is_no_finding(tmp_path, finding, noted):
    shutil.copy(CASES / "zero_one.png", tmp_path / "a.png")
    Image.new("L", (240, 320)).save(tmp_path / "m.png")
    values = {"lesion_mask": "m.png", "person_id": "a"} | ({"finding": finding} if finding else {})
    (tmp_path / "a.json").write_text(json.dumps(values))
    (file,) = prepare(tmp_path, out=tmp_path / "out", shape=GRID).files
    assert ("mask_empty: the mask m.png shows nothing" in file.record["notes"]) is noted
    assert "label" not in file.record["item"]
    assert file.record["item"]["mask_kind"] == ("none" if finding == "none" else "unknown")


def table(folder: Path, mask: Image.Image, *, boxes: str = "", with_contours: bool = False) -> Path:
    shutil.copy(CASES / "zero_one.png", folder / "a.png")
    mask.save(folder / "m.png")
    header = "image_id,file,person_id,view,laterality,finding,mask"
    (folder / "metadata.csv").write_text(f"{header}\na,a.png,p,CC,L,mass,m.png\n")
    if with_contours:
        (folder / "contours.csv").write_text("image_id,type,polygon\n")
    return folder / "metadata.csv"


def test_the_mask_of_a_table_without_outlines_is_that_of_its_lesions(tmp_path):
    source = table(tmp_path, Image.open(CASES / "is1_m.png"))
    (file,) = prepare(source, out=tmp_path / "out", shape=GRID).files
    item = file.record["item"]
    assert item["mask_kind"] == "contour"
    mask = np.load(tmp_path / "out" / item["label"]) > 0
    beside = prepare(CASES, out=tmp_path / "beside", shape=GRID).files[0].record["item"]
    assert np.array_equal(mask, np.load(tmp_path / "beside" / beside["label"]) > 0)
    assert item["conditions"]["box"] == beside["conditions"]["box"]


def test_with_a_file_of_outlines_a_mask_without_one_stays_of_no_lesion(tmp_path):
    source = table(tmp_path, Image.open(CASES / "is1_m.png"), with_contours=True)
    (file,) = prepare(source, out=tmp_path / "out", shape=GRID).files
    assert "label" not in file.record["item"] and file.record["item"]["mask_kind"] == "unknown"


@pytest.mark.parametrize(("value", "words"), [(0, "mask_empty: the mask m.png shows nothing"), (1, "covers the whole")])
def test_an_empty_or_full_mask_of_a_table_is_said(tmp_path, value, words):
    (file,) = prepare(table(tmp_path, Image.new("L", (240, 320), value)), out=tmp_path / "out", shape=GRID).files
    said = file.detail if file.status == "failed" else " ".join(file.record["notes"])
    assert words in said and (file.status == "failed") == (value == 1)


def test_a_changed_mask_is_noticed(tmp_path):
    source = table(tmp_path, Image.open(CASES / "is1_m.png"))
    first = prepare(source, out=tmp_path / "out", shape=GRID).files[0]
    assert prepare(source, out=tmp_path / "out", shape=GRID).files[0].is_kept
    Image.fromarray(np.asarray(Image.open(CASES / "is1_m.png"))[::-1]).save(tmp_path / "m.png")
    second = prepare(source, out=tmp_path / "out", shape=GRID).files[0]
    assert not second.is_kept and second.record["item"]["conditions"] != first.record["item"]["conditions"]


def test_a_mask_is_read_the_same_alone(tmp_path):
    assert read_mask(CASES / "is1_m.png").sum() == read_mask(CASES / "red_on_black_m.png").sum() == 1050
