"""Which samples passed, and what says so: manifest, datalists, DICOM, contact sheet, exit code."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from pydicom import dcmread

from monai_mammo.cli.main import main
from monai_mammo.generation import generate, verify
from monai_mammo.generation.engine.check import LOW_DICE, NOTHING_LEFT
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.runs.contact_sheet import contact_sheet
from monai_mammo.generation.runs.manifest import Manifest

ASKED = {"density": "C", "view": "MLO", "laterality": "R", "finding": "mass", "kind": "digital", "birads": 5}

pytestmark = pytest.mark.usefixtures("tiny")


class SomeFail:
    """Drawn mammograms, of which some are given a defect."""

    def __init__(self, drawn, defects):
        self.drawn, self.defects = drawn, defects
        self.batch_size, self.device, self.n_evaluations = drawn.batch_size, drawn.device, drawn.n_evaluations

    def draw(self, planned, settings, *, on_step=None):
        results = self.drawn.draw(planned, settings, on_step=on_step)
        return [[self.spoiled(r, sample.index) for r in tries] for sample, tries in zip(planned, results, strict=True)]

    def spoiled(self, result, index):
        defect = self.defects.get(index, "")
        changes = {"requested": np.zeros_like(result.requested)} if defect == NOTHING_LEFT else {}
        return dataclasses.replace(result, defect=defect, **changes)


@pytest.fixture
def failing(monkeypatch, drawn_generator):
    def arrange(**defects):
        generator = SomeFail(drawn_generator, {int(name[1:]): defect for name, defect in defects.items()})
        monkeypatch.setattr(Generator, "load", lambda *_, **__: generator)

    return arrange


def listed(folder, name):
    values = json.loads((folder / name).read_text())
    return [item for part in ("training", "validation", "test") for item in values[part]]


def test_the_outcome_stands_in_manifest_datalists_and_dicom(failing, tmp_path):
    failing(s1=LOW_DICE)
    run = generate(**ASKED, count=3, out=tmp_path / "run")
    assert run.passed == ("sample_0000", "sample_0002") and run.failures == ()
    assert [entry["outcome"] for entry in run.samples] == ["passed", LOW_DICE, "passed"]
    items = listed(tmp_path / "run", "datalist.json")
    assert {(item["is_passed"], item["criterion"]) for item in items} == {(True, ""), (False, LOW_DICE)}
    assert len(items) == 3
    passed = listed(tmp_path / "run", "datalist_passed.json")
    assert len(passed) == 2 and all(item["is_passed"] for item in passed)
    for name, keyword in (("mammogram.dcm", "ImageComments"), ("report.dcm", "CompletionFlagDescription")):
        said = [str(dcmread(path)[keyword].value) for path in run.paths(name)]
        assert ["Passed all criteria." in words for words in said] == [True, False, True]
        assert f"Not passed: {LOW_DICE}." in said[1]
    assert verify(tmp_path / "run").problems == ()


def test_only_passed_leaves_the_others_out_of_the_datalist_and_changes_no_sample(failing, tmp_path):
    failing(s1=LOW_DICE)
    folder = tmp_path / "run"
    generate(**ASKED, count=3, format="png", out=folder)
    before = {path: path.read_bytes() for path in folder.glob("sample_*/*")}
    run = generate(**ASKED, count=3, format="png", only_passed=True, out=folder)
    assert run.n_made == 0 and len(listed(folder, "datalist.json")) == 2
    assert (folder / "datalist.json").read_bytes() == (folder / "datalist_passed.json").read_bytes()
    assert {path: path.read_bytes() for path in folder.glob("sample_*/*")} == before
    assert verify(folder).problems == ()
    generate(**ASKED, count=3, format="png", out=folder)
    assert len(listed(folder, "datalist.json")) == 3


def test_a_failed_sample_ends_with_1_and_verify_names_it(failing, tmp_path, capsys):
    failing(s1=NOTHING_LEFT)
    flags = [word for name, value in ASKED.items() for word in (f"--{name}", str(value))]
    folder = str(tmp_path / "run")
    assert main(["generate", *flags, "--count", "2", "--out", folder]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"monai-mammo: 1 of 2 samples failed, the first is sample_0001: {NOTHING_LEFT}"
    assert main(["verify", folder]) == 1
    assert f"sample_0001 failed: {NOTHING_LEFT}" in capsys.readouterr().out
    report = dcmread(tmp_path / "run" / "sample_0001" / "report.dcm")
    assert "requested lesion" not in str(report)  # no finding is stated that has no place
    assert "requested lesion" in str(dcmread(tmp_path / "run" / "sample_0000" / "report.dcm"))


def test_the_contact_sheet_says_how_many_of_how_many_it_shows(failing, tmp_path, monkeypatch):
    failing(s1=LOW_DICE)
    generate(**ASKED, count=3, format="png", out=tmp_path / "run")
    seen = {}

    def keep(tiles, *, title):
        seen.update(title=title, captions=[tile.caption for tile in tiles])
        return b""

    monkeypatch.setattr("monai_mammo.generation.runs.contact_sheet.contact_sheet_png", keep)
    manifest = Manifest.load(tmp_path / "run")
    contact_sheet(manifest)
    assert seen["title"].endswith("2 of 3 passed.")
    assert [f"NOT PASSED: {LOW_DICE}" in caption for caption in seen["captions"]] == [False, True, False]
    monkeypatch.setattr("monai_mammo.generation.runs.contact_sheet.MAX_TILES", 2)
    contact_sheet(manifest)
    assert seen["title"].endswith("2 of 3 passed. The first 2 of 3 samples.")
