"""The lesion painter: a local diffusion network that fills a region of a crop from its surroundings.

What is drawn is the residual of the crop's latent over the latent of the same crop with the region filled smoothly.
Mammograms at this scale are nearly all low frequency, so a network that is trained at one scale leaves visible noise
in what it draws. The residual is therefore taken apart into bands of frequency, each scaled to its own deviation, and
by the texture of the surroundings, which differs between films, detectors and pixel sizes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from monai_mammo.networks.diffusion_unet import DiffusionUNet

__all__ = ["BAND_FACTOR", "PainterInput", "PainterUNet", "from_bands", "pixel_numbers", "texture_gain", "to_bands"]

BAND_FACTOR = 2
"""Positions of the latent that one position of the bands stands for, along each side."""

N_BANDS = 16
_COARSE = slice(1, 4)
_MIDDLE_PIXEL_MM = 0.25
_LARGEST_GAIN = 5.0


def _haar() -> Tensor:
    """Orthonormal 4 x 4 matrix: mean, difference across columns, across rows, and across both."""
    return torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], dtype=torch.float32) / 2


def _walsh() -> Tensor:
    return torch.kron(_haar(), _haar())


def to_bands(z: Tensor) -> Tensor:
    """Bands of a latent: two levels of Haar wavelet packets of the half-size picture that it folds.

    Parameters
    ----------
    z : Tensor, shape (B, 4, h, w)
        Both sides are multiples of 2.

    Returns
    -------
    Tensor, shape (B, 16, h / 2, w / 2)
        The mean first, three coarse details, twelve fine ones; the transform is orthonormal.
    """
    return torch.einsum("ij,bjhw->bihw", _walsh().to(z), functional.pixel_unshuffle(z, BAND_FACTOR))


def from_bands(bands: Tensor) -> Tensor:
    """Latent of its bands, the inverse of `to_bands`.

    Parameters
    ----------
    bands : Tensor, shape (B, 16, h, w)

    Returns
    -------
    Tensor, shape (B, 4, 2 h, 2 w)
    """
    return functional.pixel_shuffle(torch.einsum("ij,bihw->bjhw", _walsh().to(bands), bands), BAND_FACTOR)


def pixel_numbers(pixel_mm: Sequence[float | None]) -> Tensor:
    """Pixel sizes as the painter is told them.

    Parameters
    ----------
    pixel_mm : sequence of float or None
        Side of a pixel of each crop in mm; `None` where it is not known.

    Returns
    -------
    Tensor, shape (B, 2), float32
        Logarithm, 0 at 0.25 mm, and whether it is given.
    """
    rows = [(0.0, 0.0) if one is None else (math.log2(one / _MIDDLE_PIXEL_MM), 1.0) for one in pixel_mm]
    return torch.tensor(rows, dtype=torch.float32)


def texture_gain(bands: Tensor, around: Tensor, texture_std: Tensor) -> Tensor:
    """How deep the texture of each crop's coarse bands is over that of acquired crops in the mean, 0.2 to 5.

    Parameters
    ----------
    bands : Tensor, shape (B, 16, h, w)
        Of `to_bands`.
    around : Tensor, shape (B, 1, h, w)
        1 where it is measured, 0 elsewhere.
    texture_std : Tensor, shape (16,)
        Deviation of the bands of acquired crops.

    Returns
    -------
    Tensor, shape (B, 1, 1, 1)
    """
    counts = around.expand(-1, 3, -1, -1)
    ratio = bands[:, _COARSE] / texture_std[_COARSE, None, None]
    power = (ratio.square() * counts).sum(dim=(1, 2, 3)) / counts.sum(dim=(1, 2, 3)).clamp_min(1)
    return power.sqrt().clamp(1 / _LARGEST_GAIN, _LARGEST_GAIN)[:, None, None, None]


class PainterInput(NamedTuple):
    """What the painter sees of a batch of crops.

    Attributes
    ----------
    planes : Tensor, shape (B, 4, h, w)
        Outline of the lesion, folded.
    known : Tensor, shape (B, 20, h, w)
        Bands of the filled latent, each at its own scale, and the region, folded.
    drawn : Tensor, shape (B, 1, h, w)
        1 where something is drawn, 0 elsewhere.
    scale : Tensor, shape (B, 16, 1, 1)
        Deviation of the residual's bands.
    numbers : Tensor, shape (B, 3)
        Pixel size as `pixel_numbers` gives it, and the logarithm of the surroundings' texture.
    """

    planes: Tensor
    known: Tensor
    drawn: Tensor
    scale: Tensor
    numbers: Tensor


class PainterUNet(DiffusionUNet):
    """Velocity of the noisy, scaled bands of a residual, given the surroundings and what is to be seen in the region.

    Parameters
    ----------
    channels : sequence of int
        Width at each scale, finest first.
    n_blocks : int or sequence of int
        Residual blocks at each scale, down as up.
    **kwargs
        Further arguments of `DiffusionUNet`.

    Notes
    -----
    Buffers of the state dict, set before training: `residual_std`, shape (16,), deviation of the residual's bands
    over that of the surroundings' texture; `texture_std`, shape (16,), deviation of the bands of acquired crops.
    """

    N_PLANES = BAND_FACTOR**2

    def __init__(
        self, *, channels: Sequence[int] = (96, 144, 192), n_blocks: int | Sequence[int] = (2, 2, 1), **kwargs: Any
    ) -> None:
        fixed = {
            "latent_channels": N_BANDS,
            "spatial_channels": 2 * self.N_PLANES + N_BANDS,
            "fold": 1,
            "n_numbers": 3,
        }
        super().__init__(channels=channels, n_blocks=n_blocks, **{"attention_scales": (1,), **kwargs, **fixed})
        self.register_buffer("residual_std", torch.ones(N_BANDS))
        self.register_buffer("texture_std", torch.ones(N_BANDS))

    def seen(self, filled: Tensor, region: Tensor, outline: Tensor, pixels: Tensor) -> PainterInput:
        """What the network sees of crops whose region is filled smoothly.

        Parameters
        ----------
        filled : Tensor, shape (B, 4, h, w)
            Scaled latent of the crop with its region filled.
        region, outline : Tensor, shape (B, 1, h, w)
            Share of each latent position that the region, and the lesion's outline in it, cover.
        pixels : Tensor, shape (B, 2)
            As `pixel_numbers` gives them.

        Returns
        -------
        PainterInput
        """
        bands = to_bands(filled)
        drawn = (functional.max_pool2d(region, BAND_FACTOR) > 0).to(filled)
        gain = texture_gain(bands, 1 - drawn, self.texture_std)
        textured = (bands[:, 1:] / (self.texture_std[1:, None, None] * gain)).clamp(-8, 8)
        return PainterInput(
            planes=functional.pixel_unshuffle(outline, BAND_FACTOR),
            known=torch.cat([bands[:, :1], textured, functional.pixel_unshuffle(region, BAND_FACTOR)], dim=1),
            drawn=drawn,
            scale=self.residual_std[None, :, None, None] * gain,
            numbers=torch.cat([pixels, gain.flatten(1).log()], dim=1),
        )

    def forward(  # type: ignore[override]
        self, x: Tensor, timesteps: Tensor, attributes: Tensor, spatial: Tensor, known: Tensor, numbers: Tensor
    ) -> Tensor:
        """Velocity ``v`` of the noisy bands.

        Parameters
        ----------
        x : Tensor, shape (B, 16, h, w)
            Noisy bands of the residual, of unit deviation, 0 where nothing is drawn.
        timesteps : Tensor, shape (B,)
        attributes : Tensor, shape (B, len(monai_mammo.attributes.COLUMNS))
            Without a box: the region says where.
        spatial : Tensor, shape (B, 4, h, w)
            `PainterInput.planes`; 0 where no outline is given.
        known : Tensor, shape (B, 20, h, w)
        numbers : Tensor, shape (B, 3)

        Returns
        -------
        Tensor, shape (B, 16, h, w)
        """
        return super().forward(x, timesteps, attributes, torch.cat([spatial, known], dim=1), numbers=numbers)
