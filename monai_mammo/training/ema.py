"""Averages of a network's weights over training: exponential, and by powers of the step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["ExponentialMovingAverage", "PowerAverages", "power_of_length"]


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


def power_of_length(length: float) -> float:
    """Power ``gamma`` whose average ``tau**gamma`` has a relative length (Karras et al. 2024).

    Parameters
    ----------
    length : float
        Deviation of the profile over the length of the training, above 0 and below that of an even average, 0.288.

    Returns
    -------
    float
        Root of ``length**2 == (gamma + 1) / ((gamma + 2)**2 * (gamma + 3))``, above 0.

    Raises
    ------
    ValueError
        There is no such power.
    """
    if not 0 < length < 12**-0.5:
        raise ValueError(f"relative length {length} of an average does not lie above 0 and below {12**-0.5:.4f}")
    squared = length**-2
    return float(np.roots([1, 7, 16 - squared, 12 - squared]).real.max())


class PowerAverages:
    """Two averages of a network's weights whose reach grows with training, from which any length follows afterwards.

    Step ``tau`` of ``t`` counts in proportion to ``tau**gamma`` (Karras et al. 2024, "Analyzing and improving the
    training dynamics of diffusion models", section 3). How wide that is, relative to the whole training, is the
    *relative length*, 0.05 or 0.1 by default. Snapshots of both over a training, kept by `SnapshotHandler`, give by
    `average_of_length` what an average of another length would have been.

    Parameters
    ----------
    network : nn.Module
    lengths : sequence of float
        Relative lengths, each above 0 and below 0.288.
    """

    def __init__(self, network: nn.Module, *, lengths: Sequence[float] = (0.05, 0.1)) -> None:
        self.lengths = tuple(float(length) for length in lengths)
        self._gammas = [power_of_length(length) for length in self.lengths]
        self.n_updates = 0
        self.averages: list[dict[str, Tensor]] = [
            {k: v.detach().clone() for k, v in network.state_dict().items()} for _ in self.lengths
        ]

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Moves the averages towards the network's present weights.

        Parameters
        ----------
        network : nn.Module
        """
        self.n_updates += 1
        state = network.state_dict()
        for gamma, average in zip(self._gammas, self.averages, strict=True):
            kept = (1 - 1 / self.n_updates) ** (gamma + 1)
            for name, value in state.items():
                if value.is_floating_point():
                    average[name].lerp_(value.detach().to(average[name].dtype), 1 - kept)
                else:
                    average[name].copy_(value)

    def state_dict(self) -> dict:
        """Averages and number of updates, for a checkpoint.

        Returns
        -------
        dict
        """
        return {"averages": self.averages, "n_updates": self.n_updates, "lengths": list(self.lengths)}

    def load_state_dict(self, state: dict) -> None:
        """Goes on from a checkpoint.

        Parameters
        ----------
        state : dict
            As `state_dict` gives it.

        Raises
        ------
        ValueError
            The checkpoint has averages of other lengths.
        """
        if tuple(state["lengths"]) != self.lengths:
            raise ValueError(f"averages of lengths {state['lengths']} are not those of {list(self.lengths)}")
        self.n_updates = int(state["n_updates"])
        for average, loaded in zip(self.averages, state["averages"], strict=True):
            for name, value in loaded.items():
                average[name].copy_(value)
