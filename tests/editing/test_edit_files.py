"""What an edited file says of itself, the proof by its source, lesions known when it is edited again, and bad input."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import drawn_runs
import numpy as np
import pydicom
import pytest
import torch
from dicom_tools import errors_between, errors_of
from PIL import Image

import monai_mammo
from monai_mammo.cli.main import main
from monai_mammo.dicom import read_segmentation
from monai_mammo.dicom.writing.told_lesions import lesions_told, told_lesions
from monai_mammo.editing.burnt_text import burnt_text
from monai_mammo.editing.edit_request import listed_images
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.side_by_side import side_by_side
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files import whole
from monai_mammo.files.png import png_bytes

PLACE = {"box": "0.1,0.4,0.4,0.6", "seed": 5, "steps": 2}
ELSEWHERE = {"box": "0.1,0.65,0.3,0.8", "seed": 5, "steps": 2}
# written anew by an edit: identity, pixels, and what was done
OWN = (
    "SOPInstanceUID SeriesInstanceUID SeriesDescription ImageType ImageComments PixelData DerivationDescription "
    "DerivationCodeSequence SourceImageSequence SyntheticData ContributingEquipmentSequence"
).split()


def values_of(path):
    return np.asarray(Image.open(path)) if path.suffix == ".png" else pydicom.dcmread(path).pixel_array


def sample_of(run, index=0):
    return run.folder / f"sample_{index:04d}"


def test_every_tag_of_the_acquisition_is_kept_and_the_object_is_derived_and_secondary(tiny, scanned, tmp_path):
    source = scanned(ExposureTime="800", OrganDose="0.012", BodyPartThickness="54", DeviceSerialNumber="4711")
    run = monai_mammo.insert(source, out=tmp_path / "run", **PLACE)
    acquired, edited = pydicom.dcmread(source), pydicom.dcmread(sample_of(run) / "edited.dcm")
    assert list(edited.ImageType) == ["DERIVED", "SECONDARY", ""]
    differing = {element.keyword for element in acquired if edited.get(element.tag) != element}
    assert differing <= set(OWN)
    assert {element.keyword for element in edited} - {element.keyword for element in acquired} <= set(OWN)
    assert "lesion_inserted" in edited.DerivationDescription
    stated = run.samples[0]["source"]["sha256"]
    assert stated == hashlib.sha256(source.read_bytes()).hexdigest()


def test_masks_and_a_report_say_what_was_asked_what_changed_and_what_the_network_finds(tiny, scanned, tmp_path):
    source = scanned()
    run = monai_mammo.insert(source, out=tmp_path / "run", margin="spiculated", birads=5, **PLACE)
    folder = sample_of(run)
    masks, found = read_segmentation(folder / "lesion.seg.dcm"), values_of(folder / "found.png") > 0
    assert set(masks) == {"requested", "Changed pixels", "found"} and np.array_equal(masks["found"], found)
    report = pydicom.dcmread(folder / "report.dcm")
    said = str(report)
    assert report.Modality == "SR" and "Spiculated" in said and "Mass" in said
    assert pydicom.dcmread(folder / "edited.dcm").SOPInstanceUID in said
    assert errors_of(folder / "report.dcm", kind="ComprehensiveSR") == []
    assert errors_between(*(folder / name for name in ("edited.dcm", "lesion.seg.dcm", "report.dcm"))) == []
    assert monai_mammo.verify(run.folder).problems == ()
    taken = monai_mammo.remove(source, out=tmp_path / "removed", **PLACE)
    assert "No abnormality" in str(pydicom.dcmread(sample_of(taken) / "report.dcm"))
    shutil.copy(sample_of(taken) / "report.dcm", folder / "report.dcm")
    assert any("report.dcm is not what the run wrote" in one for one in monai_mammo.verify(run.folder).problems)


def test_verify_holds_a_run_against_its_source(tiny, scanned, picture, tmp_path, capsys):
    source = scanned()
    run = monai_mammo.insert([source, picture], out=tmp_path / "run", **PLACE)
    proof = monai_mammo.verify(run.folder, source=tmp_path)
    assert proof.problems == () and proof.n_sources_proved == 2
    alone = monai_mammo.verify(run.folder, source=source)
    assert alone.n_sources_proved == 1 and "which was called normal.png" in alone.problems[0]
    # the same picture in another file is not the source
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "copy.dcm").write_bytes(source.read_bytes() + b"\0\0")
    assert monai_mammo.verify(run.folder, source=tmp_path / "other").n_sources_proved == 0
    with pytest.raises(RequestError, match="neither a file nor a folder"):
        monai_mammo.verify(run.folder, source=tmp_path / "nothing")
    assert main(["verify", str(run.folder), "--source", str(source), "--quiet"]) == 1
    assert main(["verify", str(run.folder), "--source", str(tmp_path)]) == 0
    assert "source of 2 compared" in capsys.readouterr().out


def test_a_pixel_that_differs_from_the_source_is_counted(tiny, picture, tmp_path):
    from monai_mammo.generation.runs.manifest import Manifest
    from monai_mammo.generation.runs.run_sources import SourceFiles

    run = monai_mammo.insert(picture, out=tmp_path / "run", **PLACE)
    path = sample_of(run) / "edited.png"
    pixels = values_of(path).copy()
    pixels[0, :3] ^= 1
    path.write_bytes(png_bytes(pixels))
    problems, n_proved = SourceFiles(picture).problems(Manifest.load(run.folder))
    assert n_proved == 0 and "3 pixels away from changed.png" in problems[0]


@pytest.mark.parametrize("kind", ["dicom", "picture"])
def test_lesions_of_earlier_edits_are_known_when_an_image_is_edited_again(tiny, scanned, picture, tmp_path, kind):
    name = "edited.dcm" if kind == "dicom" else "edited.png"
    source = scanned() if kind == "dicom" else picture
    first = monai_mammo.insert(source, out=tmp_path / "a", **PLACE)
    second = monai_mammo.insert(sample_of(first) / name, out=tmp_path / "b", **ELSEWHERE)
    assert not any("lies over" in warning for warning in second.warnings)
    assert any("the rest is edited mammogram" in warning for warning in second.warnings)
    known = EditSource.read(sample_of(second) / name).known_lesions()
    for run in (first, second):
        requested = values_of(sample_of(run) / "requested.png") > 0
        assert (requested & known).sum() > 0.97 * requested.sum()
    assert known.mean() < 0.2
    drawn = {"seed": 5, "steps": 2, "view": "CC", "laterality": "L", "count": 3}
    size = {"size_mm": 5} if kind == "dicom" else {"size_px": 25}
    third = monai_mammo.insert(sample_of(second) / name, out=tmp_path / "c", **drawn, **size)
    for index in range(3):
        assert not (values_of(sample_of(third, index) / "requested.png").astype(bool) & known).any()
    again = monai_mammo.insert(sample_of(second) / name, out=tmp_path / "d", **PLACE)
    assert any("lies over a lesion that the file tells of" in warning for warning in again.warnings)
    taken = monai_mammo.remove(sample_of(second) / name, out=tmp_path / "e", **PLACE)
    left = EditSource.read(sample_of(taken) / name).known_lesions()
    assert 0 < left.sum() < 0.7 * known.sum()
    all_taken = monai_mammo.remove(sample_of(taken) / name, out=tmp_path / "f", seed=5, steps=2)
    assert not EditSource.read(sample_of(all_taken) / name).known_lesions().any()


def test_the_header_of_an_image_edited_again_tells_the_chain(tiny, scanned, tmp_path):
    source = scanned()
    first = sample_of(monai_mammo.insert(source, out=tmp_path / "a", **PLACE)) / "edited.dcm"
    second = sample_of(monai_mammo.remove(first, out=tmp_path / "b", **ELSEWHERE)) / "edited.dcm"
    acquired, one, two = (pydicom.dcmread(path) for path in (source, first, second))
    chain = [item.ReferencedSOPInstanceUID for item in two.SourceImageSequence]
    assert chain == [one.SOPInstanceUID, acquired.SOPInstanceUID]
    assert [item.CodeValue for item in two.DerivationCodeSequence] == ["lesion_removed", "lesion_inserted"]
    assert "a lesion was inserted" in two.ImageComments and "a region was filled" in two.ImageComments
    assert "the rest is edited mammogram" in two.ImageComments
    assert errors_of(second, kind="MammographyImage") == []


def test_words_of_another_program_tell_of_no_lesion():
    dataset = pydicom.Dataset()
    dataset.ImageComments = f"said. {lesions_told([(0.1, 0.2, 0.3, 0.4)])} then lesions=[[0,0,1,1]]"
    assert told_lesions(dataset) == ()
    dataset.SyntheticData = "YES"
    assert [tuple(box) for box in told_lesions(dataset)] == [(0.1, 0.2, 0.3, 0.4)]
    for words in ("lesions=", "lesions=[[1]]", "lesions=[[0.3,0,0.1,1]]", "lesions=7", ""):
        dataset.ImageComments = words
        assert told_lesions(dataset) == ()


TOMOSYNTHESIS = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.13.1.3"}
MAGNIFIED = {"EstimatedRadiographicMagnificationFactor": "1.8"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [(TOMOSYNTHESIS, "is not edited: .*tomosynthesis"), (MAGNIFIED, "is not edited: the magnification is above")],
)
def test_a_tomosynthesis_or_magnification_view_is_refused(tiny, scanned, tmp_path, changes, sentence):
    source = scanned(**changes)
    for edit in (monai_mammo.insert, monai_mammo.remove, monai_mammo.evolve):
        with pytest.raises(RequestError, match=sentence):
            edit(source, out=tmp_path / edit.__name__, box=PLACE["box"])
        assert not list(tmp_path.glob(f"{edit.__name__}/sample*"))


def letters(shape, at, *, value, dtype=np.uint16):
    """A word of three upright strokes with a bar, as a film scanner burns it in."""
    marked = np.zeros(shape, dtype=bool)
    row, column = at
    for i in range(3):
        marked[row : row + 12, column + 8 * i : column + 8 * i + 3] = True
    return np.where(marked, value, 0).astype(dtype)


@pytest.mark.parametrize(
    ("n_outside", "most", "said"),
    [
        (1, 0.0, "less than 1% of the region at .* lies outside the breast of .*: none of it may"),
        (40, 0.1, "20% of the region at .* lies outside the breast of .*: 10% is the most"),
    ],
)
def test_how_much_of_a_region_lies_outside_is_said_in_a_number_that_is_not_0(picture, n_outside, most, said):
    source = EditSource.read(picture)
    region = np.zeros_like(source.breast)
    for where, n in ((source.breast, 200 - n_outside), (~source.breast, n_outside)):
        region.flat[np.flatnonzero(where)[:n]] = True
    with pytest.raises(RequestError, match=said):
        source.refuse_outside(region, most=most)


def test_text_burnt_in_under_the_region_is_refused_and_elsewhere_it_is_not(tiny, picture, tmp_path):
    pixels = values_of(picture)
    text = letters(pixels.shape, (150, 40), value=65535)
    path = tmp_path / "text.png"
    Image.fromarray(np.maximum(pixels, text)).save(path)
    for edit in (monai_mammo.insert, monai_mammo.remove):
        with pytest.raises(RequestError, match="text is burnt into .* under the region at"):
            edit(path, out=tmp_path / edit.__name__, **PLACE)
        assert not list(tmp_path.glob(f"{edit.__name__}/sample*"))
    assert len(monai_mammo.insert(path, out=tmp_path / "elsewhere", **ELSEWHERE)) == 1


def test_a_clip_a_bright_disc_and_saturated_tissue_are_no_text():
    rows, columns = np.mgrid[:200, :200]
    tissue = (20000 + 8000 * np.sin(rows / 30) * np.cos(columns / 25)).astype(np.uint16)
    region = np.ones(tissue.shape, dtype=bool)
    assert not burnt_text(tissue, region)
    clip = np.where(np.hypot(rows - 90, columns - 90) < 5, 65535, tissue).astype(np.uint16)
    assert not burnt_text(clip, region)
    burnt = np.maximum(tissue, letters(tissue.shape, (60, 60), value=65535))
    assert burnt_text(burnt, region) and burnt_text(65535 - burnt, region, is_bright_high=False)
    around = np.arctan2(rows - 100, columns - 100)
    frayed = np.where(np.hypot(rows - 100, columns - 100) < 40 + 9 * np.sin(24 * around), 65535, tissue)
    assert not burnt_text(frayed.astype(np.uint16), region)
    away = np.zeros_like(region)
    away[120:180, 120:180] = True
    assert not burnt_text(burnt, away)


def test_a_counterfactual_or_a_file_that_fails_leaves_a_manifest_that_says_why(tiny, picture, tmp_path):
    with pytest.raises(RequestError, match="tells of no lesion"):
        monai_mammo.remove(picture, out=tmp_path / "a")
    report = monai_mammo.verify(tmp_path / "a")
    assert len(report.problems) == 1 and report.problems[0].startswith("sample_0000 was not made: ")
    assert "tells of no lesion" in report.problems[0]
    with pytest.raises(RequestError, match="holds no finished sample"):
        monai_mammo.remove(tmp_path / "a", out=tmp_path / "of_run")
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(MammoError, match="1 of 2 images were not edited"):
        monai_mammo.remove([picture, tmp_path / "words.png"], out=tmp_path / "b", **PLACE)
    assert [one.split(":")[0] for one in monai_mammo.verify(tmp_path / "b").problems] == ["sample_0001 was not made"]
    shutil.copy(picture, tmp_path / "words.png")
    with pytest.raises(RequestError, match="another request"):  # the file is another one now
        monai_mammo.remove([picture, tmp_path / "words.png"], out=tmp_path / "b", **PLACE)


def test_a_full_disk_leaves_nothing_half_written_and_the_same_command_completes_it(
    tiny, picture, tmp_path, monkeypatch
):
    whole_run = monai_mammo.insert(picture, out=tmp_path / "whole", count=2, **PLACE)
    write, n_written = whole.os.replace, 0

    def full(source, target):
        nonlocal n_written
        n_written += "sample_0001" in str(source)
        if "sample_0001" in str(source) and n_written == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(whole.os, "replace", full)
        with pytest.raises(MammoError, match="No space left on device"):
            monai_mammo.insert(picture, out=tmp_path / "run", count=2, **PLACE)
    assert sorted(p.name for p in (tmp_path / "run").iterdir() if not p.name.startswith(".")) == [
        "manifest.json",
        "sample_0000",
    ]
    assert any("No space left" in one for one in monai_mammo.verify(tmp_path / "run").problems)
    completed = monai_mammo.insert(picture, out=tmp_path / "run", count=2, **PLACE)
    assert completed.n_made == 1 and monai_mammo.verify(completed.folder).problems == ()
    for index in range(2):
        for path in sample_of(whole_run, index).iterdir():
            assert path.read_bytes() == (sample_of(completed, index) / path.name).read_bytes()


def test_ctrl_c_and_a_kill_leave_whole_samples_and_the_same_command_completes_them(tiny, picture, tmp_path):
    out = tmp_path / "run"
    words = ["insert", str(picture), "--out", str(out), "--count", "40", "--box", PLACE["box"], "--seed", "5"]
    words += ["--steps", "2", "--quiet"]
    for sent, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        before = len(list(out.glob("sample_*")))
        process = subprocess.Popen([sys.executable, "-m", "monai_mammo", *words], stderr=subprocess.DEVNULL)
        while len(list(out.glob("sample_*"))) <= before and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(sent)
        assert process.wait(timeout=300) == code
        stated = {entry["id"] for entry in json.loads((out / "manifest.json").read_text())["samples"]}
        there = {path.name for path in out.glob("sample_*")}
        assert stated <= there and len(there - stated) <= 1  # a sample appears whole, and then its entry
    sizes = {path: path.stat().st_size for path in sorted(Path(out).glob("sample_*/*"))}
    assert sizes and all(sizes.values())
    few = monai_mammo.insert(picture, out=tmp_path / "few", count=1, **PLACE)
    for path in sample_of(few).iterdir():
        assert path.read_bytes() == (out / "sample_0000" / path.name).read_bytes()


@pytest.mark.parametrize("form", ["dicom", "png"])
def test_a_generated_mammogram_is_edited_from_its_run_or_its_sample(tiny, tmp_path, monkeypatch, form):
    monkeypatch.setattr(drawn_runs, "SHAPE", (256, 192))
    made = drawn_runs.draw_run(tmp_path / "made", format=form, count=1)
    words = {"visits": 2, "months": 6, "seed": 5, "steps": 2, "size_px": 18, "compression": False}
    course = monai_mammo.evolve(made.folder, out=tmp_path / "course", **words)
    assert len(course) == 2 and any("the rest is generated mammogram" in warning for warning in course.warnings)
    assert listed_images(made.folder) == listed_images(made.folder / "sample_0000")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "manifest.json").write_text('{"files": []}')  # of another program
    Image.new("L", (8, 8)).save(tmp_path / "others" / "a.png")
    assert listed_images(tmp_path / "others") == (str(tmp_path / "others" / "a.png"),)
    source = EditSource.read(made.folder / "sample_0000" / ("mammogram.dcm" if form == "dicom" else "mammogram.png"))
    assert source.origin == "generated" and source.conditions.laterality == "R" and source.known_lesions().any()


def test_one_worker_and_two_give_the_same_bytes(tiny, picture, scanned, tmp_path):
    words = {"box": PLACE["box"], "seed": 5, "steps": 2, "count": 2}
    runs, before = [], torch.get_num_threads()
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            runs.append(monai_mammo.insert([picture, scanned()], out=tmp_path / str(n_threads), **words))
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    for index in range(4):
        for path in sample_of(runs[0], index).iterdir():
            assert path.read_bytes() == (sample_of(runs[1], index) / path.name).read_bytes()


def test_edits_side_by_side_come_in_order_and_an_error_of_one_is_raised():
    threads = set()

    def make(index):
        threads.add(threading.get_ident())
        time.sleep(0.02 * (index % 2 == 0))
        if index == 9:
            raise RequestError("nine")
        return index

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert list(side_by_side(make, range(8))) == list(range(8))
        assert len(threads) > 1
        threads.clear()
        assert list(side_by_side(make, range(8), is_alone=True)) == list(range(8)) and len(threads) == 1
        with pytest.raises(RequestError, match="nine"):
            list(side_by_side(make, range(20)))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_what_a_picture_cannot_say_is_kept_beside_its_edited_version(tiny, picture, tmp_path):
    beside = {"kind": "film", "person_id": "P7", "pixel_spacing_mm": 0.2}
    picture.with_suffix(".json").write_text(json.dumps(beside))
    run = monai_mammo.insert(picture, out=tmp_path / "run", **PLACE)
    stated = json.loads((sample_of(run) / "edited.json").read_text())
    assert stated["kind"] == "film" and stated["pixel_spacing_mm"] == 0.2 and stated["lesion_mask"] == "lesions.png"
    before, after = (EditSource.read(path) for path in (picture, sample_of(run) / "edited.png"))
    assert stated["person_id"] == before.mammogram.person_id
    assert after.spacing_mm == before.spacing_mm == 0.2
