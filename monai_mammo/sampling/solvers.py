"""Solvers of the probability-flow ODE (Song et al. 2021), from noise to the clean latent.

Each asks ``predict_z0(z_t, t)`` once at every time of a grid and returns the last answer, so that the noise left at the
grid's end (sigma 0.007 by default) is not left in the image. Nothing has to be set up before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from monai_mammo.errors import RequestError
from monai_mammo.sampling.schedule import Schedule

__all__ = ["ddim", "ddim_inversion", "dpm_solver_pp_2m", "time_grid"]

PredictZ0 = Callable[[Tensor, Tensor], Tensor]
Callback = Callable[[int, Tensor, Tensor], None]


def time_grid(schedule: Schedule, n_evaluations: int, *, lambda_range: tuple[float, float] = (-6.0, 5.0)) -> Tensor:
    """Times from noise to data, evenly spaced in log-SNR.

    Parameters
    ----------
    schedule : Schedule
        Noise schedule that the network was trained with.
    n_evaluations : int
        Number of times, and so of network evaluations; 1 or more.
    lambda_range : tuple of float
        First and last ``lambda_ = log(alpha / sigma)``, rising; cut to the schedule's own range.

    Returns
    -------
    Tensor, shape (n_evaluations,), float64
        Falling times in [0, 1]; a single one is the noisiest.

    Raises
    ------
    RequestError
        If n_evaluations is below 1 or the range does not rise.
    """
    first, last = max(lambda_range[0], schedule.lambda_min), min(lambda_range[1], schedule.lambda_max)
    if n_evaluations < 1:
        raise RequestError(f"{n_evaluations} network evaluations cannot sample: allowed are 1 and more")
    if not first < last:
        raise RequestError(f"lambda_range {lambda_range} does not rise inside the range of the noise schedule")
    return schedule.t_of_lambda(torch.linspace(first, last, n_evaluations, dtype=torch.float64))


def dpm_solver_pp_2m(
    predict_z0: PredictZ0, z_T: Tensor, ts: Tensor, schedule: Schedule, *, callback: Callback | None = None
) -> Tensor:
    """Clean latent by DPM-Solver++(2M), second order with one network evaluation a step (Lu et al. 2022, algorithm 2).

    The first step is of first order, as there is no earlier prediction yet.

    Parameters
    ----------
    predict_z0 : callable
        ``predict_z0(z_t, t)`` gives the clean latent, (B, …), of a noisy one and times of shape (B,), all equal.
    z_T : Tensor, shape (B, …), float32 or float64
        Noise at the first time: standard Gaussian where that is pure noise. The solver calculates in its dtype.
    ts : Tensor, shape (n_evaluations,)
        Falling times (`time_grid`); they may be uneven.
    schedule : Schedule
        Noise schedule that the network was trained with.
    callback : callable, optional
        Called as ``callback(i, z_t, z0)`` after the evaluation at ``ts[i]``.

    Returns
    -------
    Tensor, shape of z_T
        The prediction at the last time.

    Raises
    ------
    RequestError
        If the times are not at least one and falling.
    """
    alphas, sigmas, lambdas = _levels(ts, schedule)
    z_t, previous = z_T, z_T
    for i in range(len(lambdas)):
        z0 = _evaluate(predict_z0, z_t, ts[i], i, callback)
        if i + 1 < len(lambdas):
            h = lambdas[i + 1] - lambdas[i]
            slope = h / (2 * (lambdas[i] - lambdas[i - 1])) if i else 0.0
            extrapolated = z0 + slope * (z0 - previous)
            z_t = sigmas[i + 1] / sigmas[i] * z_t - alphas[i + 1] * math.expm1(-h) * extrapolated
            previous = z0
    return z0


def ddim(
    predict_z0: PredictZ0, z_T: Tensor, ts: Tensor, schedule: Schedule, *, callback: Callback | None = None
) -> Tensor:
    """Clean latent by deterministic DDIM (Song et al. 2020), the first-order reference for `dpm_solver_pp_2m`.

    Parameters
    ----------
    predict_z0 : callable
        As in `dpm_solver_pp_2m`.
    z_T : Tensor, shape (B, …)
        As in `dpm_solver_pp_2m`.
    ts : Tensor, shape (n_evaluations,)
        Falling times.
    schedule : Schedule
    callback : callable or None
        As in `dpm_solver_pp_2m`.

    Returns
    -------
    Tensor, shape of z_T
        The prediction at the last time.

    Raises
    ------
    RequestError
        If the times are not at least one and falling.
    """
    alphas, sigmas, lambdas = _levels(ts, schedule)
    z_t = z_T
    for i in range(len(lambdas)):
        z0 = _evaluate(predict_z0, z_t, ts[i], i, callback)
        if i + 1 < len(lambdas):
            eps = (z_t - alphas[i] * z0) / sigmas[i]
            z_t = alphas[i + 1] * z0 + sigmas[i + 1] * eps
    return z0


def ddim_inversion(predict_z0: PredictZ0, z_0: Tensor, ts: Tensor, schedule: Schedule) -> Tensor:
    """Noisy latent from which `ddim` comes to a given clean one, up to the error of its steps (Song et al. 2020).

    The way of `ddim` is gone back, each step with the prediction at the cleaner of its two ends.

    Parameters
    ----------
    predict_z0 : callable
        As in `dpm_solver_pp_2m`; asked at all times but the first.
    z_0 : Tensor, shape (B, …)
        Clean latent.
    ts : Tensor, shape (n,)
        Falling times, as the way to the clean latent goes.
    schedule : Schedule

    Returns
    -------
    Tensor, shape of z_0
        The latent at the first time.

    Raises
    ------
    RequestError
        If the times are not at least one and falling.
    """
    alphas, sigmas, lambdas = _levels(ts, schedule)
    z_t = alphas[-1] * z_0
    for i in range(len(lambdas) - 1, 0, -1):
        predicted = _evaluate(predict_z0, z_t, ts[i], i, None)
        eps = (z_t - alphas[i] * predicted) / sigmas[i]
        z_t = alphas[i - 1] * predicted + sigmas[i - 1] * eps
    return z_t


def _levels(ts: Tensor, schedule: Schedule) -> tuple[list[float], list[float], list[float]]:
    """Alpha, sigma and ``lambda_`` at each time, computed in float64."""
    times = ts.to("cpu", torch.float64)
    lambdas = schedule.lambda_(times).tolist()
    if not lambdas or any(later <= earlier for earlier, later in pairwise(lambdas)):
        raise RequestError("the times of a sampler must be one or more and fall, within the noise schedule's range")
    return schedule.alpha(times).tolist(), schedule.sigma(times).tolist(), lambdas


def _evaluate(predict_z0: PredictZ0, z_t: Tensor, t: Tensor, i: int, callback: Callback | None) -> Tensor:
    """Prediction for the whole batch at one time, in the dtype of the latent."""
    z0 = predict_z0(z_t, t.to(z_t).expand(len(z_t))).to(z_t.dtype)
    if callback is not None:
        callback(i, z_t, z0)
    return z0
