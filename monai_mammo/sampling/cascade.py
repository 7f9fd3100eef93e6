"""From noise to a full latent in two stages: the layout under all conditions, then the detail under the layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from monai_mammo.networks.detail_unet import LAYOUT_FACTOR, DetailUNet, enlarged_layout, layout_planes
from monai_mammo.sampling.guidance import Guidance
from monai_mammo.sampling.latents import sample_latents
from monai_mammo.sampling.noise import gaussian
from monai_mammo.sampling.schedule import Schedule
from monai_mammo.sampling.solvers import dpm_solver_pp_2m, time_grid

__all__ = ["Cascade", "CascadeNoise"]


class CascadeNoise(NamedTuple):
    """Standard Gaussian noise that a draw starts from; the draw is a function of it.

    Attributes
    ----------
    layout, on_layout : Tensor, shape (B, 4, h', w')
        Start of the layout stage, and what is laid over the finished layout.
    detail : Tensor, shape (B, 4, h, w)
        Start of the detail stage.

    Notes
    -----
    Of a single sample all are without the batch axis.
    """

    layout: Tensor
    on_layout: Tensor
    detail: Tensor


@dataclass(frozen=True)
class Cascade:
    """Two diffusion networks as one sampler of latents.

    Parameters
    ----------
    layout : callable
        As `networks.LayoutUNet`.
    detail : DetailUNet
    layout_schedule, detail_schedule : Schedule
        That the networks were trained with.
    layout_noise : float
        Deviation of the noise on the finished layout, told to the detail stage, which draws what it hides anew.
    """

    layout: Callable[..., Tensor]
    detail: DetailUNet
    layout_schedule: Schedule
    detail_schedule: Schedule
    layout_noise: float = 0.05

    def draw(
        self,
        noise: CascadeNoise,
        *,
        attributes: Tensor,
        spatial: Tensor,
        anatomy: Tensor | None = None,
        text: Tensor | None = None,
        guidance: Guidance | float | None = None,
        steps: int = 20,
        on_step: Callable[[], None] | None = None,
    ) -> Tensor:
        """Scaled latents for a batch of conditions.

        Parameters
        ----------
        noise : CascadeNoise
        attributes : Tensor, shape (B, n)
            The acquisition kind is given.
        spatial : Tensor, shape (B, 2, h, w)
            Share of each latent position that the lesion's mask, and its box, cover.
        anatomy : Tensor, shape (B, 5, h', w'), or None
            What is seen of an acquired mammogram, as `networks.LayoutUNet` takes it.
        text : Tensor, shape (B, channels), or None
            Vectors of texts for a layout network that takes them; zeros say "not given".
        guidance : Guidance or float, optional
            Of the layout stage; the detail stage follows its conditions unguided.
        steps : int
            Network evaluations of the layout stage; the detail stage takes `detail_steps` of it.
        on_step : callable, optional
            Called after each network evaluation.

        Returns
        -------
        Tensor, shape (B, 4, h, w)
        """
        layout = self.draw_layout(
            noise.layout,
            attributes=attributes,
            spatial=spatial,
            anatomy=anatomy,
            text=text,
            guidance=guidance,
            steps=steps,
            on_step=on_step,
        )
        return self.draw_detail(
            noise,
            layout,
            attributes=attributes,
            mask=spatial[:, :1],
            steps=self.detail_steps(steps),
            on_step=on_step,
        )

    @staticmethod
    def detail_steps(steps: int) -> int:
        """Network evaluations of the detail stage beside `steps` of the layout stage: 12 beside 20."""
        return max(1, round(0.6 * steps))

    def n_evaluations(self, steps: int) -> int:
        """Network evaluations of a draw."""
        return steps + self.detail_steps(steps)

    @classmethod
    def noise(cls, seed: int, sample_id: str | int, attempt: int, latent_shape: tuple[int, int, int]) -> CascadeNoise:
        """Noise of one sample, a function of the arguments alone, without a batch axis.

        Parameters
        ----------
        seed : int
            Seed of the run.
        sample_id : str or int
        attempt : int
        latent_shape : tuple of int
            Channels, rows and columns of the latent.
        """
        small = cls.layout_shape(latent_shape)
        return CascadeNoise(
            layout=gaussian(seed, f"layout of {sample_id}", attempt, small),
            on_layout=gaussian(seed, f"on layout of {sample_id}", attempt, small),
            detail=gaussian(seed, sample_id, attempt, latent_shape),
        )

    def draw_layout(
        self,
        noise: Tensor,
        *,
        attributes: Tensor,
        spatial: Tensor,
        anatomy: Tensor | None = None,
        text: Tensor | None = None,
        guidance: Guidance | float | None = None,
        steps: int = 20,
        on_step: Callable[[], None] | None = None,
    ) -> Tensor:
        """Layouts of shape (B, 4, h', w') from noise of that shape; arguments as in `draw`."""
        coarse = layout_planes(spatial)
        if anatomy is None:
            anatomy = noise.new_zeros(len(noise), noise.shape[1] + 1, *noise.shape[-2:])
        return sample_latents(
            self.layout,
            self.layout_schedule,
            noise,
            attributes=attributes,
            spatial=coarse,
            always=(anatomy,),
            text=text,
            steps=steps,
            guidance=Guidance() if guidance is None else guidance,
            on_step=on_step,
        )

    def draw_detail(
        self,
        noise: CascadeNoise,
        layout: Tensor,
        *,
        attributes: Tensor,
        mask: Tensor,
        steps: int = 12,
        on_step: Callable[[], None] | None = None,
    ) -> Tensor:
        """Scaled latents (B, 4, h, w) over layouts (B, 4, h', w'); `mask` is (B, 1, h, w), the rest as in `draw`."""
        level = noise.detail.new_full((len(layout),), self.layout_noise)
        noisy = layout + level[:, None, None, None] * noise.on_layout
        planes = self.detail.planes(layout, noisy, mask)
        schedule = self.detail_schedule

        def predict_z0(z_t: Tensor, t: Tensor) -> Tensor:
            velocity = self.detail(z_t, t, attributes, planes, numbers=level[:, None])
            return schedule.to_z0(velocity, z_t, t)

        times = time_grid(schedule, steps)
        callback = None if on_step is None else lambda i, z_t, z0: on_step()
        residual = dpm_solver_pp_2m(predict_z0, noise.detail, times, schedule, callback=callback)
        smooth = enlarged_layout(noisy, (mask.shape[-2], mask.shape[-1]))
        return smooth + residual * self.detail.residual_scale(attributes, level)

    @staticmethod
    def layout_shape(latent_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Channels, rows and columns of the layout of a latent."""
        channels, rows, columns = latent_shape
        return channels, -(-rows // LAYOUT_FACTOR), -(-columns // LAYOUT_FACTOR)

