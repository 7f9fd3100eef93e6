"""Independent examiner of generated mammograms: another architecture than the lesion network's.

EfficientNet-Lite2, whose coarse maps are merged top-down by addition (feature pyramid, Lin et al. 2017). It trains
on other persons than the lesion network and takes part in no generator's loss.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.networks.blocks import pad_to_multiple
from monai_mammo.networks.class_heads import Calibration, ClassHeads, weighted_mean
from monai_mammo.networks.efficientnet import EfficientNetLite
from monai_mammo.networks.lesion_network import at_working_size, breast_share, mask_of_image

__all__ = ["PyramidJudge"]

_MULTIPLE = 32


class PyramidJudge(nn.Module):
    """Feature pyramid with the outputs of `LesionNetwork`, the mask at a quarter of the size.

    Parameters
    ----------
    pyramid_channels : int
        Width in which the sizes are merged.
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
        pyramid_channels: int = 80,
        *,
        encoder: str = "lite2",
        n_frozen_stages: int = 3,
        dropout: float = 0.3,
        working_rows: int | None = None,
    ) -> None:
        super().__init__()
        self.working_rows = working_rows
        self.encoder = EfficientNetLite(encoder)
        self.encoder.freeze(n_frozen_stages)
        merged, last = self.encoder.channels[1:5], self.encoder.channels[-1]
        self.lateral = nn.ModuleList(nn.Conv2d(width, pyramid_channels, 1) for width in merged)
        self.merged = nn.Sequential(
            nn.Conv2d(pyramid_channels, pyramid_channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(pyramid_channels, pyramid_channels, 3, padding=2, dilation=2),
            nn.ReLU(),
        )
        self.mask = nn.Conv2d(pyramid_channels, 1, 1)
        nn.init.constant_(self.mask.bias, -4.0)  # few pixels are lesion
        self.heads = ClassHeads(last, dropout=dropout)
        self.calibration = Calibration()

    def pooled_features(self, image: Tensor) -> Tensor:
        """Deep features, their mean over what is not air.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1], chest wall left.

        Returns
        -------
        Tensor, shape (B, C)
        """
        padded = self._padded(image)
        return _pooled(self.encoder.features(padded)[-1], padded)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """What the image (B, 1, H, W) shows; see `LesionNetwork.forward`.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1], chest wall left.

        Returns
        -------
        dict of str to Tensor
            ``mask``: logits, shape (B, 1, H, W); of the other heads logits of shape (B, n classes).
        """
        padded = self._padded(image)
        return self._read(image, padded, self.encoder.features(padded))

    def with_features(self, image: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """What the image shows, and its deep features, of one pass of the encoder.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1], chest wall left.

        Returns
        -------
        outputs : dict of str to Tensor
            As `forward` gives them.
        features : Tensor, shape (B, C)
            As `pooled_features` gives them.
        """
        padded = self._padded(image)
        maps = self.encoder.features(padded)
        return self._read(image, padded, maps), _pooled(maps[-1], padded)

    def _padded(self, image: Tensor) -> Tensor:
        """What the encoder is given, shape (B, 1, H', W')."""
        return pad_to_multiple(at_working_size(image, self.working_rows), _MULTIPLE)

    def _read(self, image: Tensor, padded: Tensor, of_encoder: list[Tensor]) -> dict[str, Tensor]:
        _, *maps, last = of_encoder
        h = self.lateral[-1](maps[-1])
        for lateral, features in zip(reversed(self.lateral[:-1]), reversed(maps[:-1]), strict=True):
            h = lateral(features) + functional.interpolate(h, size=features.shape[-2:], mode="nearest")
        coarse = self.mask(self.merged(h)).float()
        mask = mask_of_image(coarse, image, self.working_rows)
        out = self.heads(last, coarse, breast_share(padded, last))
        return self.calibration({"mask": mask, **out})


def _pooled(last: Tensor, padded: Tensor) -> Tensor:
    """Mean of the deepest maps over what is not air, shape (B, C)."""
    last = last.float()
    return weighted_mean(last, breast_share(padded, last))
