"""What the finish of the detail stage learns from: features of acquired mammograms that drawn ones lack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.networks.autoencoder import Autoencoder
from monai_mammo.networks.context import kind_places
from monai_mammo.networks.detail_unet import DetailUNet, layout_of
from monai_mammo.networks.feature_discriminator import FeatureDiscriminator, SeenPictures
from monai_mammo.training.feature_moments import FeatureMoments, moments_of
from monai_mammo.training.losses import Adversary
from monai_mammo.training.precision import autocast_dtype
from monai_mammo.training.stage_losses import tissue_crops

__all__ = ["FinishLoss", "half_size_picture", "power_change"]

_SKIN_DEPTH = 0.03
_N_OCTAVES = 3
_LEAST_POWER = 1e-7


class FinishLoss(nn.Module):
    """A drawn latent is changed until a discriminator takes it for acquired; layout and power stay, little changes.

    In validation the loss is how far means and deviations of features of the finished latents lie from those of the
    acquired ones, over the batch, in deviations of the acquired ones.

    Parameters
    ----------
    detail : DetailUNet
        That drew the latents; knows the residual's scale and its planes.
    autoencoder : Autoencoder
        Whose latents they are.
    discriminator : FeatureDiscriminator
    adversarial, moments, layout, change, power : float
        Weights of what the discriminator says, of what `FeatureMoments` give, of what moves the layout (mean
        absolute), of the mean square of the change, in deviations of the residual, and of `power_change`.
    layout_noise : float
        Deviation of the noise on the layout, as in sampling.
    crop_size : int
        Side of a crop in latent positions, a multiple of 4.
    discriminator_learning_rate : float
        Of Adam.
    autocast : str or None
        Number format in which features and discriminator are computed, as in `AutocastInferer`.
    """

    def __init__(
        self,
        *,
        detail: DetailUNet,
        autoencoder: Autoencoder,
        discriminator: FeatureDiscriminator,
        adversarial: float = 1.0,
        moments: float = 0.0,
        layout: float = 1.0,
        change: float = 0.01,
        power: float = 10.0,
        layout_noise: float = 0.05,
        crop_size: int = 48,
        discriminator_learning_rate: float = 1e-3,
        autocast: str | None = "bfloat16",
    ) -> None:
        super().__init__()
        self._detail, self._autoencoder = (detail,), (autoencoder,)  # in tuples: no state of this loss
        self.weights = {
            "adversarial": adversarial,
            "moments": moments,
            "layout": layout,
            "change": change,
            "power": power,
        }
        self.layout_noise, self.crop_size, self.autocast = layout_noise, crop_size, autocast
        self.adversary = Adversary(discriminator, learning_rate=discriminator_learning_rate, betas=(0.0, 0.99))
        n_features = 2 * sum(head.mixing.shape[1] for head in discriminator.heads)
        self.moments = FeatureMoments(n_features, n_kinds=discriminator.n_kinds)

    def forward(self, call: Callable[..., Tensor], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Terms of the loss for a batch.

        Parameters
        ----------
        call : callable
        batch : dict
            Of `DrawnDataset`.

        Returns
        -------
        dict of str to Tensor, each of shape ()
            ``loss`` and its terms.
        """
        detail, drawn, acquired = self._detail[0], batch["image"], batch["acquired"]
        level = drawn.new_full((len(drawn),), self.layout_noise)
        noisy = batch["layout"] + self.layout_noise * batch["on_layout"]
        planes = detail.planes(batch["layout"], noisy, batch["spatial"][:, :1])
        scale = detail.residual_scale(batch["attributes"], level)
        residual = (drawn - planes[:, :4]) / scale
        is_training = torch.is_grad_enabled()
        if is_training:
            cropped = tissue_crops(planes, (drawn, acquired, planes, residual), size=self.crop_size)
            drawn, acquired, planes, residual = cropped
        change = call(residual, attributes=batch["attributes"], planes=planes).float()
        finished = drawn + scale * change
        made, real, before = (half_size_picture(self._autoencoder[0], z) for z in (finished, acquired, drawn))
        terms = {
            "layout": (layout_of(finished) - layout_of(drawn)).abs().mean(),
            "change": change.square().mean(),
            "power": power_change(made, before, planes[:, 7:8]),
        }
        if not is_training:
            return {"loss": self._distance(made, real), **terms}
        kinds = kind_places(batch["attributes"]).to(made.device)
        turned = [axis for axis in (2, 3) if torch.rand(()) < 0.5]
        seen, shown = self._seen(made.flip(turned), kinds), self._seen(real.flip(turned).detach(), kinds)
        discriminator = self.adversary.discriminator
        discriminator.fit(shown)
        with self._in_autocast(made):
            terms["discriminator"] = self.adversary.train_on(seen, shown)
            terms["adversarial"] = self.adversary(seen)
        if self.weights["moments"]:
            ours, theirs = moments_of(seen.maps), moments_of(shown.maps)
            self.moments.update(ours.detach(), theirs, kinds)
            terms["moments"] = self.moments(ours, kinds)
        total = sum(weight * terms[name] for name, weight in self.weights.items() if name in terms)
        return {"loss": total, **{name: term.detach() for name, term in terms.items()}}

    def _seen(self, pictures: Tensor, kinds: Tensor) -> SeenPictures:
        discriminator = self.adversary.discriminator
        with self._in_autocast(pictures):
            maps = tuple(discriminator.features(pictures))
        return SeenPictures(maps, functional.one_hot(kinds, self._n_kinds).to(pictures))

    def _in_autocast(self, pictures: Tensor) -> torch.autocast:
        dtype = autocast_dtype(self.autocast, pictures.device)
        return torch.autocast(pictures.device.type, dtype, enabled=dtype is not None)

    @property
    def _n_kinds(self) -> int:
        return int(self.adversary.discriminator.n_kinds)

    def _distance(self, made: Tensor, real: Tensor) -> Tensor:
        """Mean square of the differences of the features' means and deviations, in deviations over the batch."""
        features = self.adversary.discriminator.features
        ours, theirs = (moments_of(features(pictures)) for pictures in (made, real))
        return ((ours.mean(0) - theirs.mean(0)) / (theirs.std(0, correction=0) + 1e-3)).square().mean()


def power_change(made: Tensor, before: Tensor, distance: Tensor) -> Tensor:
    """How far the power of each octave lies from what it was, at the skin and inside the breast apart.

    Parameters
    ----------
    made, before : Tensor, shape (B, 1, 2 h, 2 w)
        Half-size pictures.
    distance : Tensor, shape (B, 1, h, w)
        To air, as a share of the rows of the whole picture.

    Returns
    -------
    Tensor, shape ()
        Mean square of the natural logarithm of the ratio.
    """
    distance = functional.interpolate(distance, scale_factor=2, mode="nearest")
    zones = [(distance <= _SKIN_DEPTH).to(made), (distance > _SKIN_DEPTH).to(made)]
    squares = []
    for _ in range(_N_OCTAVES):
        coarser = [functional.avg_pool2d(one, 2) for one in (made, before)]
        bands = [
            one - functional.interpolate(less, scale_factor=2, mode="bilinear", align_corners=False)
            for one, less in zip((made, before), coarser, strict=True)
        ]
        for zone in zones:
            ours, theirs = ((band.square() * zone).mean(dim=(1, 2, 3)) + _LEAST_POWER for band in bands)
            squares.append((ours / theirs).log().square().mean())
        (made, before), zones = coarser, [functional.avg_pool2d(zone, 2) for zone in zones]
    return torch.stack(squares).mean()


def half_size_picture(autoencoder: Autoencoder, z: Tensor) -> Tensor:
    """Half-size picture that a latent folds, as brightness.

    Parameters
    ----------
    autoencoder : Autoencoder
    z : Tensor, shape (B, 4, h, w)
        Scaled latent.

    Returns
    -------
    Tensor, shape (B, 1, 2 h, 2 w)
        Black 0 and white 1, up to what the encoder adds.
    """
    folded = z * autoencoder.latent_std + autoencoder.latent_mean
    return (0.5 + 0.5 * functional.pixel_shuffle(folded, 2)).clamp(-0.05, 1.05)
