"""MONAI's modules, changed where a checkpoint of another project needs it. Configs of imported weights name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.networks.blocks import Upsample
from monai.networks.nets import AutoencoderKL, DiffusionModelUNet
from monai.networks.nets.autoencoderkl import Decoder, Encoder
from monai.networks.nets.diffusion_model_unet import SpatialTransformer
from torch import Tensor, nn

__all__ = ["COMPVIS_ATTENTION_EPS", "CompVisAutoencoderKL", "CompVisUNet", "TransposedAutoencoderKL"]

COMPVIS_ATTENTION_EPS = 1e-6
"""Of the normalisation before CompVis's transformers; its residual blocks have torch's 1e-5."""


class TransposedAutoencoderKL(AutoencoderKL):
    """MONAI's `AutoencoderKL` whose transposed convolutions have 3 pixels a side, as those of monai-generative.

    MONAI's own have 2, so that weights of monai-generative's ``use_convtranspose=True`` find no place in them.

    Parameters
    ----------
    **kwargs
        Of `AutoencoderKL`, without ``use_convtranspose``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(use_convtranspose=True, **kwargs)
        blocks = self.decoder.blocks
        for i, block in enumerate(blocks):
            if isinstance(block, Upsample):
                channels = block.deconv.in_channels
                blocks[i] = Upsample(kwargs["spatial_dims"], channels, channels, kernel_size=3, mode="deconv")


class CompVisAutoencoderKL(AutoencoderKL):
    """KL autoencoder of CompVis's latent diffusion from MONAI's blocks (Rombach et al. 2022).

    It differs from MONAI's in four places: SiLU before the last convolution of encoder and decoder, one residual block
    more at each level of the decoder, an encoder that gives mean and logarithm of variance at once, and one
    convolution that mixes both.

    Parameters
    ----------
    in_channels, out_channels : int
        Of the image.
    channels : sequence of int
        Width at each level.
    num_res_blocks : int
        Residual blocks at each level of the encoder.
    attention_levels : sequence of bool
    z_channels : int
        Of the encoder's mean.
    latent_channels : int
        Of the latent, CompVis's ``embed_dim``.
    norm_num_groups : int
        Groups of each group normalisation.
    norm_eps : float
        Its smallest variance.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int],
        num_res_blocks: int,
        attention_levels: Sequence[bool],
        z_channels: int,
        latent_channels: int,
        norm_num_groups: int = 32,
        norm_eps: float = 1e-6,
    ) -> None:
        levels = len(channels)
        shared: dict[str, Any] = {"spatial_dims": 2, "channels": channels, "attention_levels": attention_levels}
        shared |= {"norm_num_groups": norm_num_groups, "norm_eps": norm_eps}
        super().__init__(
            in_channels=in_channels,
            out_channels=out_channels,
            latent_channels=latent_channels,
            num_res_blocks=num_res_blocks,
            **shared,
        )
        encoder = Encoder(
            in_channels=in_channels, out_channels=2 * z_channels, num_res_blocks=[num_res_blocks] * levels, **shared
        )
        decoder = Decoder(
            in_channels=z_channels, out_channels=out_channels, num_res_blocks=[num_res_blocks + 1] * levels, **shared
        )
        self.encoder, self.decoder = _with_silu(encoder), _with_silu(decoder)
        del self.quant_conv_mu, self.quant_conv_log_sigma
        self.quant_conv = nn.Conv2d(2 * z_channels, 2 * latent_channels, 1)
        self.post_quant_conv = nn.Conv2d(latent_channels, z_channels, 1)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the latent.

        Parameters
        ----------
        x : Tensor, shape (B, in_channels, H, W)

        Returns
        -------
        mu, sigma : Tensor, shape (B, latent_channels, h, w)
        """
        mu, log_variance = self.quant_conv(self.encoder(x)).chunk(2, dim=1)
        return mu, torch.exp(0.5 * log_variance.clamp(-30.0, 20.0))


class CompVisUNet(DiffusionModelUNet):
    """MONAI's `DiffusionModelUNet` with CompVis's two kinds of normalisation.

    Parameters
    ----------
    **kwargs
        Of `DiffusionModelUNet`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for module in self.modules():
            if isinstance(module, SpatialTransformer):
                module.norm.eps = COMPVIS_ATTENTION_EPS


def _with_silu(part: nn.Module) -> nn.Module:
    """The same encoder or decoder with SiLU between its last normalisation and its last convolution."""
    blocks = list(part.blocks)
    part.blocks = nn.ModuleList([*blocks[:-1], nn.SiLU(), blocks[-1]])
    return part
