"""A killed and resumed run ends bitwise where an uninterrupted one does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from monai_mammo.errors import MammoError
from monai_mammo.training import precision
from monai_mammo.training.checkpoints import CheckpointHandler, save_atomically
from monai_mammo.training.data import CropDataset
from monai_mammo.training.ema import ExponentialMovingAverage
from monai_mammo.training.trainer import AutocastInferer, NetworkTrainer, data_loader, learning_rate_factor


def _items(n: int = 6):
    rng = np.random.default_rng(0)
    return [
        {"image": (rng.random((16, 12)) * 65535).astype(np.uint16), "conditions": {}, "person_id": str(i)}
        for i in range(n)
    ]


class _NoisyLoss(nn.Module):
    """Squared error of a noisy image: depends on torch's generator as the real losses do."""

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__()
        self.fails_at, self.n_calls = fails_at, 0

    def forward(self, call, batch):
        self.n_calls += 1
        image = batch["image"]
        error = (call(image + 0.1 * torch.randn_like(image)).float() - image).square().mean()
        return {"loss": error * float("nan") if self.n_calls == self.fails_at else error}


def _trainer(max_epochs: int, checkpoint=None, loss=None):
    torch.manual_seed(0)
    network = nn.Conv2d(1, 1, 3, padding=1)
    return NetworkTrainer(
        "cpu",
        max_epochs,
        data_loader(CropDataset(_items(), crop_size=8, seed=2), batch_size=2, seed=2),
        network,
        torch.optim.AdamW(network.parameters(), 1e-2),
        loss or _NoisyLoss(),
        inferer=AutocastInferer(None),
        ema=ExponentialMovingAverage(network, decay=0.9),
        warm_up_iterations=2,
        seed=5,
        train_handlers=[] if checkpoint is None else [CheckpointHandler(checkpoint)],
    )


def test_resumed_equals_uninterrupted(tmp_path):
    whole = _trainer(4)
    whole.run()
    first = _trainer(2, tmp_path / "checkpoint.pt")
    first.run()
    torch.rand(7)  # whatever happens between two runs
    second = _trainer(4, tmp_path / "checkpoint.pt")
    second.run()
    assert second.state.iteration == whole.state.iteration == 12
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name]), name
        assert torch.equal(whole.ema.average[name], second.ema.average[name]), name


def test_two_seeds_give_two_networks():
    one, other = _trainer(1), _trainer(1)
    other.seed = 6
    one.run()
    other.run()
    assert not torch.equal(one.network.weight, other.network.weight)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.pt"
    trainer = _trainer(4, path, _NoisyLoss(fails_at=5))
    with pytest.raises(MammoError, match="iteration 5"):
        trainer.run()
    kept = torch.load(path, weights_only=True)
    assert kept["epoch"] == 1 and all(torch.isfinite(v).all() for v in kept["network"].values())


def test_a_checkpoint_that_could_not_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    save_atomically({"n": 1}, path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MammoError, match="No space left"):
        save_atomically({"n": 2}, path)
    assert torch.load(path, weights_only=True) == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_learning_rate_rises_stays_and_falls_to_nothing():
    def factor(iteration):
        return learning_rate_factor(iteration, n_iterations=100, warm_up=10, decay_start_fraction=0.6)

    assert factor(0) == pytest.approx(0.1) and factor(9) == 1 and factor(60) == 1
    assert factor(80) == pytest.approx(0.5) and factor(100) == pytest.approx(0, abs=1e-12)
    assert learning_rate_factor(99, n_iterations=100, warm_up=1, decay_start_fraction=1.0) == 1


def test_autocast_reaches_the_network_on_a_cpu(monkeypatch):
    monkeypatch.setattr(precision, "_processor_has_bfloat16", lambda: True)
    network = nn.Linear(4, 4)
    x = torch.rand(2, 4)
    assert AutocastInferer("bfloat16")(x, network).dtype is torch.bfloat16
    assert AutocastInferer(None)(x, network).dtype is torch.float32


def test_a_processor_without_bfloat16_works_in_float32(monkeypatch):
    monkeypatch.setattr(precision, "_processor_has_bfloat16", lambda: False)
    assert AutocastInferer("bfloat16")(torch.rand(2, 4), nn.Linear(4, 4)).dtype is torch.float32
    assert precision.autocast_dtype("bfloat16", "cuda") is torch.bfloat16
    assert precision.autocast_dtype("float16", "cpu") is torch.float16
    assert precision.autocast_dtype(None, "cpu") is None
