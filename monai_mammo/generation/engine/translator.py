"""The translator with its weights: one acquisition of a breast in, another of the same breast out. Knows no file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from monai_mammo import networks, sampling
from monai_mammo.bundle import DETAIL, VIEW_TRANSLATOR, BundleFolder
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.lesions.planes import lesion_planes
from monai_mammo.networks.context import encode_conditions
from monai_mammo.networks.translator_unet import TranslatorUNet
from monai_mammo.sampling.bundle_sampler import Sampler, sampler_of, schedule_of
from monai_mammo.sampling.guidance import Guidance, z0_predictor
from monai_mammo.sampling.noise import gaussian
from monai_mammo.sampling.schedule import Schedule
from monai_mammo.sampling.solvers import dpm_solver_pp_2m, time_grid
from monai_mammo.terms import Modality

__all__ = ["REGRESSION", "Translator"]

REGRESSION = "translate_regression"
"""Overlay of the training, after ``translate``, whose weights say a picture in one evaluation, without noise."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Translator:
    """Translator network, autoencoder and schedule.

    Parameters
    ----------
    network : TranslatorUNet
    autoencoder : nn.Module
        Whose latents the network was trained on.
    schedule : Schedule
        That the network was trained with.
    shape : tuple of int
        Rows and columns of the prepared grid.
    device : torch.device
    is_regression : bool
        Whether the network was trained to say the picture at once; it then draws nothing by chance.
    details : Cascade or None
        Of the same bundle: its detail stage draws what is finer than the layout of a translated mammogram.
    """

    network: TranslatorUNet
    autoencoder: Any
    schedule: Schedule
    shape: tuple[int, int]
    device: torch.device
    is_regression: bool = False
    details: sampling.Cascade | None = None

    @classmethod
    def load(
        cls,
        diffusion: BundleFolder,
        autoencoder: BundleFolder,
        *,
        sampler: Sampler | None = None,
        device: str = "cpu",
    ) -> Self:
        """Translator of a diffusion bundle.

        Parameters
        ----------
        diffusion, autoencoder : BundleFolder
        sampler : OneStage, Cascade or VectorPrior, optional
            Of the same bundle, where it is loaded already.
        device : str
            Such as ``cpu`` or ``cuda``.

        Returns
        -------
        Translator

        Raises
        ------
        MammoError
            The bundle has no translator, or weights are missing, truncated or of another hash.
        """
        place = torch.device(device)
        return cls._of(networks.load_view_translator(diffusion, device=place), diffusion, autoencoder, place, sampler)

    @classmethod
    def of_training(
        cls,
        weights: str | Path,
        diffusion: BundleFolder,
        autoencoder: BundleFolder,
        *,
        is_regression: bool = False,
        device: str = "cpu",
    ) -> Self:
        """Translator of weights that a training wrote, with the network that the bundle's configs name.

        Parameters
        ----------
        weights : str or Path
            ``models/model.pt`` of a training with the overlay ``translate``.
        diffusion, autoencoder : BundleFolder
        is_regression : bool
            Whether `REGRESSION` was a further overlay.
        device : str
            Such as ``cpu`` or ``cuda``.

        Returns
        -------
        Translator

        Raises
        ------
        MammoError
            The weights are damaged, or do not fit the network.
        """
        place = torch.device(device)
        overlays = ("translate", REGRESSION) if is_regression else ("translate",)
        network: Any = networks.build(*diffusion.trained_network(*overlays))
        network = networks.load_weights(network, weights).to(device=place, memory_format=torch.channels_last)
        made = cls._of(network.eval().requires_grad_(False), diffusion, autoencoder, place)
        return dataclasses.replace(made, is_regression=is_regression, details=None if is_regression else made.details)

    @classmethod
    def _of(
        cls,
        network: Any,
        diffusion: BundleFolder,
        autoencoder: BundleFolder,
        device: torch.device,
        sampler: Sampler | None = None,
    ) -> Self:
        if not isinstance(network, TranslatorUNet):
            raise MammoError(f"{VIEW_TRANSLATOR[2]} of bundle {diffusion.name} is not a TranslatorUNet")
        if sampler is None and diffusion.has_weights(DETAIL):
            sampler = sampler_of(diffusion, device)
        return cls(
            details=sampler if isinstance(sampler, sampling.Cascade) else None,
            network=network,
            autoencoder=networks.load_network(autoencoder, device=device),
            schedule=schedule_of(diffusion, "view_translator_schedule"),
            shape=diffusion.prepared_shape,
            device=device,
        )

    @torch.inference_mode()
    def translated(
        self,
        image: np.ndarray,
        *,
        of: str,
        onto: str,
        conditions: Conditions,
        mask: np.ndarray | None = None,
        noise_of: tuple[int, str, int],
        steps: int = 20,
        guidance: float = 1.0,
    ) -> np.ndarray:
        """Another acquisition of the same breast, place for place; a function of the arguments alone.

        Where there are `details` and the modality is a mammogram, what is finer than its layout (`networks.layout_of`)
        is texture as such mammograms have it, and follows neither the source nor the translator.

        Parameters
        ----------
        image : ndarray, shape (rows, columns), float32
            On the prepared grid.
        of, onto : str
            Modalities of what is there and of what is drawn.
        conditions : Conditions
            What the picture shows; the kind is that of what is drawn, a box has no effect.
        mask : ndarray, shape (rows, columns), bool, or None
            Lesion, where one is known.
        noise_of : tuple of int, str and int
            Seed of the run, name of the sample, number of the try.
        steps : int
            Network evaluations.
        guidance : float
            Weight of classifier-free guidance; 1 is none.

        Returns
        -------
        ndarray, shape (rows, columns), float32
            Brightness in [0, 1].

        Raises
        ------
        RequestError
            The network was not trained with one of the modalities.
        """
        places = [torch.tensor([self.network.place_of(one)], device=self.device) for one in (of, onto)]
        z = self.autoencoder.to_latent(torch.from_numpy(np.ascontiguousarray(image))[None, None].to(self.device))
        plane = lesion_planes(mask, None, shape=self.shape, factor=int(self.autoencoder.factor))[None, :1]
        seen = self.network.seen(z, plane.to(self.device), *places)
        shown = conditions.replace(kind=Modality.parse(onto).kind, box=None)
        attributes = encode_conditions([shown])
        given: dict[str, Any] = {"attributes": attributes.to(self.device), "spatial": seen.spatial}
        start = torch.zeros(1, 16, *seen.spatial.shape[-2:], device=self.device)
        if self.is_regression:
            bands = self.network(start, torch.ones(1, device=self.device), **given, numbers=seen.numbers)
        else:
            bands = self._drawn(start, seen.numbers, noise_of=noise_of, steps=steps, guidance=guidance, **given)
        rows, columns = self.shape
        latent = self.network.latent(bands, places[1])[..., : z.shape[-2], : z.shape[-1]]
        if self.details is not None and shown.kind is not None:
            latent = self._detailed(latent, given["attributes"], plane.to(latent), noise_of)
        drawn = self.autoencoder.from_latent(latent)[0, 0, :rows, :columns]
        return drawn.float().clamp(0, 1).cpu().numpy()

    def _drawn(
        self,
        start: Tensor,
        numbers: Tensor,
        *,
        attributes: Tensor,
        spatial: Tensor,
        noise_of: tuple[int, str, int],
        steps: int,
        guidance: float,
    ) -> Tensor:
        def network(z_t: Tensor, t: Tensor, told: Tensor, mask: Tensor, source: Tensor, words: Tensor) -> Tensor:
            return self.network(z_t, t, told, torch.cat([source[:, :16], mask, source[:, 16:]], dim=1), numbers=words)

        planes = slice(16, 20)  # of the mask: without conditions it is not given
        predict = z0_predictor(
            network,
            self.schedule,
            attributes=attributes,
            spatial=spatial[:, planes],
            always=(torch.cat([spatial[:, :16], spatial[:, 20:]], dim=1), numbers),
            guidance=Guidance(scale=guidance),
        )
        noise = gaussian(*noise_of, tuple(start.shape[1:]))[None].to(start)
        return dpm_solver_pp_2m(predict, noise, time_grid(self.schedule, steps), self.schedule)

    def _detailed(self, latent: Tensor, attributes: Tensor, mask: Tensor, noise_of: tuple[int, str, int]) -> Tensor:
        """Latent (1, 4, h, w) of the same layout, with the detail stage's own details."""
        assert self.details is not None, "the caller has looked"
        seed, sample_id, attempt = noise_of
        shape = (latent.shape[1], latent.shape[2], latent.shape[3])
        noise = self.details.noise(seed, f"details of {sample_id}", attempt, shape)
        batched = sampling.CascadeNoise(*(part[None].to(latent) for part in noise))
        return self.details.draw_detail(batched, networks.layout_of(latent), attributes=attributes, mask=mask)
