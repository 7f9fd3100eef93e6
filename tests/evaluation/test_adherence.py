"""Sides, boxes and masks of written runs."""

from __future__ import annotations

import dataclasses
import json
import os

import numpy as np
import pytest

from monai_mammo import bundle
from monai_mammo.bundle import PartInTraining
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.adherence import adherence_figures, compared_readings, side_figures
from monai_mammo.evaluation.examiners import JUDGE, refuse_judge_that_drew, training_parts
from monai_mammo.evaluation.lesion_readings import Reading
from monai_mammo.evaluation.loop.loop_of_run import evaluate_loop
from monai_mammo.evaluation.report.report_of_folder import evaluate_report
from monai_mammo.evaluation.run_items import items_of_run, load_run
from monai_mammo.generation.runs.output_format import OutputFormat

NOTHING = np.zeros((64, 48), dtype=bool)


@pytest.fixture
def samples(drawn):
    """Three samples with a lesion and one without, of both sides."""
    return [(side, *drawn(i)) for i, side in enumerate("LRL")] + [("R", drawn(3)[0], NOTHING)]


@pytest.fixture(params=[False, True], ids=["from files", "from items"])
def sides(request, monkeypatch):
    """Figures of the sides of a run, from its files or from items that were read of it already."""

    def figures(run):
        items = items_of_run(run) if request.param else []
        if items:
            monkeypatch.setattr("monai_mammo.evaluation.adherence.written_pixels", None)  # not read once more
        return side_figures([load_run(run)], items)

    return figures


def test_sides_of_a_run_in_order(make_run, samples, sides):
    found = sides(make_run(samples))
    assert found == {"n": 4, "as_requested": 4, "n_dicom": 4, "image_laterality": 4, "patient_orientation": 4}


def test_a_picture_that_hangs_mirrored_is_seen(make_run, samples, sides):
    found = sides(make_run(samples, mirrored=(1,)))
    assert found == {"n": 4, "as_requested": 3, "n_dicom": 4, "image_laterality": 3, "patient_orientation": 3}


def test_a_picture_without_breast_has_no_side(make_run, sides):
    run = make_run([("L", np.zeros((64, 48), dtype=np.float32), NOTHING)], output_format=OutputFormat.PNG)
    assert sides(run) == {
        "n": 1,
        "as_requested": 0,
        "n_dicom": 0,
        "image_laterality": 0,
        "patient_orientation": 0,
    }


@pytest.mark.parametrize("output_format", list(OutputFormat))
def test_samples_come_back_chest_wall_left(make_run, samples, output_format):
    items = items_of_run(make_run(samples, output_format=output_format))
    step = 65535 / (4095 if output_format is OutputFormat.DICOM else 255)
    for item, (_, image, lesion) in zip(items, samples, strict=True):
        assert np.abs(item["image"] - 65535.0 * image).max() <= step
        assert (item["label"] == lesion).all()
        assert (item["breast"] == (image > 0)).mean() > 0.9, "opening eats the corners of a breast this small"
    assert [item["mask_kind"] for item in items] == ["contour"] * 3 + ["none"]
    assert items[1]["boxes"] == [pytest.approx([10 / 48, 28 / 64, 20 / 48, 38 / 64])]
    assert items[1]["conditions"]["box"] == items[1]["boxes"][0]
    assert len({item["person_id"] for item in items}) == 4


def test_figures_stand_beside_acquired_images_of_the_same_kind(make_run, samples, datalist):
    found = adherence_figures([make_run(samples), make_run(samples[:1])], datalist, device="cpu")
    rows = {(r["network"], r["kind"], r["measure"]): r for r in found["rows"]}
    assert {kind for _, kind, _ in rows} == {"digital"}
    row = rows["lesion network", "digital", "Dice"]
    assert (row["synthetic"]["n"], row["acquired"]["n"]) == (4, 1)
    assert rows["judge", "digital", "view"]["acquired"]["n"] == 2
    assert found["sides"]["as_requested"] == 5
    assert found["first_try_dice"]["mean"] == 0.25
    assert [run["n_samples"] for run in found["runs"]] == [4, 1]


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_the_contrast_of_lesions_stands_beside_that_of_acquired_ones(make_run, datalist, drawn, share):
    """The acquired lesion has a brightness of 0.95, its surround, noise and a little air, 0.48 on average."""
    image, lesion = drawn(0)
    flat = np.where(image > 0, 0.4, 0).astype(np.float32)
    flat[lesion] = 0.4 + 0.45 * min(share, 1.3)
    found = adherence_figures([make_run([("L", flat, lesion)] * 2)], datalist, device="cpu")
    (row,) = [row for row in found["rows"] if row["measure"] == "lesion contrast"]
    assert (row["network"], row["kind"]) == ("none: pixels", "digital")
    assert row["synthetic"]["mean"] == pytest.approx(0.45 * min(share, 1.3), abs=0.01)
    assert row["acquired"]["mean"] == pytest.approx(0.47, abs=0.05)
    assert row["ratio"]["mean"] == pytest.approx(row["synthetic"]["mean"] / row["acquired"]["mean"], rel=0.01)
    assert (row["synthetic"]["n"], row["acquired"]["n"]) == (2, 1)


def test_where_no_lesion_was_requested_there_is_no_row_of_its_contrast(make_run, datalist, drawn):
    image, lesion = drawn(0)
    found = adherence_figures([make_run([("L", image, np.zeros_like(lesion))] * 2)], datalist, device="cpu")
    assert "lesion contrast" not in {row["measure"] for row in found["rows"]}
    assert all(row["synthetic"] is not None for row in found["rows"])


def test_kinds_that_were_not_generated_stand_beside_nothing():
    """Two kinds generated, three acquired: among all, too, only those two are compared."""

    def reading(kind, value, person):
        words = {"mask_kind": "contour", "iou": None, "is_clear": False, "labels": {}, "found": {}}
        return Reading(kind=kind, person_id=person, dice=value, **words)

    synthetic = [reading("digital", 0.4, "s1"), reading("contrast", 0.6, "s2")]
    acquired = [reading(kind, value, kind) for kind, value in (("digital", 0.5), ("contrast", 0.7), ("film", 0.0))]
    rows = {row["kind"]: row for row in compared_readings(synthetic, acquired) if row["measure"] == "Dice"}
    assert set(rows) == {"digital", "contrast", "all"}
    assert (rows["all"]["acquired"]["n"], rows["all"]["acquired"]["mean"]) == (2, 0.6)
    assert rows["all"]["ratio"]["mean"] == pytest.approx(0.5 / 0.6, abs=1e-4)


def test_first_tries_count_and_not_those_that_were_kept(make_run, samples, datalist):
    """Three samples with a lesion: 0.1 was drawn first, 0.9 kept."""
    found = adherence_figures([make_run(samples, dice_of_tries=(0.1, 0.3, 0.9))], datalist, device="cpu")
    assert (found["first_try_dice"]["mean"], found["first_try_dice"]["n"]) == (0.1, 3)


def test_an_empty_folder_is_refused(tmp_path, datalist):
    with pytest.raises(RequestError, match="holds no run"):
        adherence_figures([tmp_path], datalist, device="cpu")


def test_a_judge_that_had_a_part_in_a_run_is_refused(make_run, samples, datalist, tmp_path):
    home = bundle.find("mammo_lesion_segmentation")
    run = make_run(samples[:1], weights=[home.weights_sha256[JUDGE[0]]])
    with pytest.raises(RequestError, match="the judge of mammo_lesion_segmentation had a part in the run"):
        adherence_figures([run], datalist, device="cpu")
    with pytest.raises(RequestError, match="the judge of mammo_lesion_segmentation had a part in the run"):
        evaluate_report(run, reference=datalist.parent, out=tmp_path / "report", device="cpu")
    with pytest.raises(RequestError, match="the judge of mammo_lesion_segmentation had a part in the run"):
        evaluate_loop(run, datalist=datalist, device="cpu")


def test_a_judge_that_taught_the_generator_is_refused(make_run, samples, datalist, monkeypatch, tmp_path):
    """As the run itself states it, or a bundle with the same weights that is at hand."""
    home = bundle.find("mammo_lesion_segmentation")
    judge = PartInTraining.of(home, JUDGE[0])
    run = make_run(samples[:1], weights=["cd" * 32])
    assert training_parts(load_run(run)) == ({}, ("tiny",))
    manifest = load_run(run)
    manifest.head["weights"][0]["trained_with"] = [judge.sha256]
    manifest.save()
    taught = "the judge of mammo_lesion_segmentation had a part in the training of tiny, which drew the run"
    with pytest.raises(RequestError, match=taught):
        adherence_figures([run], datalist, device="cpu")
    with pytest.raises(RequestError, match=taught):
        evaluate_report(run, reference=datalist.parent, out=tmp_path / "report", device="cpu")
    (tmp_path / "tiny" / "configs").mkdir(parents=True)
    entry = {"sha256": "cd" * 32, "networks": [dataclasses.asdict(judge)]}
    about = {"version": "1", "weights_sha256": {"m.pt": "cd" * 32}, "trained_with": {"m.pt": entry}}
    (tmp_path / "tiny" / "configs" / "metadata.json").write_text(json.dumps(about))
    other = make_run(samples[:1], weights=["cd" * 32])
    refuse_judge_that_drew(home, load_run(other))
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", f"{tmp_path}{os.pathsep}{home.root.parent}")
    with pytest.raises(RequestError, match=taught):
        refuse_judge_that_drew(home, load_run(other))


def test_the_lesion_network_that_chose_among_tries_may_read_a_run(make_run, samples, datalist):
    home = bundle.find("mammo_lesion_segmentation")
    run = make_run(samples[:1], weights=[home.weights_sha256["models/model.pt"]])
    assert adherence_figures([run], datalist, device="cpu")["sides"]["n"] == 1
