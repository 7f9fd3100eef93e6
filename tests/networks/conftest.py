"""Small networks whose layers all do something."""

from __future__ import annotations

import pytest
import torch
from torch import nn


@pytest.fixture
def awake():
    """Function that gives a network's layers that start at 0 small random weights, as training soon does."""

    def awaken(network: nn.Module, seed: int = 0) -> nn.Module:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in network.parameters():
                if not parameter.any():
                    parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
        return network.eval()

    return awaken


@pytest.fixture
def silent():
    """Names of a network's parameters that the gradient of its output does not reach."""

    def without_gradient(network: nn.Module, output: torch.Tensor) -> list[str]:
        network.zero_grad()
        (output * torch.randn(output.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
        return [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]

    return without_gradient
