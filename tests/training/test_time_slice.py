"""A training that stops in time goes on in the next slice, and its learning rate falls when the time is over."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.training import (
    AutocastInferer,
    CheckpointHandler,
    CropDataset,
    ExponentialMovingAverage,
    NetworkTrainer,
    Passes,
    PreparedDataset,
    TimeSlice,
    data_loader,
    light_checkpoint,
)
from monai_mammo.training.checkpoints import save_atomically


def _items(n=6):
    rng = np.random.default_rng(0)
    return [
        {"image": rng.integers(1, 65536, (16, 12)).astype(np.uint16), "conditions": {}, "person_id": str(i)}
        for i in range(n)
    ]


class _Clock:
    """Time that passes only where an epoch takes it."""

    def __init__(self, epoch_s: float) -> None:
        self.now, self.epoch_s = 0.0, epoch_s

    def __call__(self) -> float:
        return self.now

    def attach(self, engine: Engine) -> None:
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.pass_)

    def pass_(self, engine: Engine) -> None:
        self.now += self.epoch_s


def _slice(clock: _Clock, *, n_after: int, start_up: float, first_epoch: int = 0) -> SimpleNamespace:
    """State after one slice of 100 seconds, of which some are start-up."""
    begun = clock.now
    clock.now += start_up
    engine = Engine(lambda engine, batch: None)
    clock.attach(engine)
    handler = TimeSlice(begun + 100, slice_s=100, n_after=n_after, clock=clock)
    handler.attach(engine)
    engine.add_event_handler(Events.STARTED, lambda e: setattr(e.state, "epoch", first_epoch))
    planned = []
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda e: planned.append(e.state.max_epochs))
    engine.run([0], max_epochs=10**6)
    assert clock.now <= begun + 100
    return SimpleNamespace(epoch=engine.state.epoch, max_epochs=engine.state.max_epochs, planned=planned)


def test_three_slices_fill_their_time_and_end_at_the_planned_epoch():
    clock = _Clock(epoch_s=7)
    first = _slice(clock, n_after=2, start_up=10)
    assert first.epoch == 12 and first.planned[0] == 1 + int((83 + 2 * 90) / 7.7)
    clock.now = 100
    second = _slice(clock, n_after=1, start_up=10, first_epoch=first.epoch)
    clock.now = 200
    last = _slice(clock, n_after=0, start_up=10, first_epoch=second.epoch)
    assert last.epoch == last.max_epochs == 36, "the learning rate has fallen to nothing"
    assert abs(first.planned[0] - last.epoch) <= 1


def test_a_slice_without_time_is_refused():
    with pytest.raises(RequestError, match="no time is left"):
        TimeSlice(50, slice_s=100, clock=lambda: 50.0)
    with pytest.raises(RequestError, match="-1 further slices of 100 seconds are not a plan"):
        TimeSlice(50, slice_s=100, n_after=-1, clock=lambda: 0.0)


def test_passes_draw_what_as_many_epochs_would():
    alone, passes = CropDataset(_items(), crop_size=8, seed=2), Passes(CropDataset(_items(), crop_size=8, seed=2), 3)
    passes.set_epoch(5)
    assert len(passes) == 18 and len(passes.conditions) == 18
    for number in (2, 0, 1):
        alone.set_epoch(15 + number)
        assert all(torch.equal(alone[i]["image"], passes[6 * number + i]["image"]) for i in range(6))
    with pytest.raises(RequestError, match="0 passes"):
        Passes(alone, 0)


def test_an_epoch_of_passes_sees_each_image_so_often():
    passes = Passes(PreparedDataset(_items()), 4)
    loader = data_loader(passes, batch_size=5, seed=1)
    seen = torch.cat([batch["index"] for batch in loader])
    assert len(loader) == 4 and len(seen) == 20  # the last 4 of 24 make no batch
    whole = data_loader(passes, batch_size=6, seed=1)
    counts = torch.bincount(torch.cat([batch["index"] for batch in whole]))
    assert counts.tolist() == [4] * 6


def _trainer(max_epochs, path, *, rate=1e-2):
    torch.manual_seed(0)
    network = nn.Conv2d(1, 1, 3, padding=1)

    class Loss(nn.Module):
        def forward(self, call, batch):
            return {"loss": (call(batch["image"]) - batch["image"]).square().mean()}

    return NetworkTrainer(
        "cpu",
        max_epochs,
        data_loader(Passes(CropDataset(_items(), crop_size=8, seed=2), 2), batch_size=2, seed=2),
        network,
        torch.optim.AdamW(network.parameters(), rate),
        Loss(),
        inferer=AutocastInferer(None),
        ema=ExponentialMovingAverage(network, decay=0.9),
        warm_up_iterations=4,
        train_handlers=[CheckpointHandler(path)],
    )


def test_a_light_checkpoint_keeps_the_weights_and_warms_up_once_more(tmp_path):
    path = tmp_path / "models" / "checkpoint.pt"
    first = _trainer(2, path)
    first.run()
    light = light_checkpoint(path, tmp_path / "light.pt")
    state = torch.load(light, weights_only=True)
    assert "optimizer" not in state and state["network"]["weight"].dtype == torch.float16
    assert state["ema"]["average"]["weight"].dtype == torch.float16 and state["ema"]["n_updates"] == 12
    light.replace(path)
    rates = []
    second = _trainer(4, path)
    second.add_event_handler(Events.ITERATION_COMPLETED, lambda e: rates.append(e.optimizer.param_groups[0]["lr"]))
    begun = []
    second.add_event_handler(
        Events.ITERATION_STARTED(once=13), lambda e: begun.append(e.network.weight.detach().clone())
    )
    second.run()
    assert second.state.iteration == 24 and second.state.epoch == 4
    assert rates[:5] == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01])
    assert torch.equal(begun[0], first.network.weight.detach().half().float())
    again = torch.load(path, weights_only=True)
    assert again["warm_up_start"] == 12 and "optimizer" in again, "the next one is whole"


def test_a_light_checkpoint_of_something_else_is_one_sentence(tmp_path):
    save_atomically({"epoch": 1}, tmp_path / "c.pt")
    with pytest.raises(MammoError, match="does not hold iteration, network"):
        light_checkpoint(tmp_path / "c.pt", tmp_path / "light.pt")
