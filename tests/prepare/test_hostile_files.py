"""Files beside pictures and files that tables name: whatever they are, one costs itself and says so."""

from __future__ import annotations

import csv
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import doctor, prepare
from monai_mammo.prepare.reading import FileReader, read_any

GRID = (64, 48)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n(PLANTED) (w) file closefile\nshowpage\n"


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    drawn = draw_mammogram(Conditions(kind="digital", view="CC", laterality="L"), seed=1, shape=(160, 120))
    return np.round(drawn.pixels * 255).astype(np.uint8)


@pytest.fixture
def top(tmp_path: Path, grey) -> Path:
    """Folder with one sound picture."""
    folder = tmp_path / "data"
    folder.mkdir()
    Image.fromarray(grey).save(folder / "sound.png")
    return folder


def outcomes(source: Path, out: Path, **options) -> dict[str, str]:
    """What became of each file: ``read``, or the sentence that says why not."""
    report = prepare(source, out=out, shape=GRID, **options)
    json.loads((out / "report.json").read_text())
    return {file.name: "read" if file.status == "read" else file.detail for file in report.files}


def plant_bad_mask(place: Path, sort: str) -> None:
    if sort == "folder":
        place.mkdir()
    elif sort == "pipe":
        os.mkfifo(place)
    elif sort == "device":
        place.symlink_to("/dev/zero")
    elif sort == "huge":
        Image.new("1", (20_000, 20_000)).save(place, "PNG")
    elif sort == "program":
        place.write_bytes(EPS)
    elif sort == "torn":
        place.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 90)
    elif sort == "full":
        Image.new("L", (120, 160), 255).save(place, "PNG")
    elif sort == "mammogram":
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (160, 120), dtype=np.uint8)).save(place, "PNG")


BAD_MASKS = {
    "folder": "it is not a regular file",
    "pipe": "it is not a regular file",
    "device": "leaves the folder",
    "huge": "more than 64000000 pixels",
    "program": "it is damaged or not one of PNG",
    "torn": "it is damaged or not one of PNG",
    "full": "covers the whole picture",
    "mammogram": "shows a grey picture, not a mask",
    "missing": "No such file",
}


@pytest.mark.parametrize("sort", BAD_MASKS)
def test_a_bad_mask_costs_its_picture_and_says_so(top, tmp_path, grey, sort):
    Image.fromarray(grey).save(top / "a.png")
    (top / "a.json").write_text(json.dumps({"lesion_mask": "bad.mask"}))
    plant_bad_mask(top / "bad.mask", sort)
    found = outcomes(top, tmp_path / "out")
    assert found.pop("sound.png") == "read"
    assert BAD_MASKS[sort] in found["a.png"]


@pytest.mark.parametrize("sort", BAD_MASKS)
def test_a_bad_mask_of_a_table_costs_its_line_and_says_so(top, tmp_path, sort):
    plant_bad_mask(top / "bad.mask", sort)
    rows = [("good", "sound.png", "p1", ""), ("bad", "sound.png", "p2", "bad.mask")]
    write_table(top / "metadata.csv", ("image_id", "file", "person_id", "mask"), rows)
    report = prepare(top / "metadata.csv", out=tmp_path / "out", shape=GRID)
    assert [file.status for file in report.files] == ["read", "failed"]
    words = BAD_MASKS[sort]
    assert words in report.files[1].detail or "regular file" in words + report.files[1].detail


def write_table(path: Path, columns, rows) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


BAD_SIDECARS = {
    "nested": b"[" * 100_000,
    "closed": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 500 + b"1" + b"}" * 500,
    "nul in a name": b'{"lesion_mask": "a\\u0000b.png"}',
    "half a pair in a name": b'{"lesion_mask": "\\ud800.png"}',
    "half a pair in a person": b'{"person_id": "\\udfff"}',
    "person is a list": b'{"person_id": [1]}',
    "person is true": b'{"person_id": true}',
    "mask is a number": b'{"lesion_mask": 5}',
    "mask is a list": b'{"lesion_mask": ["a"]}',
    "mask without a name": b'{"lesion_mask": ""}',
    "no number": b'{"age_years": NaN}',
    "large number": b'{"age_years": 1' + b"0" * 400 + b"}",
    "infinite": b'{"age_years": 1e999}',
    "latin": '{"text": "ä"}'.encode("latin-1"),
    "empty": b"",
    "null": b"null",
    "too long": b'{"text": "' + b"a" * 2**20 + b'"}',
    "up": b'{"lesion_mask": "../mask.png"}',
    "absolute": b'{"lesion_mask": "/etc/hostname"}',
    "other system": b'{"lesion_mask": "C:\\\\mask.png"}',
    "linked": b'{"lesion_mask": "link.png"}',
}


@pytest.mark.parametrize("sort", BAD_SIDECARS)
def test_a_bad_sidecar_costs_its_picture_and_says_so(top, tmp_path, grey, sort):
    Image.fromarray(grey).save(top / "a.png")
    (top / "a.json").write_bytes(BAD_SIDECARS[sort])
    Image.fromarray(grey > 99).save(tmp_path / "mask.png")
    if sort == "linked":
        (top / "link.png").symlink_to(tmp_path / "mask.png")
    found = outcomes(top, tmp_path / "out")
    assert found["sound.png"] == "read"
    assert found["a.png"] != "read" and found["a.png"].isprintable() and "a.json" in found["a.png"]
    report = doctor(top, out=tmp_path / "doctor")
    assert {seen.name: seen.status for seen in report.pictures}["a.png"] == "failed"


@pytest.mark.parametrize("sort", ["folder", "pipe", "device", "loop"])
def test_a_sidecar_that_is_not_a_file_costs_its_picture(top, tmp_path, grey, sort):
    Image.fromarray(grey).save(top / "a.png")
    if sort == "loop":
        (top / "a.json").symlink_to("a.json")
    else:
        plant_bad_mask(top / "a.json", sort)
    found = outcomes(top, tmp_path / "out")
    assert found["sound.png"] == "read"
    assert "a.json could not be read: " in found["a.png"]


def test_a_mask_outside_the_folder_is_read_where_that_is_asked_for(top, tmp_path, grey):
    Image.fromarray(grey).save(top / "a.png")
    (top / "a.json").write_text(json.dumps({"lesion_mask": "../mask.png", "finding": "mass"}))
    mask = np.zeros(grey.shape, bool)
    mask[60:80, 5:30] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert "--allow-outside" in outcomes(top, tmp_path / "one")["a.png"]
    assert outcomes(top, tmp_path / "two", allow_outside=True)["a.png"] == "read"
    assert read_any(top / "a.png", allow_outside=True).lesion_mask.sum() == 500


def test_what_is_not_a_regular_file_in_a_folder_is_listed(top, tmp_path):
    os.mkfifo(top / "pipe.png")
    (top / "zero.png").symlink_to("/dev/zero")
    (top / "gone.png").symlink_to("nowhere")
    (top / "folder.png").mkdir()
    found = outcomes(top, tmp_path / "out")
    assert found == {"sound.png": "read"} | dict.fromkeys(
        ("pipe.png", "zero.png", "gone.png"), "it is not a regular file"
    )


@pytest.mark.parametrize("name", [b"br\xfcst.png", b"\xff\xfe.png", "Brüst 乳.png".encode()])
def test_a_name_that_is_not_utf_8_costs_nothing(top, tmp_path, grey, name):
    path = top / os.fsdecode(name)
    try:
        Image.fromarray(grey).save(path)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    path.with_suffix(".json").write_text('{"view": "CC", "lesion_mask": "sound.png"}')
    path.with_suffix(".json").write_text('{"view": "CC"}')
    found = outcomes(top, tmp_path / "out")
    assert len(found) == 2 and set(found.values()) == {"read"}
    for file in ("report.json", "datalist.json"):
        (tmp_path / "out" / file).read_text().encode()
        json.dumps(json.loads((tmp_path / "out" / file).read_text()), ensure_ascii=False).encode()
    doctor(top, out=tmp_path / "doctor")
    assert "view" in (tmp_path / "doctor" / "doctor.html").read_text(encoding="utf-8")


BAD_FILES = {
    "up": "../sound.png",
    "absolute": "/etc/hostname",
    "device": "/dev/zero",
    "inside and out": "x/../../sound.png",
    "linked": "link.png",
    "linked folder": "away/sound.png",
    "pipe": "pipe.png",
    "long": "a" * 5000,
    "nul": "a\0b.png",
    "missing": "missing.png",
    "folder": "folder",
}


@pytest.mark.parametrize("sort", BAD_FILES)
def test_a_bad_file_of_a_table_costs_its_line(top, tmp_path, grey, sort):
    os.mkfifo(top / "pipe.png")
    (top / "folder").mkdir()
    (tmp_path / "elsewhere").mkdir()
    Image.fromarray(grey).save(tmp_path / "elsewhere" / "sound.png")
    Image.fromarray(grey).save(tmp_path / "sound.png")
    (top / "away").symlink_to(tmp_path / "elsewhere")
    (top / "link.png").symlink_to(tmp_path / "sound.png")
    rows = [("good", "sound.png", "p1"), ("bad", BAD_FILES[sort], "p2")]
    write_table(top / "metadata.csv", ("image_id", "file", "person_id"), rows)
    report = prepare(top / "metadata.csv", out=tmp_path / "out", shape=GRID)
    assert [file.status != "read" for file in report.files] == [False, True]
    json.dumps(report.to_dict(), ensure_ascii=False).encode()
    if sort in ("up", "absolute", "inside and out", "linked", "linked folder"):
        assert "leaves the folder (--allow-outside allows it)" in report.files[1].detail
        again = prepare(top / "metadata.csv", out=tmp_path / "out", shape=GRID, allow_outside=True)
        assert (again.files[1].status == "read") == (sort != "absolute")


BAD_CONTOURS = [
    "5", "[[0.1]]", "[[]]", "{}", "null", "x", "[" * 90_000, "[[0.1,0.1],[0.2,NaN],[0.3,0.3]]",
    "[[0.1,0.1],[0.2,null],[0.3,0.3]]", "[[1e300,0],[0,1],[1,1]]", "[[1e300,0]]", "",
]  # fmt: skip


@pytest.mark.parametrize("polygon", BAD_CONTOURS, ids=range(len(BAD_CONTOURS)))
def test_an_outline_that_is_none_costs_its_image(top, tmp_path, polygon):
    write_table(top / "metadata.csv", ("image_id", "file", "person_id"), [(i, "sound.png", i) for i in "ab"])
    good = "[[0.1,0.4],[0.2,0.4],[0.2,0.5]]"
    rows = [("a", "lesion", good), ("b", "lesion", good), ("b", "lesion", polygon)]
    write_table(top / "contours.csv", ("image_id", "type", "polygon"), rows)
    report = prepare(top / "metadata.csv", out=tmp_path / "out", shape=GRID)
    assert [file.status for file in report.files] == ["read", "failed"]
    assert report.files[1].detail == "polygon in contours.csv line 4 is not a JSON list of points in the picture"


@pytest.mark.parametrize("polygon", ["[]", "[[0.1,0.1]]", "[[0.0865,0.982],[0.1096,0.982]]"])
def test_an_outline_that_covers_no_area_is_noted_and_left_out(top, tmp_path, polygon):
    write_table(
        top / "metadata.csv", ("image_id", "file", "person_id", "split"), [(i, "sound.png", i, "train") for i in "abc"]
    )
    good = "[[0.1,0.4],[0.3,0.4],[0.3,0.7]]"
    rows = [("a", "lesion", good), ("b", "lesion", polygon), ("b", "lesion", good), ("c", "lesion", polygon)]
    write_table(top / "contours.csv", ("image_id", "type", "polygon"), rows)
    report = prepare(top / "metadata.csv", out=tmp_path / "out", shape=GRID)
    assert [file.status for file in report.files] == ["read"] * 3
    note = "outline_without_area: polygon in contours.csv line {} has fewer than three points and is left out"
    notes = [file.to_dict().get("notes", []) for file in report.files]
    assert notes == [[], [note.format(3)], [note.format(5)]]
    items = {
        item["image_id"]: item for item in json.loads((tmp_path / "out" / "datalist.json").read_text())["training"]
    }
    masks = [(tmp_path / "out" / items[image_id]["label"]).read_bytes() for image_id in "ab"]
    assert masks[0] == masks[1]
    assert "label" not in items["c"]


def test_a_program_named_as_a_picture_is_started_by_no_room(top, tmp_path, grey, monkeypatch):
    programs, started = tmp_path / "programs", tmp_path / "started"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\ntouch {started}\n")
    (programs / "gs").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    for suffix in ("png", "jpg", "tif", "pgm", "webp", "bmp"):
        (top / f"bad.{suffix}").write_bytes(EPS)
    with FileReader() as reader:
        for path in sorted(top.glob("bad.*")):
            for read in (reader.read, reader.read_stored, reader.read_mask):
                detail = read(path).detail
                assert "is damaged or not one of PNG, JPEG" in detail
    assert not started.exists() and not (tmp_path / "PLANTED").exists()
