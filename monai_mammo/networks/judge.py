"""Independent examiner of generated mammograms: another architecture than the lesion network's.

A bottleneck residual network whose coarse maps are merged top-down (feature pyramid, Lin et al.
2017). It trains on other persons than the lesion network and takes part in no generator's loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.attributes import HEADS
from monai_mammo.networks.blocks import group_norm, pad_to_multiple

__all__ = ["Judge"]


class _PooledHeads(nn.Module):
    """Logits for each attribute from the mean and the largest value of deep features.

    Parameters
    ----------
    channels : int
        Width of the deep features.
    dropout : float
        Share of pooled features that is dropped in training.
    """

    def __init__(self, channels: int, *, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(2 * channels, len(head.values)) for name, head in HEADS.items()})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Logits (B, n classes) by head, from features (B, channels, h, w)."""
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        pooled = self.dropout(pooled)
        return {name: head(pooled).float() for name, head in self.heads.items()}


class _Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolution past a shortcut (He et al. 2016)."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__()
        narrow = out_channels // 2
        self.path = nn.Sequential(
            nn.Conv2d(in_channels, narrow, 1, bias=False),
            group_norm(narrow),
            nn.ReLU(),
            nn.Conv2d(narrow, narrow, 3, stride=stride, padding=1, bias=False),
            group_norm(narrow),
            nn.ReLU(),
            nn.Conv2d(narrow, out_channels, 1, bias=False),
            group_norm(out_channels),
        )
        is_same = in_channels == out_channels and stride == 1
        self.shortcut = nn.Identity() if is_same else nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.shortcut(x) + self.path(x))


class Judge(nn.Module):
    """Residual network with the outputs of `LesionNetwork`, the mask at a quarter of the size.

    Parameters
    ----------
    channels : sequence of int
        Width at quarter size and at each halving after it.
    n_blocks : int
        Bottleneck blocks at each size.
    pyramid_channels : int
        Width in which the sizes are merged.
    """

    def __init__(
        self, channels: Sequence[int] = (64, 128, 192, 256), *, n_blocks: int = 2, pyramid_channels: int = 48
    ) -> None:
        super().__init__()
        self.multiple = 4 * 2 ** (len(channels) - 1)
        self.stem = nn.Sequential(
            nn.Conv2d(1, 32, 7, stride=4, padding=3), group_norm(32), nn.ReLU(), nn.Conv2d(32, channels[0], 1)
        )
        self.sizes = nn.ModuleList()
        previous = channels[0]
        for i, width in enumerate(channels):
            strides = [2 if i else 1] + [1] * (n_blocks - 1)
            widths = [previous] + [width] * (n_blocks - 1)
            blocks = (_Bottleneck(w, width, stride=s) for w, s in zip(widths, strides, strict=True))
            self.sizes.append(nn.Sequential(*blocks))
            previous = width
        self.heads = _PooledHeads(channels[-1])
        self.lateral = nn.ModuleList(nn.Conv2d(width, pyramid_channels, 1) for width in channels)
        self.mask = nn.Sequential(
            nn.Conv2d(pyramid_channels, pyramid_channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(pyramid_channels, 1, 1),
        )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """What the image (B, 1, H, W) shows; see `LesionNetwork.forward`.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)

        Returns
        -------
        dict of str to Tensor
        """
        h = self.stem(pad_to_multiple(2 * image - 1, self.multiple))
        maps = []
        for size in self.sizes:
            h = size(h)
            maps.append(h)
        out = self.heads(h)
        merged = self.lateral[-1](maps[-1])
        for lateral, features in zip(reversed(self.lateral[:-1]), reversed(maps[:-1]), strict=True):
            merged = lateral(features) + functional.interpolate(merged, scale_factor=2, mode="nearest")
        mask = functional.interpolate(self.mask(merged).float(), scale_factor=4, mode="bilinear", align_corners=False)
        return {"mask": mask[..., : image.shape[-2], : image.shape[-1]], **out}
