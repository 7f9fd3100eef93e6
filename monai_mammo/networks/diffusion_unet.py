"""Denoising U-Net over latents, steered by tokens, FiLM and a lesion mask on the latent grid."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.networks.blocks import (
    CrossAttention,
    SelfAttention,
    group_norm,
    pad_to_multiple,
    timestep_features,
    zeroed,
)
from monai_mammo.networks.context import ConditionTokens

__all__ = ["DiffusionUNet", "FilmBlock"]


class FilmBlock(nn.Module):
    """Residual block whose second normalisation is scaled and shifted by an embedding.

    Parameters
    ----------
    in_channels : int
        Width of the features that come in.
    out_channels : int
        Width of the features that go out.
    embedding_channels : int
        Width of the embedding of time and conditions (FiLM, Perez et al. 2018).
    dropout : float
        Share of the features before the second convolution that training sets to 0.
    """

    def __init__(self, in_channels: int, out_channels: int, embedding_channels: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = group_norm(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.film = nn.Linear(embedding_channels, 2 * out_channels)
        self.norm2 = group_norm(out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = zeroed(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        self.shortcut = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Features (B, out_channels, H, W) from `x` and an embedding (B, embedding_channels).

        Parameters
        ----------
        x : Tensor, shape (B, in_channels, H, W)
        embedding : Tensor, shape (B, embedding_channels)

        Returns
        -------
        Tensor, shape (B, out_channels, H, W)
        """
        h = self.conv1(functional.silu(self.norm1(x)))
        scale, shift = self.film(functional.silu(embedding))[:, :, None, None].chunk(2, dim=1)
        h = self.norm2(h) * (1 + scale) + shift
        return self.shortcut(x) + self.conv2(self.dropout(functional.silu(h)))


class _Scale(nn.Module):
    """FiLM blocks at one scale, then self-attention where requested, then cross-attention to the tokens.

    Parameters
    ----------
    in_channels : sequence of int
        Input width of each block.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        *,
        width: int,
        context: int,
        attends: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(FilmBlock(c, out_channels, width, dropout=dropout) for c in in_channels)
        self.self_attention = SelfAttention(out_channels) if attends else None
        self.cross_attention = CrossAttention(out_channels, context)

    def forward(self, x: Tensor, embedding: Tensor, tokens: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, embedding)
        if self.self_attention is not None:
            x = self.self_attention(x)
        return self.cross_attention(x, tokens)


class DiffusionUNet(nn.Module):
    """Velocity of a noisy latent, given conditions.

    The latent is folded into channels, by default 2 x 2, so that a 64 x 48 latent is worked on at 32 x 24,
    16 x 12 and 8 x 6. Context tokens reach every scale by cross-attention, the pooled tokens and
    the time every residual block by FiLM, the lesion's mask and box enter beside the latent.

    Parameters
    ----------
    latent_channels : int
        Channels of the latent.
    channels : sequence of int
        Width at each scale, finest first.
    n_blocks : int or sequence of int
        Residual blocks at each scale, down as up; most of the work lies at the finest.
    attention_scales : sequence of int
        Scales, counted from the finest, with attention of positions to each other.
    context_channels : int
        Width of a context token.
    spatial_channels : int
        Planes beside the latent, such as lesion mask and box.
    fold : int
        Side of the square of latent positions that become one.
    dropout : float
        In every residual block, in training.
    more_attributes : sequence of str
        Which of `monai_mammo.attributes.OPTIONAL` the network takes too.
    n_numbers : int
        Numbers told beside the conditions, such as the parameters of an augmentation; 0 for none.
    """

    def __init__(
        self,
        *,
        latent_channels: int = 4,
        channels: Sequence[int] = (96, 128, 192),
        n_blocks: int | Sequence[int] = (1, 2, 2),
        attention_scales: Sequence[int] = (1, 2),
        context_channels: int = 128,
        spatial_channels: int = 2,
        fold: int = 2,
        dropout: float = 0.0,
        more_attributes: Sequence[str] = (),
        n_numbers: int = 0,
    ) -> None:
        super().__init__()
        width = 4 * channels[0]
        self.fold, self.n_numbers = fold, n_numbers
        self.n_scales = len(channels)
        self.time = nn.Sequential(nn.Linear(channels[0], width), nn.SiLU(), nn.Linear(width, width))
        self.tokens = ConditionTokens(context_channels, more=more_attributes)
        self.pooled = nn.Sequential(
            nn.Linear(self.tokens.n_tokens * context_channels, width), nn.SiLU(), nn.Linear(width, width)
        )
        if n_numbers:
            self.numbers = nn.Sequential(nn.Linear(n_numbers, width), nn.SiLU(), zeroed(nn.Linear(width, width)))
        self.input = nn.Conv2d((latent_channels + spatial_channels) * self.fold**2, channels[0], 3, padding=1)

        def scale(in_channels: Sequence[int], i: int) -> _Scale:
            attends = i in attention_scales
            return _Scale(
                in_channels, channels[i], width=width, context=context_channels, attends=attends, dropout=dropout
            )

        n_blocks = [n_blocks] * self.n_scales if isinstance(n_blocks, int) else list(n_blocks)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        self.up, self.enlarge = nn.ModuleList(), nn.ModuleList()
        for i, here in enumerate(channels):
            self.down.append(scale([here] * n_blocks[i], i))
            self.up.append(scale([2 * here] + [here] * (n_blocks[i] - 1), i))
        for here, coarser in pairwise(channels):
            self.shrink.append(nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * here, coarser, 1)))
            self.enlarge.append(nn.Sequential(nn.Conv2d(coarser, 4 * here, 1), nn.PixelShuffle(2)))
        self.middle = scale([channels[-1]] * 2, self.n_scales - 1)
        self.output = nn.Sequential(
            group_norm(channels[0]),
            nn.SiLU(),
            zeroed(nn.Conv2d(channels[0], latent_channels * self.fold**2, 3, padding=1)),
        )

    def forward(
        self,
        x: Tensor,
        timesteps: Tensor,
        attributes: Tensor,
        spatial: Tensor,
        extra_tokens: Tensor | None = None,
        *,
        numbers: Tensor | None = None,
    ) -> Tensor:
        """Velocity ``v`` of a noisy latent (Salimans & Ho 2022).

        Parameters
        ----------
        x : Tensor, shape (B, 4, h, w)
            Noisy latent, scaled to unit deviation; sides that do not fit the scales are padded.
        timesteps : Tensor, shape (B,)
            Time in [0, 1], 0 is data.
        attributes : Tensor, shape (B, len(monai_mammo.attributes.COLUMNS))
            Columns `monai_mammo.attributes.COLUMNS`; -1 for not given.
        spatial : Tensor, shape (B, spatial_channels, h, w)
            Share of each latent position that the lesion's mask, and its box, cover; all 0 for not given.
        extra_tokens : Tensor, shape (B, N, context_channels), or None
            Further context, such as patches of a masked mammogram or words.
        numbers : Tensor, shape (B, n_numbers), or None
            What else the network is told; `None` stands for zeros.

        Returns
        -------
        Tensor, shape (B, 4, h, w)
        """
        rows, columns = x.shape[-2:]
        tokens = self.tokens(attributes)
        features = timestep_features(timesteps, self.time[0].in_features).to(tokens.dtype)
        embedding = self.time(features) + self.pooled(tokens.flatten(1))
        if self.n_numbers:
            told = x.new_zeros(len(x), self.n_numbers) if numbers is None else numbers.to(x.dtype)
            embedding = embedding + self.of_numbers(told)
        if extra_tokens is not None:
            tokens = torch.cat([tokens, extra_tokens], dim=1)
        h = pad_to_multiple(torch.cat([x, spatial.to(x.dtype)], dim=1), self.fold * 2 ** (self.n_scales - 1))
        h = self.input(functional.pixel_unshuffle(h, self.fold))
        h = self._through_scales(h, embedding, tokens)
        out = functional.pixel_shuffle(self.output(h), self.fold)
        return out[..., :rows, :columns].float()

    def of_numbers(self, numbers: Tensor) -> Tensor:
        """What the numbers add to the embedding.

        Parameters
        ----------
        numbers : Tensor, shape (B, n_numbers)

        Returns
        -------
        Tensor, shape (B, 4 * channels[0])
        """
        added: Tensor = self.numbers(numbers)
        return added

    def _through_scales(self, h: Tensor, embedding: Tensor, tokens: Tensor) -> Tensor:
        skips = []
        for i, scale in enumerate(self.down):
            h = scale(h, embedding, tokens)
            skips.append(h)
            if i < self.n_scales - 1:
                h = self.shrink[i](h)
        h = self.middle(h, embedding, tokens)
        for i in reversed(range(self.n_scales)):
            h = self.up[i](torch.cat([h, skips[i]], dim=1), embedding, tokens)
            if i > 0:
                h = self.enlarge[i - 1](h)
        return h
