"""Inferers: how an engine calls a network, where a plain call is not enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monai.inferers import Inferer
from torch import Tensor, nn

from monai_mammo import sampling
from monai_mammo.training.trainer import AutocastInferer

__all__ = ["MaskInferer", "ReconstructionInferer", "SamplerInferer", "VectorInferer"]


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
    """The two stages as an inferer: noise and conditions in, mammograms out.

    Parameters
    ----------
    autoencoder : nn.Module
        Turns latents into images by ``from_latent``.
    detail : nn.Module
        The detail stage, a `networks.DetailUNet`.
    schedule, detail_schedule : Schedule
        That the layout and the detail stage were trained with.
    steps : int
        Network evaluations of the layout stage; see `sampling.Cascade.detail_steps`.
    guidance : float
        Weight of classifier-free guidance; 1 is none.
    layout_noise : float
        See `sampling.Cascade`.
    guide : nn.Module, optional
        A weaker layout network, which the layout stage is pushed away from; see `sampling.Cascade`.
    layout_guidance : float or mapping of str to float
        How far; 1 is not at all.
    layout_range : sequence of float, optional
        Least and largest value of a layout; see `sampling.Cascade`.
    detail_guide : nn.Module, optional
        A weaker detail network, which the detail stage is pushed away from; see `sampling.Cascade`.
    detail_guidance : float or mapping of str to float
        How far; 1 is not at all.
    finer_texture : float or mapping of str to float
        Fine texture to ask for on top; see `sampling.Cascade`.
    finish : nn.Module, optional
        What is added to drawn details in the end, a `networks.DetailUNet`; see `sampling.Cascade`.
    finish_weight : float or mapping of str to float
        How much of it; see `sampling.Cascade`.
    """

    def __init__(
        self,
        autoencoder: nn.Module,
        *,
        detail: nn.Module,
        schedule: sampling.Schedule,
        detail_schedule: sampling.Schedule,
        steps: int = 20,
        guidance: float = 2.0,
        layout_noise: float = sampling.Cascade.layout_noise,
        guide: nn.Module | None = None,
        layout_guidance: float | Mapping[str, float] = sampling.Cascade.layout_guidance,
        layout_range: Sequence[float] | None = None,
        detail_guide: nn.Module | None = None,
        detail_guidance: float | Mapping[str, float] = sampling.Cascade.detail_guidance,
        finer_texture: float | Mapping[str, float] = sampling.Cascade.finer_texture,
        finish: nn.Module | None = None,
        finish_weight: float | Mapping[str, float] = sampling.Cascade.finish_weight,
    ) -> None:
        super().__init__()
        self.autoencoder, self.detail, self.steps = autoencoder.eval(), detail.eval(), int(steps)
        self.schedule, self.detail_schedule = schedule, detail_schedule
        self.guidance, self.layout_noise = sampling.Guidance(scale=guidance), layout_noise
        self.guide = None if guide is None else guide.eval()
        self.layout_guidance = layout_guidance
        self.layout_range = None if layout_range is None else (float(layout_range[0]), float(layout_range[1]))
        self.detail_guide = None if detail_guide is None else detail_guide.eval()
        self.detail_guidance, self.finer_texture = detail_guidance, finer_texture
        self.finish, self.finish_weight = None if finish is None else finish.eval(), finish_weight

    def __call__(
        self,
        inputs: Tensor,
        network: Callable[..., Tensor],
        *args: Any,
        attributes: Tensor,
        spatial: Tensor,
        layout_noise: Tensor,
        texture: Tensor,
        text: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        """Images for a batch of requests.

        Parameters
        ----------
        inputs : Tensor, shape (B, 4, h, w)
            Noise that the detail stage starts from.
        network : callable
            The layout stage, a `networks.LayoutUNet`.
        attributes : Tensor, shape (B, n)
        spatial : Tensor, shape (B, 2, h, w)
        layout_noise : Tensor, shape (B, 8, h', w')
            Noise that the layout stage starts from, then what is laid over the layout.
        texture : Tensor, shape (B, 2)
            Code of the texture, for a detail stage that is told of it.
        text : Tensor, shape (B, channels), or None
            Vectors of texts, for a layout stage that is told of them.

        Returns
        -------
        Tensor, shape (B, 1, H, W)
            Brightness in [0, 1].
        """
        cascade = sampling.Cascade(
            network,
            self.detail,
            self.schedule,
            self.detail_schedule,
            layout_noise=self.layout_noise,
            guide=self.guide,
            layout_guidance=self.layout_guidance,
            layout_range=self.layout_range,
            detail_guide=self.detail_guide,
            detail_guidance=self.detail_guidance,
            finer_texture=self.finer_texture,
            finish=self.finish,
            finish_weight=self.finish_weight,
        )
        start, over = layout_noise.chunk(2, dim=1)
        noise = sampling.CascadeNoise(layout=start, on_layout=over, detail=inputs, texture=texture)
        told = {"attributes": attributes, "spatial": spatial, "text": text}
        z_0 = cascade.draw(noise, **told, steps=self.steps, guidance=self.guidance)
        return self.autoencoder.from_latent(z_0).float()


class VectorInferer(Inferer):
    """A VAE over latents as an inferer: vectors of noise and conditions in, mammograms out.

    Parameters
    ----------
    autoencoder : nn.Module
        Turns latents into images by ``from_latent``.
    """

    def __init__(self, autoencoder: nn.Module) -> None:
        super().__init__()
        self.autoencoder = autoencoder.eval()

    def __call__(
        self, inputs: Tensor, network: nn.Module, *args: Any, attributes: Tensor, spatial: Tensor, **_: Any
    ) -> Tensor:
        """Images for a batch of requests.

        Parameters
        ----------
        inputs : Tensor, shape (B, n_vector)
            Standard Gaussian noise.
        network : LatentVAE
        attributes : Tensor, shape (B, n)
        spatial : Tensor, shape (B, 2, h, w)

        Returns
        -------
        Tensor, shape (B, 1, H, W)
            Brightness in [0, 1].
        """
        return self.autoencoder.from_latent(network.decode(inputs, attributes, spatial)).float()
