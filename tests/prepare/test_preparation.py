"""The prepared folder: layout, geometry of labels, report, resume, and bad input."""

from __future__ import annotations

import csv
import json
import logging
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom import Failed, SkipReason
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.phantom import draw_mammogram, draw_study
from monai_mammo.prepare import PreparedFolder, Trace, box_of_mask, preparation, prepare, prepare_mammogram, split_of
from monai_mammo.prepare.datalist import SPLIT_KEYS
from monai_mammo.prepare.datasets.table import main_finding
from monai_mammo.prepare.entry import Entry
from monai_mammo.study import Annotation
from monai_mammo.terms import Finding, FindingCategory

GRID = (64, 48)
TWICE = (("a.png", "a"), ("b.png", "A"))
SHARED = Path(__file__).parents[3] / "shared" / "data" / "mammograms" / "metadata.csv"


def items_of(out: Path) -> dict[str, dict]:
    """All items of a datalist by image, with their split."""
    content = json.loads((out / "datalist.json").read_text())
    splits = ("training", "validation", "test", "external")
    return {item["image_id"]: {**item, "split": split} for split in splits for item in content[split]}


def named(out: Path) -> dict[str, dict]:
    """All items of a datalist by the file that they come from, as the report says."""
    lines = json.loads((out / "report.json").read_text())["files"]
    items = items_of(out)
    return {line["file"]: items[line["image_id"]] for line in lines if line["status"] == "read"}


def pixels_of(out: Path, name: str) -> np.ndarray:
    return np.load(out / name) if name.endswith(".npy") else np.asarray(Image.open(out / name))


def files_of(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_every_file_of_a_folder_is_listed_once_with_what_became_of_it(folder: Path, tmp_path: Path):
    report = prepare(folder, out=tmp_path / "out", shape=GRID)
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written == json.loads(json.dumps(report.to_dict()))
    outcome = {line["file"]: (line["status"], line.get("reason")) for line in written["files"]}
    assert len(outcome) == len(written["files"])
    assert outcome == {
        "black.png": ("failed", "unreadable"),
        "colour.png": ("skipped", "color"),
        "deep/er/one.dcm": ("read", None),
        "deep/plain.png": ("read", None),
        "film.webp": ("read", None),
        "notes.txt": ("skipped", "not_dicom"),
        "right.png": ("read", None),
        "torn.png": ("failed", "damaged"),
    }
    assert written["counts"] == {"read": 4, "skipped": 2, "failed": 2}
    assert "no breast" in next(line["detail"] for line in written["files"] if line["file"] == "black.png")


def test_the_folder_has_the_layout_that_training_reads(folder: Path, tmp_path: Path, picture):
    out = tmp_path / "out"
    prepare(folder, out=out, shape=GRID)
    content = json.loads((out / "datalist.json").read_text())
    assert content["shape"] == [64, 48] and content["version"] == 2 and content["chain"]
    items = named(out)
    assert set(items) == {"deep/er/one.dcm", "deep/plain.png", "film.webp", "right.png"}
    for item in items.values():
        image, breast = pixels_of(out, item["image"]), pixels_of(out, item["breast"])
        assert image.dtype == np.uint16 and image.shape == GRID and image.max() > 20000
        assert breast.dtype == np.uint8 and set(np.unique(breast)) == {0, 255}
        assert np.all(image[breast == 0] == 0)
        assert breast[:, 0].mean() > breast[:, -1].mean()  # chest wall left
        assert Conditions.from_dict(item["conditions"]).to_dict() == item["conditions"]
        assert len(item["source_sha256"]) == 64
    right, plain = items["right.png"], items["deep/plain.png"]
    assert right["mask_kind"] == "contour" and items["film.webp"]["mask_kind"] == "none"
    assert plain["mask_kind"] == "unknown" and "label" not in plain
    assert plain["person_id"].startswith("folder-") and right["person_id"] == picture.person_id
    assert not right["is_mirrored"] and Trace.from_dict(right["trace"]).is_mirrored


def test_box_and_mask_move_with_the_pixels(folder: Path, tmp_path: Path, picture):
    out = tmp_path / "out"
    prepare(folder, out=out, shape=GRID)
    item = named(out)["right.png"]
    trace = Trace.from_dict(item["trace"])
    mask = pixels_of(out, item["label"]) > 0
    box = Box.parse(item["conditions"]["box"])
    assert np.abs(np.subtract(tuple(box), tuple(box_of_mask(mask)))).max() < 1.1 / 48
    back = trace.inverse_box(box)
    assert np.abs(np.subtract(tuple(back), tuple(picture.conditions.box))).max() < 1e-6
    restored = trace.inverse(mask)
    overlap = (restored & picture.lesion_mask).sum() / (restored | picture.lesion_mask).sum()
    assert overlap > 0.6  # a lesion of about 5 x 5 pixels on the prepared grid


def test_a_second_call_keeps_all_and_changes_no_byte(folder: Path, tmp_path: Path):
    out = tmp_path / "out"
    first = prepare(folder, out=out, shape=GRID)
    before = files_of(out)
    stamps = {path: path.stat().st_mtime_ns for path in (out / "images").iterdir()}
    again = prepare(folder, out=out, shape=GRID)
    assert first.n_kept == 0 and again.n_kept == 4
    assert files_of(out) == before
    assert stamps == {path: path.stat().st_mtime_ns for path in (out / "images").iterdir()}


def test_what_is_missing_or_changed_is_made_anew(folder: Path, tmp_path: Path, save_picture, picture):
    out = tmp_path / "out"
    prepare(folder, out=out, shape=GRID)
    before = files_of(out)
    (out / "images" / "film.npy").unlink()
    (out / "datalist.json").unlink()
    assert prepare(folder, out=out, shape=GRID).n_kept == 3
    assert files_of(out) == before
    values = json.loads((folder / "right.json").read_text())
    (folder / "right.json").write_text(json.dumps({**values, "birads": 4}))  # labels
    os.replace(folder / "deep" / "plain.png", folder / "film.webp.tmp")
    changed = draw_mammogram(Conditions(kind="digital"), seed=99, shape=(160, 120))
    Image.fromarray(np.round(changed.pixels * 255).astype(np.uint8)).save(folder / "deep" / "plain.png")  # pixels
    assert prepare(folder, out=out, shape=GRID).n_kept == 2
    assert items_of(out)["right"]["conditions"]["birads"] == 4
    plain = named(out)["deep/plain.png"]["image"]
    assert files_of(out)[plain] != before[plain]
    Image.fromarray(np.zeros((160, 120), bool)).save(folder / "right.mask.png")  # the mask that the sidecar names
    assert prepare(folder, out=out, shape=GRID).n_kept == 3


def test_another_chain_makes_all_anew(folder: Path, tmp_path: Path, monkeypatch):
    out = tmp_path / "out"
    prepare(folder, out=out, shape=GRID)
    monkeypatch.setattr(preparation, "CHAIN_VERSION", "another")
    assert prepare(folder, out=out, shape=GRID).n_kept == 0
    assert prepare(folder, out=out, shape=GRID).n_kept == 4


def test_no_folder_name_goes_farther_than_the_report(tmp_path: Path, caplog, picture, save_picture):
    caplog.set_level(logging.INFO)
    for person in ("DOE_JANE", "DOE_MARY"):
        (tmp_path / "data" / person).mkdir(parents=True)
        plain = picture.replace(person_id="", lesion_mask=None)
        save_picture(plain, tmp_path / "data" / person / "0001.png")
        save_picture(plain, tmp_path / "data" / person / "0002.png")
        (tmp_path / "data" / person / "0003.dcm").write_bytes(b"torn")
    report = prepare(tmp_path / "data", out=tmp_path / "out", shape=GRID)
    written = {name: data for name, data in files_of(tmp_path / "out").items() if name != "report.json"}
    assert not [name for name, data in written.items() if "DOE" in name or b"DOE" in data]
    assert "0003.dcm" in caplog.text and "DOE" not in caplog.text
    persons = [file.person_id for file in report.files if file.status == "read"]
    assert len(persons) == 4 and persons[0] == persons[1] != persons[2] == persons[3]
    assert [file.name for file in report.files][0] == "DOE_JANE/0001.png"
    more = tmp_path / "data" / "ABLE"
    more.mkdir()
    save_picture(plain, more / "0001.png")
    assert prepare(tmp_path / "data", out=tmp_path / "out", shape=GRID).n_kept == 4  # names do not hang on neighbours


def test_a_person_in_two_published_splits_is_divided_anew(table: Path, tmp_path: Path):
    table.write_text(table.read_text().replace(",P1,", ",P0,"))  # train and val
    prepare(table, out=tmp_path / "out", shape=GRID)
    splits = {name: item["split"] for name, item in items_of(tmp_path / "out").items()}
    assert splits["case_0"] == splits["case_1"] == SPLIT_KEYS[split_of("P0")] and splits["case_2"] == "external"
    assert json.loads((tmp_path / "out" / "report.json").read_text())["persons_redivided"] == 1


def test_findings_labels_and_raw_cells_stand_in_the_datalist(tmp_path: Path, picture):
    box = picture.conditions.box
    entry = Entry(
        path=tmp_path / "a.png",
        image_id="a",
        name="a.png",
        annotations=(
            Annotation(categories=(FindingCategory.parse("mass"),), box=box, birads=4, birads_letter="b"),
            Annotation(categories=(FindingCategory.parse("mass"),), box=Box(0.0, 0.0, 0.001, 0.001)),
        ),
        labels={"published_split": "training"},
        record={"table": "findings.csv", "lines": [2, 3]},
    )
    folder = PreparedFolder(tmp_path / "out", GRID)
    folder.open()
    prepared = prepare_mammogram(entry.labelled(picture), shape=(64, 16))  # no air beside the breast
    folder.write(prepared, entry, mask_kind="contour", fingerprint="x")
    item = folder.record("a")["item"]
    assert item["labels"] == entry.labels and item["record"] == entry.record
    first, second = item["findings"]
    assert first["birads"] == 4 and first["birads_letter"] == "b" and first["categories"] == ["mass"]
    back = prepared.trace.inverse_box(Box.parse(first["box"]))
    assert np.allclose(tuple(back), tuple(box), atol=1e-9) and "box" not in second


def test_what_a_data_set_lists_twice_is_there_once(tmp_path: Path):
    lost = Failed(tmp_path / "deep" / "lost.png", SkipReason.UNREADABLE, "the file is not there")
    entries = [Entry(path=tmp_path / name, image_id=image_id, name=name) for name, image_id in TWICE]
    first, failed, second = preparation._named_once([entries[0], lost, lost, entries[1]], tmp_path)
    assert first is entries[0] and failed.name == "deep/lost.png" and failed.status == "failed"
    assert second.name == "b.png" and second.detail == "the name A is taken by another picture"


def test_an_output_folder_inside_the_source_is_not_read_again(folder: Path):
    prepare(folder, out=folder / "out", shape=GRID)
    again = prepare(folder, out=folder / "out", shape=GRID)
    assert again.n_kept == 4 and len(again.files) == 8


def test_workers_change_nothing(folder: Path, tmp_path: Path):
    prepare(folder, out=tmp_path / "one", shape=GRID)
    prepare(folder, out=tmp_path / "two", shape=GRID, workers=2)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_a_table_gives_boxes_masks_and_its_own_splits(table: Path, tmp_path: Path):
    out = tmp_path / "out"
    report = prepare(table, out=out, shape=GRID)
    items = items_of(out)
    assert {name: (item["split"], item["mask_kind"]) for name, item in items.items()} == {
        "case_0": ("training", "contour"),
        "case_1": ("validation", "box"),
        "case_2": ("external", "none"),
    }
    bad = next(line for line in report.to_dict()["files"] if line["status"] == "failed")
    assert bad["detail"] == "density 'E' in metadata.csv line 5 is not one of A, B, C, D"
    assert items["case_0"]["conditions"]["finding"] == "mass" and items["case_0"]["source"] == "Drawn"
    for i in (0, 1):
        item = items[f"case_{i}"]
        asked = Conditions(kind="digital", laterality="LR"[i], view="CC", finding="mass", density="B", birads=2)
        truth = draw_mammogram(asked, seed=20 + i, shape=(160, 120))
        trace = Trace.from_dict(item["trace"])
        assert len(item["boxes"]) == 2 and len(item["diffuse_boxes"]) == 1
        assert item["conditions"]["box"] == item["boxes"][1]
        back = trace.inverse_box(Box.parse(item["conditions"]["box"]))  # the largest lesion, not the skin
        assert np.abs(np.subtract(tuple(back), tuple(truth.conditions.box))).max() < 1e-6
        if i == 0:
            expected = trace.forward(truth.lesion_mask)
            assert np.array_equal(pixels_of(out, item["label"]) > 0, expected)  # without the skin's part
    assert report.chest_wall == {"contradicts_laterality": 0, "contradicts_table": 0, "not_told_by_pixels": 0}


def test_a_table_that_contradicts_the_pixels_is_counted_and_wins(table: Path, tmp_path: Path):
    text = table.read_text()
    table.write_text(text.replace("L,CC,left", "L,CC,right"))
    report = prepare(table, out=tmp_path / "out", shape=GRID)
    # both left breasts, of which case_2 too
    assert report.chest_wall["contradicts_table"] == 2 and report.chest_wall["contradicts_laterality"] == 2
    item = items_of(tmp_path / "out")["case_0"]
    assert item["is_mirrored"] and Trace.from_dict(item["trace"]).is_mirrored


def test_a_file_with_another_hash_than_its_table_says_is_noted(table: Path, tmp_path: Path):
    lines = table.read_text().splitlines()
    lines[1] += "0" * 64
    table.write_text("\n".join(lines))
    report = prepare(table, out=tmp_path / "out", shape=GRID)
    assert "sha256" in report.to_dict()["files"][0]["notes"][0]


def test_studies_in_memory_keep_a_person_in_one_split(tmp_path: Path):
    mammograms = [m for seed in range(6) for m in draw_study(seed, shape=(96, 72))]
    report = prepare(mammograms, out=tmp_path / "out", shape=GRID)
    assert report.count("read") == 24 and sum(split["persons"] for split in report.splits.values()) == 6
    items = items_of(tmp_path / "out")
    assert len({(item["person_id"], item["split"]) for item in items.values()}) == 6
    assert sum("label" in item for item in items.values()) == 12


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("lymph_node|mass", Finding.MASS),
        ("edema|calcification", Finding.CALCIFICATION),
        ("none", Finding.NONE),
        ("", None),
    ],
)
def test_the_main_finding_is_the_first_of_the_vocabulary(text, finding):
    assert main_finding(text) is finding


def test_a_wrong_request_writes_nothing(folder: Path, table: Path, tmp_path: Path):
    out = tmp_path / "out"
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("keep")
    (tmp_path / "empty").mkdir()
    for words, source, options in (
        ("is not there", tmp_path / "nowhere", {}),
        ("'nothing' is not one of .*folder, table", folder, {"dataset": "nothing"}),
        ("below 16 x 16", folder, {"shape": (8, 8)}),
        ("neither empty nor a prepared folder", folder, {"out": full}),
        ("is a file", folder, {"out": full / "mine.txt"}),
        ("no column 'image_id'", folder / "notes.txt", {}),
        ("holds no files", tmp_path / "empty", {}),
    ):
        with pytest.raises(RequestError, match=words):
            prepare(source, **{"out": out, "shape": GRID, **options})
    assert not out.exists() and files_of(full) == {"mine.txt": b"keep"}
    prepare(table, out=out, shape=GRID)
    with pytest.raises(RequestError, match="holds images of 64 x 48, not 128 x 96"):
        prepare(table, out=out, shape=(128, 96))
    (out / "settings.json").write_text('{"shape": [64, 48]}')
    with pytest.raises(RequestError, match="prepared by another version"):
        prepare(table, out=out, shape=GRID)


def test_a_disk_that_takes_no_more_ends_the_work_and_leaves_it_resumable(table: Path, tmp_path: Path):
    out = tmp_path / "out"
    prepare(table, out=out, shape=GRID)
    before = files_of(out)
    (out / "images" / "case_1.npy").unlink()
    (out / "images" / "case_1.npy").mkdir()  # cannot be replaced by a file
    with pytest.raises(MammoError, match="case_1.npy could not be written"):
        prepare(table, out=out, shape=GRID)
    (out / "images" / "case_1.npy").rmdir()
    prepare(table, out=out, shape=GRID)
    assert files_of(out) == before


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_file(), reason="the shared mammograms are not here")
def test_real_mammograms_of_all_sources(tmp_path: Path):
    lines = SHARED.read_text().splitlines()
    spread = lines[1 :: len(lines) // 10][:10]
    (tmp_path / "metadata.csv").write_text("\n".join([lines[0], *spread]))
    for name in ("images", "masks", "contours.csv"):
        (tmp_path / name).symlink_to(SHARED.parent / name)
    report = prepare(tmp_path / "metadata.csv", out=tmp_path / "out", shape=GRID, allow_outside=True)
    assert report.count("read") == len(report.files) == len(spread)
    assert report.chest_wall["contradicts_table"] == 0
    for item in items_of(tmp_path / "out").values():
        breast = pixels_of(tmp_path / "out", item["breast"]) > 0
        assert 0.2 < breast.mean() < 0.95 and breast[:, 0].mean() > 0.4


def test_a_squeezed_picture_is_stretched_to_its_measured_size_with_mask_and_boxes(table: Path, tmp_path: Path):
    """A picture squeezed to half its width is prepared as the one that was not, and its boxes are the same."""
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    row = next(row for row in rows if row["image_id"] == "case_0")
    for column in ("file", "mask"):
        with Image.open(table.parent / row[column]) as picture:
            values = np.asarray(picture).astype(float) * (255 if picture.mode == "1" else 1)
        Image.fromarray(values.reshape(160, 60, 2).mean(axis=2).astype(np.uint8)).save(tmp_path / f"{column}.png")
    half = {**row, "file": "file.png", "mask": "mask.png", "width": "60", "height": "160", "measured_size": "1200x1600"}
    with open(tmp_path / "metadata.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(half), restval="")
        writer.writeheader()
        writer.writerows([half, {**half, "image_id": "odd", "measured_size": "wide"}])
    (tmp_path / "contours.csv").write_text(table.with_name("contours.csv").read_text())
    report = prepare(tmp_path / "metadata.csv", out=tmp_path / "half", shape=(80, 60))
    prepare(table, out=tmp_path / "whole", shape=(80, 60))
    assert report.count("read") == 1, report.to_dict()["files"]
    found, whole = items_of(tmp_path / "half")["case_0"], items_of(tmp_path / "whole")["case_0"]
    assert found["mask_kind"] == whole["mask_kind"] == "contour"
    assert np.abs(np.subtract(found["boxes"], whole["boxes"])).max() < 0.03
    images = [pixels_of(tmp_path / out, item["image"]) / 65535 for out, item in (("half", found), ("whole", whole))]
    assert np.abs(images[0] - images[1]).mean() < 0.02  # left at its nominal ratio it is 0.1
    masks = [pixels_of(tmp_path / out, item["label"]) > 0 for out, item in (("half", found), ("whole", whole))]
    assert (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum() > 0.8
    assert tuple(found["trace"]["source_shape"]) == (160, 60)
    refused = next(line for line in report.to_dict()["files"] if line["status"] == "failed")
    assert "measured_size, width and height in metadata.csv line 3 are not" in refused["detail"]


@pytest.mark.parametrize("full_size", [False, True])
def test_a_removed_source_leaves_nothing_in_the_folder(tmp_path: Path, save_picture, picture, full_size: bool):
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    save_picture(picture, data / "gone.png")
    save_picture(draw_mammogram(Conditions(kind="digital"), seed=8, shape=(96, 72)), data / "stays.png")
    prepare(data, out=out, shape=GRID, full_size=full_size)
    assert any("gone" in name for name in files_of(out))
    for path in data.glob("gone*"):
        path.unlink()
    (out / "masks" / "notes.txt").write_text("of someone else")
    prepare(data, out=out, shape=GRID, full_size=full_size)
    left = files_of(out)
    assert not any("gone" in name for name in left) and b"gone" not in left["datalist.json"] + left["report.json"]
    assert {"images/stays.npy", "items/stays.json", "masks/notes.txt"} <= set(left)


def test_a_mask_that_a_source_lost_is_removed(tmp_path: Path, save_picture, picture):
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    save_picture(picture, data / "a.png")
    prepare(data, out=out, shape=GRID)
    assert "masks/a.npy" in files_of(out)
    save_picture(picture.replace(lesion_mask=None), data / "a.png")
    prepare(data, out=out, shape=GRID)
    assert "masks/a.npy" not in files_of(out)


def test_a_changed_label_or_box_with_equal_pixels_is_prepared_anew(table: Path, tmp_path: Path):
    out = tmp_path / "out"
    prepare(table, out=out, shape=GRID)
    before, pixels = items_of(out)["case_1"], pixels_of(out, "images/case_1.npy")
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    row = next(row for row in rows if row["image_id"] == "case_1")
    for column, value, key in (
        ("birads", "4", ("conditions", "birads")),
        ("boxes", json.dumps([{"x": 0.2, "y": 0.3, "w": 0.1, "h": 0.1}]), ("boxes",)),
        ("measured_size", "100x160", ("trace",)),
    ):
        row |= {column: value, "width": "120", "height": "160"}
        with open(table, "w", newline="") as file:
            writer = csv.DictWriter(file, list(row), restval="")
            writer.writeheader()
            writer.writerows(rows)
        report = prepare(table, out=out, shape=GRID)
        assert report.n_kept < report.count("read")
        after = items_of(out)["case_1"]
        old, new = before, after
        for name in key:
            old, new = old[name], new[name]
        assert old != new
        before = after
    assert items_of(out)["case_1"]["conditions"]["birads"] == 4
    assert not np.array_equal(pixels_of(out, "images/case_1.npy"), pixels)  # the ratio changed at last
