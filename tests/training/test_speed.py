"""What a training says of its machine and its pace."""

from __future__ import annotations

import itertools
import logging

import pytest
import torch
from ignite.engine import Engine
from torch.utils.data import DataLoader

from monai_mammo import machine
from monai_mammo.training import SpeedReport, speed


def engine(report: SpeedReport) -> Engine:
    def step(_engine, _batch):
        return None

    trainer = Engine(step)
    report.attach(trainer)
    return trainer


def batches(n: int, size: int = 2) -> DataLoader:
    return DataLoader([{"image": torch.zeros(1, 4, 4), "name": "a"} for _ in range(n * size)], batch_size=size)


@pytest.mark.parametrize(("n_iterations", "n_batches", "timed"), [(3, 9, 3), (20, 5, 4)])
def test_images_a_second_after_the_first_iteration(caplog, monkeypatch, n_iterations, n_batches, timed):
    clock = itertools.count(100.0, 0.25)  # a quarter of a second an iteration
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(clock))
    report = SpeedReport(n_iterations)
    trainer = engine(report)
    with caplog.at_level(logging.INFO, logger="monai_mammo"):
        state = trainer.run(batches(n_batches), max_epochs=2)
    assert state.epoch == 2
    assert report.images_per_second == pytest.approx(8.0)
    said = [record.getMessage() for record in caplog.records]
    assert said.count(f"8.0 images a second over {timed} iterations") == 1
    assert [line for line in said if line.startswith("huge pages: ")] == [machine.describe()[2]]


@pytest.mark.parametrize("state", list(machine.HugePages))
def test_a_training_without_huge_pages_says_how_to_start_it(caplog, monkeypatch, state):
    monkeypatch.setattr(machine, "huge_pages", lambda: state)
    with caplog.at_level(logging.WARNING, logger="monai_mammo"):
        engine(SpeedReport()).run(batches(2), max_epochs=1)
    said = [record.getMessage() for record in caplog.records]
    assert any("monai-mammo train" in line for line in said) == (state is machine.HugePages.NOT_REQUESTED)


def test_the_step_that_is_timed_is_a_training_step():
    on_the_clock, of_processor_time = speed.images_per_second(0.0, batch_size=1)
    assert on_the_clock > 0 and of_processor_time > 0
