"""`monai-mammo doctor`: its table, its JSON, its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_mammo.cli.main import main
from monai_mammo.conditions import Conditions
from monai_mammo.phantom import draw_mammogram


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two persons, one picture each, the second a negative."""
    top = tmp_path / "data"
    for person in (1, 2):
        drawn = draw_mammogram(Conditions(kind="digital", laterality="L", view="CC"), seed=person, shape=(160, 120))
        pixels = 1 - drawn.pixels if person == 2 else drawn.pixels
        (top / f"p{person}").mkdir(parents=True)
        Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(top / f"p{person}" / "left.png")
    return top


def test_issues_are_results_and_leakage_ends_with_1(pictures: Path, tmp_path: Path, capsys):
    out = tmp_path / "out"
    words = ["doctor", str(pictures), "--out", str(out)]
    assert main(words) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "data (folder): 2 read, 0 skipped, 0 failed; 2 persons, 2 studies"
    assert any(line.split() == ["fault", "Inverted", "pictures", "1", "1"] for line in said)
    assert (out / "doctor.html").is_file() and (out / "doctor.json").is_file()
    shutil.copyfile(pictures / "p1" / "left.png", pictures / "p2" / "again.png")
    assert main(words) == 1
    assert any(line.startswith("leakage") for line in capsys.readouterr().out.splitlines())


def test_json_and_quiet(pictures: Path, tmp_path: Path, capsys):
    out = tmp_path / "out"
    assert main(["doctor", str(pictures), "--out", str(out), "--json", "--quiet"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == json.loads((out / "doctor.json").read_text()) and said.err == ""
    assert main(["doctor", str(pictures), "--out", str(out), "--quiet"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("nowhere --out out", "source nowhere is not there"),
        (". --out out --dataset ddsm", "dataset 'ddsm' is not one of"),
        (". --out out --workers none", "workers 'none' is not a whole number from 1"),
        (". --out out --workers 0", "workers '0' is not a whole number from 1"),
        (".", "needs a data set and a folder"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_code_2(tmp_path, capsys, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", *words.split()]) == 2
    said = capsys.readouterr()
    assert sentence in said.err and said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
