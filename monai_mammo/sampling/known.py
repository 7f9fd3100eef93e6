"""A latent that is known before: kept in part, or started from, when another is drawn.

Where it is kept, each predicted clean latent is replaced by the known one. On the path of a solver the noisy latent
there is then the known one with the noise that sampling started from, at every step (the replacement of Lugmayr et al.
2022, RePaint, without its jumps back), and at the end it is the known latent itself. What is started from is the known
latent, noised as far as the first time says (SDEdit, Meng et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from monai_mammo.errors import RequestError
from monai_mammo.sampling.schedule import Schedule
from monai_mammo.sampling.solvers import time_grid

__all__ = ["KnownLatent", "joined", "keeping", "membrane", "noise_in", "partial_time_grid", "started_from"]

_MEMBRANE_STEPS = 500
"""Jacobi steps: within 1 % for holes of up to 30 positions across."""


class KnownLatent(NamedTuple):
    """Latent of an acquired mammogram, how much of it is kept and how far from it sampling starts.

    Attributes
    ----------
    latent : Tensor, shape (B, 4, h, w)
        Scaled, of unit deviation.
    drawn : Tensor, shape (B, 1, h, w)
        1 where the latent is drawn anew, 0 where the known one stays, values between them mix the two.
    seen : Tensor, shape (B, 1, h', w')
        1 where the layout stage is shown the known layout as context, 0 where it is hidden.
    strength : float
        In [0, 1], time of the schedule that sampling starts at, of the detail stage 1.25 times as much: at 1 nothing of
        the latent is in the start, at 0 it is the result.
    """

    latent: Tensor
    drawn: Tensor
    seen: Tensor
    strength: float = 1.0


def keeping(
    predict_z0: Callable[[Tensor, Tensor], Tensor], known: Tensor, drawn: Tensor
) -> Callable[[Tensor, Tensor], Tensor]:
    """A predictor whose answer is the known latent where nothing is drawn.

    Parameters
    ----------
    predict_z0 : callable
        ``predict_z0(z_t, t)``, as the solvers take it.
    known : Tensor, shape (B, C, h, w)
    drawn : Tensor, shape (B, 1, h, w)
        Weight of the prediction, 0 to 1.

    Returns
    -------
    callable
        ``predict_z0(z_t, t)``, of the shape of `known`.
    """

    def predict(z_t: Tensor, t: Tensor) -> Tensor:
        return known + drawn * (predict_z0(z_t, t) - known)

    return predict


def joined(drawn_anew: Tensor, known: Tensor, drawn: Tensor) -> Tensor:
    """What was drawn in a hole, shifted so that it meets the known latent at the hole's rim.

    The difference at the rim is continued into the hole as a membrane, which keeps the gradients of what was drawn
    (Pérez et al. 2003, Poisson image editing): a step in brightness round the hole goes away, a lesion in it stays.

    Parameters
    ----------
    drawn_anew, known : Tensor, shape (B, C, h, w)
    drawn : Tensor, shape (B, 1, h, w)
        Above 0 in the hole; the positions of the hole that touch others are its rim, where the known latent stays.

    Returns
    -------
    Tensor, shape (B, C, h, w)
        The known latent outside the hole and at its rim; all of `drawn_anew` where the hole is the whole latent.
    """
    touches = functional.max_pool2d((drawn <= 0).to(known), 3, stride=1, padding=1) > 0
    return torch.where(touches, known, drawn_anew + membrane(known - drawn_anew, touches))


def membrane(values: Tensor, is_given: Tensor) -> Tensor:
    """Values that are given somewhere, continued to all other places as a stretched membrane (Laplace's equation).

    Parameters
    ----------
    values : Tensor, shape (B, C, h, w)
    is_given : Tensor, shape (B, 1, h, w), bool
        Where they count.

    Returns
    -------
    Tensor, shape (B, C, h, w)
        `values` where given, between them elsewhere; 0 where nothing is given.
    """
    stretched = torch.where(is_given, values, torch.zeros_like(values))
    n_channels = values.shape[1]
    neighbours = values.new_tensor([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]]).expand(n_channels, 1, 3, 3)
    for _ in range(_MEMBRANE_STEPS if is_given.any() else 0):
        around = functional.pad(stretched, (1, 1, 1, 1), mode="replicate")
        around = functional.conv2d(around, neighbours, groups=n_channels)
        stretched = torch.where(is_given, stretched, around)
    return stretched


def partial_time_grid(
    schedule: Schedule, steps: int, strength: float, *, lambda_range: tuple[float, float] = (-6.0, 5.0)
) -> Tensor:
    """Times from the strength's own to data, evenly spaced in log-SNR about as densely as those of `time_grid`.

    Parameters
    ----------
    schedule : Schedule
    steps : int
        Network evaluations of the whole way.
    strength : float
        In [0, 1]: time of the schedule that sampling starts at. At 1 this is `time_grid`, at 0 it is empty.
    lambda_range : tuple of float
        As in `time_grid`.

    Returns
    -------
    Tensor, shape (n,), float64
        Falling times; n is the share of `steps` that the strength leaves of the range, 1 at least above strength 0.

    Raises
    ------
    RequestError
        The strength lies outside [0, 1], or as in `time_grid`.
    """
    if not 0 <= strength <= 1:
        raise RequestError(f"strength {strength!r} is not a number from 0 to 1")
    whole = time_grid(schedule, steps, lambda_range=lambda_range)
    if strength in (0, 1):
        return whole[: round(strength * steps)]
    first, last = max(lambda_range[0], schedule.lambda_min), min(lambda_range[1], schedule.lambda_max)
    start = min(max(float(schedule.lambda_(strength)), first), last - 1e-3)
    n = max(1, round(steps * (last - start) / (last - first)))
    return time_grid(schedule, n, lambda_range=(start, last))


def started_from(known: Tensor, noise: Tensor, t: Tensor, schedule: Schedule, *, strength: float) -> Tensor:
    """Noisy latent that a solver starts from: the known one at the first time, pure noise at strength 1.

    Parameters
    ----------
    known, noise : Tensor, shape (B, C, h, w)
    t : Tensor, shape ()
        First of the times.
    schedule : Schedule
    strength : float
        In [0, 1], see `KnownLatent`.

    Returns
    -------
    Tensor, shape (B, C, h, w)
    """
    if strength == 1:
        return noise
    return float(schedule.alpha(t)) * known + float(schedule.sigma(t)) * noise


def noise_in(start: Tensor, known: Tensor, t: Tensor, schedule: Schedule, *, strength: float) -> Tensor:
    """Noise with which `started_from` gives a noisy latent.

    Parameters
    ----------
    start, known : Tensor, shape (B, C, h, w)
    t : Tensor, shape ()
        First of the times.
    schedule : Schedule
    strength : float
        In (0, 1], see `KnownLatent`.

    Returns
    -------
    Tensor, shape (B, C, h, w)
    """
    if strength == 1:
        return start
    return (start - float(schedule.alpha(t)) * known) / float(schedule.sigma(t))
