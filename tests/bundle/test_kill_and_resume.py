"""A training of each network that is killed within an epoch and resumed ends as if it was not, bit for bit."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import monai.bundle
import pytest
import torch

from monai_mammo.files.folder_lock import LOCK
from monai_mammo.training import NetworkTrainer

SHAPE = [64, 48]
QUICK = {"phantom_shape": SHAPE, "n_phantoms": 4, "batch_size": 2, "num_workers": 0, "track": False, "val_interval": 1}
EXAMINER = {"working_shape": SHAPE, "half": "all"}
TRAININGS = {
    "autoencoder": ("mammo_autoencoder", ["train"], {"crop_size": 32, "n_statistics": 2}),
    "decoder": ("mammo_autoencoder", ["train", "decoder"], {"crop_size": 32}),
    "layout": ("mammo_diffusion", ["train"], {"n_views": 2}),
    "detail": ("mammo_diffusion", ["train", "detail"], {"n_views": 2, "loss#crop_size": 8}),
    "lesion network": ("mammo_lesion_segmentation", ["train"], EXAMINER),
    "judge": ("mammo_lesion_segmentation", ["train", "judge"], EXAMINER),
}
pytestmark = [
    pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning"),
    pytest.mark.usefixtures("elsewhere"),
]


def _train(root: Path, configs: list[str], settings: dict, out: str) -> dict:
    monai.bundle.run(
        config_file=[str(root / "configs" / f"{config}.json") for config in configs],
        meta_file=str(root / "configs" / "metadata.json"),
        logging_file=False,
        **{**QUICK, "max_epochs": 3, "output_dir": out, **settings},
    )
    return torch.load(Path(out) / "models" / "checkpoint.pt", weights_only=True)


def _train_until_killed(root: Path, configs: list[str], settings: dict, out: str) -> None:
    """The same in a process that kills itself after the first iteration of the second epoch."""
    iteration = NetworkTrainer._iteration

    def fatal(self, engine, batch):
        output = iteration(self, engine, batch)
        if self.state.epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return output

    NetworkTrainer._iteration = fatal
    _train(root, configs, settings, out)


def _differences(a, b, where="") -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        missing = [f"{where}/{key}" for key in a.keys() ^ b.keys()]
        return sum((_differences(a[key], b[key], f"{where}/{key}") for key in a.keys() & b.keys()), missing)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        return sum((_differences(x, y, f"{where}/{i}") for i, (x, y) in enumerate(zip(a, b, strict=True))), [])
    is_equal = torch.equal(a, b) if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) else a == b
    return [] if is_equal else [where]


@pytest.mark.parametrize("training", TRAININGS)
def test_killed_and_resumed_equals_uninterrupted(tiny_bundles, elsewhere, training):
    name, configs, settings = TRAININGS[training]
    root = tiny_bundles / name
    whole = _train(root, configs, settings, "whole")
    killed = multiprocessing.get_context("fork").Process(
        target=_train_until_killed, args=(root, configs, settings, "killed")
    )
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    half = torch.load(elsewhere / "killed" / "models" / "checkpoint.pt", weights_only=True)
    assert half["epoch"] == 1
    assert (elsewhere / "killed" / "models" / LOCK).is_file()  # it keeps nobody out
    torch.manual_seed(99)  # whatever happens between two runs
    resumed = _train(root, configs, settings, "killed")
    assert whole["epoch"] == 3 and whole["iteration"] == 3 * half["iteration"]
    assert _differences(half, whole), "there was something left to learn"
    assert _differences(resumed, whole) == []
    weights = [(elsewhere / out / "models" / "model.pt").read_bytes() for out in ("whole", "killed")]
    assert weights[0] == weights[1]
    assert not (elsewhere / "killed" / "models" / LOCK).exists()
