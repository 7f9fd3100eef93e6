"""Gaussian data, for which a perfect network and the exact path of every sample are known: the measure of a solver.

For data N(mean, spread**2), a latent at levels alpha and sigma has mean ``alpha * mean`` and variance
``alpha**2 * spread**2 + sigma**2`` in each dimension, and the probability-flow ODE (Song et al. 2021) keeps its
distance from the mean, counted in standard deviations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from monai_mammo.sampling.schedule import Schedule, per_sample

__all__ = ["GaussianOracle"]

Solver = Callable[..., Tensor]


@dataclass(frozen=True, eq=False)
class GaussianOracle:
    """Data of independent Gaussian dimensions.

    Parameters
    ----------
    mean, spread : Tensor, shape (n_dimensions,)
        Mean and standard deviation of each dimension, in float64 where errors below 1e-6 matter.
    """

    mean: Tensor
    spread: Tensor

    def latent(self, score: Tensor, *, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Point of the exact path that lies `score` standard deviations from its mean.

        Parameters
        ----------
        score : Tensor, shape (B, n_dimensions)
            Distance in standard deviations; it stays the same along a path.
        alpha, sigma : Tensor, scalar or shape (B, 1)
            Levels; alpha 1 and sigma 0 are the data end.

        Returns
        -------
        Tensor, shape (B, n_dimensions)
            ``alpha * mean + score * deviation``.
        """
        return alpha * self.mean + score * self.deviation(alpha=alpha, sigma=sigma)

    def deviation(self, *, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Standard deviation of a noisy latent, ``sqrt(alpha**2 * spread**2 + sigma**2)``, in each dimension.

        Parameters
        ----------
        alpha, sigma : Tensor, any shape

        Returns
        -------
        Tensor, shape of `alpha`
        """
        return torch.sqrt((alpha * self.spread) ** 2 + sigma**2)

    def z0(self, z_t: Tensor, *, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Expected clean latent of a noisy one: what a perfect network predicts.

        Parameters
        ----------
        z_t : Tensor, shape (B, n_dimensions)
            Noisy latent.
        alpha, sigma : Tensor, scalar or shape (B, 1)
            Levels.

        Returns
        -------
        Tensor, shape (B, n_dimensions)
            ``(alpha * spread**2 * z_t + sigma**2 * mean) / (alpha**2 * spread**2 + sigma**2)``.
        """
        variance = self.deviation(alpha=alpha, sigma=sigma) ** 2
        return (alpha * self.spread**2 * z_t + sigma**2 * self.mean) / variance

    def predictor(self, schedule: Schedule) -> Callable[[Tensor, Tensor], Tensor]:
        """``predict_z0(z_t, t)`` of the perfect network on a schedule, as the solvers take it.

        Parameters
        ----------
        schedule : Schedule

        Returns
        -------
        callable
            From `z_t`, shape (n, d), and `t`, shape (), to the clean latent, shape (n, d).
        """

        def predict_z0(z_t: Tensor, t: Tensor) -> Tensor:
            levels = {"alpha": per_sample(schedule.alpha(t), z_t), "sigma": per_sample(schedule.sigma(t), z_t)}
            return self.z0(z_t, **levels)

        return predict_z0

    def path_error(self, solver: Solver, ts: Tensor, schedule: Schedule) -> float:
        """Error of the solver's last latent, started on the exact path: what the solver alone gets wrong.

        The solvers here map a Gaussian dimension linearly, so the paths at 0 and at 1 standard deviation give the error
        over all samples, without sampling noise.

        Parameters
        ----------
        solver : callable
            `dpm_solver_pp_2m` or another of its kind.
        ts : Tensor, shape (n_evaluations,)
            Falling times.
        schedule : Schedule
            Noise schedule.

        Returns
        -------
        float
            Root mean square over samples and dimensions, in exact standard deviations at the last time.
        """
        latents: list[Tensor] = []
        start = self._path(ts[0], schedule)
        solver(self.predictor(schedule), start, ts, schedule, callback=lambda i, z_t, z0: latents.append(z_t))
        last = {"alpha": schedule.alpha(ts[-1]), "sigma": schedule.sigma(ts[-1])}
        return _rms(latents[-1] - self._path(ts[-1], schedule), self.deviation(**last))

    def data_error(self, solver: Solver, ts: Tensor, schedule: Schedule) -> float:
        """Error of the solver's result, started on standard Gaussian noise: all that sampling gets wrong.

        Beside the path's error these are the start, where the exact latent is not quite pure noise, and the end, where
        the last prediction stands for the rest of the path.

        Parameters
        ----------
        solver : callable
            As in `path_error`.
        ts : Tensor, shape (n_evaluations,)
            As in `path_error`.
        schedule : Schedule

        Returns
        -------
        float
            Root mean square over samples and dimensions, in standard deviations of the data.
        """
        noise = self._scores()
        result = solver(self.predictor(schedule), noise, ts, schedule)
        return _rms(result - (self.mean + noise * self.spread), self.spread)

    def _scores(self) -> Tensor:
        return torch.stack([torch.zeros_like(self.mean), torch.ones_like(self.mean)])

    def _path(self, t: Tensor, schedule: Schedule) -> Tensor:
        return self.latent(self._scores(), alpha=schedule.alpha(t), sigma=schedule.sigma(t))


def _rms(wrong: Tensor, deviation: Tensor) -> float:
    """Over standard Gaussian scores, of an error that is linear in them and known at the scores 0 and 1."""
    bias, gain = wrong[0] / deviation, (wrong[1] - wrong[0]) / deviation
    return torch.sqrt((bias**2 + gain**2).mean()).item()
