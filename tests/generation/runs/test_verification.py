"""Faults that are planted into a run of drawn pictures, each of which must be found."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import highdicom
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from monai_mammo.dicom import read_segmentation
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation import generate, verify
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.runs.manifest_seal import sealed


@pytest.fixture(scope="module")
def sound(tmp_path_factory, tiny_folder, drawn_generator):
    """Four drawn mammograms, both sides and both views; not to be changed."""
    folder = tmp_path_factory.mktemp("drawn")
    rows = [f"digital,C,{view},mass,{side}" for view in ("CC", "MLO") for side in "LR"]
    (folder / "r.csv").write_text("\n".join(["kind,density,view,finding,laterality", *rows]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(tiny_folder))
        patch.setattr(Generator, "load", lambda *_, **__: drawn_generator)
        generate(conditions=folder / "r.csv", out=folder / "run")
    return folder / "run"


@pytest.fixture
def run(sound, tmp_path):
    """A copy of that run, to be damaged."""
    return Path(shutil.copytree(sound, tmp_path / "run"))


def restate(run: Path, name: str) -> None:
    """Make the manifest state a changed file, so that only its content gives it away."""
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    sample, _, file = name.partition("/")
    files = next(e["files"] for e in manifest["samples"] if e["id"] == sample)
    files[file] = hashlib.sha256((run / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(sealed(manifest)))


def edit_dicom(run: Path, name: str, change) -> None:
    dataset = dcmread(run / name)
    change(dataset)
    dataset.save_as(run / name)
    restate(run, name)


def test_drawn_mammograms_are_in_order_and_every_side_is_read(sound):
    report = verify(sound)
    assert report.problems == () and report.notes == ()
    assert report.n_sides_read == report.n_samples == 4
    assert report.to_dict()["is_in_order"] is True


def test_sides_hang_as_readers_expect(sound):
    for index, side in enumerate("LRLR"):
        pixels = dcmread(sound / f"sample_{index:04d}" / "mammogram.dcm").pixel_array
        left, right = (pixels[:, :8] > 0).mean(), (pixels[:, -8:] > 0).mean()
        assert (left > right) == (side == "L")


def test_boxes_and_segments_of_both_sides_are_where_the_picture_shows_them(sound):
    """A right breast is drawn mirrored: box, masks and report must all be turned with it."""
    entries = json.loads((sound / "manifest.json").read_text())["samples"]
    assert [entry["conditions"]["laterality"] for entry in entries] == list("LRLR")
    for entry in entries:
        sample = sound / entry["id"]
        masks = read_segmentation(sample / "lesion.seg.dcm")
        y, x = np.nonzero(masks["found"])
        rows, columns = masks["found"].shape
        seen = [x.min() / columns, y.min() / rows, (x.max() + 1) / columns, (y.max() + 1) / rows]
        np.testing.assert_allclose(entry["found"]["box"], seen, atol=1e-4)
        assert abs(x.mean() / columns - 0.5) > 0.02, "a mirrored box would be elsewhere"
        shown = dcmread(sample / "mammogram.dcm").pixel_array > 0
        assert shown[masks["found"]].mean() > 0.9
        groups = highdicom.sr.srread(sample / "report.dcm").content.get_planar_roi_measurement_groups()
        numbers = {g.tracking_identifier: g.referenced_segmentation_frame[0].referenced_segment_numbers for g in groups}
        assert numbers == {"requested lesion": [1], "found lesion": [2]}


@pytest.mark.parametrize(
    "name", ["sample_0001/mammogram.dcm", "sample_0000/lesion.png", "datalist.json", "contact_sheet.png"]
)
def test_a_changed_byte_is_found(run, name):
    data = bytearray((run / name).read_bytes())
    data[len(data) // 2] ^= 1
    (run / name).write_bytes(bytes(data))
    assert [p for p in verify(run).problems if p.startswith(name)]


def test_a_missing_file_is_found(run):
    (run / "sample_0002" / "lesion.seg.dcm").unlink()
    assert verify(run).problems == ("sample_0002/lesion.seg.dcm is missing",)


def test_a_stranger_is_noted(run):
    (run / "notes.txt").write_text("mine")
    report = verify(run)
    assert report.problems == () and report.notes == ("notes.txt does not belong to the run",)


def test_a_flipped_picture_is_found(run):
    def flip(dataset):
        dataset.decompress()
        dataset.PixelData = np.ascontiguousarray(dataset.pixel_array[:, ::-1]).tobytes()

    edit_dicom(run, "sample_0000/mammogram.dcm", flip)
    text = " ".join(verify(run).problems)
    assert "PatientOrientation puts the chest wall left, the pixels show it right" in text
    assert "another one than mammogram.png" in text


def test_a_picture_on_the_wrong_side_is_found_without_dicom_too(run):
    sample = run / "sample_0000"
    for name in ("mammogram.png", "lesion.png"):
        Image.fromarray(np.asarray(Image.open(sample / name))[:, ::-1]).save(sample / name)
        restate(run, f"sample_0000/{name}")
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    for name in ("mammogram.dcm", "lesion.seg.dcm", "report.dcm"):
        del manifest["samples"][0]["files"][name]
        (sample / name).unlink()
    path.write_text(json.dumps(sealed(manifest)))
    assert any("the pixels show the chest wall right, a L breast has it left" in p for p in verify(run).problems)


def test_a_wrong_side_is_found(run):
    edit_dicom(run, "sample_0000/mammogram.dcm", lambda d: setattr(d, "ImageLaterality", "R"))
    assert any("Side or view are not those" in p for p in verify(run).problems)


def test_a_missing_mark_is_found(run):
    edit_dicom(run, "sample_0000/mammogram.dcm", lambda d: d.__delitem__("SyntheticData"))
    assert any("SyntheticData must be YES" in p for p in verify(run).problems)


@pytest.mark.parametrize("name", ["lesion.seg.dcm", "report.dcm"])
def test_a_mask_or_report_of_another_sample_is_found(run, name):
    shutil.copy(run / "sample_0000" / name, run / "sample_0002" / name)
    restate(run, f"sample_0002/{name}")
    assert any(f"{name} refers to another mammogram" in p for p in verify(run).problems)


def test_a_report_that_is_none_is_found(run):
    (run / "sample_0000" / "report.dcm").write_bytes(b"no report")
    restate(run, "sample_0000/report.dcm")
    assert any("report.dcm cannot be read" in p for p in verify(run).problems)


def test_a_mask_in_the_air_is_found(run):
    path = run / "sample_0000" / "lesion.png"
    mask = np.zeros_like(np.asarray(Image.open(path)))
    mask[:4, -4:] = 255
    Image.fromarray(mask).save(path)
    restate(run, "sample_0000/lesion.png")
    text = " ".join(verify(run).problems)
    assert "100% of the lesion mask lies outside the breast" in text
    assert "lesion.seg.dcm and lesion.png show different lesions" in text
    assert "prepared_lesion.npy and lesion.png show different lesions" in text


def test_a_dice_that_is_not_so_is_found(run):
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["samples"][0]["found"]["dice"] = 0.99
    path.write_text(json.dumps(sealed(manifest)))
    assert any("do not give the Dice" in p for p in verify(run).problems)


def test_other_conditions_are_found(run):
    path = run / "sample_0000" / "conditions.json"
    path.write_text(path.read_text().replace('"C"', '"D"'))
    restate(run, "sample_0000/conditions.json")
    assert any("conditions.json and the manifest differ" in p for p in verify(run).problems)


def test_a_datalist_that_lacks_a_sample_is_found(run):
    path = run / "datalist.json"
    values = json.loads(path.read_text())
    del values["training"][0]
    path.write_text(json.dumps(values))
    assert any("does not list the samples" in p for p in verify(run).problems)


def test_an_unfinished_run_is_found(run):
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["samples"].pop()
    path.write_text(json.dumps(sealed(manifest)))
    assert any("1 of 4 samples is not made yet" in p for p in verify(run).problems)


def test_garbage_in_place_of_dicom_is_found_and_not_fatal(run):
    (run / "sample_0000" / "mammogram.dcm").write_bytes(b"\0" * 500)
    restate(run, "sample_0000/mammogram.dcm")
    assert any("mammogram.dcm could not be read" in p for p in verify(run).problems)


def test_a_folder_without_a_run_is_a_request_error(tmp_path):
    with pytest.raises(RequestError, match="holds no run"):
        verify(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"version": 1, "samples": [{"index": 0}]}'])
def test_a_manifest_of_another_kind_is_one_sentence(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(MammoError, match=r"manifest\.json (could not be read as JSON|cannot be read as the manifest)"):
        verify(tmp_path)


def test_a_manifest_does_not_lead_out_of_its_folder(run):
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["../secret"] = "0" * 64
    path.write_text(json.dumps(sealed(manifest)))
    with pytest.raises(MammoError, match="cannot be read as the manifest of a run"):
        verify(run)
