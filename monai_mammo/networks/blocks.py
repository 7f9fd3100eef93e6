"""Pieces that the networks share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "CrossAttention",
    "ResidualBlock",
    "SelfAttention",
    "attend",
    "group_norm",
    "pad_to_multiple",
    "timestep_features",
    "zeroed",
]


def group_norm(channels: int) -> nn.GroupNorm:
    """Group normalisation with groups of at least 8 channels, 32 groups at most.

    Parameters
    ----------
    channels : int
        Width of the features.

    Returns
    -------
    GroupNorm
    """
    groups = max(g for g in range(1, 33) if channels % g == 0 and channels // g >= min(8, channels))
    return nn.GroupNorm(groups, channels, eps=1e-6)


def zeroed(module: nn.Module) -> nn.Module:
    """Module whose parameters start at 0, so that what it adds starts as nothing.

    Parameters
    ----------
    module : nn.Module

    Returns
    -------
    nn.Module
    """
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Image padded below and right by its edge pixels, never cropped.

    Parameters
    ----------
    x : Tensor, shape (B, C, H, W)
    multiple : int
        Number that divides both sides of the result.

    Returns
    -------
    Tensor, shape (B, C, H', W')
        H' and W' are the next multiples.
    """
    below, right = -x.shape[-2] % multiple, -x.shape[-1] % multiple
    return functional.pad(x, (0, right, 0, below), mode="replicate") if below or right else x


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions past a shortcut; the second starts at 0.

    Parameters
    ----------
    in_channels : int
        Width of the features that come in.
    out_channels : int
        Width of the features that go out.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm1 = group_norm(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = group_norm(out_channels)
        self.conv2 = zeroed(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        self.shortcut = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features of shape (B, out_channels, H, W) from (B, in_channels, H, W).

        Parameters
        ----------
        x : Tensor, shape (B, in_channels, H, W)

        Returns
        -------
        Tensor, shape (B, out_channels, H, W)
        """
        h = self.conv1(functional.silu(self.norm1(x)))
        h = self.conv2(functional.silu(self.norm2(h)))
        return self.shortcut(x) + h


_FEW_TOKENS = 128


def _tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def attend(query: Tensor, key: Tensor, value: Tensor, *, heads: int) -> Tensor:
    """Scaled dot-product attention over tokens.

    Parameters
    ----------
    query : Tensor, shape (B, N, C)
    key, value : Tensor, shape (B, M, C)
    heads : int
        Divides C.

    Returns
    -------
    Tensor, shape (B, N, C)
    """

    def split(tokens: Tensor) -> Tensor:
        b, n, c = tokens.shape
        return tokens.view(b, n, heads, c // heads).transpose(1, 2)

    query, key, value = split(query), split(key), split(value)
    if key.shape[2] > _FEW_TOKENS:
        out = functional.scaled_dot_product_attention(query, key, value)
    else:  # the fused kernel's backward pass is several times slower than this for a handful of keys
        weights = (query @ key.transpose(2, 3) * query.shape[-1] ** -0.5).softmax(dim=-1)
        out = weights.to(value.dtype) @ value
    return out.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Attention of an image's positions to each other, added to the image.

    Parameters
    ----------
    channels : int
        Width of the features.
    head_channels : int
        Divides `channels`.
    """

    def __init__(self, channels: int, *, head_channels: int = 32) -> None:
        super().__init__()
        self.heads = max(1, channels // head_channels)
        self.norm = group_norm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = zeroed(nn.Linear(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Image of the same shape (B, C, H, W).

        Parameters
        ----------
        x : Tensor, shape (B, C, H, W)

        Returns
        -------
        Tensor, shape (B, C, H, W)
        """
        query, key, value = self.qkv(_tokens(self.norm(x))).chunk(3, dim=-1)
        h = self.out(attend(query, key, value, heads=self.heads))
        return x + h.transpose(1, 2).reshape(x.shape)


class CrossAttention(nn.Module):
    """Attention of an image's positions to context tokens, added to the image.

    Parameters
    ----------
    channels : int
        Width of the features.
    context_channels : int
        Width of a context token.
    head_channels : int
        Divides `channels`.
    """

    def __init__(self, channels: int, context_channels: int, *, head_channels: int = 32) -> None:
        super().__init__()
        self.heads = max(1, channels // head_channels)
        self.norm = group_norm(channels)
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(context_channels, 2 * channels)
        self.out = zeroed(nn.Linear(channels, channels))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Image (B, C, H, W) with what it takes from context (B, N, context_channels).

        Parameters
        ----------
        x : Tensor, shape (B, C, H, W)
        context : Tensor, shape (B, N, context_channels)

        Returns
        -------
        Tensor, shape (B, C, H, W)
        """
        query = self.query(_tokens(self.norm(x)))
        key, value = self.key_value(context).chunk(2, dim=-1)
        h = self.out(attend(query, key, value, heads=self.heads))
        return x + h.transpose(1, 2).reshape(x.shape)


def timestep_features(t: Tensor, channels: int, *, max_period: float = 10_000.0, scale: float = 1000.0) -> Tensor:
    """Sines and cosines of a time in [0, 1] (Vaswani et al. 2017; Ho et al. 2020).

    Parameters
    ----------
    t : Tensor, shape (B,)
    channels : int
        Width of the features.
    max_period : float
        Longest period, in units of the scaled time.
    scale : float
        Factor by which the time is multiplied first.

    Returns
    -------
    Tensor, shape (B, channels)
    """
    half = channels // 2
    frequencies = torch.exp(-torch.log(torch.tensor(max_period)) * torch.arange(half, device=t.device) / half)
    angles = t.float()[:, None] * scale * frequencies[None].to(t.device)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)
