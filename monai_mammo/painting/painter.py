"""The lesion painter with its weights: a crop in, the crop with its region painted out. Knows no file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo import networks
from monai_mammo.bundle import BundleFolder
from monai_mammo.conditions import Conditions
from monai_mammo.lesions.painter_crops import CROP_PX
from monai_mammo.lesions.smooth_filling import smooth_fill
from monai_mammo.networks.context import encode_conditions
from monai_mammo.networks.painter_unet import PainterUNet, from_bands, pixel_numbers
from monai_mammo.sampling.guidance import Guidance, z0_predictor
from monai_mammo.sampling.known import keeping
from monai_mammo.sampling.noise import gaussian
from monai_mammo.sampling.schedule import CosineSchedule, Schedule
from monai_mammo.sampling.solvers import dpm_solver_pp_2m, time_grid

__all__ = ["LesionPainter", "PaintedCrop", "latent_shares"]


class PaintedCrop(NamedTuple):
    """What the painter made of a crop.

    Attributes
    ----------
    image : ndarray, shape (128, 128), float32
        The whole crop, painted in the region, as the autoencoder gives it elsewhere.
    lost : ndarray, shape (128, 128), float32
        What the autoencoder loses of the crop: its grain. It counts outside the region alone.
    """

    image: np.ndarray
    lost: np.ndarray


@dataclass(frozen=True, eq=False)
class LesionPainter:
    """Painter network, autoencoder and schedule.

    Parameters
    ----------
    network : PainterUNet
    autoencoder : nn.Module
        Whose latents the network was trained on.
    schedule : Schedule
        That the network was trained with.
    """

    network: PainterUNet
    autoencoder: nn.Module
    schedule: Schedule = CosineSchedule()

    @classmethod
    def load(cls, diffusion: BundleFolder, autoencoder: BundleFolder, *, device: torch.device | str = "cpu") -> Self:
        """Painter of a diffusion bundle.

        Parameters
        ----------
        diffusion, autoencoder : BundleFolder
        device : torch.device or str

        Returns
        -------
        LesionPainter

        Raises
        ------
        MammoError
            The bundle has no painter, or weights are missing, truncated or of another hash.
        """
        network: Any = networks.load_painter(diffusion, device=device)
        return cls(network, networks.load_network(autoencoder, device=device))

    @torch.inference_mode()
    def paint(
        self,
        crop: np.ndarray,
        region: np.ndarray,
        outline: np.ndarray,
        conditions: Conditions,
        *,
        pixel_mm: float | None,
        noise_of: tuple[int, str, int],
        steps: int = 16,
        guidance: float = 1.5,
    ) -> PaintedCrop:
        """A crop whose region is drawn anew; a function of the arguments alone.

        Parameters
        ----------
        crop : ndarray, shape (128, 128), float32
            Brightness in [0, 1]; what lies in the region has no effect.
        region : ndarray, shape (128, 128), bool
            What is painted.
        outline : ndarray, shape (128, 128), bool
            The lesion that is to be seen; empty for none.
        conditions : Conditions
            What is to be seen; a box has no effect.
        pixel_mm : float or None
            Side of a pixel of the crop.
        noise_of : tuple of int, str and int
            Seed of the run, name of the sample, number of the try.
        steps : int
            Network evaluations.
        guidance : float
            Weight of classifier-free guidance; 1 is none.

        Returns
        -------
        PaintedCrop
        """
        filled = smooth_fill(crop, region)
        device = self.autoencoder.latent_mean.device
        z = self.autoencoder.to_latent(torch.from_numpy(np.stack([filled, crop]))[:, None].float().to(device))
        seen = self.network.seen(
            z[:1],
            latent_shares(region).to(device),
            latent_shares(outline).to(device),
            pixel_numbers([pixel_mm]).to(device),
        )
        attributes = encode_conditions([conditions.replace(box=None)]).to(device)
        predict = z0_predictor(
            self.network,
            self.schedule,
            attributes=attributes,
            spatial=seen.planes,
            always=(seen.known, seen.numbers),
            guidance=Guidance(scale=guidance),
        )
        noise = gaussian(*noise_of, tuple(seen.scale.shape[1:2]) + tuple(seen.drawn.shape[2:]))[None].to(device)
        bands = dpm_solver_pp_2m(
            keeping(predict, torch.zeros_like(noise), seen.drawn),
            noise * seen.drawn,
            time_grid(self.schedule, steps),
            self.schedule,
        )
        painted, same = (
            self.autoencoder.from_latent(torch.cat([z[:1] + from_bands(bands * seen.scale), z[1:]]))[:, 0]
            .float()
            .cpu()
            .numpy()
        )
        return PaintedCrop(image=painted, lost=crop - same)


def latent_shares(mask: np.ndarray) -> Tensor:
    """Share of each latent position that a mask of a crop covers.

    Parameters
    ----------
    mask : ndarray, shape (128, 128), bool

    Returns
    -------
    Tensor, shape (1, 1, 32, 32)
    """
    return functional.avg_pool2d(torch.from_numpy(mask.astype(np.float32))[None, None], CROP_PX // 32)
