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
    """Standard Gaussian noise that a VAE decodes: `vector` (B, n_vector), of a single sample without B."""

    vector: Tensor


@dataclass(frozen=True)
class VectorPrior:
    """A VAE as a sampler of latents, with the face of `Cascade`.

    Parameters
    ----------
    network : LatentVAE
    """

    network: LatentVAE

    def n_evaluations(self, steps: int) -> int:
        """Network evaluations of a draw: 1, whatever is asked."""
        return 1

    def noise(self, seed: int, sample_id: str | int, attempt: int, latent_shape: tuple[int, int, int]) -> VectorNoise:
        """Noise of one sample, a function of the arguments alone, without a batch axis; see `Cascade.noise`."""
        return self.noise_of_length(self.network.n_vector, seed, sample_id, attempt)

    @staticmethod
    def noise_of_length(n_vector: int, seed: int, sample_id: str | int, attempt: int) -> VectorNoise:
        """The same where the network is not at hand.

        Parameters
        ----------
        n_vector : int
        seed : int
        sample_id : str or int
        attempt : int

        Returns
        -------
        VectorNoise
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
        """Scaled latents (B, 4, h, w); a plain VAE ignores the conditions, every VAE guidance and steps."""
        z_0 = self.network.decode(noise.vector, attributes, spatial)
        if on_step is not None:
            on_step()
        return z_0
