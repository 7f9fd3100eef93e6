"""Exponential moving average of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ExponentialMovingAverage"]


class ExponentialMovingAverage:
    """Average of a network's weights over training, kept in float32.

    Parameters
    ----------
    network : nn.Module
    decay : float
        Share of the old average that stays at each step, in [0, 1). The first steps keep less,
        ``(1 + n) / (10 + n)``, so that the start is forgotten soon.
    """

    def __init__(self, network: nn.Module, *, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay {decay} does not lie in [0, 1)")
        self.decay = decay
        self.n_updates = 0
        self.average: dict[str, Tensor] = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Moves the average towards the network's present weights.

        Parameters
        ----------
        network : nn.Module
        """
        decay = min(self.decay, (1 + self.n_updates) / (10 + self.n_updates))
        self.n_updates += 1
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value.detach().to(self.average[name].dtype), 1 - decay)
            else:
                self.average[name].copy_(value)

    def state_dict(self) -> dict:
        """Average and number of updates, for a checkpoint.

        Returns
        -------
        dict
        """
        return {"average": self.average, "n_updates": self.n_updates}

    def load_state_dict(self, state: dict) -> None:
        """Goes on from a checkpoint.

        Parameters
        ----------
        state : dict
            As `state_dict` gave it.
        """
        self.n_updates = int(state["n_updates"])
        for name, value in state["average"].items():
            self.average[name].copy_(value)
