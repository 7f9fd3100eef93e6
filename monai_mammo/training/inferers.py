"""Inferers: how an engine calls a network, where a plain call is not enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monai.inferers import Inferer
from torch import Tensor, nn

from monai_mammo import sampling
from monai_mammo.networks import picture_of_latent
from monai_mammo.training.trainer import AutocastInferer

__all__ = ["MaskInferer", "ReconstructionInferer", "SamplerInferer"]


class ReconstructionInferer(AutocastInferer):
    """An autoencoder's reconstruction alone, brightness clamped to [0, 1]; arguments of `AutocastInferer`."""

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Tensor:
        """Reconstruction, shape of `inputs`, float32."""
        return super().__call__(inputs, network, *args, **kwargs)[0].float().clamp(0, 1)


class MaskInferer(AutocastInferer):
    """A lesion network's mask alone, as probability; arguments of `AutocastInferer`."""

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Tensor:
        """Probability of lesion, shape (B, 1, H, W), float32."""
        return super().__call__(inputs, network, *args, **kwargs)["mask"].float().sigmoid()


class SamplerInferer(Inferer):
    """The sampler as an inferer: noise and conditions in, mammograms out.

    Parameters
    ----------
    autoencoder : nn.Module
        Turns latents into images by ``from_latent``.
    schedule : Schedule
        That the diffusion network was trained with.
    steps : int
        Network evaluations.
    guidance : float
        Weight of classifier-free guidance; 1 is none.
    texture : nn.Module or None
        Draws fine texture into the images, as `frozen_texture` gives it.
    """

    def __init__(
        self,
        autoencoder: nn.Module,
        *,
        schedule: sampling.Schedule,
        steps: int = 20,
        guidance: float = 2.0,
        texture: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.texture = texture
        self.autoencoder, self.schedule, self.steps = autoencoder.eval(), schedule, int(steps)
        self.guidance = sampling.Guidance(scale=guidance)

    def __call__(
        self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, attributes: Tensor, spatial: Tensor, **_: Any
    ) -> Tensor:
        """Images for a batch of requests.

        Parameters
        ----------
        inputs : Tensor, shape (B, 4, h, w)
            Noise to start from.
        network : callable
            The diffusion U-Net.
        attributes : Tensor, shape (B, 12)
        spatial : Tensor, shape (B, 2, h, w)

        Returns
        -------
        Tensor, shape (B, 1, H, W)
            Brightness in [0, 1].
        """
        z_0 = sampling.sample_latents(
            network,
            self.schedule,
            inputs,
            attributes=attributes,
            spatial=spatial,
            steps=self.steps,
            guidance=self.guidance,
        )
        return picture_of_latent(self.autoencoder, z_0, self.texture)
