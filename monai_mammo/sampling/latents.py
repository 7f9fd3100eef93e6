"""From noise and conditions to clean latents: predictor, times and solver in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from monai_mammo.sampling.guidance import Guidance, z0_predictor
from monai_mammo.sampling.known import keeping, partial_time_grid, started_from
from monai_mammo.sampling.noise import gaussian
from monai_mammo.sampling.schedule import Schedule
from monai_mammo.sampling.solvers import dpm_solver_pp_2m

__all__ = ["OneStage", "OneStageNoise", "sample_latents", "stack_noise"]

_Noise = TypeVar("_Noise", bound=tuple)


def sample_latents(
    network: Callable[..., Tensor],
    schedule: Schedule,
    noise: Tensor,
    *,
    attributes: Tensor,
    spatial: Tensor,
    always: tuple[Tensor, ...] = (),
    text: Tensor | None = None,
    steps: int,
    guidance: Guidance | float = 2.0,
    known: tuple[Tensor, Tensor] | None = None,
    strength: float = 1.0,
    limits: tuple[float, float] | None = None,
    on_step: Callable[[], None] | None = None,
) -> Tensor:
    """Clean latents that a diffusion network draws under conditions, by DPM-Solver++(2M).

    Parameters
    ----------
    network : callable
        ``network(z_t, t, attributes, spatial, *always)``, the prediction in the form of `Schedule.target`.
    schedule : Schedule
        That the network was trained with.
    noise : Tensor, shape (B, C, h, w)
        Standard Gaussian noise to start from.
    attributes : Tensor, shape (B, n)
        Conditions; -1 says "not given".
    spatial : Tensor, shape (B, c, h, w)
        Planes on the latent grid; 0 says "not given".
    always : tuple of Tensor, shape (B, …) each
        What the network is given with and without conditions.
    text : Tensor, shape (B, channels), or None
        Vectors of texts, given last; zeros say "not given".
    steps : int
        Network evaluations, 1 or more.
    guidance : Guidance or float
        A number is the weight of plain classifier-free guidance.
    known : tuple of Tensor, optional
        A latent of shape (B, C, h, w) and, of shape (B, 1, h, w), where it is drawn anew (1) and where it stays (0).
    strength : float
        How far from the known latent sampling starts, see `sampling.KnownLatent`; 1 where none is known.
    limits : tuple of float, optional
        Least and largest value of a clean latent; each prediction is brought between them, as Ho et al. 2020 clip
        theirs to the range of pixels.
    on_step : callable, optional
        Called without arguments after each network evaluation.

    Returns
    -------
    Tensor, shape (B, C, h, w)

    Raises
    ------
    RequestError
        If `steps` is below 1, or the guidance or the strength is not allowed.
    """
    if not isinstance(guidance, Guidance):
        guidance = Guidance(scale=guidance)
    predict_z0 = z0_predictor(
        network,
        schedule,
        attributes=attributes,
        spatial=spatial,
        always=always,
        text=text,
        guidance=guidance,
    )
    if limits is not None:
        predict_z0 = _between(predict_z0, *limits)
    callback = None if on_step is None else lambda i, z_t, z0: on_step()
    times, start = partial_time_grid(schedule, steps, strength), noise
    if known is not None:
        latent, drawn = known
        if len(times) == 0:
            return latent
        predict_z0 = keeping(predict_z0, latent, drawn)
        start = started_from(latent, noise, times[0], schedule, strength=strength)
    return dpm_solver_pp_2m(predict_z0, start, times, schedule, callback=callback)


def _between(
    predict_z0: Callable[[Tensor, Tensor], Tensor], lowest: float, highest: float
) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda z_t, t: predict_z0(z_t, t).clamp(lowest, highest)


class OneStageNoise(NamedTuple):
    """Standard Gaussian noise that a draw starts from.

    Attributes
    ----------
    latent : Tensor, shape (B, C, h, w)
        Of a single sample without the batch axis.
    """

    latent: Tensor


def stack_noise(noise: Sequence[_Noise], device: torch.device | str = "cpu") -> _Noise:
    """Noise of several samples as that of a batch, channels last, on a device.

    Parameters
    ----------
    noise : sequence of OneStageNoise, of CascadeNoise or of VectorNoise
        One for each sample, as a sampler's ``noise`` gives it.
    device : torch.device or str

    Returns
    -------
    OneStageNoise or CascadeNoise
        Its parts of shape (B, C, …).
    """
    stacked = (torch.stack(parts).to(device) for parts in zip(*noise, strict=True))
    return type(noise[0])(*(_channels_last(part) for part in stacked))


def _channels_last(noise: Tensor) -> Tensor:
    """Images channels last; a vector has no such order."""
    return noise.contiguous(memory_format=torch.channels_last) if noise.ndim == 4 else noise


@dataclass(frozen=True)
class OneStage:
    """One diffusion network as a sampler of latents, with the face of `Cascade`.

    Parameters
    ----------
    network : callable
        As `networks.DiffusionUNet`.
    schedule : Schedule
        That the network was trained with.
    """

    network: Callable[..., Tensor]
    schedule: Schedule

    def n_evaluations(self, steps: int) -> int:
        """Network evaluations of a draw.

        Parameters
        ----------
        steps : int
            As they are requested.

        Returns
        -------
        int
        """
        return steps

    def noise(self, seed: int, sample_id: str | int, attempt: int, latent_shape: tuple[int, int, int]) -> OneStageNoise:
        """Noise of one sample, a function of the arguments alone, without a batch axis; see `Cascade.noise`.

        Parameters
        ----------
        seed : int
            Seed of the run.
        sample_id : str or int
        attempt : int
            Number of the try, 0 the first.
        latent_shape : tuple of int
            Channels, rows and columns of the latent.

        Returns
        -------
        OneStageNoise
            Of shape `latent_shape`.
        """
        return OneStageNoise(gaussian(seed, sample_id, attempt, latent_shape))

    def draw(
        self,
        noise: OneStageNoise,
        *,
        attributes: Tensor,
        spatial: Tensor,
        guidance: Guidance | float = 2.0,
        steps: int = 20,
        on_step: Callable[[], None] | None = None,
    ) -> Tensor:
        """Scaled latents for a batch of conditions.

        Parameters
        ----------
        noise : OneStageNoise
        attributes : Tensor, shape (B, n)
        spatial : Tensor, shape (B, 2, h, w)
            Share of each latent position that the lesion's mask, and its box, cover.
        guidance : Guidance or float
            A number is the weight of all conditions.
        steps : int
            Network evaluations.
        on_step : callable, optional
            Called after each.

        Returns
        -------
        Tensor, shape (B, C, h, w)
        """
        return sample_latents(
            self.network,
            self.schedule,
            noise.latent,
            attributes=attributes,
            spatial=spatial,
            steps=steps,
            guidance=guidance,
            on_step=on_step,
        )
