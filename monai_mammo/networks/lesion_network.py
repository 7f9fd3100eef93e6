"""Network that outlines lesions and names what a mammogram shows; it steers and checks the generator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.attributes import HEADS
from monai_mammo.networks.blocks import ResidualBlock, group_norm, pad_to_multiple

__all__ = ["ClassHeads", "LesionNetwork"]


class ClassHeads(nn.Module):
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
        """Logits (B, n classes) by head, from features (B, channels, h, w).

        Parameters
        ----------
        x : Tensor, shape (B, channels, h, w)

        Returns
        -------
        dict of str to Tensor
        """
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        pooled = self.dropout(pooled)
        return {name: head(pooled).float() for name, head in self.heads.items()}


class LesionNetwork(nn.Module):
    """U-Net with a mask of the lesion and heads for finding, BI-RADS, density, view and pathology.

    Parameters
    ----------
    channels : sequence of int
        Width at half size and at each halving after it.
    """

    def __init__(self, channels: Sequence[int] = (24, 48, 96, 128, 160)) -> None:
        super().__init__()
        self.multiple = 2 ** len(channels)
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, channels[0], 3, padding=1))
        self.down = nn.ModuleList([ResidualBlock(channels[0], channels[0])])
        self.shrink = nn.ModuleList()
        for narrow, wide in zip(channels[:-1], channels[1:], strict=True):
            self.shrink.append(nn.Conv2d(narrow, wide, 3, stride=2, padding=1))
            self.down.append(nn.Sequential(ResidualBlock(wide, wide), ResidualBlock(wide, wide)))
        self.heads = ClassHeads(channels[-1])
        self.up = nn.ModuleList(
            ResidualBlock(wide + narrow, narrow) for narrow, wide in zip(channels[:-1], channels[1:], strict=True)
        )
        self.mask = nn.Sequential(group_norm(channels[0]), nn.SiLU(), nn.Conv2d(channels[0], 4, 1), nn.PixelShuffle(2))

    def features(self, image: Tensor) -> list[Tensor]:
        """Maps of the encoder, finest first: a perceptual distance compares them.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1].

        Returns
        -------
        list of Tensor, shape (B, C, h, w)
        """
        h = self.down[0](self.stem(pad_to_multiple(2 * image - 1, self.multiple)))
        maps = [h]
        for shrink, block in zip(self.shrink, self.down[1:], strict=True):
            maps.append(block(shrink(maps[-1])))
        return maps

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """What the image shows.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1], chest wall left; sides that do not fit are padded.

        Returns
        -------
        dict of Tensor
            ``mask``: logits (B, 1, H, W) of lesion; `monai_mammo.attributes.HEADS`: logits (B, n classes).
        """
        maps = self.features(image)
        out = self.heads(maps[-1])
        h = maps[-1]
        for up, skip in zip(reversed(self.up), reversed(maps[:-1]), strict=True):
            enlarged = functional.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
            h = up(torch.cat([enlarged, skip], dim=1))
        mask = self.mask(h)[..., : image.shape[-2], : image.shape[-1]]
        return {"mask": mask.float(), **out}
