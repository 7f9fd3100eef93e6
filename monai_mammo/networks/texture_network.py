"""Fine texture that a latent cannot hold, drawn into a smooth mammogram without moving anything.

A latent carries a picture of half the size; what lies above, an octave of spatial frequency, is averaged away by
any network that learns to reconstruct. `TextureNetwork` adds such an octave. The mean of each 2 x 2 block of pixels
stays what it was, whatever the weights, so a lesion keeps its place, size and contrast.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.networks.blocks import pad_to_multiple, zeroed

__all__ = ["TextureNetwork", "picture_of_latent"]

_AIR = 0.012
"""Brightness up to which a block is air, as where the breast is looked for."""


class TextureNetwork(nn.Module):
    """Residual network at half size; starts as the identity.

    Without normalisation, as in enhanced super-resolution (Lim et al. 2017; Wang et al. 2018): what it draws beside a
    lesion must not depend on how much air the picture has.

    Parameters
    ----------
    channels : int
        Width at half size.
    n_blocks : int
        Residual blocks of two convolutions.
    """

    def __init__(self, channels: int = 32, *, n_blocks: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4, channels, 3, padding=1),
            *(_PlainBlock(channels) for _ in range(n_blocks)),
            nn.SiLU(),
            zeroed(nn.Conv2d(channels, 4, 3, padding=1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Mammogram with fine texture, not clamped.

        Parameters
        ----------
        x : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1].

        Returns
        -------
        Tensor, shape (B, 1, H, W)
            Its mean over each block of 2 x 2 pixels is that of `x`; within 8 pixels of air it is `x`.
        """
        even = pad_to_multiple(x, 2)
        detail = self.body(2 * even - 1).float()
        detail = (detail - detail.mean(dim=1, keepdim=True)) * _share_by_distance_to_air(even)
        return x + functional.pixel_shuffle(detail, 2)[..., : x.shape[-2], : x.shape[-1]]


def picture_of_latent(autoencoder: Any, z: Tensor, texture: nn.Module | None = None) -> Tensor:
    """Picture that a scaled latent stands for, with fine texture where there is a network for it.

    Parameters
    ----------
    autoencoder : nn.Module
        With ``from_latent``, such as `Autoencoder`.
    z : Tensor, shape (B, 4, h, w)
    texture : nn.Module or None

    Returns
    -------
    Tensor, shape (B, 1, 4 h, 4 w), float32
        Brightness in [0, 1].
    """
    smooth = autoencoder.from_latent(z).float()
    return smooth if texture is None else texture(smooth).clamp(0, 1)


def _share_by_distance_to_air(x: Tensor) -> Tensor:
    """Share of detail that a block gets, shape (B, 1, H / 2, W / 2): 0 within 8 pixels of air, 1 from 16 on.

    Where a bright muscle is cut off by air, the edge is sharper than any tissue, and detail would ring along it. Dark
    spots inside a breast are no air: 10 x 10 pixels must be.
    """
    blocks = functional.avg_pool2d(x, 2)
    wide = functional.avg_pool2d(blocks, 5, stride=1, padding=2, count_include_pad=False)
    is_air = (wide <= _AIR).float()
    near = [functional.max_pool2d(is_air, 2 * reach + 1, stride=1, padding=reach) for reach in range(6, 11)]
    return 1 - torch.stack(near).mean(dim=0)


class _PlainBlock(nn.Module):
    """Two 3 x 3 convolutions past a shortcut; the second starts at 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = zeroed(nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(functional.silu(self.conv1(functional.silu(x))))
