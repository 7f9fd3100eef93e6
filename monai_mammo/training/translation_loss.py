"""Losses of the translator, by diffusion and by plain regression, and what it must know of its data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from monai_mammo.networks.painter_unet import to_bands
from monai_mammo.networks.translator_unet import TranslatorUNet
from monai_mammo.sampling.schedule import Schedule
from monai_mammo.training.diffusion_loss import Denoising, DiffusionLoss
from monai_mammo.training.translation_dataset import TranslationDataset

__all__ = ["TranslationLoss", "TranslationRegressionLoss", "with_pair_statistics"]

_BAND_WEIGHTS = (4.0, *[2.0] * 3, *[1.0] * 12)
_TISSUE = 0.15
"""How far above air a latent is tissue, as in `monai_mammo.networks.distance_to_air`."""


class TranslationLoss(DiffusionLoss):
    """Squared error of the predicted velocity of the bands, given the other acquisition; coarse bands count more.

    Parameters
    ----------
    schedule : Schedule
        Shared with sampling.
    network : TranslatorUNet
        Whose buffers scale the bands.
    """

    def __init__(self, schedule: Schedule, network: TranslatorUNet) -> None:
        super().__init__(schedule)
        self._network = (network,)  # in a tuple: its weights are no state of this loss

    def task(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Bands of what is drawn (B, 16, h, w), and what the network sees.

        Parameters
        ----------
        batch : dict
            Of `TranslationDataset`.

        Returns
        -------
        Tensor, shape (B, 16, h, w)
        dict of str to Tensor
            ``spatial`` and ``numbers`` of `ViewInput`.
        """
        return _task(self._network[0], batch)

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
        difference = (one.prediction.float() - self.schedule.target(one.z0, one.eps, one.t)).square()
        by_band = difference.mean(dim=(2, 3))  # (B, 16)
        error = _weighted(by_band)
        noisy = one.t > 0.5
        return {
            "loss": error.mean(),
            "v_error_noisy": error[noisy].sum() / noisy.sum().clamp_min(1),
            "v_error_mean": by_band[:, 0].mean(),
        }


class TranslationRegressionLoss(nn.Module):
    """Absolute error of a network that draws nothing by chance: it is shown no noise and says the bands themselves.

    Parameters
    ----------
    network : TranslatorUNet
        Whose buffers scale the bands.
    """

    def __init__(self, network: TranslatorUNet) -> None:
        super().__init__()
        self._network = (network,)

    def forward(self, call: Callable[..., Tensor], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Loss of a batch, and the error of its mean band.

        Parameters
        ----------
        call : callable
        batch : dict
            Of `TranslationDataset`.

        Returns
        -------
        dict of str to Tensor, each of shape ()
            ``loss``, ``v_error_noisy``, the same once more, and ``v_error_mean``, so that one config serves both.
        """
        bands, given = _task(self._network[0], batch)
        t = bands.new_ones(len(bands))
        prediction = call(torch.zeros_like(bands), timesteps=t, attributes=batch["attributes"], **given)
        by_band = (prediction.float() - bands).abs().mean(dim=(2, 3))
        loss = _weighted(by_band).mean()
        return {"loss": loss, "v_error_noisy": loss.detach(), "v_error_mean": by_band[:, 0].mean()}


@torch.no_grad()
def with_pair_statistics(network: TranslatorUNet, dataset: TranslationDataset) -> TranslatorUNet:
    """The same network, its buffers set from training pairs.

    Parameters
    ----------
    network : TranslatorUNet
    dataset : TranslationDataset

    Returns
    -------
    TranslatorUNet
    """
    places = len(network.modalities)
    total, squares, count = (torch.zeros(places, 16) for _ in range(3))
    for index in range(len(dataset)):
        item = dataset.item(index, 0)
        bands, place = to_bands(item["image"][None]), int(item["onto"])
        tissue = bands[:, :1] / 4 > dataset.air + _TISSUE  # the mean band is four times the mean of its square
        total[place] += (bands * tissue).sum(dim=(0, 2, 3))
        squares[place] += (bands.square() * tissue).sum(dim=(0, 2, 3))
        count[place] += tissue.sum()
    mean = total / count.clamp_min(1)
    network.band_mean.copy_(mean)
    network.band_std.copy_((squares / count.clamp_min(1) - mean.square()).clamp_min(1e-6).sqrt())
    network.air.fill_(dataset.air)
    return network


def _task(network: TranslatorUNet, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
    seen = network.seen(batch["source"], batch["spatial"], batch["of"], batch["onto"], batch["numbers"])
    return network.bands(batch["image"], batch["onto"]), {"spatial": seen.spatial, "numbers": seen.numbers}


def _weighted(by_band: Tensor) -> Tensor:
    """Mean over bands, (B,), of (B, 16), the coarse ones with more weight."""
    weights = by_band.new_tensor(_BAND_WEIGHTS)
    return (by_band * weights).sum(dim=1) / weights.sum()
