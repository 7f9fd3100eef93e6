"""A request for a training names its configs and overrides, or is refused in a sentence."""

from __future__ import annotations

import shutil

import pytest

from monai_mammo.bundle import find
from monai_mammo.errors import RequestError
from monai_mammo.training import train
from monai_mammo.training.start import config_files, parse_overrides

CONFIGS = find("mammo_autoencoder").root / "configs"


def test_a_bundle_stands_for_its_training_and_overlays_for_its_files(tmp_path):
    assert config_files(["mammo_autoencoder"]) == [CONFIGS / "train.json"]
    assert config_files([CONFIGS.parent, "smoke"]) == [CONFIGS / "train.json", CONFIGS / "smoke.json"]
    own = shutil.copy(CONFIGS / "smoke.json", tmp_path / "own.json")
    assert config_files([str(CONFIGS / "decoder.json"), "smoke", own]) == [
        CONFIGS / "decoder.json",
        CONFIGS / "smoke.json",
        tmp_path / "own.json",
    ]


@pytest.mark.parametrize(
    ("configs", "sentence"),
    [
        ([], "a training needs the name or folder of a bundle"),
        (["nowhere"], "bundle 'nowhere' is neither a folder nor one of"),
        (["mammo_autoencoder", "smok"], "smok.json is not there; .* holds .*smoke"),
        (["nothing.json"], "config nothing.json is not there"),
    ],
)
def test_what_is_not_there_is_refused(configs, sentence):
    with pytest.raises(RequestError, match=sentence):
        config_files(configs)


def test_values_are_numbers_texts_and_lists():
    words = "--max_epochs 3 --lr=1e-4 --track false --resume False --shape [64,48] --train#x -1 --name two --t 00 --e="
    assert parse_overrides(words.split()) == {
        "max_epochs": 3,
        "lr": 1e-4,
        "track": False,
        "resume": False,
        "shape": [64, 48],
        "train#x": -1,
        "name": "two",
        "t": 0,
        "e": "",
    }
    assert parse_overrides(["--device", "$torch.device('cpu')", "--cache_dir", "null"]) == {
        "device": "$torch.device('cpu')",
        "cache_dir": None,
    }


@pytest.mark.parametrize("words", [["3"], ["--seed"], ["--"], ["--seed", "3", "more"]])
def test_words_that_are_no_override_are_refused(words):
    with pytest.raises(RequestError):
        parse_overrides(words)


def test_an_id_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(RequestError, match="^max_epoch is not an id of train.json, smoke.json; near to it are max_ep"):
        train("mammo_autoencoder", "smoke", max_epoch=3)
    with pytest.raises(RequestError, match="train#trainer#max is not an id"):
        train("mammo_autoencoder", **{"train#trainer#max": 3})
