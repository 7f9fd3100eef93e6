"""Which samples passed, and what says so: manifest, datalists, DICOM, contact sheet, exit code."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from drawn_runs import MASS, draw_run
from PIL import Image
from pydicom import dcmread
from scipy.ndimage import binary_dilation

from monai_mammo.cli.main import main
from monai_mammo.errors import MammoError
from monai_mammo.generation import verify
from monai_mammo.generation.engine.check import LOW_DICE, NOTHING_LEFT
from monai_mammo.generation.runs.contact_sheet import Tile, contact_sheet, contact_sheet_png
from monai_mammo.generation.runs.manifest import Manifest
from monai_mammo.generation.runs.run import Run

LOW = {1: LOW_DICE}


def listed(folder, name):
    values = json.loads((folder / name).read_text())
    return [item for part in ("training", "validation", "test") for item in values[part]]


def test_the_outcome_stands_in_manifest_datalists_and_dicom(tmp_path):
    run = draw_run(tmp_path / "run", defects=LOW, count=3, format="dicom")
    assert run.passed == ("sample_0000", "sample_0002") and run.failures == ()
    assert [entry["outcome"] for entry in run.samples] == ["passed", LOW_DICE, "passed"]
    items = listed(tmp_path / "run", "datalist.json")
    assert {(item["is_passed"], item["criterion"]) for item in items} == {(True, None), (False, LOW_DICE)}
    assert len(items) == 3
    passed = listed(tmp_path / "run", "datalist_passed.json")
    assert len(passed) == 2 and all(item["is_passed"] for item in passed)
    for name, keyword in (("mammogram.dcm", "ImageComments"), ("report.dcm", "CompletionFlagDescription")):
        said = [str(dcmread(path)[keyword].value) for path in run.paths(name)]
        assert ["Passed all criteria." in words for words in said] == [True, False, True]
        assert f"Not passed: {LOW_DICE}." in said[1]
    assert verify(tmp_path / "run").problems == ()


def test_only_passed_leaves_the_others_out_of_the_datalist_and_changes_no_sample(tmp_path):
    folder = tmp_path / "run"
    draw_run(folder, defects=LOW, count=3)
    before = {path: path.read_bytes() for path in folder.glob("sample_*/*")}
    run = draw_run(folder, defects=LOW, count=3, only_passed=True)
    assert run.n_made == 0 and len(listed(folder, "datalist.json")) == 2
    assert (folder / "datalist.json").read_bytes() == (folder / "datalist_passed.json").read_bytes()
    assert {path: path.read_bytes() for path in folder.glob("sample_*/*")} == before
    assert verify(folder).problems == ()
    draw_run(folder, defects=LOW, count=3)
    assert len(listed(folder, "datalist.json")) == 3


def test_a_sample_is_not_completed_with_other_bytes_than_its_manifest_states(tmp_path):
    """As where another machine, or another version, draws what is missing."""
    folder = tmp_path / "run"
    draw_run(folder)
    (folder / "sample_0001" / "lesion.png").unlink()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(MammoError, match="sample_0001 cannot be completed: this machine makes other bytes"):
        draw_run(folder, defects=LOW)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert draw_run(folder).n_made == 1 and verify(folder).problems == ()


def test_a_failed_sample_ends_with_1_and_verify_names_it(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "run"

    def drawn(*, out, **_) -> Run:
        return draw_run(Path(out), defects={1: NOTHING_LEFT}, format="dicom")

    monkeypatch.setattr("monai_mammo.generation.generate", drawn)
    flags = [word for name, value in MASS.items() for word in (f"--{name}", str(value))]
    assert main(["generate", *flags, "--count", "2", "--out", str(folder)]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"monai-mammo: 1 of 2 samples failed, the first is sample_0001: {NOTHING_LEFT}"
    assert main(["verify", str(folder)]) == 1
    assert f"sample_0001 failed: {NOTHING_LEFT}" in capsys.readouterr().out
    failed, passed = (
        str(dcmread(folder / name / "report.dcm").ContentSequence) for name in ("sample_0001", "sample_0000")
    )
    assert "requested lesion" not in failed  # no finding is stated that has no place
    assert "requested lesion" in passed


def test_outlines_of_the_contact_sheet_run_round_their_lesion_and_leave_it_as_it_is():
    image, requested = np.full((40, 30), 0.5, np.float32), np.zeros((40, 30), bool)
    requested[10:20, 8:15] = True
    sheet = np.asarray(Image.open(BytesIO(contact_sheet_png([Tile(image, requested, None, "")], title=""))))
    plain, outlined = sheet[20:60, :30], sheet[20:60, 30:60]
    changed = (plain != outlined).any(axis=2)
    grown = binary_dilation(requested)
    assert (plain == 128).all() and np.array_equal(changed, grown & ~requested)
    assert (outlined[changed] == (255, 200, 0)).all()


def test_the_contact_sheet_says_how_many_of_how_many_it_shows(tmp_path, monkeypatch):
    draw_run(tmp_path / "run", defects=LOW, count=3)
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
