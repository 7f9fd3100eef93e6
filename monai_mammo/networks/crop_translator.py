"""Translation of crops between lesion and healthy tissue, both ways: the generators of a CycleGAN (Zhu et al. 2017).

Like the lesion painter they work on the autoencoder's latents in bands of frequency, each at the scale of the crop's
own texture; the autoencoder stands for the layers that halve and double the picture in other generators.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.networks.blocks import ResidualBlock, group_norm, zeroed
from monai_mammo.networks.painter_unet import BAND_FACTOR, N_BANDS, from_bands, texture_gain, to_bands

__all__ = ["CropTranslator", "TranslatorInput"]

_N_PLANES = BAND_FACTOR**2
_RING = 7


class TranslatorInput(NamedTuple):
    """What the translator sees of a batch of crops.

    Attributes
    ----------
    bands : Tensor, shape (B, 16, h, w)
        Of the latent, each of about unit deviation; the mean band is 0 in the mean round the region.
    planes : Tensor, shape (B, 8, h, w)
        Region and outline of the lesion, folded.
    drawn : Tensor, shape (B, 1, h, w)
        1 where something may change, 0 elsewhere.
    near : Tensor, shape (B, 1, h, w)
        1 there and in a ring round it, 0 elsewhere.
    scale : Tensor, shape (B, 16, 1, 1)
        Deviation of the latent's bands over those of `bands`.
    level : Tensor, shape (B, 16, 1, 1)
        Of the latent's bands where `bands` are 0.
    """

    bands: Tensor
    planes: Tensor
    drawn: Tensor
    near: Tensor
    scale: Tensor
    level: Tensor

    def latent(self, bands: Tensor) -> Tensor:
        """Scaled latent of translated bands.

        Parameters
        ----------
        bands : Tensor, shape (B, 16, h, w)

        Returns
        -------
        Tensor, shape (B, 4, 2 h, 2 w)
        """
        return from_bands(bands * self.scale + self.level)


class CropTranslator(nn.Module):
    """Two generators: a healthy region becomes a lesion, a lesion becomes healthy tissue. Nothing else changes.

    Parameters
    ----------
    channels : int
        Width of each.
    n_blocks : int
        Residual blocks of each.

    Notes
    -----
    Buffer of the state dict, set before training: `texture_std`, shape (16,), deviation of the bands of acquired crops.
    """

    def __init__(self, *, channels: int = 88, n_blocks: int = 4) -> None:
        super().__init__()
        self.to_lesion, self.to_healthy = (_generator(channels, n_blocks) for _ in range(2))
        self.register_buffer("texture_std", torch.ones(N_BANDS))

    def seen(self, z: Tensor, region: Tensor, outline: Tensor) -> TranslatorInput:
        """What the network sees of crops.

        Parameters
        ----------
        z : Tensor, shape (B, 4, h, w)
            Scaled latent of the crop.
        region, outline : Tensor, shape (B, 1, h, w)
            Share of each latent position that the region, and the lesion's outline in it, cover.

        Returns
        -------
        TranslatorInput
        """
        bands = to_bands(z)
        drawn = (functional.max_pool2d(region, BAND_FACTOR) > 0).to(z)
        near = functional.max_pool2d(drawn, _RING, stride=1, padding=_RING // 2)
        ring = near - drawn
        level = torch.zeros_like(bands[:, :, :1, :1])
        level[:, :1] = (bands[:, :1] * ring).sum(dim=(2, 3), keepdim=True) / ring.sum(
            dim=(2, 3), keepdim=True
        ).clamp_min(1)
        scale = self.texture_std[None, :, None, None] * texture_gain(bands, 1 - drawn, self.texture_std)
        scale[:, :1] = self.texture_std[0]  # contrast of a lesion does not follow the texture round it
        folded = [functional.pixel_unshuffle(mask, BAND_FACTOR) for mask in (region, outline)]
        return TranslatorInput(
            bands=(bands - level) / scale,
            planes=torch.cat(folded, dim=1),
            drawn=drawn,
            near=near,
            scale=scale,
            level=level,
        )

    def forward(self, bands: Tensor, planes: Tensor, drawn: Tensor, *, to_lesion: bool) -> Tensor:
        """Translated bands, the same as before where nothing is drawn.

        Parameters
        ----------
        bands : Tensor, shape (B, 16, h, w)
        planes : Tensor, shape (B, 8, h, w)
            The outline, the last 4, counts on the way to a lesion alone.
        drawn : Tensor, shape (B, 1, h, w)
        to_lesion : bool
            Which way.

        Returns
        -------
        Tensor, shape (B, 16, h, w)
        """
        if to_lesion:
            change = self.to_lesion(torch.cat([bands, planes], dim=1))
        else:
            change = self.to_healthy(
                torch.cat([bands, planes[:, :_N_PLANES], torch.zeros_like(planes[:, _N_PLANES:])], dim=1)
            )
        return bands + drawn * change.to(bands)


def _generator(channels: int, n_blocks: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(N_BANDS + 2 * _N_PLANES, channels, 3, padding=1),
        *(ResidualBlock(channels, channels) for _ in range(n_blocks)),
        group_norm(channels),
        nn.SiLU(),
        zeroed(nn.Conv2d(channels, N_BANDS, 3, padding=1)),
    )
