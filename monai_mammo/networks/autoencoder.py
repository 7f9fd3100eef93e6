"""KL autoencoder whose latent starts as the folded half-size image.

A shortcut runs past encoder and decoder: the latent is the half-size image folded 2 x 2 into
channels, plus what the encoder adds; the reconstruction is its enlargement, plus what the
decoder adds. Both additions start at 0, so an untrained network already is the bicubic shrink
and enlargement (residual autoencoding, Chen et al. 2024, arXiv 2410.10733).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.networks.blocks import ResidualBlock, group_norm, pad_to_multiple, zeroed

__all__ = ["Autoencoder"]


class Autoencoder(nn.Module):
    """KL-VAE with a factor of 4 between image and latent.

    Parameters
    ----------
    channels : sequence of int
        Width at half and at quarter size.
    n_blocks : int
        Residual blocks at each size, in encoder and decoder.
    latent_channels : int
        4: the half-size image folded 2 x 2.
    full_channels : int
        Width at full size, where a last convolution works across the 2 x 2 blocks that the enlargement made, so that
        no pattern of two pixels is left; 0 for none, as in weights before 0.3.0.

    Notes
    -----
    `latent_mean` and `latent_std` are buffers of the state dict, estimated over many training
    images by `monai_mammo.training`; `to_latent` and `from_latent` apply them, so that nothing
    else needs to know a scale factor.
    """

    factor = 4

    def __init__(
        self,
        channels: tuple[int, int] = (48, 96),
        *,
        n_blocks: int = 2,
        latent_channels: int = 4,
        full_channels: int = 0,
    ) -> None:
        super().__init__()
        if latent_channels != 4:
            raise ValueError(f"latent_channels is {latent_channels}: the folded half-size image has 4")
        wide, deep = channels
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4, wide, 3, padding=1),
            *(ResidualBlock(wide, wide) for _ in range(n_blocks)),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * wide, deep, 1),
            *(ResidualBlock(deep, deep) for _ in range(n_blocks)),
            group_norm(deep),
            nn.SiLU(),
        )
        self.to_mu = zeroed(nn.Conv2d(deep, latent_channels, 3, padding=1))
        self.to_log_variance = zeroed(nn.Conv2d(deep, latent_channels, 3, padding=1))
        nn.init.constant_(self.to_log_variance.bias, -8.0)
        self.decoder = nn.Sequential(
            nn.Conv2d(latent_channels, deep, 3, padding=1),
            *(ResidualBlock(deep, deep) for _ in range(n_blocks)),
            nn.Conv2d(deep, 4 * wide, 1),
            nn.PixelShuffle(2),
            *(ResidualBlock(wide, wide) for _ in range(n_blocks)),
            group_norm(wide),
            nn.SiLU(),
            *_to_full_size(wide, full_channels),
        )
        self.register_buffer("latent_mean", torch.zeros(1, latent_channels, 1, 1))
        self.register_buffer("latent_std", torch.ones(1, latent_channels, 1, 1))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the latent's distribution.

        Parameters
        ----------
        x : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1]; sides that are no multiple of 4 are padded by their edge.

        Returns
        -------
        mu, sigma : Tensor, shape (B, 4, ceil(H / 4), ceil(W / 4))
        """
        x = 2 * pad_to_multiple(x, self.factor) - 1
        half = functional.interpolate(x, scale_factor=0.5, mode="bicubic", antialias=True, align_corners=False)
        h = self.encoder(x)
        mu = functional.pixel_unshuffle(half, 2) + self.to_mu(h)
        sigma = torch.exp(0.5 * self.to_log_variance(h).float().clamp(-20, 4))
        return mu.float(), sigma

    def decode(self, z: Tensor) -> Tensor:
        """Image that a latent stands for, not clamped.

        Parameters
        ----------
        z : Tensor, shape (B, 4, h, w)

        Returns
        -------
        Tensor, shape (B, 1, 4 h, 4 w)
            Brightness, near [0, 1].
        """
        half = functional.pixel_shuffle(z, 2)
        shortcut = functional.interpolate(half, scale_factor=2, mode="bicubic", align_corners=False)
        return (shortcut + self.decoder(z).float() + 1) / 2

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction of the same size as `x`, with mean and deviation of its latent.

        In training the latent is drawn, in evaluation it is the mean.

        Parameters
        ----------
        x : Tensor, shape (B, 1, H, W)

        Returns
        -------
        Tensor, shape (B, 1, H, W)
            Reconstruction.
        Tensor, shape (B, 4, H / 4, W / 4)
            Mean of the latent.
        Tensor, shape (B, 4, H / 4, W / 4)
            Its deviation.
        """
        mu, sigma = self.encode(x)
        z = mu + sigma * torch.randn_like(sigma) if self.training else mu
        return self.decode(z)[..., : x.shape[-2], : x.shape[-1]], mu, sigma

    def to_latent(self, x: Tensor) -> Tensor:
        """Mean latent of an image, each channel scaled to mean 0 and deviation 1.

        Parameters
        ----------
        x : Tensor, shape (B, 1, H, W)

        Returns
        -------
        Tensor, shape (B, 4, h, w), float32
        """
        return (self.encode(x)[0] - self.latent_mean) / self.latent_std

    def from_latent(self, z: Tensor) -> Tensor:
        """Image of a scaled latent, brightness clamped to [0, 1].

        Parameters
        ----------
        z : Tensor, shape (B, 4, h, w)

        Returns
        -------
        Tensor, shape (B, 1, H, W)
        """
        return self.unclamped(z).clamp(0, 1)

    def unclamped(self, z: Tensor) -> Tensor:
        """Image of a scaled latent, with the texture of what is brighter than white.

        Parameters
        ----------
        z : Tensor, shape (B, 4, h, w)

        Returns
        -------
        Tensor, shape (B, 1, H, W)
        """
        return self.decode(z * self.latent_std + self.latent_mean)


def _to_full_size(wide: int, full: int) -> list[nn.Module]:
    """Enlargement at the end of a decoder; what it gives starts as 0."""
    if full == 0:
        return [zeroed(nn.Conv2d(wide, 4, 3, padding=1)), nn.PixelShuffle(2)]
    enlarge = [nn.Conv2d(wide, 4 * full, 3, padding=1), nn.PixelShuffle(2), nn.SiLU()]
    return [*enlarge, zeroed(nn.Conv2d(full, 1, 3, padding=1))]
