"""From noise and conditions to clean latents: predictor, times and solver in one call."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from monai_mammo.sampling.guidance import Guidance, z0_predictor
from monai_mammo.sampling.schedule import Schedule
from monai_mammo.sampling.solvers import dpm_solver_pp_2m, time_grid

__all__ = ["sample_latents"]


def sample_latents(
    network: Callable[..., Tensor],
    schedule: Schedule,
    noise: Tensor,
    *,
    attributes: Tensor,
    spatial: Tensor,
    steps: int,
    guidance: Guidance | float = 2.0,
    on_step: Callable[[], None] | None = None,
) -> Tensor:
    """Clean latents that a diffusion network draws under conditions, by DPM-Solver++(2M).

    Parameters
    ----------
    network : callable
        ``network(z_t, t, attributes, spatial)``, the prediction in the form of `Schedule.target`.
    schedule : Schedule
        That the network was trained with.
    noise : Tensor, shape (B, C, h, w)
        Standard Gaussian noise to start from.
    attributes : Tensor, shape (B, n)
        Conditions; -1 says "not given".
    spatial : Tensor, shape (B, c, h, w)
        Planes on the latent grid; 0 says "not given".
    steps : int
        Network evaluations, 1 or more.
    guidance : Guidance or float
        A number is the weight of plain classifier-free guidance.
    on_step : callable, optional
        Called without arguments after each network evaluation.

    Returns
    -------
    Tensor, shape (B, C, h, w)

    Raises
    ------
    RequestError
        If `steps` is below 1 or the guidance is not allowed.
    """
    if not isinstance(guidance, Guidance):
        guidance = Guidance(scale=guidance)
    predict_z0 = z0_predictor(network, schedule, attributes=attributes, spatial=spatial, guidance=guidance)
    callback = None if on_step is None else lambda i, z_t, z0: on_step()
    return dpm_solver_pp_2m(predict_z0, noise, time_grid(schedule, steps), schedule, callback=callback)
