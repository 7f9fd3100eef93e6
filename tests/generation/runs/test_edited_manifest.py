"""A run that somebody edits, links elsewhere, or writes to at the same time."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from drawn_runs import draw_run

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.folder_lock import folder_lock
from monai_mammo.generation import verify
from monai_mammo.generation.runs.manifest_seal import sealed


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Two drawn mammograms of a right breast; not to be changed."""
    return draw_run(tmp_path_factory.mktemp("edited") / "run").folder


@pytest.fixture
def run(sound, tmp_path):
    return Path(shutil.copytree(sound, tmp_path / "run"))


def edited(run: Path, change, *, seal: bool) -> None:
    values = json.loads((run / "manifest.json").read_text())
    change(values)
    (run / "manifest.json").write_text(json.dumps(sealed(values) if seal else values))


CHANGES = {
    "seed": lambda v: v["request"].update(seed=8),
    "guidance": lambda v: v.update(guidance=9.0),
    "weights": lambda v: v["weights"][0].update(sha256="0" * 64),
    "synthetic": lambda v: v.update(synthetic="Images."),
    "request_sha256": lambda v: v.update(request_sha256="0" * 64),
    "run_sha256": lambda v: v.update(run_sha256="0" * 64),
    "identity": lambda v: v["identity"].update(seed=8),
    "device": lambda v: v.update(device="cuda"),
    "spacing": lambda v: v.update(spacing_mm=0.01),
}
UNSEALED = {
    **CHANGES,
    "warnings": lambda v: v["samples"][0].update(warnings=["made up"]),
    "tries": lambda v: v["samples"][1].update(tries=[{"dice": 1.0, "outside_share": 0.0, "defect": ""}]),
    "files": lambda v: v["samples"][0]["files"].pop("lesion.png"),
    "times": lambda v: v["times"].update(started="2020"),
    "versions": lambda v: v["versions"].update(torch="1.0"),
}


def test_a_run_is_in_order_as_it_was_written(sound):
    assert verify(sound).problems == ()


@pytest.mark.parametrize("name", UNSEALED)
def test_an_edit_is_noticed_by_verify_and_generate(run, name):
    edited(run, UNSEALED[name], seal=False)
    assert any("was changed since the run wrote it" in problem for problem in verify(run).problems)
    with pytest.raises(MammoError, match="was changed since the run wrote it|belongs to a run with another request"):
        draw_run(run)


@pytest.mark.parametrize("name", CHANGES)
def test_an_edit_whose_hashes_were_made_anew_contradicts_itself(run, name):
    edited(run, CHANGES[name], seal=True)
    problems = " ".join(verify(run).problems)
    assert "since the run wrote it" not in problems
    assert {
        "synthetic": "in the words of this program",
        "seed": "differ in seed",
        "spacing": "datalist.json states",
    }.get(name, "is not the hash of its identity") in problems


def test_a_datalist_that_points_outside_is_found_whatever_its_hash(run):
    path = run / "datalist.json"
    values = json.loads(path.read_text())
    for part in ("training", "validation", "test"):
        for item in values[part]:
            item["label"] = "../../elsewhere/lesion.png"
    path.write_text(json.dumps(values))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    edited(run, lambda v: v["files"].update({"datalist.json": sha256}), seal=True)
    assert verify(run).problems == ("datalist.json states something else than the manifest",)


@pytest.mark.parametrize("name", ["sample_0001", "sample_0000/mammogram.png", "datalist.json", "manifest.json"])
def test_links_are_refused_and_what_they_lead_to_is_left_alone(run, tmp_path, name):
    outside = tmp_path / "outside"
    shutil.move(run / name, outside)
    (run / name).symlink_to(outside)
    before = {p: p.read_bytes() for p in [outside, *outside.rglob("*")] if p.is_file()}
    with pytest.raises(MammoError, match="is a symbolic link"):
        draw_run(run)
    if name == "manifest.json":
        with pytest.raises(MammoError, match="is a symbolic link"):
            verify(run)
    else:
        assert any("by a symbolic link" in problem for problem in verify(run).problems)
    assert {p: p.read_bytes() for p in [outside, *outside.rglob("*")] if p.is_file()} == before


def test_a_link_in_place_of_a_sample_to_be_made_is_not_followed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mammogram.png").write_text("mine")
    draw_run(tmp_path / "run", count=1)
    (tmp_path / "run" / "sample_0001").symlink_to(tmp_path / "outside")
    with pytest.raises(RequestError, match="sample_0001 is a symbolic link"):
        draw_run(tmp_path / "run")
    assert [p.read_text() for p in (tmp_path / "outside").iterdir()] == ["mine"]


def test_only_its_own_partial_files_are_removed(run):
    own = [run / ".sample_0001.part", run / ".datalist.json.77.part", run / ".contact_sheet.png.5.part"]
    others = [run / ".thesis.part", run / ".sample.part", run / ".notes.json.7.part"]
    own[0].mkdir()
    for path in (*own[1:], *others):
        path.write_text("x")
    (run / "sample_0001" / "mammogram.png").unlink()
    draw_run(run)
    assert not any(path.exists() for path in own) and all(path.exists() for path in others)


def test_a_second_process_in_the_folder_is_told_who_works_there(tmp_path):
    (tmp_path / "run").mkdir()
    with folder_lock(tmp_path / "run"), pytest.raises(MammoError, match="is being written by process"):
        draw_run(tmp_path / "run")
    draw_run(tmp_path / "run")
    assert not list((tmp_path / "run").glob(".*"))
