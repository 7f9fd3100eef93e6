"""The translator: one acquisition of a breast drawn from another of the same breast, such as contrast from digital.

Both are latents taken apart into bands of frequency, as those of the lesion painter; each band is brought to unit
deviation for its modality, so that noise hides coarse and fine structure alike and none is trained at the scale of
another. The source is seen in full, with the lesion's outline, where a place lies, and how far it is from the skin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from monai_mammo.errors import RequestError
from monai_mammo.networks.blocks import pad_to_multiple
from monai_mammo.networks.detail_unet import distance_to_air, layout_of
from monai_mammo.networks.diffusion_unet import DiffusionUNet
from monai_mammo.networks.painter_unet import BAND_FACTOR, N_BANDS, from_bands, to_bands

__all__ = ["ViewInput", "TranslatorUNet"]

_N_CHANGES = 6
"""Numbers that tell of an augmentation, `monai_mammo.training.augment.Augmentation.numbers`."""


class ViewInput(NamedTuple):
    """What the translator sees of a batch beside noise, time and attributes.

    Attributes
    ----------
    spatial : Tensor, shape (B, 23, h, w)
        Bands of the source, the lesion's mask folded, row, column and distance to air.
    numbers : Tensor, shape (B, 6 + 2 M)
        Augmentation, which modality the source is of, which one is drawn.
    """

    spatial: Tensor
    numbers: Tensor


class TranslatorUNet(DiffusionUNet):
    """Velocity of the noisy bands of one acquisition, given those of another of the same breast.

    Parameters
    ----------
    modalities : sequence of str
        What is translated between, each from any other.
    channels : sequence of int
        Width at each scale, finest first.
    n_blocks : int or sequence of int
        Residual blocks at each scale, down as up.
    **kwargs
        Further arguments of `DiffusionUNet`.

    Notes
    -----
    Buffers of the state dict, set before training: `band_mean` and `band_std`, shape (M, 16), of the bands of each
    modality's latents in tissue; `air`, the value of air in a latent.
    """

    def __init__(
        self,
        *,
        modalities: Sequence[str] = ("digital", "contrast"),
        channels: Sequence[int] = (64, 88, 96),
        n_blocks: int | Sequence[int] = (2, 2, 1),
        **kwargs: Any,
    ) -> None:
        self.modalities = tuple(map(str, modalities))
        if len(set(self.modalities)) < 2:
            raise ValueError("a translator needs two modalities at least")
        fixed = {
            "latent_channels": N_BANDS,
            "spatial_channels": N_BANDS + BAND_FACTOR**2 + 3,
            "fold": 1,
            "n_numbers": _N_CHANGES + 2 * len(self.modalities),
        }
        super().__init__(channels=channels, n_blocks=n_blocks, **{"attention_scales": (2,), **kwargs, **fixed})
        self.register_buffer("band_mean", torch.zeros(len(self.modalities), N_BANDS))
        self.register_buffer("band_std", torch.ones(len(self.modalities), N_BANDS))
        self.register_buffer("air", torch.zeros(()))

    def place_of(self, modality: str) -> int:
        """Number of a modality.

        Parameters
        ----------
        modality : str
            One of `modalities`.

        Returns
        -------
        int

        Raises
        ------
        RequestError
            The translator was not trained with it.
        """
        if modality not in self.modalities:
            known = ", ".join(self.modalities)
            raise RequestError(f"the translator was trained with pairs of {known}, and {modality!r} is none of them")
        return self.modalities.index(modality)

    def bands(self, latent: Tensor, modality: Tensor) -> Tensor:
        """Bands of scaled latents at unit deviation.

        Parameters
        ----------
        latent : Tensor, shape (B, 4, 2 h, 2 w)
            Sides that are odd are padded by their edge.
        modality : Tensor, shape (B,), int
            As `place_of` gives it.

        Returns
        -------
        Tensor, shape (B, 16, h, w)
        """
        mean, std = (buffer[modality][:, :, None, None] for buffer in (self.band_mean, self.band_std))
        return (to_bands(pad_to_multiple(latent, BAND_FACTOR)) - mean) / std

    def latent(self, bands: Tensor, modality: Tensor) -> Tensor:
        """Scaled latents of their bands, the inverse of `bands`.

        Parameters
        ----------
        bands : Tensor, shape (B, 16, h, w)
        modality : Tensor, shape (B,), int

        Returns
        -------
        Tensor, shape (B, 4, 2 h, 2 w)
        """
        mean, std = (buffer[modality][:, :, None, None] for buffer in (self.band_mean, self.band_std))
        return from_bands(bands * std + mean)

    def seen(self, source: Tensor, mask: Tensor, of: Tensor, onto: Tensor, change: Tensor | None = None) -> ViewInput:
        """What the network sees of a source that it translates.

        Parameters
        ----------
        source : Tensor, shape (B, 4, 2 h, 2 w)
            Scaled latent of the acquisition that is there.
        mask : Tensor, shape (B, 1, 2 h, 2 w)
            Share of each latent position that a lesion covers; 0 where no lesion is given.
        of, onto : Tensor, shape (B,), int
            Modalities of the source and of what is drawn.
        change : Tensor, shape (B, 6), or None
            Augmentation; `None` for none.

        Returns
        -------
        ViewInput
        """
        bands = self.bands(source, of)
        n, _, rows, columns = bands.shape
        row = torch.linspace(-1, 1, rows, device=source.device)[:, None].expand(rows, columns)
        column = torch.linspace(-1, 1, columns, device=source.device).expand(rows, columns)
        distance = functional.adaptive_avg_pool2d(distance_to_air(layout_of(source), self.air), (rows, columns))
        folded = functional.pixel_unshuffle(pad_to_multiple(mask, BAND_FACTOR), BAND_FACTOR)
        places = torch.stack([row, column]).expand(n, -1, -1, -1)
        told = source.new_zeros(n, _N_CHANGES) if change is None else change
        which = [functional.one_hot(one.long(), len(self.modalities)).to(source) for one in (of, onto)]
        return ViewInput(
            spatial=torch.cat([bands.clamp(-8, 8), folded, places, distance], dim=1),
            numbers=torch.cat([told, *which], dim=1),
        )
