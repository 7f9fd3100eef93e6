"""Translation of a region by an unpaired GAN: healthy tissue to a lesion, a lesion to healthy tissue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from monai_mammo import networks
from monai_mammo.bundle import CROP_TRANSLATOR, BundleFolder
from monai_mammo.editing.edit_method import EditedPlace
from monai_mammo.lesions.painter_crops import CROP_PX
from monai_mammo.painting.blending import enlarged
from monai_mammo.painting.local_edit import (
    Change,
    blended_change,
    grain_draws,
    shrunk,
    window_round,
    without_fine_structure,
    without_white_edge,
)
from monai_mammo.painting.painter import latent_shares
from monai_mammo.prepare.geometry import resize

__all__ = ["CropTranslation"]


@dataclass(frozen=True, eq=False)
class CropTranslation:
    """Both generators of a CycleGAN and the autoencoder whose latents they translate.

    The networks are told where the region and the outline lie, and nothing of what the lesion is; they draw nothing by
    chance.

    Parameters
    ----------
    network : CropTranslator
    autoencoder : nn.Module
    """

    network: Any
    autoencoder: nn.Module

    @classmethod
    def load(cls, diffusion: BundleFolder, autoencoder: BundleFolder, *, device: torch.device | str = "cpu") -> Self:
        """Translation of a diffusion bundle.

        Parameters
        ----------
        diffusion, autoencoder : BundleFolder
        device : torch.device or str

        Returns
        -------
        CropTranslation

        Raises
        ------
        MammoError
            Weights are missing, truncated, of another hash or do not fit the network.
        """
        network = networks.load_network(diffusion, device=device, part=CROP_TRANSLATOR)
        return cls(network, networks.load_network(autoencoder, device=device))

    @torch.inference_mode()
    def added(self, crop: np.ndarray, region: np.ndarray, outline: np.ndarray) -> np.ndarray:
        """Difference of brightness by which a crop is translated.

        Parameters
        ----------
        crop : ndarray, shape (128, 128), float32
            Brightness in [0, 1].
        region, outline : ndarray, shape (128, 128), bool
            What is changed, and the lesion that is to be seen in it; empty for none.

        Returns
        -------
        ndarray, shape (128, 128), float32
        """
        device = self.network.texture_std.device
        z = self.autoencoder.to_latent(torch.from_numpy(crop)[None, None].float().to(device))
        seen = self.network.seen(z, *(latent_shares(mask).to(device) for mask in (region, outline)))
        bands = self.network(seen.bands, seen.planes, seen.drawn, to_lesion=bool(outline.any()))
        before, after = self.autoencoder.from_latent(torch.cat([z, seen.latent(bands)]))[:, 0].float().cpu().numpy()
        return after - before

    def change(self, place: EditedPlace) -> Change:
        """What the GAN adds to a picture.

        Parameters
        ----------
        place : EditedPlace

        Returns
        -------
        Change

        Raises
        ------
        RequestError
            The region is larger than a crop allows, or the picture too small.
        """
        window = window_round(place.region)
        own = place.picture[window].astype(np.float32)
        region, may_change = place.region[window], place.may_change[window]
        drawn_region, tissue = shrunk(region), shrunk(may_change)
        crop = without_white_edge(resize(own, (CROP_PX, CROP_PX)), drawn_region, tissue)
        added = enlarged(self.added(crop, drawn_region, shrunk(place.outline[window])), own.shape)
        shrinking = len(own) / CROP_PX
        if not place.outline.any():
            added = without_fine_structure(added, own, crop, region, may_change, grain_draws(place.noise_of))
        return blended_change(window, added, own, region, may_change, shrinking, outline=place.outline[window])
