"""Averages kept at two lengths give those of any other, which are known in closed form."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from torch import nn

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.training import PowerAverages, SnapshotHandler, average_of_length, choose_length
from monai_mammo.training.average_length import snapshot_weights
from monai_mammo.training.ema import power_of_length

N_STEPS = 2000


def _weight(step):
    """A trajectory that rises, swings and settles."""
    tau = step / N_STEPS
    values = 10 * tau**0.5 + np.sin(30 * tau) * (1 - tau), -5 * tau, np.cos(8 * tau)
    return torch.tensor([values], dtype=torch.float32)


def _exact(length):
    """Average of the trajectory by the power of the step, as a sum over all steps."""
    power = power_of_length(length)
    tau = np.arange(0, N_STEPS + 1) / N_STEPS
    profile = np.diff(tau ** (power + 1))  # integral of (gamma + 1) tau**gamma over each step
    return sum(p * _weight(step).double() for step, p in enumerate(profile, start=1))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Snapshots of a network that takes the trajectory, sixteen of them, by the handler of a training."""
    folder = tmp_path_factory.mktemp("averages")
    network = nn.Linear(3, 1, bias=False)
    averages = PowerAverages(network)

    def step(engine, batch):
        with torch.no_grad():
            network.weight.copy_(_weight(engine.state.iteration))
        averages.update(network)

    trainer = Engine(step)
    trainer.power_averages = averages
    SnapshotHandler(folder, every_epochs=1).attach(trainer)
    trainer.run(range(N_STEPS // 16), max_epochs=16)
    assert len(list(folder.iterdir())) == 16
    return folder


@pytest.mark.parametrize("length", [0.02, 0.05, 0.1, 0.28])
def test_the_power_has_the_length(length):
    power = power_of_length(length)
    tau = np.linspace(0, 1, 200_001)
    profile = tau**power / np.trapezoid(tau**power, tau)
    mean = np.trapezoid(profile * tau, tau)
    assert np.sqrt(np.trapezoid(profile * (tau - mean) ** 2, tau)) == pytest.approx(length, rel=1e-3)


@pytest.mark.parametrize("length", [0.0, 0.2887, -1.0])
def test_a_length_without_a_power_is_refused(length):
    with pytest.raises(ValueError, match="does not lie above 0 and below 0.2887"):
        power_of_length(length)


@pytest.mark.parametrize("length", [0.05, 0.1])
def test_a_kept_length_is_the_exact_average(kept, length):
    last = torch.load(sorted(kept.iterdir())[-1], weights_only=True)
    place = last["lengths"].index(length)
    assert torch.allclose(last["averages"][place]["weight"].double(), _exact(length), rtol=2e-3, atol=2e-3)
    got = average_of_length(kept, length)["weight"].double()
    assert torch.allclose(got, last["averages"][place]["weight"].double(), atol=1e-6)


@pytest.mark.parametrize("length", [0.03, 0.04, 0.07, 0.09, 0.13, 0.17])
def test_any_other_length_is_the_exact_average_nearly(kept, length):
    got, exact = average_of_length(kept, length)["weight"].double(), _exact(length)
    assert torch.allclose(got, exact, atol=0.02), (got, exact)  # of a trajectory that spans 10; half precision
    neighbour = _exact(length * 1.25)
    assert (got - exact).norm() < 0.2 * (neighbour - exact).norm(), "a length is told from one a quarter longer"


def test_weights_sum_to_one_and_fit_the_profile():
    steps = [float(s) for s in range(100, 1601, 100) for _ in range(2)]
    powers = [power_of_length(length) for _ in range(16) for length in (0.05, 0.1)]
    wanted = power_of_length(0.07)
    weights = snapshot_weights(steps, powers, step=1600.0, power=wanted)
    assert weights.sum() == pytest.approx(1, abs=1e-3)
    tau = np.linspace(0, 1600, 20_001)
    mixed = sum(
        w * np.where(tau <= s, (p + 1) * tau**p / s ** (p + 1), 0)
        for w, s, p in zip(weights, steps, powers, strict=True)
    )
    target = (wanted + 1) * tau**wanted / 1600 ** (wanted + 1)
    error = np.trapezoid((mixed - target) ** 2, tau) / np.trapezoid(target**2, tau)
    assert error < 1e-4


def test_averages_go_on_from_their_state():
    network = nn.Linear(3, 1)
    averages, again = PowerAverages(network), PowerAverages(nn.Linear(3, 1))
    for step in range(5):
        with torch.no_grad():
            network.weight.fill_(float(step))
        averages.update(network)
    again.load_state_dict(averages.state_dict())
    for one in (averages, again):
        one.update(network)
    assert all(torch.equal(a["weight"], b["weight"]) for a, b in zip(averages.averages, again.averages, strict=True))
    with pytest.raises(ValueError, match="are not those of"):
        PowerAverages(network, lengths=(0.05, 0.2)).load_state_dict(averages.state_dict())


def test_the_length_with_the_lowest_metric_is_written(kept, tmp_path):
    network = nn.Linear(3, 1, bias=False)
    wanted = average_of_length(kept, 0.07)["weight"]
    evaluator = SimpleNamespace(network=network, state=SimpleNamespace(metrics={}))

    def run():
        evaluator.state.metrics = {"val_loss": float((network.weight.detach() - wanted).norm())}

    evaluator.run = run
    scores = choose_length(evaluator, kept, lengths=[0.04, 0.07, 0.13], out=tmp_path / "chosen")
    assert min(scores, key=scores.get) == 0.07 and len(scores) == 3
    written = torch.load(tmp_path / "chosen" / "model.pt", weights_only=True)
    assert torch.equal(written["weight"], wanted.half())
    assert json.loads((tmp_path / "chosen" / "lengths.json").read_text())["by_length"]["0.07"] == scores[0.07]


def test_a_folder_without_snapshots_and_a_damaged_one_are_one_sentence(kept, tmp_path):
    with pytest.raises(RequestError, match="holds no averages"):
        average_of_length(tmp_path, 0.1)
    with pytest.raises(RequestError, match="relative length 0.5"):
        average_of_length(kept, 0.5)
    (tmp_path / "averages_00000001.pt").write_bytes(b"x")
    with pytest.raises(MammoError, match="is damaged"):
        average_of_length(tmp_path, 0.1)
