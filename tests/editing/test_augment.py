"""Training sets of edited mammograms: labels are true, loaders read them, and workers change no byte."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from monai.data import DataLoader, Dataset, load_decathlon_datalist
from monai.transforms import Compose, LoadImaged
from PIL import Image

import monai_mammo
from monai_mammo.cli.main import main
from monai_mammo.conditions import Conditions
from monai_mammo.editing.coco_file import run_lengths
from monai_mammo.editing.training_source import training_sources
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation.realism.compared_images import synthetic_items
from monai_mammo.evaluation.report.report_source import ReportSource
from monai_mammo.evaluation.report.source_pairs import source_items
from monai_mammo.files.png import save_png
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare.datalist_items import load_datalist
from monai_mammo.training.lesion_dataset import LesionDataset

SHAPE = (160, 120)


def hashes(folder):
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in (".png", ".json"))
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != "manifest.json"  # states when it was made
    }


def decoded(segmentation):
    values = np.repeat(np.arange(len(segmentation["counts"])) % 2, segmentation["counts"])
    return values.reshape(segmentation["size"], order="F").astype(bool)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A prepared folder of a normal image, an outlined one, and one whose lesions are not known."""
    folder = tmp_path_factory.mktemp("prepared")
    items = []
    for i, kind in enumerate(("none", "contour", "unknown")):
        shown = {"kind": "digital", "view": "CC", "laterality": "L", "density": "B"}
        shown["finding"] = "mass" if kind == "contour" else "none"
        drawn = draw_mammogram(Conditions.from_dict(shown), seed=i, shape=SHAPE)
        np.save(folder / f"{i}.npy", np.rint(drawn.pixels * 65535).astype(np.uint16))
        save_png(drawn.pixels > 0.02, folder / f"{i}_breast.png")
        item = {"image": f"{i}.npy", "breast": f"{i}_breast.png", "image_id": f"a{i}", "person_id": f"p{i}"}
        item |= {"mask_kind": kind, "boxes": [], "conditions": shown}
        if kind == "contour":
            save_png(drawn.lesion_mask, folder / f"{i}_lesion.png")
            item |= {"label": f"{i}_lesion.png", "boxes": [list(drawn.conditions.box)]}
        items.append(item)
    splits = {"training": items, "validation": [], "test": [], "external": []}
    (folder / "datalist.json").write_text(json.dumps({"version": 2, "shape": list(SHAPE), **splits}))
    return folder


@pytest.fixture(scope="module")
def made(prepared, painter_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "set"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(painter_folder))
        summary = monai_mammo.augment(prepared, out=out, seed=3, steps=1, device="cpu", originals=True)
    return out, summary


def test_each_image_gets_the_versions_that_fit_it(made):
    out, summary = made
    assert (summary["n_images"], summary["n_inserted"], summary["n_removed"]) == (6, 3, 1)
    assert summary["left_out"] == {"a2": "its lesions are not known"}
    items = {item["image_id"]: item for item in load_datalist(out / "datalist.json")}
    assert set(items) == {"a0", "a1", "a0_inserted_1", "a0_inserted_2", "a1_removed_1", "a1_inserted_1"}
    assert [items[name]["person_id"] for name in ("a0_inserted_2", "a1_removed_1")] == ["p0", "p1"]
    assert {name for name in items if not items[name].get("is_edited")} == {"a0", "a1"}, "originals are not"
    kinds = {
        name: (item["mask_kind"], len(item["boxes"]), item["conditions"]["finding"]) for name, item in items.items()
    }
    assert kinds["a0_inserted_1"] == ("contour", 1, "mass") and kinds["a1_inserted_1"] == ("contour", 2, "mass")
    assert kinds["a1_removed_1"] == ("none", 0, "none") and "label" not in items["a1_removed_1"]
    source, first, second = (
        np.asarray(Image.open(items[n]["image"])) for n in ("a0", "a0_inserted_1", "a0_inserted_2")
    )
    assert source.dtype == np.uint16 and (first != source).any() and (first != second).any()
    # what changed lies round the lesion of the label
    rows, columns = np.nonzero(first != source)
    x0, y0, x1, y1 = items["a0_inserted_1"]["boxes"][0]
    assert y0 * 160 - 30 < rows.mean() < y1 * 160 + 30 and x0 * 120 - 30 < columns.mean() < x1 * 120 + 30
    known, both = (np.asarray(Image.open(items[n]["label"])) > 0 for n in ("a1", "a1_inserted_1"))
    assert (both & known).sum() == known.sum() < both.sum(), "the lesions that were there are in the label too"


def text_of(path) -> str:
    with Image.open(path) as picture:
        return " ".join(map(str, picture.info.values()))


def test_what_is_acquired_says_so_and_what_was_edited_does(made):
    out, summary = made
    items = {item["image_id"]: item for item in json.loads((out / "datalist.json").read_text())["training"]}
    coco = {Path(one["file_name"]).stem: one for one in json.loads((out / "coco.json").read_text())["images"]}
    assert summary["n_originals"] == 2 and (summary["n_placed_anew"], summary["most_places"]) == (0, 5)
    for name, item in items.items():
        pictures = [out / item[key] for key in ("image", "breast", "label") if key in item]
        is_original = name in ("a0", "a1")
        assert (item["is_acquired"], item["is_edited"], item["is_synthetic"]) == (is_original, not is_original, False)
        for path in pictures:
            assert ("Acquired image, not changed by monai_mammo." in text_of(path)) is is_original, path
            assert ("of which a part was changed" in text_of(path)) is not is_original, path
        assert ("Acquired image, not changed" in coco[name].get("description", "")) is is_original


@pytest.mark.parametrize(
    ("stated", "origin"),
    [
        ({}, "acquired"),
        ({"is_synthetic": True}, "generated"),
        ({"labels": {"is_synthetic": "true"}}, "generated"),
        ({"is_edited": True}, "edited"),
    ],
)
def test_an_image_that_is_itself_generated_or_edited_is_not_called_acquired(prepared, tmp_path, stated, origin):
    home = shutil.copytree(prepared, tmp_path / "prepared")
    content = json.loads((home / "datalist.json").read_text())
    content["training"] = [{**content["training"][0], **stated}]
    (home / "datalist.json").write_text(json.dumps(content))
    ((source,), left_out, _) = training_sources(home, tmp_path / "out", split="training")
    assert source.origin == origin and not left_out


def test_a_report_of_a_set_states_the_weights_and_examines_what_was_made(made):
    out, _ = made
    source = ReportSource.of(out, kind=None, split="training")
    heads = [json.loads(path.read_text()) for path in out.glob("runs/*/manifest.json")]
    assert len(heads) == len(source.runs) == 3
    about = source.about()
    assert about["form"] == "set of augment, training split"
    assert {one["sha256"] for one in about["weights"]} == {one["sha256"] for head in heads for one in head["weights"]}
    assert len(about["weights"]) == 3, "each file once"
    assert about["weights"][0]["name"] == "mammo_diffusion painter" and about["guidance"] == 1.5
    assert about["n_requested"] == about["n_images"] == source.n_stated == 4 and about["images"] == "edited"
    assert {item["image_id"] for item in source.beside} == {"a0", "a1"}
    positions, origins = source_items(source.items, None, beside=source.beside)
    assert len(positions) == 4 and {item["image_id"] for item in origins} == {"a0", "a1"}
    drawn = Counter(str(item["image_id"]).split("_")[1] for item in synthetic_items(out))
    assert drawn == {"inserted": 3, "removed": 1}, "nothing acquired is taken for what was made"


def test_a_set_with_a_changed_manifest_is_refused_and_one_without_its_runs_states_no_weights(made, tmp_path):
    out = shutil.copytree(made[0], tmp_path / "set")
    path = out / "runs" / "normal_0000" / "manifest.json"
    path.write_text(path.read_text().replace('"guidance": 1.5', '"guidance": 2.5'))
    with pytest.raises(MammoError, match="normal_0000"):
        ReportSource.of(out, kind=None, split="training")
    shutil.rmtree(out / "runs")
    source = ReportSource.of(out, kind=None, split="training")
    assert "weights" not in source.about() and source.n_stated == 0 and not source.runs


def test_monai_and_our_data_sets_load_it(made):
    out, _ = made
    listed = load_decathlon_datalist(str(out / "datalist.json"), is_segmentation=True, data_list_key="training")
    outlined = [item for item in listed if "label" in item]
    loaded = Dataset(outlined, Compose([LoadImaged(("image", "label"), ensure_channel_first=True)]))
    batch = next(iter(DataLoader(loaded, batch_size=2)))
    assert batch["image"].shape == batch["label"].shape == (2, 1, 120, 160)  # MONAI's readers give columns first
    data = LesionDataset(load_datalist(out / "datalist.json"), is_augmented=False)
    assert len(data) == 6 and data[0]["image"].shape[-2:] == SHAPE


def test_coco_says_the_same_as_the_datalist(made):
    out, _ = made
    coco = json.loads((out / "coco.json").read_text())
    items = load_datalist(out / "datalist.json")
    assert [image["file_name"] for image in coco["images"]] == [f"images/{item['image_id']}.png" for item in items]
    names = {one["id"]: one["name"] for one in coco["categories"]}
    for image, item in zip(coco["images"], items, strict=True):
        assert (image["height"], image["width"]) == SHAPE and (out / image["file_name"]).is_file()
        found = [one for one in coco["annotations"] if one["image_id"] == image["id"]]
        boxes = [[x / 120, y / 160, (x + w) / 120, (y + h) / 160] for x, y, w, h in (one["bbox"] for one in found)]
        assert np.allclose(np.array(boxes).reshape(-1, 4), np.array(item["boxes"]).reshape(-1, 4), atol=1e-3)
        for one in found:
            mask = decoded(one["segmentation"])
            label = np.asarray(Image.open(item["label"])) > 0
            assert mask.shape == SHAPE and mask.sum() == one["area"] > 0 and not (mask & ~label).any()
            assert names[one["category_id"]] == "mass" and one["iscrowd"] == 0
    ids = [one["id"] for one in coco["annotations"]]
    assert ids == sorted(set(ids))
    mask = np.array([[True, False], [True, True]])
    assert run_lengths(mask) == {"counts": [0, 2, 1, 1], "size": [2, 2]} and (decoded(run_lengths(mask)) == mask).all()


def test_two_workers_and_a_call_that_goes_on_give_the_same_bytes(made, prepared, tiny, tmp_path):
    out, _ = made
    words = {"seed": 3, "steps": 1, "device": "cpu", "originals": True}
    monai_mammo.augment(prepared, out=tmp_path / "two", workers=2, **words)
    assert hashes(tmp_path / "two") == hashes(out)
    # a call that was killed: a sample, a picture and the lists are missing
    for path in (tmp_path / "two" / "runs" / "normal_0000" / "sample_0001").iterdir():
        path.unlink()
    for name in ("images/a0_inserted_2.png", "datalist.json", "coco.json"):
        (tmp_path / "two" / name).unlink()
    monai_mammo.augment(prepared, out=tmp_path / "two", **words)
    assert hashes(tmp_path / "two") == hashes(out)
    with pytest.raises(RequestError, match="made by another call"):
        monai_mammo.augment(prepared, out=tmp_path / "two", **{**words, "seed": 4})


def test_files_keep_their_size_and_the_command_says_what_came_out(tiny, scanned, tmp_path, capsys):
    scanned("a.dcm")  # states no lesion, and none to be absent
    shown = {"kind": "digital", "view": "CC", "laterality": "L", "finding": "none", "person_id": "p1"}
    drawn = draw_mammogram(
        Conditions(kind="digital", view="CC", laterality="L", finding="none"), seed=2, shape=(200, 150)
    )
    save_png(drawn.pixels, tmp_path / "b.png")
    (tmp_path / "b.json").write_text(json.dumps(shown))
    words = ["augment", str(tmp_path), "--per-image", "1", "--steps", "1", "--device", "cpu"]
    assert main([*words, "--out", str(tmp_path.parent / "set")]) == 0
    said = capsys.readouterr()
    assert "1 image in" in said.out and "1 with an inserted lesion, 0 with lesions taken out" in said.out
    assert "a takes no part: its lesions are not known" in said.err
    (item,) = load_datalist(tmp_path.parent / "set" / "datalist.json")
    assert Image.open(item["image"]).size == (150, 200) and item["person_id"] == "p1"
    assert main([*words, "--out", str(tmp_path.parent / "other"), "--finding", "none"]) == 2
    assert main(["augment", str(tmp_path / "nowhere"), "--out", str(tmp_path.parent / "other")]) == 2
    assert not (tmp_path.parent / "other" / "datalist.json").exists()
