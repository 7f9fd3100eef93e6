"""The layout stage: a diffusion U-Net that may see part of a mammogram.

A vision transformer reads the layout of an acquired mammogram of which a region, or all, is hidden; its patch tokens
join the context that the U-Net attends to. All hidden is the same as no mammogram.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.networks.blocks import attend, pad_to_multiple, zeroed
from monai_mammo.networks.context import TextTokens
from monai_mammo.networks.diffusion_unet import DiffusionUNet

__all__ = ["LayoutUNet", "MaskedViT"]


class MaskedViT(nn.Module):
    """Patch tokens of a picture of which only some places are seen (ViT, Dosovitskiy et al. 2021).

    Parameters
    ----------
    channels : int
        Width of a token.
    patch : int
        Side of a patch in pixels of the layout's picture.
    depth, heads : int
        Transformer blocks and their heads.
    """

    def __init__(self, channels: int = 128, *, patch: int = 6, depth: int = 3, heads: int = 4) -> None:
        super().__init__()
        self.patch = patch
        self.embed = nn.Conv2d(2, channels, patch, stride=patch)
        self.register_buffer("frequencies", torch.pi * 2.0 ** torch.arange(5), persistent=False)
        self.place = nn.Linear(2 * 2 * 5, channels)
        self.blocks = nn.ModuleList(_TransformerBlock(channels, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(channels)

    def forward(self, picture: Tensor, seen: Tensor) -> Tensor:
        """Tokens of all patches, row by row.

        Parameters
        ----------
        picture : Tensor, shape (B, 1, H, W)
            Near unit deviation; what is not seen has no effect.
        seen : Tensor, shape (B, 1, H, W)
            1 where the picture is seen, 0 where it is hidden.

        Returns
        -------
        Tensor, shape (B, ceil(H / patch) * ceil(W / patch), channels)
        """
        both = pad_to_multiple(torch.cat([picture * seen, seen], dim=1), self.patch)
        tokens = self.embed(both)  # (B, channels, rows, columns)
        rows, columns = tokens.shape[-2:]
        y = (torch.arange(rows, device=tokens.device) + 0.5) / rows
        x = (torch.arange(columns, device=tokens.device) + 0.5) / columns
        places = torch.stack(torch.meshgrid(y, x, indexing="ij"), dim=-1).flatten(0, 1)  # (rows * columns, 2)
        angles = (places[..., None] * self.frequencies).flatten(1)
        tokens = tokens.flatten(2).transpose(1, 2) + self.place(torch.cat([angles.sin(), angles.cos()], dim=-1))
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)


class _TransformerBlock(nn.Module):
    """Self-attention and a two-layer network, each past a shortcut; both start as nothing."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = zeroed(nn.Linear(channels, channels))
        self.mlp = nn.Sequential(
            nn.Linear(channels, 3 * channels), nn.GELU(), zeroed(nn.Linear(3 * channels, channels))
        )

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.qkv(self.norm1(tokens)).chunk(3, dim=-1)
        tokens = tokens + self.out(attend(query, key, value, heads=self.heads))
        return tokens + self.mlp(self.norm2(tokens))


class LayoutUNet(DiffusionUNet):
    """Velocity of a noisy layout, given conditions and what is seen of an acquired mammogram.

    Parameters
    ----------
    context_channels : int
        Width of a context token.
    text_channels : int or None
        Length of the vector of a text that the network is told too; `None` where it takes no text.
    **kwargs
        Further arguments of `DiffusionUNet`; the layout is not folded.
    """

    def __init__(self, *, context_channels: int = 128, text_channels: int | None = None, **kwargs: Any) -> None:
        super().__init__(context_channels=context_channels, **{"n_numbers": 6, **kwargs, "fold": 1})
        self.anatomy = MaskedViT(context_channels)
        self.text_channels = text_channels
        self.text = None if text_channels is None else TextTokens(text_channels, context_channels)

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        attributes: Tensor,
        spatial: Tensor,
        anatomy: Tensor | None = None,
        text: Tensor | None = None,
        *,
        numbers: Tensor | None = None,
    ) -> Tensor:
        """Velocity ``v`` of a noisy layout.

        Parameters
        ----------
        x : Tensor, shape (B, 4, h, w)
            Noisy layout, near unit deviation.
        timesteps : Tensor, shape (B,)
        attributes : Tensor, shape (B, len(monai_mammo.attributes.COLUMNS))
        spatial : Tensor, shape (B, 2, h, w)
        anatomy : Tensor, shape (B, 5, h, w), or None
            Layout of an acquired mammogram (4) and the share of each position that is seen (1), 0 or 1; `None` stands
            for nothing seen.
        text : Tensor, shape (B, text_channels), or None
            Vectors of texts, zeros where none is given; `None` for none at all. A network without text takes `None`.
        numbers : Tensor, shape (B, 6), or None
            Parameters of the augmentation; zeros, and `None`, for none.

        Returns
        -------
        Tensor, shape (B, 4, h, w)
        """
        if anatomy is None:
            anatomy = x.new_zeros(len(x), 5, *x.shape[-2:])
        seen = functional.interpolate(anatomy[:, 4:].to(x.dtype), scale_factor=2, mode="nearest")
        tokens = self.anatomy(functional.pixel_shuffle(anatomy[:, :4].to(x.dtype), 2), seen)
        if self.text is not None:
            if text is None:
                text = x.new_zeros(len(x), self.text_channels)
            tokens = torch.cat([tokens, self.text(text.to(tokens.dtype))], dim=1)
        elif text is not None:
            raise ValueError("a text is given to a network that takes none")
        return super().forward(x, timesteps, attributes, spatial, tokens, numbers=numbers)
