"""A killed and resumed run ends bitwise where an uninterrupted one does."""

from __future__ import annotations

import itertools
import resource
from collections.abc import Collection

import numpy as np
import pytest
import torch
from ignite.engine import Events
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

    def __init__(self, fails_at: Collection[int] = (), gradient_alone: bool = False) -> None:
        super().__init__()
        self.fails_at, self.gradient_alone, self.n_calls = fails_at, gradient_alone, 0

    def forward(self, call, batch):
        self.n_calls += 1
        image = batch["image"]
        error = (call(image + 0.1 * torch.randn_like(image)).float() - image).square().mean()
        if self.n_calls in self.fails_at:
            zero = (error - error.detach()).clamp_min(0)
            error = error + zero.sqrt() * 0 if self.gradient_alone else error * float("nan")  # slope of a root at 0
        return {"loss": error}


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


def test_every_iteration_has_noise_of_its_own():
    drawn = []

    class Noted(_NoisyLoss):
        def forward(self, call, batch):
            drawn.append(torch.randint(2**40, ()).item())
            return super().forward(call, batch)

    _trainer(2, loss=Noted()).run()
    _trainer(2, loss=Noted()).run()
    assert len(set(drawn[:6])) == 6 and drawn[6:] == drawn[:6]


@pytest.mark.parametrize("gradient_alone", [False, True])
def test_an_iteration_that_is_not_finite_changes_nothing(caplog, gradient_alone):
    trainer = _trainer(4, loss=_NoisyLoss({5, 7}, gradient_alone))
    seen = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda e: seen.append(e.network.weight.detach().clone()))
    trainer.run()
    assert trainer.state.iteration == len(seen) == 12 and torch.isfinite(seen[-1]).all()
    moved = [not torch.equal(a, b) for a, b in itertools.pairwise(seen)]
    assert [i + 2 for i, has_moved in enumerate(moved) if not has_moved] == [5, 7]
    assert trainer.ema.n_updates == 10
    assert [r.getMessage() for r in caplog.records if "skipped" in r.getMessage()] == [
        f"iteration {i} is skipped: its loss or gradient is not finite" for i in (5, 7)
    ]


def test_a_loss_that_stays_not_finite_stops_the_run_with_the_last_good_state(tmp_path):
    path = tmp_path / "checkpoint.pt"
    trainer = _trainer(4, path, _NoisyLoss(range(5, 99)))
    trainer.max_skipped = 4
    with pytest.raises(MammoError, match="not finite in 4 iterations running, up to iteration 8"):
        trainer.run()
    kept = torch.load(path, weights_only=True)
    assert kept["epoch"] == 2 and kept["iteration"] == 6
    assert all(torch.isfinite(v).all() for v in kept["network"].values())
    assert torch.equal(kept["network"]["weight"], trainer.network.weight)


def test_a_full_disk_while_a_checkpoint_is_written_loses_nothing(tmp_path):
    path = tmp_path / "checkpoint.pt"
    whole = _trainer(4)
    whole.run()
    _trainer(2, path).run()
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))  # Python ignores SIGXFSZ
    try:
        with pytest.raises(MammoError, match=r"checkpoint\.pt could not be written|checkpoint\.pt cannot be written"):
            _trainer(4, path).run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    resumed = _trainer(4, path)
    resumed.run()
    assert torch.equal(resumed.network.weight, whole.network.weight)


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
    monkeypatch.setattr(precision, "_bfloat16_is_faster", lambda: True)
    network = nn.Linear(4, 4)
    x = torch.rand(2, 4)
    assert AutocastInferer("bfloat16")(x, network).dtype is torch.bfloat16
    assert AutocastInferer(None)(x, network).dtype is torch.float32


def test_a_processor_without_bfloat16_works_in_float32(monkeypatch):
    monkeypatch.setattr(precision, "_bfloat16_is_faster", lambda: False)
    assert AutocastInferer("bfloat16")(torch.rand(2, 4), nn.Linear(4, 4)).dtype is torch.float32
    assert precision.autocast_dtype("bfloat16", "cuda") is torch.bfloat16
    assert precision.autocast_dtype("float16", "cpu") is torch.float16
    assert precision.autocast_dtype(None, "cpu") is None


@pytest.mark.parametrize(
    ("machine", "has_tiles", "is_taken"),
    [("x86_64", True, True), ("AMD64", False, False), ("x86_64", False, False), ("aarch64", False, True)],
)
def test_bfloat16_is_taken_where_a_processor_multiplies_matrices_in_it(machine, has_tiles, is_taken, monkeypatch):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_tiles)
    monkeypatch.setattr(precision.platform, "machine", lambda: machine)
    precision._bfloat16_is_faster.cache_clear()
    try:
        taken = precision.autocast_dtype("bfloat16", "cpu")
    finally:
        precision._bfloat16_is_faster.cache_clear()
    assert taken is (torch.bfloat16 if is_taken else None)


def test_gradients_of_what_is_not_trained_neither_pile_up_nor_count():
    trainer = _trainer(4)
    frozen_like = nn.Conv2d(1, 1, 3, padding=1)
    trainer.network = nn.Sequential(frozen_like, trainer.network)  # the optimiser knows the second alone
    trainer.ema = None
    norms = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda e: norms.append(float(frozen_like.weight.grad.norm())))
    before = frozen_like.weight.detach().clone()
    trainer.clip_norm = 1e-9
    trainer.run()
    assert torch.equal(frozen_like.weight, before)
    assert max(norms) > 1e-9, "it is not clipped with the rest"
    assert norms[-1] < 3 * norms[0], "twelve iterations would have added up"
