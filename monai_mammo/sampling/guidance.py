"""Classifier-free guidance: how strongly the conditions pull, in one batched network call a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from monai_mammo.errors import RequestError
from monai_mammo.sampling.schedule import Schedule

__all__ = ["Guidance", "guided_prediction", "z0_predictor"]

Predict = Callable[..., Tensor]
ConditionTensors = tuple[Tensor, ...]


@dataclass(frozen=True)
class Guidance:
    """Strength, time interval and rescaling of classifier-free guidance.

    Parameters
    ----------
    scale : float or tuple of float
        1 is the plain conditional prediction, 0 the unconditional one, above 1 exaggerates (Ho & Salimans 2022 write
        w + 1). A tuple has one scale for each group of conditions, see `guided_prediction`.
    interval : tuple of float
        Times ``(t_low, t_high)``, ends included, at which guidance applies; outside it the conditional prediction
        stands alone and costs one forward pass (Kynkäänniemi et al. 2024: leave out the noisiest levels).
    rescale : float
        In [0, 1], how far the spread of each guided sample is brought back to that of its conditional prediction
        (phi of Lin et al. 2023).

    Raises
    ------
    RequestError
        If a scale is negative or not finite, the interval is no part of [0, 1] or rescale lies outside [0, 1].
    """

    scale: float | tuple[float, ...] = 2.0
    interval: tuple[float, float] = (0.0, 1.0)
    rescale: float = 0.0

    def __post_init__(self) -> None:
        if not self.scales or not all(math.isfinite(scale) and scale >= 0 for scale in self.scales):
            raise RequestError(f"guidance {self.scale!r} is not a number of 0 or more")
        if not 0 <= self.interval[0] <= self.interval[1] <= 1:
            raise RequestError(f"guidance interval {self.interval!r} is not two rising times from 0 to 1")
        if not 0 <= self.rescale <= 1:
            raise RequestError(f"guidance rescale {self.rescale!r} is not a number from 0 to 1")

    @property
    def scales(self) -> tuple[float, ...]:
        """The scales as a tuple, also where there is only one."""
        return tuple(self.scale) if isinstance(self.scale, Sequence) else (self.scale,)

    def applies(self, t: Tensor) -> Tensor:
        """Whether guidance applies at each time; bool, shape of `t`.

        Parameters
        ----------
        t : Tensor, shape (B,)

        Returns
        -------
        Tensor, shape (B,), bool
        """
        low, high = self.interval
        return (t >= low) & (t <= high)


def guided_prediction(
    predict: Predict,
    z_t: Tensor,
    t: Tensor,
    *,
    conditional: ConditionTensors,
    unconditional: ConditionTensors,
    between: Sequence[ConditionTensors] = (),
    guidance: Guidance | None = None,
) -> Tensor:
    """Network prediction pushed away from the unconditional one, towards the conditional one.

    With one scale ``p_0 + scale * (p_1 - p_0)`` (Ho & Salimans 2022). For guidance by condition, `between` holds
    conditions that grow from none to all, and every step of that chain has its scale:
    ``p_0 + sum_k scale_k * (p_k - p_(k-1))`` (Brooks et al. 2023, section 3.2.1). The weights sum to 1, so v, u, eps or
    z_0 may be predicted: the result means the same.

    Parameters
    ----------
    predict : callable
        ``predict(z_t, t, *conditions)``, called once, with the branches stacked along the batch: all samples of one
        branch, then all of the next. Each row must depend on its own row alone.
    z_t : Tensor, shape (B, C, H, W)
        Noisy latent.
    t : Tensor, shape (B,)
        Time in [0, 1].
    conditional, unconditional : tuple of Tensor, shape (B, …) each
        What follows z_t and t in the call; the unconditional ones in their "not given" form.
    between : sequence of such tuples
        Conditions given in part, from few to many.
    guidance : Guidance, optional
        Default `Guidance()`. As many scales as `between` has entries, and one.

    Returns
    -------
    Tensor, shape (B, C, H, W)
        The guided prediction, in the dtype of the network's answer.

    Raises
    ------
    RequestError
        If the number of scales does not fit.
    """
    guidance = guidance or Guidance()
    branches = [unconditional, *between, conditional]
    if len(guidance.scales) != len(branches) - 1:
        raise RequestError(f"{len(guidance.scales)} guidance scales for {len(branches) - 1} groups of conditions")
    applies = guidance.applies(t)
    if all(scale == 1 for scale in guidance.scales) or not applies.any():
        return predict(z_t, t, *conditional)
    stacked = [torch.cat(same_condition) for same_condition in zip(*branches, strict=True)]
    answer = predict(torch.cat([z_t] * len(branches)), torch.cat([t] * len(branches)), *stacked)
    predictions = answer.chunk(len(branches))
    guided = predictions[0]
    for scale, fewer, more in zip(guidance.scales, predictions, predictions[1:], strict=False):
        guided = guided + scale * (more - fewer)
    guided = _rescaled(guided, predictions[-1], guidance.rescale)
    return torch.where(applies.reshape(-1, *[1] * (z_t.ndim - 1)), guided, predictions[-1])


def z0_predictor(
    network: Predict,
    schedule: Schedule,
    *,
    attributes: Tensor,
    spatial: Tensor,
    always: ConditionTensors = (),
    text: Tensor | None = None,
    guidance: Guidance | None = None,
) -> Callable[[Tensor, Tensor], Tensor]:
    """What a solver asks for at each step: the guided clean latent of a noisy one.

    Parameters
    ----------
    network : callable
        ``network(z_t, t, attributes, spatial, *always)``, the prediction in the form of `Schedule.target`; `text`
        follows where it is given.
    schedule : Schedule
        That the network was trained with.
    attributes : Tensor, shape (B, n)
        Conditions; -1 says "not given", which is what the unconditional branch sees everywhere.
    spatial : Tensor, shape (B, c, h, w)
        Planes on the latent grid; the unconditional branch sees zeros.
    always : tuple of Tensor, shape (B, …) each
        What both branches see.
    text : Tensor, shape (B, channels), or None
        Vectors of texts; the unconditional branch sees zeros.
    guidance : Guidance, optional
        Default `Guidance()`.

    Returns
    -------
    callable
        ``predict_z0(z_t, t)``, with z_t of shape (B, C, h, w) and t of shape (B,).
    """
    conditional = (attributes, spatial, *always)
    unconditional = (torch.full_like(attributes, -1), torch.zeros_like(spatial), *always)
    if text is not None:
        conditional, unconditional = (*conditional, text), (*unconditional, torch.zeros_like(text))

    def predict_z0(z_t: Tensor, t: Tensor) -> Tensor:
        answer = guided_prediction(
            network, z_t, t, conditional=conditional, unconditional=unconditional, guidance=guidance
        )
        return schedule.to_z0(answer, z_t, t)

    return predict_z0


def _rescaled(guided: Tensor, conditional: Tensor, share: float) -> Tensor:
    """Guided prediction with its spread, sample by sample, brought back by `share` (Lin et al. 2023, equation 15)."""
    if share == 0:
        return guided
    dims = tuple(range(1, guided.ndim))
    ratio = conditional.std(dim=dims, keepdim=True) / guided.std(dim=dims, keepdim=True).clamp_min(1e-12)
    return guided * (1 + share * (ratio - 1))
