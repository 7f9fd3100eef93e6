"""Network that outlines lesions and names what a mammogram shows; it steers and checks the generator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.networks.blocks import group_norm, pad_to_multiple
from monai_mammo.networks.class_heads import Calibration, ClassHeads
from monai_mammo.networks.efficientnet import EfficientNetLite

__all__ = ["LesionNetwork", "at_working_size", "breast_share", "mask_of_image"]

_MULTIPLE = 32


class LesionNetwork(nn.Module):
    """U-Net over a pretrained EfficientNet-Lite: a mask of the lesion, its presence and five attributes.

    Parameters
    ----------
    channels : sequence of int
        Width of the decoder at a quarter, an eighth and a sixteenth of the size.
    encoder : {"lite0", "lite2"}
    n_frozen_stages : int
        Stages of the encoder that training leaves as they are; see `EfficientNetLite.freeze`.
    dropout : float
        Of pooled features.
    working_rows : int or None
        Images are brought to this height, and the mask back, so that a breast is as large as it was in training;
        `None` takes them as they are.
    """

    def __init__(
        self,
        channels: Sequence[int] = (48, 64, 96),
        *,
        encoder: str = "lite0",
        n_frozen_stages: int = 3,
        dropout: float = 0.3,
        working_rows: int | None = None,
    ) -> None:
        super().__init__()
        self.working_rows = working_rows
        if len(channels) != 3:
            raise ValueError(f"a decoder has 3 widths, not {len(channels)}")
        self.encoder = EfficientNetLite(encoder)
        self.encoder.freeze(n_frozen_stages)
        _, quarter, eighth, sixteenth, deepest, last = self.encoder.channels
        self.deepest = _block(deepest, channels[2], kernel=1)
        self.up = nn.ModuleList()
        previous = channels[2]
        for skip, width in zip((sixteenth, eighth, quarter), reversed(channels), strict=True):
            self.up.append(_block(previous + skip, width))
            previous = width
        self.mask = nn.Conv2d(previous, 1, 1)
        nn.init.constant_(self.mask.bias, -4.0)  # few pixels are lesion
        self.heads = ClassHeads(last, dropout=dropout)
        self.calibration = Calibration()

    def features(self, image: Tensor) -> list[Tensor]:
        """Maps of the encoder at each size, finest first: a perceptual distance compares them.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1].

        Returns
        -------
        list of Tensor, shape (B, C, h, w)
        """
        return self.encoder.features(pad_to_multiple(image, _MULTIPLE))[:-1]

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """What the image shows.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1], chest wall left; sides that do not fit are padded.

        Returns
        -------
        dict of str to Tensor
            ``mask``: logits of lesion, shape (B, 1, H, W); ``presence``: logits of none and of a lesion, shape (B, 2);
            `monai_mammo.attributes.HEADS`: logits, shape (B, n classes).
        """
        padded = pad_to_multiple(at_working_size(image, self.working_rows), _MULTIPLE)
        _, *skips, deepest, last = self.encoder.features(padded)
        h = self.deepest(deepest)
        for up, skip in zip(self.up, reversed(skips), strict=True):
            if h.shape[-2:] != skip.shape[-2:]:
                h = functional.interpolate(h, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            h = up(torch.cat([h, skip], dim=1))
        coarse = self.mask(h).float()
        mask = mask_of_image(coarse, image, self.working_rows)
        out = self.heads(last, coarse, breast_share(padded, last))
        return self.calibration({"mask": mask, **out})


def at_working_size(image: Tensor, rows: int | None) -> Tensor:
    """Image of another height and the same ratio.

    Parameters
    ----------
    image : Tensor, shape (B, 1, H, W)
    rows : int or None
        `None`, as the image's own height, leaves it as it is.

    Returns
    -------
    Tensor, shape (B, 1, rows, round(W * rows / H))
    """
    if rows is None or rows == image.shape[-2]:
        return image
    columns = max(1, round(image.shape[-1] * rows / image.shape[-2]))
    return functional.interpolate(
        image, size=(rows, columns), mode="bilinear", align_corners=False, antialias=rows < image.shape[-2]
    )


def mask_of_image(coarse: Tensor, image: Tensor, rows: int | None) -> Tensor:
    """Logits of the mask on the image's own grid.

    Parameters
    ----------
    coarse : Tensor, shape (B, 1, h, w)
        At a quarter of the padded working size.
    image : Tensor, shape (B, 1, H, W)
    rows : int or None
        Working height.

    Returns
    -------
    Tensor, shape (B, 1, H, W)
    """
    mask = functional.interpolate(coarse, scale_factor=4, mode="bilinear", align_corners=False)
    height, width = image.shape[-2:]
    if rows is None or rows == height:
        return mask[..., :height, :width]
    mask = mask[..., :rows, : max(1, round(width * rows / height))]
    return functional.interpolate(mask, size=(height, width), mode="bilinear", align_corners=False)


def breast_share(image: Tensor, features: Tensor) -> Tensor:
    """Share of pixels that are not air, on the grid of features, and a little everywhere.

    Parameters
    ----------
    image : Tensor, shape (B, 1, H, W)
        Brightness in [0, 1].
    features : Tensor, shape (B, C, h, w)

    Returns
    -------
    Tensor, shape (B, 1, h, w)
    """
    return functional.adaptive_avg_pool2d((image > 0.01).float(), features.shape[-2:]) + 1e-3


def _block(in_channels: int, out_channels: int, *, kernel: int = 3) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
    return nn.Sequential(convolution, group_norm(out_channels), nn.ReLU())
