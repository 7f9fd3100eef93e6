"""Discriminator that looks at pictures through a frozen pretrained encoder.

A network that learns to tell from nothing learns few images by heart. One that sees them through features which it
cannot change, at several scales, mixed at random so that no single feature is followed, learns what holds for others
too (Sauer et al. 2021, projected GAN).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from monai_mammo.networks.efficientnet import EfficientNetLite

__all__ = ["FeatureDiscriminator", "SeenPictures"]

_SEED_OF_MIXING = 0
_LEAST_SPREAD = 1e-4


class SeenPictures(NamedTuple):
    """Pictures as the frozen encoder sees them, found once for all that is asked of them.

    Attributes
    ----------
    maps : tuple of Tensor, each of shape (B, C, h, w)
        Of `FeatureDiscriminator.features`.
    kinds : Tensor, shape (B, n_kinds)
        One for the sort of each picture, zeros for others.
    """

    maps: tuple[Tensor, ...]
    kinds: Tensor

    def detach(self) -> SeenPictures:
        """The same without gradients.

        Returns
        -------
        SeenPictures
        """
        return SeenPictures(tuple(one.detach() for one in self.maps), self.kinds)


class FeatureDiscriminator(nn.Module):
    """Logits of overlapping patches at several scales: above 0 for acquired, below for made.

    Each picture is seen as it is and at twice its size. The encoder is no part of the state dict.

    Parameters
    ----------
    encoder : EfficientNetLite
        Frozen, on the device of the pictures.
    n_kinds : int
        Sorts of pictures; what is right for one need not be for another.
    channels : int
        Width of the mixed features and of what follows them.
    maps : sequence of int
        Which of the encoder's maps are looked at, finest first: 1 is a quarter of the size.
    """

    def __init__(
        self, encoder: EfficientNetLite, *, n_kinds: int = 3, channels: int = 64, maps: Sequence[int] = (1, 2, 3)
    ) -> None:
        super().__init__()
        self._encoder = (encoder.eval().requires_grad_(False),)  # in a tuple: its weights are no state of this one
        self.n_kinds, self.maps = n_kinds, tuple(maps)
        self.is_fitted: Tensor
        self.register_buffer("is_fitted", torch.zeros((), dtype=torch.bool))
        self.heads = nn.ModuleList()
        generator = torch.Generator().manual_seed(_SEED_OF_MIXING)
        for _ in range(2):  # twice the size, then the size itself
            for k, place in enumerate(self.maps):
                mixing = torch.randn(channels, encoder.channels[place], 1, 1, generator=generator)
                self.heads.append(_Head(mixing, n_kinds=n_kinds, stride=2 if k == 0 else 1))

    @torch.no_grad()
    def fit(self, acquired: SeenPictures) -> None:
        """Take mean and spread of the features from acquired pictures, once.

        Parameters
        ----------
        acquired : SeenPictures
        """
        if bool(self.is_fitted):
            return
        for head, features in zip(self.heads, acquired.maps, strict=True):
            head.mean.copy_(features.mean(dim=(0, 2, 3), keepdim=True))
            head.spread.copy_(features.std(dim=(0, 2, 3), correction=0, keepdim=True) + _LEAST_SPREAD)
        self.is_fitted.fill_(True)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Maps of pictures at twice their size, then of the pictures.

        Parameters
        ----------
        pictures : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1].

        Returns
        -------
        list of Tensor, each of shape (B, C, h, w)
        """
        twice = functional.interpolate(pictures, scale_factor=2, mode="bicubic", align_corners=False)
        found = []
        for seen in (twice, pictures):
            maps = self._encoder[0].features(seen.contiguous(memory_format=torch.channels_last), self.maps[-1] + 1)
            found += [maps[place] for place in self.maps]
        return found

    def forward(self, seen: SeenPictures) -> Tensor:
        """Logits of pictures.

        Parameters
        ----------
        seen : SeenPictures

        Returns
        -------
        Tensor, shape (B, 2 * len(maps), h, w)
            All scales at the size of the finest, so that each weighs alike.
        """
        logits = [head(maps, seen.kinds) for head, maps in zip(self.heads, seen.maps, strict=True)]
        size = max(one.shape[-2:] for one in logits)
        return torch.cat([functional.interpolate(one, size=size) for one in logits], dim=1)


class _Head(nn.Module):
    """Logits of one map, whose features are mixed at random and not learnt."""

    def __init__(self, mixing: Tensor, *, n_kinds: int, stride: int) -> None:
        super().__init__()
        width, n_features = mixing.shape[:2]
        self.mixing: Tensor
        self.mean: Tensor
        self.spread: Tensor
        self.register_buffer("mixing", mixing / n_features**0.5)
        self.register_buffer("mean", torch.zeros(1, n_features, 1, 1))
        self.register_buffer("spread", torch.ones(1, n_features, 1, 1))
        self.body = nn.Sequential(
            spectral_norm(nn.Conv2d(width, width, 3, stride=stride, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, width, 3, padding=1)),
            nn.LeakyReLU(0.2),
        )
        self.logit = spectral_norm(nn.Conv2d(width, 1, 1))
        self.of_kind = spectral_norm(nn.Linear(n_kinds, width))

    def forward(self, features: Tensor, kinds: Tensor) -> Tensor:
        """Logits (B, 1, h, w); what the sort adds is a projection (Miyato & Koyama 2018)."""
        h = self.body(functional.conv2d((features - self.mean) / self.spread, self.mixing))
        logits: Tensor = self.logit(h)
        return logits + (h * self.of_kind(kinds)[:, :, None, None]).sum(dim=1, keepdim=True) / h.shape[1] ** 0.5
