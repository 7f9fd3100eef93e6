"""The moving average has a closed form, and goes on from a checkpoint."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from monai_mammo.training.ema import ExponentialMovingAverage


def _network(value: float) -> nn.Linear:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, value)
    return network


def test_average_of_a_step_is_geometric():
    network = _network(0.0)
    ema = ExponentialMovingAverage(network, decay=0.5)
    ema.n_updates = 10_000  # past the start, where less is kept
    nn.init.constant_(network.weight, 1.0)
    for n in range(1, 6):
        ema.update(network)
        assert ema.average["weight"].item() == pytest.approx(1 - 0.5**n)


def test_start_is_forgotten_soon():
    network = _network(0.0)
    ema = ExponentialMovingAverage(network, decay=0.999)
    nn.init.constant_(network.weight, 1.0)
    ema.update(network)
    assert ema.average["weight"].item() == pytest.approx(1 - 1 / 10)


def test_average_goes_on_from_its_state():
    network = _network(0.0)
    ema = ExponentialMovingAverage(network, decay=0.9)
    nn.init.constant_(network.weight, 2.0)
    ema.update(network)
    other = ExponentialMovingAverage(_network(5.0), decay=0.9)
    other.load_state_dict(ema.state_dict())
    ema.update(network)
    other.update(network)
    assert torch.equal(other.average["weight"], ema.average["weight"])


def test_a_decay_that_never_moves_is_refused():
    with pytest.raises(ValueError, match="decay"):
        ExponentialMovingAverage(_network(0.0), decay=1.0)
