"""The command `prepare`: what its help names, and what its options reach."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from monai_mammo.cli.main import main
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import DATASETS, DEFAULT_SHAPE


@pytest.fixture
def source(tmp_path):
    (tmp_path / "in").mkdir()
    pixels = draw_mammogram(seed=1, shape=(128, 96)).pixels
    Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(tmp_path / "in" / "a.png")
    return tmp_path / "in"


def test_help_names_each_data_set_and_the_default_grid(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["prepare", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert ", ".join(DATASETS).replace("- ", "-") in text.replace("- ", "-")
    assert f"default {DEFAULT_SHAPE[0]}x{DEFAULT_SHAPE[1]}" in text


def test_options_reach_the_folder(source, tmp_path, capsys):
    assert main(["prepare", str(source), "--out", str(tmp_path / "out"), "--full-size", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["shape"] == list(DEFAULT_SHAPE)
    assert (tmp_path / "out" / "full" / "a.npy").is_file()
    assert np.load(tmp_path / "out" / "images" / "a.npy").shape == DEFAULT_SHAPE


def test_an_unknown_data_set_and_a_folder_without_images_have_their_codes(source, tmp_path, capsys):
    words = ["prepare", str(source), "--out", str(tmp_path / "out"), "--quiet"]
    assert main([*words, "--dataset", "ddsm"]) == 2
    assert f"'ddsm' is not one of {', '.join(DATASETS)}" in capsys.readouterr().err
    (source / "a.png").write_bytes(b"no picture")
    assert main(words) == 1
    assert "no mammogram was read" in capsys.readouterr().err
