"""Two trainings in one folder: the second says who works there, and the first goes on undisturbed."""

from __future__ import annotations

import os

import pytest

from monai_mammo.cli.main import main
from monai_mammo.files import folder_lock
from monai_mammo.files.folder_lock import LOCK

QUICK = {"phantom_shape": "[64,48]", "n_phantoms": 4, "batch_size": 2, "num_workers": 0, "track": "false"}
pytestmark = [
    pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning"),
    pytest.mark.usefixtures("elsewhere"),
]


def words_of(root, **settings):
    more = {**QUICK, "crop_size": 32, "n_statistics": 2, "max_epochs": 1, "output_dir": "out", **settings}
    return ["train", str(root), *(word for name, value in more.items() for word in (f"--{name}", str(value)))]


def test_the_second_training_says_who_works_there(tiny_bundles, elsewhere, capsys):
    models = elsewhere / "out" / "models"
    words = words_of(tiny_bundles / "mammo_autoencoder")
    with folder_lock(models):
        assert main(words) == 1
        said = capsys.readouterr().err
        assert f"models is being written by process {os.getpid()}" in said and "Traceback" not in said
        assert [path.name for path in models.iterdir()] == [LOCK]
    assert main(words) == 0
    assert sorted(path.name for path in models.iterdir()) == ["checkpoint.pt", "model.pt", "model.trained_with.json"]
