"""Groups of parameters with learning rates of their own."""

from __future__ import annotations

from typing import Any

from torch import nn

from monai_mammo.training.checkpoints import unwrapped

__all__ = ["slower_encoder", "with_frozen_encoder"]


def with_frozen_encoder(network: nn.Module) -> nn.Module:
    """The same network, its encoder without gradients: a training of the rest costs no backward pass through it.

    Parameters
    ----------
    network : nn.Module
        With an ``encoder``; not yet wrapped for several processes.

    Returns
    -------
    nn.Module
    """
    network.encoder.requires_grad_(False)
    return network


def slower_encoder(network: nn.Module, *, learning_rate: float, factor: float = 0.03) -> list[dict[str, Any]]:
    """Groups for an optimiser: a pretrained encoder learns more slowly than the rest; frozen parameters are left out.

    Parameters
    ----------
    network : nn.Module
        With an ``encoder``, perhaps wrapped for several processes.
    learning_rate : float
        Of what is new.
    factor : float
        Learning rate of the encoder over `learning_rate`. An encoder without normalisation forgets within a hundred
        steps of Adam what its pretraining taught it where this is a third; 0.03 keeps it.

    Returns
    -------
    list of dict
        Parameter groups as `torch.optim` takes them: what is new, then the encoder.
    """
    network = unwrapped(network)
    pretrained = {id(p) for p in network.encoder.parameters()}
    learning = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in learning if id(p) not in pretrained], "lr": learning_rate},
        {"params": [p for p in learning if id(p) in pretrained], "lr": learning_rate * factor},
    ]
