"""Loss by which a diffusion U-Net learns to denoise latents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from monai_mammo.sampling.schedule import Schedule, add_noise, per_sample

__all__ = ["Denoising", "DiffusionLoss"]


class Denoising(NamedTuple):
    """A batch under noise and what a network says of it.

    Attributes
    ----------
    z0, eps, z_t, prediction : Tensor, shape (B, C, H, W)
        What was noised, the noise, both together, and the network's prediction.
    t : Tensor, shape (B,)
    """

    z0: Tensor
    eps: Tensor
    z_t: Tensor
    t: Tensor
    prediction: Tensor


class DiffusionLoss(nn.Module):
    """Squared error of the predicted velocity, v (Salimans & Ho 2022) or u of a flow (Esser et al. 2024).

    Times are spread evenly over a batch, each shifted by the same random share of a step, which
    lowers the variance of the mean (Kingma et al. 2021).

    Parameters
    ----------
    schedule : Schedule
        Shared with sampling.
    """

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    def forward(self, call: Callable[..., Tensor], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Loss of a batch with ``"image"`` (B, 4, h, w), ``"attributes"`` (B, n), ``"spatial"`` (B, 2, h, w).

        Parameters
        ----------
        call : callable
        batch : dict
            Of `LatentDataset`.

        Returns
        -------
        dict of str to Tensor, each of shape ()
            As `errors` gives them.
        """
        return self.errors(self.denoising(call, batch))

    def denoising(self, call: Callable[..., Tensor], batch: dict[str, Any]) -> Denoising:
        """What the network says of a batch under noise; arguments as for `forward`.

        Parameters
        ----------
        call : callable
        batch : dict
            Of `LatentDataset`.

        Returns
        -------
        Denoising
        """
        z0, given = self.task(batch)
        n = len(z0)
        t = (torch.rand((), device=z0.device) + torch.randperm(n, device=z0.device) / n) % 1
        alpha, sigma = per_sample(self.schedule.alpha(t), z0), per_sample(self.schedule.sigma(t), z0)
        eps = torch.randn_like(z0)
        z_t = add_noise(z0, eps, alpha, sigma)
        prediction = call(z_t, timesteps=t, attributes=batch["attributes"], **given)
        return Denoising(z0=z0, eps=eps, z_t=z_t, t=t, prediction=prediction)

    def errors(self, one: Denoising) -> dict[str, Tensor]:
        """Loss, and the error of the noisier half.

        Parameters
        ----------
        one : Denoising

        Returns
        -------
        dict of str to Tensor, each of shape ()
            ``loss`` and ``v_error_noisy``.
        """
        error = (one.prediction.float() - self.schedule.target(one.z0, one.eps, one.t)).square().mean(dim=(1, 2, 3))
        noisy = one.t > 0.5
        return {"loss": error.mean(), "v_error_noisy": error[noisy].sum() / noisy.sum().clamp_min(1)}

    def task(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """What is to be denoised, (B, C, H, W), and what the network is given beside noise, time and attributes.

        Parameters
        ----------
        batch : dict
            Of `LatentDataset`.

        Returns
        -------
        Tensor, shape (B, C, H, W)
        dict of str to Tensor
            ``spatial``: planes, shape (B, n, H, W).
        """
        return batch["image"], {"spatial": batch["spatial"]}
