"""The command on tiny runs of edits, from folders to figures, tables and pages."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_bundles import write_painter

import monai_mammo
from monai_mammo.bundle import seal
from monai_mammo.cli.main import main
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.evaluation import evaluate
from monai_mammo.evaluation.brought_items import items_of_edited_run
from monai_mammo.evaluation.edits.edit_figures import Maps, figures_of_run
from monai_mammo.evaluation.edits.edited_places import edited_places, load_edited_run
from monai_mammo.evaluation.found_breast import breast_in_pixels
from monai_mammo.evaluation.realism.compared_images import synthetic_items
from monai_mammo.files.picture import read_brightness
from monai_mammo.files.png import save_png
from monai_mammo.networks import EfficientNetLite
from monai_mammo.phantom import draw_mammogram

SHAPE = (320, 240)


@pytest.fixture(scope="module", autouse=True)
def _bundles(bundles, tmp_path_factory):
    """The tiny bundles with a painter and an encoder."""
    folder = tmp_path_factory.mktemp("edit_bundles")
    shutil.copytree(bundles, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(folder))
        write_painter(folder / "mammo_diffusion")
        home = folder / "mammo_lesion_segmentation"
        path = home / "configs" / "inference.json"
        definition = {"_target_": "monai_mammo.networks.EfficientNetLite", "variant": "lite0"}
        path.write_text(json.dumps({**json.loads(path.read_text()), "encoder_def": definition}))
        torch.manual_seed(0)
        torch.save(EfficientNetLite("lite0").half().state_dict(), home / "models" / "encoder_lite0.pt")
        seal(home)
    return folder


@pytest.fixture(autouse=True)
def _use_them(_bundles, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(_bundles))


@pytest.fixture(scope="module")
def acquired(tmp_path_factory):
    """Twelve drawn mammograms of six persons as pictures: eight with an outlined mass, four without a lesion."""
    folder = tmp_path_factory.mktemp("acquired")
    for i in range(12):
        finding = "mass" if i < 8 else "none"
        shown = {"kind": "film", "view": "CC", "laterality": "L", "density": "B", "finding": finding}
        drawn = draw_mammogram(Conditions.from_dict(shown), seed=i, shape=SHAPE)
        values = {**shown, "person_id": f"p{i % 6}", "pixel_spacing_mm": 0.5}
        if i < 8:
            save_png(drawn.lesion_mask, folder / f"a{i}_mask.png")
            values["lesion_mask"] = f"a{i}_mask.png"
        save_png(drawn.pixels, folder / f"a{i}.png")
        (folder / f"a{i}.json").write_text(json.dumps(values))
    return folder


@pytest.fixture(scope="module")
def runs(acquired, _bundles, tmp_path_factory):
    """A run of insertions into the four normals, and one of removals of three known lesions."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(_bundles))
        normals = [acquired / f"a{i}.png" for i in range(8, 12)]
        masses = [acquired / f"a{i}.png" for i in range(3)]
        common = {"steps": 1, "device": "cpu"}
        monai_mammo.insert(normals, out=folder / "inserted", size_px=40, count=2, **common)
        monai_mammo.remove(masses, out=folder / "removed", **common)
    return folder


def test_insertions_stand_beside_real_lesions_and_two_runs_side_by_side(runs, acquired, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["evaluate", "edits", f"ours={runs / 'inserted'}", f"again={runs / 'inserted'}", "--device", "cpu"]
    assert main([*words, "--reference", str(acquired), "--out", str(out), "--reader-sheet"]) == 0
    figures = json.loads((out / "edits.json").read_text())
    ours, again = figures["runs"]["ours"], figures["runs"]["again"]
    assert (ours["command"], ours["n"], ours["n_persons"]) == ("insert", 8, 4)
    assert (ours["n_others"], ours["n_persons_of_others"]) == (8, 6), "persons come from the JSON files"
    aucs = {(row["kind"], row["crop_px"], row["features"]) for row in ours["auc"]}
    assert aucs == {("film", px, name) for px in (64, 128) for name in ("last layer", "inner layers", "radiomic")}
    assert ours["auc"] == again["auc"]
    score = {row["network"]: row for row in ours["score"]}
    assert set(score) == {"lesion network", "judge"} and score["judge"]["n"] == 8
    assert {row["measure"] for row in ours["seam"]} == {"across", "across over along"}
    assert ours["contrast"][0]["others"]["n"] == 8
    # outlined masses of the phantom stand out of their surround
    assert ours["contrast"][0]["others"]["low"] > 0
    lines = ours["lines"][0]
    assert lines["edited"]["n"] == ours["n"] and lines["others"]["n"] == 8 and 0.5 < lines["before"]["mean"] < 2
    trends = {(row["network"], row["property"]): row for row in ours["trends"]}
    assert trends["judge", "size"]["edited"]["verdict"] == trends["judge", "size"]["others"]["verdict"] == "too few"
    printed = capsys.readouterr().out
    assert printed == (out / "edits.md").read_text() and "| edited, ours | n, ours |" in printed
    page = np.asarray(Image.open(out / "pairs_ours.png"))
    assert page.shape[1] == 5 * (2 * 128 + 12)
    # the page shows the source at the left and the edited picture at the right
    assert (page[20:148, :128] != page[20:148, 130:258]).any()
    rows = list(csv.DictReader((out / "reader_sheet_ours_answers.csv").open()))
    html = (out / "reader_sheet_ours.html").read_text()
    assert len(rows) == html.count('class="pair"') > 0 and {row["synthetic"] for row in rows} <= {"left", "right"}
    assert "http" not in html.replace("http-equiv", "") and "synthetic" not in html.lower()


def test_removals_are_held_against_healthy_places(runs, acquired):
    removed = evaluate("edits", runs=[runs / "removed"], reference=acquired, device="cpu")["runs"]["removed"]
    assert removed["command"] == "remove" and removed["n_others"] > 8 and "contrast" not in removed
    judge = next(row for row in removed["score"] if row["network"] == "judge")
    assert judge["n"] == 3 and judge["below"]["n"] == 3 and 0 < judge["limit"] < 1
    assert "localisation" not in removed, "the known lesion was named, so that nothing was to be found"


def test_a_found_region_is_located_by_the_difference_and_by_the_map_of_the_network(runs):
    manifest = load_edited_run(runs / "removed")
    edits = [
        dataclasses.replace(one, is_found=True)
        for one in edited_places("r", manifest, persons={}, shape=(64, 48), on_grid=False)
    ]
    truths = {one.source: one.before.on_grid.mask for one in edits}
    right = [one.before.on_grid.mask.astype(np.float32) for one in edits]
    away = [np.roll(one, 24, axis=0) for one in right]
    maps = {"right": Maps(right, right, []), "away": Maps(away, away, [])}
    found = figures_of_run(edits, [], features=lambda crops: {}, maps=maps, truths=truths)["localisation"]
    assert [(row["map"], row["hit"]["mean"]) for row in found[1:]] == [("right", 1.0), ("away", 0.0)]
    assert found[1]["iou"]["mean"] == 1.0 and found[0]["map"] == "difference" and found[0]["iou"]["mean"] > 0


def test_a_prepared_folder_compares_on_its_own_grid(runs, datalist):
    figures = evaluate("edits", runs=[runs / "inserted"], reference=datalist.parent, device="cpu")
    assert figures["settings"]["pixels"] == "prepared grid"
    run = figures["runs"]["inserted"]
    assert run["n_others"] == 5 and run["n_persons"] == 4 * 2 / 2, "sources that are not known are persons of their own"


def test_edited_mammograms_come_as_prepared_images(runs):
    """At the grid's size as they are, else brought to it; a removal leaves no lesion, and an insertion its outline."""
    as_they_are = synthetic_items(runs / "inserted", shape=SHAPE)
    manifest = load_edited_run(runs / "inserted")
    assert len(as_they_are) == len(manifest.samples) == 8
    for index, item in enumerate(as_they_are):
        folder = runs / "inserted" / f"sample_{index:04d}"
        written = read_brightness(folder / "edited.png")
        assert np.abs(item["image"] / 65535 - written).max() < 1e-4, "left breasts hang as they are kept"
        assert (item["label"] == (read_brightness(folder / "requested.png") > 0.5)).all() and item["label"].any()
        assert item["boxes"] == [pytest.approx(list(manifest.samples[index]["box"]))]
        assert (item["mask_kind"], item["conditions"]["kind"]) == ("contour", "film")
        assert item["conditions"]["finding"] == "mass" and item["conditions"]["view"] == "CC"
    persons = [item["person_id"] for item in as_they_are]
    assert len(set(persons)) == 4 and persons[:4] == persons[4:], "versions of a source are of its person"
    smaller = synthetic_items(runs / "inserted", shape=(64, 48))
    for item in smaller:
        rows, columns = np.nonzero(item["label"])
        x0, y0, x1, y1 = np.array(item["boxes"][0]) * [48, 64, 48, 64]
        assert item["image"].shape == item["breast"].shape == item["label"].shape == (64, 48)
        assert abs(rows.min() - y0) <= 2 and abs(rows.max() + 1 - y1) <= 2
        assert abs(columns.min() - x0) <= 2 and abs(columns.max() + 1 - x1) <= 2
        assert item["image"][~item["breast"]].max() == 0
    for item in synthetic_items(runs / "removed", shape=SHAPE):
        assert item["mask_kind"] == "none" and item["boxes"] == [] and not item["label"].any()
    with pytest.raises(RequestError, match="is a run of edits: bring them to the grid"):
        synthetic_items(runs / "inserted")


def test_a_right_breast_is_turned_with_all_that_is_known_of_it(runs, tmp_path):
    folder = tmp_path / "inserted"
    shutil.copytree(runs / "inserted", folder)
    sample = folder / "sample_0000"
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    in_air = ((rows - 160) / 150) ** 2 + (columns / 180) ** 2 > 1
    Image.fromarray(np.where(in_air, 0, np.asarray(Image.open(sample / "edited.png")))).save(sample / "edited.png")
    before = items_of_edited_run(load_edited_run(folder), shape=SHAPE, breast_of=breast_in_pixels)[0]
    for name in ("edited.png", "requested.png"):
        Image.fromarray(np.asarray(Image.open(sample / name))[:, ::-1].copy()).save(sample / name)
    manifest = load_edited_run(folder)
    x0, y0, x1, y1 = manifest.samples[0]["box"]
    manifest.samples[0]["box"] = [1 - x1, y0, 1 - x0, y1]
    after = items_of_edited_run(manifest, shape=SHAPE, breast_of=breast_in_pixels)[0]
    assert (after["image"] == before["image"]).all() and (after["label"] == before["label"]).all()
    assert after["boxes"] == [pytest.approx(before["boxes"][0], abs=1e-5)]


def test_a_report_of_edited_mammograms(runs, datalist, tmp_path):
    out = tmp_path / "report"
    report = evaluate("report", synthetic=runs / "inserted", reference=datalist.parent, out=out, device="cpu")
    assert (report["synthetic"]["form"], report["synthetic"]["n_images"]) == ("run of insert", 8)
    assert report["synthetic"]["images"] == "edited"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<h1>What these edited mammograms may be used for</h1>" in page
    assert "Images named edited are acquired ones of which a part was drawn." in page
    captions = [one.partition(":")[0] for one in re.findall(r"<figcaption>(.*?)</figcaption>", page)]
    assert set(captions) == {"edited", "acquired"} and 'alt="SYNTHETIC' not in page
    verdicts = {row["name"]: row for row in report["verdicts"]}
    assert verdicts["side"]["light"] == "not measured" and verdicts["origin"]["figure"]["value"] == 1
    read = {(row["network"], row["measure"]): row for row in report["figures"]["adherence"]["rows"]}
    assert read["judge", "Dice"]["synthetic"]["n"] == 8, "the judge is asked for what was inserted"


def test_what_cannot_be_judged_is_said(runs, acquired, make_run, drawn, tmp_path):
    generated = make_run([("L", *drawn(0))])
    with pytest.raises(RequestError, match="is a run of 'generate', and edits are judged of insert and remove"):
        evaluate("edits", runs=[generated], reference=acquired, device="cpu")
    with pytest.raises(RequestError, match="joins runs of insert and remove"):
        evaluate("edits", runs=[f"a={runs / 'inserted'}", f"a={runs / 'removed'}"], reference=acquired, device="cpu")
    with pytest.raises(RequestError, match="is not named in letters"):
        evaluate("edits", runs=[f"a/b={runs / 'inserted'}"], reference=acquired, device="cpu")
    with pytest.raises(RequestError, match="name a folder for it with --out"):
        evaluate("edits", runs=[runs / "inserted"], reference=acquired, reader_sheet=True, device="cpu")
    with pytest.raises(RequestError, match="is not a folder of mammograms"):
        evaluate("edits", runs=[runs / "inserted"], reference=tmp_path / "nowhere", device="cpu")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RequestError, match="evaluate edits"):
        evaluate("edits", runs=[runs / "inserted"], reference=acquired, out=tmp_path, device="cpu")
