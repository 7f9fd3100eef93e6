"""Judge of small patches for the adversarial part of the autoencoder's loss."""

from __future__ import annotations

from torch import Tensor, nn

from monai_mammo.networks.blocks import group_norm

__all__ = ["PatchDiscriminator"]


class PatchDiscriminator(nn.Sequential):
    """Logits of overlapping patches: above 0 for acquired, below for reconstructed (Isola et al. 2017).

    Normalised by groups, so that a batch of one works and evaluation equals training.

    Parameters
    ----------
    channels : int
        Width of the first layer; it doubles with each halving.
    n_layers : int
        Halvings of the image.
    in_channels : int
        Planes of the image: 1, or 2 with its fine detail beside it.
    """

    def __init__(self, channels: int = 32, *, n_layers: int = 3, in_channels: int = 1) -> None:
        layers: list[nn.Module] = [nn.Conv2d(in_channels, channels, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for i in range(1, n_layers):
            narrow, wide = channels * 2 ** (i - 1), channels * 2**i
            layers += [nn.Conv2d(narrow, wide, 4, stride=2, padding=1), group_norm(wide), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Conv2d(channels * 2 ** (n_layers - 1), 1, 3, padding=1))
        self.in_channels = in_channels

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, 1, H / 2**n_layers, W / 2**n_layers) of images (B, C, H, W).

        Parameters
        ----------
        image : Tensor, shape (B, C, H, W)

        Returns
        -------
        Tensor, shape (B, 1, h, w)
        """
        return super().forward(2 * image - 1)
