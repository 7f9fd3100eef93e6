"""The generator of whole mammograms, started from an acquired one: the same anatomy under other conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from monai_mammo import networks, sampling
from monai_mammo.bundle import BundleFolder
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.lesions.planes import lesion_planes
from monai_mammo.networks.detail_unet import LAYOUT_FACTOR
from monai_mammo.sampling.bundle_sampler import sampler_of

__all__ = ["WholeImageGenerator"]


@dataclass(frozen=True, eq=False)
class WholeImageGenerator:
    """Both stages of a generator, and the autoencoder whose latents they draw.

    Parameters
    ----------
    sampler : Cascade
    autoencoder : nn.Module
    guidance : Guidance
        Of the layout stage.
    shape : tuple of int
        Rows and columns of the prepared grid.
    device : torch.device
    """

    sampler: sampling.Cascade
    autoencoder: Any
    guidance: sampling.Guidance
    shape: tuple[int, int]
    device: torch.device

    @classmethod
    def load(
        cls,
        diffusion: BundleFolder,
        autoencoder: BundleFolder,
        *,
        scale: float,
        groups: Mapping[str, float],
        device: str,
    ) -> Self:
        """Generator from two bundles whose weights are checked against their hashes.

        Parameters
        ----------
        diffusion, autoencoder : BundleFolder
        scale : float
            Weight of classifier-free guidance; 1 is none.
        groups : mapping of str to float
            Weights of single conditions.
        device : str
            Such as ``cpu`` or ``cuda``.

        Returns
        -------
        WholeImageGenerator

        Raises
        ------
        RequestError
            The bundle does not draw in two stages.
        MammoError
            Weights are missing, damaged, or do not fit the networks.
        """
        place = torch.device(device)
        sampler = sampler_of(diffusion, place)
        if not isinstance(sampler, sampling.Cascade):
            raise RequestError(
                f"bundle {diffusion.name} cannot start from an acquired mammogram: name one that draws a layout first"
            )
        return cls(
            sampler=sampler,
            autoencoder=networks.load_network(autoencoder, device=place),
            guidance=sampling.Guidance(scale=scale, groups=groups),
            shape=diffusion.prepared_shape,
            device=place,
        )

    @torch.no_grad()
    def latent(self, image: np.ndarray) -> Tensor:
        """Scaled latent of a prepared mammogram.

        Parameters
        ----------
        image : ndarray, shape (rows, columns), float32
            On the prepared grid.

        Returns
        -------
        Tensor, shape (1, 4, h, w)
        """
        return self.autoencoder.to_latent(torch.from_numpy(np.ascontiguousarray(image))[None, None].to(self.device))

    @torch.no_grad()
    def drawn(
        self,
        latent: Tensor,
        conditions: Conditions,
        lesion: np.ndarray,
        *,
        region: np.ndarray | None = None,
        inverted_from: tuple[Conditions, np.ndarray] | None = None,
        strength: float,
        noise_of: tuple[int, str],
        steps: int,
        steer: Callable[[Tensor], Tensor] | None = None,
        on_step: Callable[[], None] | None = None,
    ) -> np.ndarray:
        """Picture under conditions, from the noised latent of an acquired one (SDEdit, Meng et al. 2022).

        Parameters
        ----------
        latent : Tensor, shape (1, 4, h, w)
            Of `latent`.
        conditions : Conditions
            What is to be seen, with the box in the prepared frame.
        lesion : ndarray, shape (rows, columns), bool
            Outline that is to be seen; empty for none.
        region : ndarray, shape (rows, columns), float, or None
            1 where the picture is drawn anew, 0 where the acquired one stays, and seen by the network; `None` draws all
            of it anew, and shows the network nothing.
        inverted_from : tuple of Conditions and ndarray, or None
            What the acquired picture shows, with the outline of its lesion, shape (rows, columns), bool: the noise is
            then the one from which the same steps come to the acquired picture under it (DDIM inversion, Song et al.
            2020).
        strength : float
            In (0, 1], time of the schedule that sampling starts at.
        noise_of : tuple of int and str
            Seed of the run, name of the noise: two draws of one name differ by what is told to them alone.
        steps : int
            Network evaluations of the layout stage from pure noise.
        steer : callable or None
            As for `Cascade.draw_detail`.
        on_step : callable or None
            Called after each network evaluation.

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        channels, rows, columns = latent.shape[1:]
        noise = sampling.stack_noise([self.sampler.noise(*noise_of, 0, (channels, rows, columns))], self.device)
        known = _known_latent(latent, region, factor=int(self.autoencoder.factor), strength=strength)
        if inverted_from is not None:
            noise = self.sampler.inverted(noise, **self._told(*inverted_from), known=known, steps=steps)
        z_0 = self.sampler.draw(
            noise,
            **self._told(conditions, lesion),
            known=known,
            guidance=self.guidance,
            steps=steps,
            steer=steer,
            on_step=on_step,
        )
        return self.image(z_0)

    def _told(self, conditions: Conditions, lesion: np.ndarray) -> dict[str, Tensor]:
        """Conditions, and outline and box of a lesion, as the sampler takes them."""
        spatial = lesion_planes(lesion, conditions.box, shape=self.shape, factor=int(self.autoencoder.factor))
        return {
            "attributes": networks.encode_conditions([conditions]).to(self.device),
            "spatial": spatial[None].to(self.device),
        }

    @torch.no_grad()
    def image(self, latent: Tensor) -> np.ndarray:
        """Picture of a scaled latent.

        Parameters
        ----------
        latent : Tensor, shape (1, 4, h, w)

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        rows, columns = self.shape
        return self.autoencoder.from_latent(latent)[0, 0, :rows, :columns].float().cpu().numpy()


def _known_latent(latent: Tensor, region: np.ndarray | None, *, factor: int, strength: float) -> sampling.KnownLatent:
    """What a sampler is told of an acquired mammogram of which a region (`None`: all) is drawn anew."""
    coarse = factor * LAYOUT_FACTOR
    rows, columns = latent.shape[-2:]
    whole = np.ones((rows * factor, columns * factor)) if region is None else region
    plane = torch.from_numpy(whole).to(latent)[None, None]

    def padded(side: int) -> Tensor:
        return functional.pad(plane, (0, -plane.shape[-1] % side, 0, -plane.shape[-2] % side))

    hidden = functional.max_pool2d((padded(coarse) > 0).to(latent), coarse)
    seen = 1 - functional.max_pool2d(hidden, 3, stride=1, padding=1)  # as in training
    drawn = (functional.max_pool2d(padded(factor), factor) > 0).to(latent)
    return sampling.KnownLatent(latent=latent, drawn=drawn, seen=seen, strength=strength)
