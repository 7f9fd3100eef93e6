"""Evidence lower bound by which the VAE baselines learn, with what keeps their vector from falling silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["ACTIVE_VARIANCE", "VariationalLoss", "active_units"]

ACTIVE_VARIANCE = 0.01
"""Variance over images of a number's posterior mean above which the number counts as active (Burda et al. 2016)."""


class VariationalLoss(nn.Module):
    """Negative evidence lower bound of latents, in nats for each of their numbers.

    The likelihood is Gaussian with one deviation for all numbers, always the best one for the batch, so that its
    negative logarithm is half the logarithm of the mean squared error (Rybkin et al. 2021). Against posterior collapse,
    the divergence to the prior counts little at first (annealing, Bowman et al. 2016), and the first nats of each
    number cost nothing (free bits, Kingma et al. 2016).

    Parameters
    ----------
    n_vector : int
        Length of the network's vector.
    beta : float
        Weight of the divergence in the end; 1 is the bound itself, more makes samples of the prior look like
        reconstructions (Higgins et al. 2017).
    warm_up_iterations : int
        Over so many iterations of training the weight rises from 0 to `beta`. They are counted in the state dict, so
        that a resumed training goes on. Validation has the full weight.
    free_nats : float
        Of the divergence of each number, averaged over the batch, so much costs nothing in training.
    """

    n_iterations: Tensor

    def __init__(
        self, *, n_vector: int, beta: float = 1.0, warm_up_iterations: int = 0, free_nats: float = 0.0
    ) -> None:
        super().__init__()
        self.n_vector, self.beta = int(n_vector), float(beta)
        self.warm_up_iterations, self.free_nats = int(warm_up_iterations), float(free_nats)
        self.register_buffer("n_iterations", torch.zeros((), dtype=torch.long))

    def forward(self, call: Callable[..., Any], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Loss of a batch with ``"image"`` (B, 4, h, w), ``"attributes"`` (B, n), ``"spatial"`` (B, 2, h, w).

        Parameters
        ----------
        call : callable
            As `networks.LatentVAE`.
        batch : dict
            Tensors by name.

        Returns
        -------
        dict of str to Tensor, each of shape ()
            ``loss``; ``mse`` of the latents; ``kl``, nats an image; ``active_units`` of this batch.
        """
        z = batch["image"]
        is_training = torch.is_grad_enabled()
        noise = torch.randn(len(z), self.n_vector, device=z.device)
        found, mu, log_variance = call(z, attributes=batch["attributes"], spatial=batch["spatial"], noise=noise)
        mse = (found.float() - z).square().mean()
        divergence = _divergence(mu.float(), log_variance.float())  # (B, n_vector)
        by_number = divergence.mean(dim=0)
        kl = by_number.sum()
        cost = by_number.clamp_min(self.free_nats).sum() if is_training else kl
        weight = self._weight() if is_training else self.beta
        loss = 0.5 * mse.clamp_min(1e-12).log() + weight * cost / z[0].numel()
        if is_training:
            self.n_iterations += 1
        return {"loss": loss, "mse": mse, "kl": kl, "active_units": active_units(mu)}

    def _weight(self) -> float:
        if not self.warm_up_iterations:
            return self.beta
        return self.beta * min(1.0, int(self.n_iterations) / self.warm_up_iterations)


def active_units(mu: Tensor) -> Tensor:
    """Numbers of a VAE's vector that tell images apart: their posterior mean varies by more than `ACTIVE_VARIANCE`.

    Parameters
    ----------
    mu : Tensor, shape (n, n_vector)
        Posterior means of n images.

    Returns
    -------
    Tensor, shape (), float32
        Their number; 0 is posterior collapse.
    """
    return (mu.float().var(dim=0, unbiased=False) > ACTIVE_VARIANCE).sum().float()


def _divergence(mu: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of N(mu, exp(log_variance)) from N(0, 1), number by number."""
    return 0.5 * (mu.square() + log_variance.exp() - 1 - log_variance)
