"""Loss of the lesion painter, and what it must know of its data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from monai_mammo.networks.painter_unet import N_BANDS, PainterUNet, to_bands
from monai_mammo.sampling.schedule import Schedule
from monai_mammo.training.diffusion_loss import Denoising, DiffusionLoss
from monai_mammo.training.painter_dataset import PainterDataset

__all__ = ["BAND_WEIGHTS", "PainterLoss", "band_deviation", "with_band_statistics"]

BAND_WEIGHTS = (6.0, *[3.0] * 3, *[1.0] * 12)
"""What the mean, the three coarse and the twelve fine bands count beside each other."""


class PainterLoss(DiffusionLoss):
    """Squared error of the predicted velocity inside the region, each band with its own weight.

    The twelve fine bands are mostly grain, the mean and the three coarse ones hold the lesion: these count more.

    Parameters
    ----------
    schedule : Schedule
        Shared with sampling.
    network : PainterUNet
        Whose buffers scale the bands.
    """

    def __init__(self, schedule: Schedule, network: PainterUNet) -> None:
        super().__init__(schedule)
        self._network = (network,)  # in a tuple: its weights are no state of this loss

    def denoising(self, call: Callable[..., Tensor], batch: dict[str, Any]) -> Denoising:
        """What the network says of a batch under noise, which lies on the region alone.

        Parameters
        ----------
        call : callable
        batch : dict
            Of `PainterDataset`.

        Returns
        -------
        Denoising
            `eps`, like `z0`, is 0 outside the region.
        """
        z0, given = self.task(batch)
        drawn = batch["drawn"]
        n = len(z0)
        t = (torch.rand((), device=z0.device) + torch.randperm(n, device=z0.device) / n) % 1
        alpha, sigma = (level(t)[:, None, None, None] for level in (self.schedule.alpha, self.schedule.sigma))
        eps = torch.randn_like(z0) * drawn
        z_t = alpha * z0 + sigma * eps
        prediction = call(z_t, timesteps=t, attributes=batch["attributes"], **given)
        return Denoising(z0=z0, eps=eps, z_t=z_t, t=t, prediction=prediction.float() * drawn)

    def task(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Scaled bands of the residual (B, 16, h, w), and what the network sees; the batch is told where it draws.

        Parameters
        ----------
        batch : dict
            Of `PainterDataset`.

        Returns
        -------
        Tensor, shape (B, 16, h, w)
        dict of str to Tensor
            ``spatial``, ``known`` and ``numbers`` of `PainterUNet.forward`.
        """
        seen = self._network[0].seen(batch["filled"], batch["region"], batch["outline"], batch["pixels"])
        batch["drawn"] = seen.drawn
        residual = to_bands(batch["image"] - batch["filled"]) / seen.scale * seen.drawn
        return residual, {"spatial": seen.planes, "known": seen.known, "numbers": seen.numbers}

    def errors(self, one: Denoising) -> dict[str, Tensor]:
        """Loss, the error of the noisier half, and that of the mean band.

        Parameters
        ----------
        one : Denoising

        Returns
        -------
        dict of str to Tensor, each of shape ()
            ``loss``, ``v_error_noisy`` and ``v_error_mean``.
        """
        difference = (one.prediction - self.schedule.target(one.z0, one.eps, one.t)).square()
        n_drawn = (one.eps[:, :1] != 0).sum(dim=(1, 2, 3)).clamp_min(1)
        by_band = difference.sum(dim=(2, 3)) / n_drawn[:, None]  # (B, 16)
        weights = by_band.new_tensor(BAND_WEIGHTS)
        error = (by_band * weights).sum(dim=1) / weights.sum()
        noisy = one.t > 0.5
        return {
            "loss": error.mean(),
            "v_error_noisy": error[noisy].sum() / noisy.sum().clamp_min(1),
            "v_error_mean": by_band[:, 0].mean(),
        }


@torch.no_grad()
def with_band_statistics(network: PainterUNet, dataset: PainterDataset, *, n_crops: int = 2000) -> PainterUNet:
    """The same network, its buffers set from training crops.

    Parameters
    ----------
    network : PainterUNet
    dataset : PainterDataset
        Evenly spread crops are taken.
    n_crops : int
        At most so many.

    Returns
    -------
    PainterUNet
    """
    chosen = range(0, len(dataset), max(1, len(dataset) // n_crops))
    items = [dataset.crop(index, 0) for index in chosen]
    z, filled, region = (torch.stack([item[name] for item in items]) for name in ("image", "filled", "region"))
    bands = to_bands(filled)
    bands[:, 0] -= bands[:, 0].mean(dim=(1, 2), keepdim=True)
    drawn = torch.nn.functional.max_pool2d(region, 2) > 0
    outside = (~drawn).expand(-1, N_BANDS, -1, -1)
    network.texture_std.copy_(band_deviation(bands, outside))
    network.residual_std.fill_(1)
    outline, pixels = torch.zeros_like(region), torch.zeros(len(z), 2)
    scaled = to_bands(z - filled) / network.seen(filled, region, outline, pixels).scale
    network.residual_std.copy_(band_deviation(scaled, drawn.expand(-1, N_BANDS, -1, -1)))
    return network


def band_deviation(bands: Tensor, counts: Tensor) -> Tensor:
    """Root mean square of each band where it counts.

    Parameters
    ----------
    bands : Tensor, shape (B, 16, h, w)
    counts : Tensor, shape (B, 16, h, w)
        Weights, 0 or more.

    Returns
    -------
    Tensor, shape (16,)
    """
    power = (bands.square() * counts).sum(dim=(0, 2, 3)) / counts.sum(dim=(0, 2, 3)).clamp_min(1)
    return power.sqrt().clamp_min(1e-4)
