"""What is added to drawn details in the end: convolutions over the half-size picture that a latent folds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.networks.blocks import zeroed
from monai_mammo.networks.context import kind_places
from monai_mammo.terms import AcquisitionKind

__all__ = ["PictureFinish"]

_N_KINDS = len(AcquisitionKind)


class PictureFinish(nn.Module):
    """Change of a residual over its enlarged layout, zero before training.

    All is done at one size, with dilated convolutions and without normalisation: what is added depends on what lies
    around, not on where a pixel falls in a grid or on what the rest of the picture holds.

    Parameters
    ----------
    channels : int
        Width of the features.
    dilations : sequence of int
        Of the first convolution of each residual block, in pixels of the half-size picture.
    """

    def __init__(self, *, channels: int = 48, dilations: Sequence[int] = (1, 2, 4, 8, 2, 1)) -> None:
        super().__init__()
        self.input = nn.Conv2d(4, channels, 3, padding=1)
        self.blocks = nn.ModuleList(_DilatedBlock(channels, dilation) for dilation in dilations)
        self.output = zeroed(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, residual: Tensor, attributes: Tensor, planes: Tensor) -> Tensor:
        """Change of the residual.

        Parameters
        ----------
        residual : Tensor, shape (B, 4, h, w)
            Of a latent over its enlarged layout, in the deviations of `DetailUNet.residual_scale`.
        attributes : Tensor, shape (B, n)
            The acquisition kind is given.
        planes : Tensor, shape (B, 8, h, w)
            Of `DetailUNet.planes`.

        Returns
        -------
        Tensor, shape (B, 4, h, w)
            In the same deviations.
        """
        told = torch.cat([planes[:, 4:5], planes[:, 7:8]], dim=1)  # mask, and distance to air
        told = functional.interpolate(told, scale_factor=2, mode="bilinear", align_corners=False)
        seen = [functional.pixel_shuffle(one, 2) for one in (residual, planes[:, :4])]
        kinds = functional.one_hot(kind_places(attributes), _N_KINDS).to(residual)
        h = self.input(torch.cat([*seen, told], dim=1))
        for block in self.blocks:
            h = block(h, kinds)
        return functional.pixel_unshuffle(self.output(functional.silu(h)), 2)


class _DilatedBlock(nn.Module):
    """Two convolutions beside a shortcut; the acquisition kind scales and shifts what lies between (FiLM)."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.film = nn.Linear(_N_KINDS, 2 * channels)
        self.conv2 = zeroed(nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor, kinds: Tensor) -> Tensor:
        scale, shift = self.film(kinds)[:, :, None, None].chunk(2, dim=1)
        h = self.conv1(functional.silu(x)) * (1 + scale) + shift
        return x + self.conv2(functional.silu(h))
