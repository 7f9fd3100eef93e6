"""Loss of a CycleGAN between crops with a lesion and crops without (Zhu et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from monai_mammo.networks.crop_translator import CropTranslator, TranslatorInput
from monai_mammo.networks.painter_unet import to_bands
from monai_mammo.training.losses import Adversary
from monai_mammo.training.painter_loss import BAND_WEIGHTS, band_deviation
from monai_mammo.training.precision import autocast_dtype
from monai_mammo.training.unpaired_crops import UnpairedCrops

__all__ = ["CycleLoss", "with_texture_statistics"]


class CycleLoss(nn.Module):
    """Each way and back gives the crop again, and no discriminator tells what was translated from acquired crops.

    Discriminators see the region and a ring round it alone, since crops of the two sorts lie in other places of the
    breast. Where gradients are off they do not learn, and ``distance`` says how far what was translated lies from
    acquired crops: the energy distance (Székely & Rizzo 2013) of each region's contrast, means and powers by band.

    Parameters
    ----------
    network : CropTranslator
        Whose buffer scales the bands.
    lesion_discriminator, healthy_discriminator : nn.Module
        Of 24 channels; they give patch logits, or features by layer with the logits last, as MONAI's do.
    adversarial, cycle, identity : float
        Weights; that a crop stays which is of the wanted sort already costs a third of the work, and 0 leaves it out.
    learning_rate : float
        Of Adam, for the discriminators.
    autocast : str or None
        Number format in which discriminators are computed, as in `AutocastInferer`.
    """

    def __init__(
        self,
        network: CropTranslator,
        lesion_discriminator: nn.Module,
        healthy_discriminator: nn.Module,
        *,
        adversarial: float = 1.0,
        cycle: float = 5.0,
        identity: float = 0.0,
        learning_rate: float = 2e-4,
        autocast: str | None = "bfloat16",
    ) -> None:
        super().__init__()
        self._network = (network,)  # in a tuple: its weights are no state of this loss
        self.lesion_adversary = Adversary(_Logits(lesion_discriminator), learning_rate=learning_rate)
        self.healthy_adversary = Adversary(_Logits(healthy_discriminator), learning_rate=learning_rate)
        self.weights = {"adversarial": adversarial, "cycle": cycle, "identity": identity}
        self.autocast = autocast
        self.register_buffer("band_weights", torch.tensor(BAND_WEIGHTS) / sum(BAND_WEIGHTS))

    def forward(self, call: Callable[..., Any], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Terms of the loss for a batch of `UnpairedCrops`.

        Parameters
        ----------
        call : callable
            The translation network, under whatever autocast the trainer has.
        batch : dict
            Of crops of both sorts, as `UnpairedCrops` stacks them.

        Returns
        -------
        dict of str to Tensor, each of shape ()
            ``loss`` and its terms.
        """
        seen = self._network[0].seen
        lesion, healthy = (seen(*(batch[f"{name}{one}"] for one in ("", "_region", "_outline"))) for name in _SORTS)

        def to(one: TranslatorInput, bands: Tensor, *, to_lesion: bool) -> Tensor:
            return call(bands, planes=one.planes, drawn=one.drawn, to_lesion=to_lesion).float()

        made_lesion, made_healthy = (
            to(healthy, healthy.bands, to_lesion=True),
            to(lesion, lesion.bands, to_lesion=False),
        )
        back = [
            (healthy, to(healthy, made_lesion, to_lesion=False)),
            (lesion, to(lesion, made_healthy, to_lesion=True)),
        ]
        terms = {"cycle": torch.stack([self._l1(one, bands) for one, bands in back]).sum()}
        if self.weights["identity"]:
            same = [
                (healthy, to(healthy, healthy.bands, to_lesion=False)),
                (lesion, to(lesion, lesion.bands, to_lesion=True)),
            ]
            terms["identity"] = torch.stack([self._l1(one, bands) for one, bands in same]).sum()
        dtype = autocast_dtype(self.autocast, lesion.bands.device)
        with torch.autocast(lesion.bands.device.type, dtype, enabled=dtype is not None):
            sides = (
                (self.lesion_adversary, _judged(healthy, made_lesion), _judged(lesion, lesion.bands)),
                (self.healthy_adversary, _judged(lesion, made_healthy), _judged(healthy, healthy.bands)),
            )
            if torch.is_grad_enabled():  # first: a step changes weights that the generators' gradient needs
                terms["discriminator"] = torch.stack([one.train_on(made, real) for one, made, real in sides]).sum()
            terms["adversarial"] = torch.stack([one(made) for one, made, _ in sides]).sum()
        if not torch.is_grad_enabled():
            ways = ((healthy, made_lesion, lesion), (lesion, made_healthy, healthy))
            terms["distance"] = torch.stack([_distance(*way) for way in ways]).sum()
        total = torch.stack([self.weights[name] * terms[name].float() for name in self.weights if name in terms]).sum()
        return {"loss": total, **{name: term.detach() for name, term in terms.items()}}

    def _l1(self, one: TranslatorInput, bands: Tensor) -> Tensor:
        """Weighted mean distance from the acquired crop where something may change."""
        by_band = ((bands - one.bands).abs() * one.drawn).sum(dim=(0, 2, 3)) / one.drawn.sum().clamp_min(1)
        return (by_band * self.band_weights).sum()


_SORTS = ("lesion", "healthy")


class _Logits(nn.Module):
    """A discriminator's logits, of one that gives its features too."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        out = self.network(x)
        return out[-1] if isinstance(out, list) else out


def _judged(one: TranslatorInput, bands: Tensor) -> Tensor:
    """What a discriminator sees: bands near the region, region and outline."""
    return torch.cat([bands * one.near, one.planes], dim=1)


def _distance(start: TranslatorInput, made: Tensor, real: TranslatorInput) -> Tensor:
    """Energy distance between what was made of a batch and another, acquired one."""
    found, expected = _features(start, made), _features(real, real.bands)
    deviation = expected.std(dim=0).clamp_min(1e-3)
    found, expected = found / deviation, expected / deviation
    return (
        2 * torch.cdist(found, expected).mean()
        - torch.cdist(found, found).mean()
        - torch.cdist(expected, expected).mean()
    )


def _features(one: TranslatorInput, bands: Tensor) -> Tensor:
    """Contrast of the outlined positions to the rest of the region, and mean and power by band, shape (B, 33)."""
    n_drawn = one.drawn.sum(dim=(2, 3)).clamp_min(1)
    mean = (bands * one.drawn).sum(dim=(2, 3)) / n_drawn
    power = ((bands.square() * one.drawn).sum(dim=(2, 3)) / n_drawn).clamp_min(1e-4).log()
    outline = one.planes[:, 4:].mean(dim=1)
    rest = (one.drawn[:, 0] - outline).clamp_min(0)
    inside, outside = (
        (bands[:, 0] * weight).sum(dim=(1, 2)) / weight.sum(dim=(1, 2)).clamp_min(1) for weight in (outline, rest)
    )
    return torch.cat([(inside - outside)[:, None], mean, power], dim=1)


def with_texture_statistics(network: CropTranslator, dataset: UnpairedCrops, *, n_crops: int = 2000) -> CropTranslator:
    """The same network, its buffer set from training crops.

    Parameters
    ----------
    network : CropTranslator
    dataset : UnpairedCrops
        Evenly spread crops are taken.
    n_crops : int
        At most so many.

    Returns
    -------
    CropTranslator
    """
    crops = dataset.crops
    items = [crops.crop(index, 0) for index in range(0, len(crops), max(1, len(crops) // n_crops))]
    z, region, outline = (torch.stack([item[name] for item in items]) for name in ("image", "region", "shape"))
    seen = network.seen(z, region, outline)
    network.texture_std.copy_(band_deviation(to_bands(z) - seen.level, (1 - seen.drawn).expand_as(seen.bands)))
    return network
