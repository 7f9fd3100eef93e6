"""From coarse to fine: what a layout is, and the network that draws the full latent under it.

A layout is the half-size picture that a latent folds, shrunk to a quarter and folded again: the same space, a quarter
of the size each way. The layout stage draws it under all conditions; the detail stage draws what the full latent has
beyond the enlarged layout. In training the layout is noised by a told amount, which makes the second stage forgive
what the first gets wrong (conditioning augmentation, Ho et al. 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from monai_mammo.networks.blocks import pad_to_multiple
from monai_mammo.networks.context import kind_places
from monai_mammo.networks.diffusion_unet import DiffusionUNet
from monai_mammo.networks.texture_code import TextureCode
from monai_mammo.terms import AcquisitionKind

__all__ = ["LAYOUT_FACTOR", "DetailUNet", "distance_to_air", "enlarged_layout", "layout_of", "layout_planes"]

LAYOUT_FACTOR = 4
"""How often a layout's side goes into the latent's."""

_GAIN = 0.74
"""Variance of unit noise on a layout after `enlarged_layout`."""


def layout_of(z: Tensor) -> Tensor:
    """Layout of a latent.

    Parameters
    ----------
    z : Tensor, shape (B, 4, h, w)
        Scaled latent; sides that are no multiple of 4 are padded by their edge.

    Returns
    -------
    Tensor, shape (B, 4, ceil(h / 4), ceil(w / 4))
    """
    half = functional.pixel_shuffle(pad_to_multiple(z, LAYOUT_FACTOR), 2)
    return functional.pixel_unshuffle(functional.avg_pool2d(half, LAYOUT_FACTOR), 2)


def enlarged_layout(layout: Tensor, shape: tuple[int, int]) -> Tensor:
    """Latent that a layout stands for by itself: smooth, without detail.

    Parameters
    ----------
    layout : Tensor, shape (B, 4, h', w')
    shape : tuple of int
        Rows and columns of the latent, at most four times those of the layout.

    Returns
    -------
    Tensor, shape (B, 4, *shape)
    """
    small = functional.pixel_shuffle(layout, 2)
    half = functional.interpolate(small, scale_factor=LAYOUT_FACTOR, mode="bicubic", align_corners=False)
    return functional.pixel_unshuffle(half, 2)[..., : shape[0], : shape[1]]


def layout_planes(spatial: Tensor) -> Tensor:
    """Planes of the latent grid, such as the lesion's mask and box, on the layout's.

    Parameters
    ----------
    spatial : Tensor, shape (B, C, h, w)
        Share of each position that is covered; sides that are no multiple of 4 are padded by their edge.

    Returns
    -------
    Tensor, shape (B, C, ceil(h / 4), ceil(w / 4))
    """
    return functional.avg_pool2d(pad_to_multiple(spatial, LAYOUT_FACTOR), LAYOUT_FACTOR)


class DetailUNet(DiffusionUNet):
    """Velocity of the noisy residual of a latent over its enlarged layout, scaled to unit deviation.

    Convolutions only, so a network that was trained on crops draws a whole latent, or any tile of it.

    Parameters
    ----------
    channels : sequence of int
        Width at each scale, finest first.
    n_blocks : int or sequence of int
        Residual blocks at each scale, down as up.
    is_told_texture : bool
        Whether the network is told how fine-grained the mammogram is, by a `TextureCode`.
    texture_by_condition : bool
        Whether that code is drawn by view and density, where an image is generated (`TexturePrior`).
    **kwargs
        Further arguments of `DiffusionUNet`.

    Notes
    -----
    Buffers of the state dict, set before training: `residual_std`, shape (3,), deviation of the residual for each
    acquisition kind; `air`, the value of air in a layout.
    """

    N_PLANES = 8

    def __init__(
        self,
        *,
        channels: Sequence[int] = (96, 128, 160),
        n_blocks: int | Sequence[int] = (1, 2, 2),
        is_told_texture: bool = False,
        texture_by_condition: bool = False,
        **kwargs: Any,
    ) -> None:
        fixed = {"attention_scales": (), "spatial_channels": self.N_PLANES, "n_numbers": 1}
        super().__init__(channels=channels, n_blocks=n_blocks, **{**kwargs, **fixed})
        self.texture: TextureCode | None = None
        if is_told_texture:
            self.texture = TextureCode(4 * channels[0], by_condition=texture_by_condition)
        self.register_buffer("residual_std", torch.ones(len(AcquisitionKind)))
        self.register_buffer("air", torch.zeros(()))

    def residual_scale(self, attributes: Tensor, noise_level: Tensor) -> Tensor:
        """Deviation of the residual, shape (B, 1, 1, 1).

        Parameters
        ----------
        attributes : Tensor, shape (B, n)
            Columns `monai_mammo.attributes.COLUMNS`; the acquisition kind is given.
        noise_level : Tensor, shape (B,)
            Deviation of the noise on the layout.

        Returns
        -------
        Tensor, shape (B, 1, 1, 1)
        """
        std = self.residual_std[kind_places(attributes)]
        return (std.square() + _GAIN * noise_level.square()).sqrt()[:, None, None, None]

    def numbers_told(self, noise_level: Tensor, texture: Tensor) -> Tensor:
        """Numbers for `forward`.

        Parameters
        ----------
        noise_level : Tensor, shape (B,)
            Deviation of the noise on the layout.
        texture : Tensor, shape (B, 2)
            Code of the mammogram's texture; a network that is not told of it gets none.

        Returns
        -------
        Tensor, shape (B, 1) or (B, 3)
        """
        level = noise_level[:, None]
        return level if self.texture is None else torch.cat([level, texture.to(level)], dim=1)

    def texture_of(self, z: Tensor, attributes: Tensor) -> Tensor:
        """Code of the texture of latents, zeros where the network is not told of it.

        Parameters
        ----------
        z : Tensor, shape (B, 4, h, w)
            Scaled latent.
        attributes : Tensor, shape (B, n)
            The acquisition kind is given.

        Returns
        -------
        Tensor, shape (B, 2)
        """
        if self.texture is None:
            return z.new_zeros(len(z), TextureCode.N_NUMBERS)
        layout = layout_of(z)
        return self.texture.code(z, layout, distance_to_air(layout, self.air), kind_places(attributes))

    def texture_drawn(self, noise: Tensor, attributes: Tensor) -> Tensor:
        """Code of the texture for mammograms that are asked for: the noise itself without a `TexturePrior`.

        Parameters
        ----------
        noise : Tensor, shape (B, 2)
            Standard Gaussian.
        attributes : Tensor, shape (B, n)
            The acquisition kind is given.

        Returns
        -------
        Tensor, shape (B, 2)
        """
        if self.texture is None or self.texture.prior is None:
            return noise
        codes: Tensor = self.texture.prior(noise, attributes)
        return codes

    def of_numbers(self, numbers: Tensor) -> Tensor:
        """What noise level and texture add to the embedding.

        Parameters
        ----------
        numbers : Tensor, shape (B, 1) or (B, 3)
            Of `numbers_told`.

        Returns
        -------
        Tensor, shape (B, 4 * channels[0])
        """
        added = super().of_numbers(numbers[:, :1])
        if self.texture is None or numbers.shape[1] == 1:
            return added
        return added + self.texture(numbers[:, 1:])

    def planes(self, layout: Tensor, noisy_layout: Tensor, mask: Tensor) -> Tensor:
        """What the network sees beside the noisy residual.

        Parameters
        ----------
        layout : Tensor, shape (B, 4, h', w')
            Without noise; the distance to the skin is measured on it.
        noisy_layout : Tensor, shape (B, 4, h', w')
        mask : Tensor, shape (B, 1, h, w)
            Share of each latent position that a lesion covers.

        Returns
        -------
        Tensor, shape (B, 8, h, w)
            Enlarged layout (4), mask, row and column from -1 to 1, distance to air.
        """
        rows, columns = mask.shape[-2:]
        row = torch.linspace(-1, 1, rows, device=mask.device)[:, None].expand(rows, columns)
        column = torch.linspace(-1, 1, columns, device=mask.device).expand(rows, columns)
        places = torch.stack([row, column]).expand(len(mask), -1, -1, -1)
        distance = functional.interpolate(
            distance_to_air(layout, self.air), scale_factor=LAYOUT_FACTOR // 2, mode="bilinear", align_corners=False
        )[..., :rows, :columns]
        return torch.cat([enlarged_layout(noisy_layout, (rows, columns)), mask, places, distance], dim=1)


def distance_to_air(layout: Tensor, air: Tensor | float) -> Tensor:
    """Distance of each position to the nearest air.

    Parameters
    ----------
    layout : Tensor, shape (B, 4, h', w')
    air : Tensor, shape (), or float
        Value of air; what is at most 0.15 above it counts as air.

    Returns
    -------
    Tensor, shape (B, 1, 2 h', 2 w')
        As a share of the rows, 0 in air; the edges of the picture are no air.
    """
    is_breast = functional.pixel_shuffle(layout, 2)[:, 0] > air + 0.15
    if layout.device.type != "cpu":
        return (_distances(is_breast) / is_breast.shape[1]).clamp_max(1.0)[:, None]
    breast = is_breast.numpy()
    distances = [ndimage.distance_transform_edt(one) if not one.all() else np.full(one.shape, 1e3) for one in breast]
    rows = breast.shape[1]
    stacked = np.minimum(np.stack(distances) / rows, 1.0).astype(np.float32)
    return torch.from_numpy(stacked)[:, None].to(layout.device)


def _distances(inside: Tensor) -> Tensor:
    """Euclidean distance of each position inside to the nearest outside, (B, H, W); 1000 where nothing is outside.

    Two passes, along columns and then along rows (Felzenszwalb & Huttenlocher 2012, without their envelope), on the
    device of the tensor: one copy to the CPU and back for each batch would keep a GPU waiting.
    """
    far = 1e6
    rows, columns = (torch.arange(n, device=inside.device, dtype=torch.float32) for n in inside.shape[1:])
    cost = inside.float() * far  # squared distance that is known of each position: 0 outside
    cost = (cost[:, None] + (rows[:, None] - rows).square()[None, :, :, None]).amin(dim=2)  # (B, H, H', W) over H'
    cost = (cost[:, :, None] + (columns[:, None] - columns).square()).amin(dim=3)  # (B, H, W, W') over W'
    return cost.clamp_max(far).sqrt()
