"""Two processes in one folder: the second says who works there, whatever the command."""

from __future__ import annotations

import os

import pytest
from drawn_runs import draw_run

from monai_mammo.cli.main import main
from monai_mammo.files import folder_lock
from monai_mammo.files.folder_lock import LOCK


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Folder with a run, and its picture as a data set."""
    folder = tmp_path_factory.mktemp("given")
    run = draw_run(folder / "run", count=1).folder
    (folder / "pictures").mkdir()
    (folder / "pictures" / "one.png").write_bytes((run / "sample_0000" / "mammogram.png").read_bytes())
    return folder


COMMANDS = {
    "generate": ["generate", "--density", "C", "--unsupported"],
    "prepare": ["prepare", "pictures"],
    "doctor": ["doctor", "pictures"],
    "deidentify": ["deidentify", "pictures"],
    "reconstruct": ["reconstruct", "pictures/one.png"],
    "realism": ["evaluate", "realism", "pictures", "--reference", "run", "--device", "cpu"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_second_process_says_who_works_there(name, given, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(given)
    out = tmp_path / "out"
    with folder_lock(out):
        assert main([*COMMANDS[name], "--out", str(out)]) == 1
        assert f"is being written by process {os.getpid()}" in capsys.readouterr().err
        assert [path.name for path in out.iterdir()] == [LOCK]


@pytest.mark.parametrize("name", ["prepare", "doctor", "reconstruct"])
def test_what_a_killed_process_left_keeps_nobody_out(name, given, tmp_path, monkeypatch):
    monkeypatch.chdir(given)
    out = tmp_path / "out"
    out.mkdir()
    (out / LOCK).write_text('{"pid": 1, "host": "there"}')
    assert main([*COMMANDS[name], "--out", str(out)]) == 0
    assert LOCK not in [path.name for path in out.iterdir()]


def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path):
    with folder_lock(tmp_path / "made" / "here"):
        pass
    assert not (tmp_path / "made" / "here").exists()
    (tmp_path / "there").mkdir()
    with folder_lock(tmp_path / "there"):
        pass
    assert (tmp_path / "there").is_dir()
    with folder_lock(tmp_path / "made"):
        (tmp_path / "made" / "file").write_text("kept")
    assert (tmp_path / "made" / "file").is_file()


def test_figures_of_realism_are_not_written_among_other_things(given, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(given)
    (tmp_path / "thesis.txt").write_text("mine")
    assert main([*COMMANDS["realism"], "--out", str(tmp_path)]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
