"""Latents of a VAE: one vector of Gaussian noise, decoded once. The baseline beside the diffusion samplers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from monai_mammo.networks.latent_vae import LatentVAE
from monai_mammo.sampling.guidance import Guidance
from monai_mammo.sampling.noise import gaussian

__all__ = ["VectorNoise", "VectorPrior"]


class VectorNoise(NamedTuple):
    """Standard Gaussian noise that a VAE decodes.

    Attributes
    ----------
    vector : Tensor, shape (B, n_vector)
        Of a single sample without the batch axis.
    """

    vector: Tensor


@dataclass(frozen=True)
class VectorPrior:
    """A VAE as a sampler of latents, with the face of `Cascade`.

    Parameters
    ----------
    network : LatentVAE
        With its weights.
    """

    network: LatentVAE

    def n_evaluations(self, steps: int) -> int:
        """Network evaluations of a draw.

        Parameters
        ----------
        steps : int
            Has no effect.

        Returns
        -------
        int
            1
        """
        return 1

    def noise(self, seed: int, sample_id: str | int, attempt: int, latent_shape: tuple[int, int, int]) -> VectorNoise:
        """Noise of one sample, a function of the arguments alone, without a batch axis.

        Parameters
        ----------
        seed : int
            Of the run.
        sample_id : str or int
            Of the sample in its run.
        attempt : int
            Number of the try.
        latent_shape : tuple of int
            Channels, rows and columns of the latent, which have no effect.

        Returns
        -------
        VectorNoise, its vector of shape (n_vector,)
        """
        return self.noise_of_length(self.network.n_vector, seed, sample_id, attempt)

    @staticmethod
    def noise_of_length(n_vector: int, seed: int, sample_id: str | int, attempt: int) -> VectorNoise:
        """The same where the network is not at hand.

        Parameters
        ----------
        n_vector : int
            Length of the vector.
        seed : int
            Of the run.
        sample_id : str or int
            Of the sample in its run.
        attempt : int
            Number of the try.

        Returns
        -------
        VectorNoise, its vector of shape (n_vector,)
        """
        return VectorNoise(gaussian(seed, f"vector of {sample_id}", attempt, (n_vector,)))

    def draw(
        self,
        noise: VectorNoise,
        *,
        attributes: Tensor,
        spatial: Tensor,
        guidance: Guidance | float | None = None,
        steps: int = 1,
        on_step: Callable[[], None] | None = None,
    ) -> Tensor:
        """Scaled latents for a batch of conditions.

        Parameters
        ----------
        noise : VectorNoise
            Its vector of shape (B, n_vector).
        attributes : Tensor, shape (B, n)
            A plain VAE ignores them.
        spatial : Tensor, shape (B, 2, h, w)
            Planes of the lesion's mask and box, which a plain VAE ignores.
        guidance : Guidance or float, optional
            Has no effect.
        steps : int
            Has no effect.
        on_step : callable, optional
            Called after the network evaluation.

        Returns
        -------
        Tensor, shape (B, 4, h, w)
        """
        z_0 = self.network.decode(noise.vector, attributes, spatial)
        if on_step is not None:
            on_step()
        return z_0
