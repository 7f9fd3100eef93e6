"""How much signal and how much noise a latent holds at time t, and what a prediction at that time stands for.

A noisy latent is ``z_t = alpha * z_0 + sigma * eps`` with t in [0, 1] and data at t = 0.
``lambda_ = log(alpha / sigma)`` is half the log-SNR (Lu et al. 2022).
Training and sampling share one schedule, a value that never changes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from monai_mammo.errors import RequestError

__all__ = [
    "CosineSchedule",
    "RectifiedFlowSchedule",
    "Schedule",
    "add_noise",
    "per_sample",
    "u_to_eps",
    "u_to_z0",
    "v_to_eps",
    "v_to_z0",
    "z0_eps_to_u",
    "z0_eps_to_v",
    "z0_to_eps",
]


def _apply_in_float64(function: Callable[[Tensor], Tensor], value: Tensor | float) -> Tensor:
    """``function`` of the value, computed in float64 and cast once, to the value's own dtype."""
    tensor = torch.as_tensor(value, dtype=None if isinstance(value, Tensor) else torch.float64)
    dtype = tensor.dtype if tensor.is_floating_point() else torch.float64
    return function(tensor.to(torch.float64)).to(dtype)


@dataclass(frozen=True)
class Schedule(ABC):
    """Noise level as a function of time; the two schedules below differ in its form.

    Parameters
    ----------
    shift : float
        Moves the whole schedule in log-SNR, ``lambda_ = base(t) - log(shift)``; above 1 is noisier at the same t, as
        fine grids and smooth latents want (Hoogeboom et al. 2023 for diffusion, Esser et al. 2024 for flow).
    lambda_min, lambda_max : float
        ``lambda_`` is clipped to this range, so that alpha at t = 1 and sigma at t = 0 are small but not 0; the
        defaults give 4.5e-5.

    Raises
    ------
    RequestError
        If shift is not positive or the range is empty or not finite.
    """

    shift: float = 1.0
    lambda_min: float = -10.0
    lambda_max: float = 10.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.shift) and self.shift > 0):
            raise RequestError(f"shift {self.shift!r} of the noise schedule is not a positive number")
        if not -math.inf < self.lambda_min < self.lambda_max < math.inf:
            raise RequestError(
                f"lambda_min {self.lambda_min!r} of the noise schedule is not below lambda_max {self.lambda_max!r}"
            )

    @abstractmethod
    def _base_lambda(self, t: Tensor) -> Tensor:
        """``lambda_`` before shift and clipping; float64."""

    @abstractmethod
    def _base_time(self, lambda_: Tensor) -> Tensor:
        """Inverse of ``_base_lambda``; float64."""

    @abstractmethod
    def _levels(self, lambda_: Tensor) -> tuple[Tensor, Tensor]:
        """Alpha and sigma at ``lambda_``; float64."""

    @abstractmethod
    def target(self, z0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """What a network on this schedule learns to predict.

        Parameters
        ----------
        z0, eps : Tensor, shape (B, C, H, W)
            Clean latent and the noise that is added to it.
        t : Tensor, shape (B,)
            Time in [0, 1].

        Returns
        -------
        Tensor, shape (B, C, H, W)
            v on a `CosineSchedule`, u on a `RectifiedFlowSchedule`.
        """

    @abstractmethod
    def to_z0(self, prediction: Tensor, z_t: Tensor, t: Tensor) -> Tensor:
        """Clean latent that a network's prediction stands for.

        Parameters
        ----------
        prediction, z_t : Tensor, shape (B, C, H, W)
            What the network says of the noisy latent, in the form of `target`.
        t : Tensor, shape (B,)
            Time in [0, 1].

        Returns
        -------
        Tensor, shape (B, C, H, W)
        """

    def _lambda(self, t: Tensor) -> Tensor:
        return (self._base_lambda(t) - math.log(self.shift)).clamp(self.lambda_min, self.lambda_max)

    def lambda_(self, t: Tensor | float) -> Tensor:
        """Half the log-SNR, ``log(alpha / sigma)``, falling in t.

        Parameters
        ----------
        t : Tensor of any shape or float
            Time in [0, 1], 0 is data.

        Returns
        -------
        Tensor, shape and dtype of `t` (float64 for a plain number)
            In [lambda_min, lambda_max]; computed in float64 whatever the dtype.
        """
        return _apply_in_float64(self._lambda, t)

    def alpha(self, t: Tensor | float) -> Tensor:
        """Signal level at time t in [0, 1]; shape and dtype of `t` (float64 for a plain number).

        Parameters
        ----------
        t : Tensor, any shape

        Returns
        -------
        Tensor, shape of `t`
        """
        return _apply_in_float64(lambda time: self._levels(self._lambda(time))[0], t)

    def sigma(self, t: Tensor | float) -> Tensor:
        """Noise level at time t in [0, 1]; shape and dtype of `t` (float64 for a plain number).

        Parameters
        ----------
        t : Tensor, any shape

        Returns
        -------
        Tensor, shape of `t`
        """
        return _apply_in_float64(lambda time: self._levels(self._lambda(time))[1], t)

    def t_of_lambda(self, lambda_: Tensor | float) -> Tensor:
        """Time at which the schedule reaches ``lambda_``: the inverse of `lambda_` inside [lambda_min, lambda_max].

        Parameters
        ----------
        lambda_ : Tensor of any shape or float
            Half the log-SNR; values outside the schedule's range are taken as its ends.

        Returns
        -------
        Tensor, shape and dtype of the argument (float64 for a plain number)
            Time in [0, 1]. The ends of the range map to the times where the clipping begins, a little inside 0 and 1.
        """
        return _apply_in_float64(
            lambda level: self._base_time(level.clamp(self.lambda_min, self.lambda_max) + math.log(self.shift)), lambda_
        )


@dataclass(frozen=True)
class CosineSchedule(Schedule):
    """Variance-preserving cosine schedule, ``alpha**2 + sigma**2 == 1``.

    ``lambda_(t) = -log(tan(pi * t / 2)) - log(shift)``: for shift 1 alpha is cos(pi t / 2) and sigma is sin(pi t / 2)
    (Nichol & Dhariwal 2021 without their offset; shift: Hoogeboom et al. 2023). Networks predict v, see `v_to_z0`.
    """

    def _base_lambda(self, t: Tensor) -> Tensor:
        return -torch.log(torch.tan(t * (math.pi / 2)))

    def _base_time(self, lambda_: Tensor) -> Tensor:
        return torch.atan(torch.exp(-lambda_)) * (2 / math.pi)

    def _levels(self, lambda_: Tensor) -> tuple[Tensor, Tensor]:
        return torch.sqrt(torch.sigmoid(2 * lambda_)), torch.sqrt(torch.sigmoid(-2 * lambda_))

    def target(self, z0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """Velocity v, see `z0_eps_to_v`.

        Parameters
        ----------
        z0, eps : Tensor, shape (B, …)
        t : Tensor, shape (B,)

        Returns
        -------
        Tensor, shape (B, …)
        """
        return z0_eps_to_v(z0, eps, alpha=per_sample(self.alpha(t), z0), sigma=per_sample(self.sigma(t), z0))

    def to_z0(self, prediction: Tensor, z_t: Tensor, t: Tensor) -> Tensor:
        """Clean latent of a predicted velocity, see `v_to_z0`.

        Parameters
        ----------
        prediction, z_t : Tensor, shape (B, …)
        t : Tensor, shape (B,)

        Returns
        -------
        Tensor, shape (B, …)
        """
        alpha, sigma = per_sample(self.alpha(t), z_t), per_sample(self.sigma(t), z_t)
        return v_to_z0(prediction, z_t, alpha=alpha, sigma=sigma)


@dataclass(frozen=True)
class RectifiedFlowSchedule(Schedule):
    """Straight paths, ``alpha + sigma == 1``.

    ``lambda_(t) = log((1 - t) / t) - log(shift)``: for shift 1 alpha is 1 - t and sigma is t (Liu et al. 2023).
    A shift is the timestep shift of Esser et al. 2024, ``sigma = shift * t / (1 + (shift - 1) * t)``. Networks predict
    u, see `u_to_z0`.
    """

    def _base_lambda(self, t: Tensor) -> Tensor:
        return torch.log1p(-t) - torch.log(t)

    def _base_time(self, lambda_: Tensor) -> Tensor:
        return torch.sigmoid(-lambda_)

    def _levels(self, lambda_: Tensor) -> tuple[Tensor, Tensor]:
        return torch.sigmoid(lambda_), torch.sigmoid(-lambda_)

    def target(self, z0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """Flow velocity u, see `z0_eps_to_u`; the same at every time.

        Parameters
        ----------
        z0, eps : Tensor, shape (B, …)
        t : Tensor, shape (B,)

        Returns
        -------
        Tensor, shape (B, …)
        """
        return z0_eps_to_u(z0, eps)

    def to_z0(self, prediction: Tensor, z_t: Tensor, t: Tensor) -> Tensor:
        """Clean latent of a predicted flow velocity, see `u_to_z0`.

        Parameters
        ----------
        prediction, z_t : Tensor, shape (B, …)
        t : Tensor, shape (B,)

        Returns
        -------
        Tensor, shape (B, …)
        """
        return u_to_z0(prediction, z_t, sigma=per_sample(self.sigma(t), z_t))


def per_sample(level: Tensor, like: Tensor) -> Tensor:
    """Levels of shape (B,) as (B, 1, …, 1), in dtype and device of `like`, so that they multiply its samples.

    Parameters
    ----------
    level : Tensor, shape (B,)
    like : Tensor, shape (B, …)

    Returns
    -------
    Tensor, shape (B, 1, …)
    """
    return level.to(like).reshape(-1, *[1] * (like.ndim - 1))


def add_noise(z0: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Noisy latent at the given levels.

    Parameters
    ----------
    z0, eps : Tensor, shape (B, C, H, W)
        Clean latent, standard deviation near 1, and standard Gaussian noise.
    alpha, sigma : Tensor, shape (B, 1, 1, 1)
        Signal and noise level (`per_sample` makes the shape).

    Returns
    -------
    Tensor, shape (B, C, H, W)
        ``alpha * z0 + sigma * eps``.
    """
    return alpha * z0 + sigma * eps


def v_to_z0(v: Tensor, z_t: Tensor, *, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Clean latent that a velocity prediction stands for.

    Parameters
    ----------
    v, z_t : Tensor, shape (B, C, H, W)
        Predicted velocity and noisy latent, scaled to a standard deviation near 1.
    alpha, sigma : Tensor, shape (B, 1, 1, 1)
        Signal and noise level, ``alpha**2 + sigma**2 == 1``.

    Returns
    -------
    Tensor, shape (B, C, H, W)
        ``alpha * z_t - sigma * v`` (Salimans & Ho 2022).
    """
    return alpha * z_t - sigma * v


def v_to_eps(v: Tensor, z_t: Tensor, *, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Noise that a velocity prediction stands for.

    Parameters
    ----------
    v, z_t : Tensor, shape (B, C, H, W)
        As in `v_to_z0`.
    alpha, sigma : Tensor, shape (B, 1, 1, 1)
        As in `v_to_z0`.

    Returns
    -------
    Tensor, shape (B, C, H, W)
        ``sigma * z_t + alpha * v`` (Salimans & Ho 2022).
    """
    return sigma * z_t + alpha * v


def z0_eps_to_v(z0: Tensor, eps: Tensor, *, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Velocity, the training target of a network on a `CosineSchedule`.

    Parameters
    ----------
    z0, eps : Tensor, shape (B, C, H, W)
        Clean latent and the noise that was added to it.
    alpha, sigma : Tensor, shape (B, 1, 1, 1)
        Signal and noise level, ``alpha**2 + sigma**2 == 1``.

    Returns
    -------
    Tensor, shape (B, C, H, W)
        ``alpha * eps - sigma * z0`` (Salimans & Ho 2022).
    """
    return alpha * eps - sigma * z0


def z0_to_eps(z0: Tensor, z_t: Tensor, *, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Noise that a prediction of the clean latent stands for, ``(z_t - alpha * z0) / sigma``, on any schedule.

    Parameters
    ----------
    z0, z_t : Tensor, shape (B, C, H, W)
        Predicted clean latent and noisy latent.
    alpha, sigma : Tensor, shape (B, 1, 1, 1)
        Signal and noise level, sigma above 0.

    Returns
    -------
    Tensor, shape (B, C, H, W)
        The noise; its error grows as 1 / sigma.
    """
    return (z_t - alpha * z0) / sigma


def z0_eps_to_u(z0: Tensor, eps: Tensor) -> Tensor:
    """Flow velocity from data to noise, the training target of a network on a `RectifiedFlowSchedule`.

    Parameters
    ----------
    z0, eps : Tensor, shape (B, C, H, W)
        Clean latent and noise.

    Returns
    -------
    Tensor, shape (B, C, H, W)
        ``eps - z0`` (Esser et al. 2024); MONAI's RFlowScheduler uses the opposite sign.
    """
    return eps - z0


def u_to_z0(u: Tensor, z_t: Tensor, *, sigma: Tensor) -> Tensor:
    """Clean latent that a flow velocity stands for, ``z_t - sigma * u``.

    Parameters
    ----------
    u, z_t : Tensor, shape (B, C, H, W)
        Predicted flow velocity, ``eps - z0``, and noisy latent.
    sigma : Tensor, shape (B, 1, 1, 1)
        Noise level of a `RectifiedFlowSchedule`.

    Returns
    -------
    Tensor, shape (B, C, H, W)
        The clean latent.
    """
    return z_t - sigma * u


def u_to_eps(u: Tensor, z_t: Tensor, *, alpha: Tensor) -> Tensor:
    """Noise that a flow velocity stands for, ``z_t + alpha * u``.

    Parameters
    ----------
    u, z_t : Tensor, shape (B, C, H, W)
        As in `u_to_z0`.
    alpha : Tensor, shape (B, 1, 1, 1)
        Signal level of a `RectifiedFlowSchedule`.

    Returns
    -------
    Tensor, shape (B, C, H, W)
        The noise.
    """
    return z_t + alpha * u
