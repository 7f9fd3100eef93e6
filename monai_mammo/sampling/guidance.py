"""Guidance: how strongly the conditions pull, in one batched network call a step, and what a network is pushed from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from monai_mammo.attributes import GUIDED, NOT_GIVEN, TABLE
from monai_mammo.errors import RequestError
from monai_mammo.sampling.schedule import Schedule

__all__ = ["Guidance", "autoguided", "guided_prediction", "without_condition", "z0_predictor"]

Predict = Callable[..., Tensor]
ConditionTensors = tuple[Tensor, ...]

_POSITIONS = {attribute.name: attribute.positions for attribute in TABLE}
_PLANES = {"mask": 0, "box": 1}


@dataclass(frozen=True)
class Guidance:
    """Strength, interval and rescaling of classifier-free guidance.

    Parameters
    ----------
    scale : float
        1 is the plain conditional prediction, 0 the unconditional one, above 1 exaggerates (Ho & Salimans 2022 write
        w + 1).
    groups : mapping of str to float
        Scales of conditions that differ from `scale`, by their names (`monai_mammo.attributes.GUIDED`).
    interval : tuple of float
        Noise levels ``(low, high)``, sigma over alpha, ends included, at which guidance applies; outside it the
        conditional prediction stands alone and costs one forward pass (Kynkäänniemi et al. 2024). The default is all.
    rescale : float
        In [0, 1], how far the spread of each guided sample is brought back to that of its conditional prediction
        (phi of Lin et al. 2023).

    Raises
    ------
    RequestError
        If a scale is negative or not finite, a group is unknown, the interval does not rise from 0 or rescale lies
        outside [0, 1].
    """

    scale: float = 2.0
    groups: Mapping[str, float] = field(default_factory=dict)
    interval: tuple[float, float] = (0.0, math.inf)
    rescale: float = 0.0

    def __post_init__(self) -> None:
        for scale in (self.scale, *self.groups.values()):
            if not (math.isfinite(scale) and scale >= 0):
                raise RequestError(f"guidance {scale!r} is not a number of 0 or more")
        for name in self.groups:
            if name not in GUIDED:
                raise RequestError(f"guidance of {name!r} is not one of {', '.join(GUIDED)}")
        if not 0 <= self.interval[0] <= self.interval[1]:
            raise RequestError(f"guidance interval {self.interval!r} is not two rising noise levels from 0")
        if not 0 <= self.rescale <= 1:
            raise RequestError(f"guidance rescale {self.rescale!r} is not a number from 0 to 1")

    @classmethod
    def from_json(cls, value: float | Mapping[str, Any]) -> Self:
        """Guidance as manifests state it.

        Parameters
        ----------
        value : float or mapping
            A number, or an object with the scale of ``all``, scales of groups, and an ``interval`` where there is one.

        Returns
        -------
        Guidance
        """
        if not isinstance(value, Mapping):
            return cls(scale=float(value))
        groups = {name: float(scale) for name, scale in value.items() if name not in ("all", "interval")}
        low, high = value.get("interval", (0.0, math.inf))
        return cls(scale=float(value["all"]), groups=groups, interval=(float(low), float(high)))

    @property
    def extra(self) -> dict[str, float]:
        """How much each group's scale is above the common one; groups of that very scale are left out."""
        return {name: scale - self.scale for name, scale in self.groups.items() if scale != self.scale}

    def applies(self, level: Tensor) -> Tensor:
        """Whether guidance applies at each noise level; bool, shape of `level`.

        Parameters
        ----------
        level : Tensor, shape (B,)
            Sigma over alpha.

        Returns
        -------
        Tensor, shape (B,), bool
        """
        low, high = self.interval
        return (level >= low) & (level <= high)


def autoguided(network: Predict, guide: Predict, weights: Tensor) -> Predict:
    """A network pushed away from one that learned less (autoguidance, Karras et al. 2024).

    Parameters
    ----------
    network, guide : callable
        Called alike, ``network(z_t, t, …)``; they predict the same.
    weights : Tensor, shape (B, 1, 1, 1)
        Of each item: 1 is the answer of `network`, 1.5 half the way again from that of `guide` to it. A call may hold
        several such batches one after the other.

    Returns
    -------
    callable
        Called as `network`, which it is where no weight differs from 1.
    """
    if bool((weights == 1).all()):
        return network

    def predict(z_t: Tensor, *told: Any, **named: Any) -> Tensor:
        answer, weaker = (one(z_t, *told, **named) for one in (network, guide))
        return weaker + weights.repeat(len(z_t) // len(weights), 1, 1, 1) * (answer - weaker)

    return predict


def guided_prediction(
    predict: Predict,
    z_t: Tensor,
    t: Tensor,
    *,
    conditional: ConditionTensors,
    unconditional: ConditionTensors,
    without: Mapping[str, ConditionTensors] | None = None,
    guidance: Guidance | None = None,
    level: Tensor | None = None,
) -> Tensor:
    """Network prediction pushed away from the unconditional one, towards the conditional one.

    With one scale ``p_0 + scale * (p - p_0)`` (Ho & Salimans 2022). Where a group of conditions has a scale of its own,
    ``(scale_k - scale) * (p - p_without_k)`` is added. If the conditions are independent of each other given the image,
    ``p - p_without_k`` is ``p_k - p_0``, and the sum is that of Liu et al. 2022 (compositional diffusion),
    ``p_0 + sum_k scale_k * (p_k - p_0)``; unlike ``p_k`` alone, it asks the network only for what training shows
    it, as each condition is dropped alone. The weights sum to 1, so v, u, eps or z_0 may be predicted.

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
    without : mapping of str to such tuples
        All conditions but those of one group, for each group of `guidance`.
    guidance : Guidance, optional
        Default `Guidance()`.
    level : Tensor, shape (B,), optional
        Noise level of each sample, sigma over alpha, where guidance has an interval.

    Returns
    -------
    Tensor, shape (B, C, H, W)
        The guided prediction, in the dtype of the network's answer.
    """
    guidance, without = guidance or Guidance(), without or {}
    applies = torch.ones_like(t, dtype=torch.bool) if level is None else guidance.applies(level)
    extra = guidance.extra
    if (guidance.scale == 1 and not extra) or not applies.any():
        return predict(z_t, t, *conditional)
    has_base = guidance.scale != 1
    n_first = int(has_base)
    branches = [*[unconditional] * n_first, conditional, *(without[name] for name in extra)]
    stacked = [torch.cat(same_condition) for same_condition in zip(*branches, strict=True)]
    answer = predict(torch.cat([z_t] * len(branches)), torch.cat([t] * len(branches)), *stacked)
    *first, full = answer.chunk(len(branches))[: n_first + 1]
    guided = full
    if has_base:
        guided = first[0] + guidance.scale * (full - first[0])
    for difference, less in zip(extra.values(), answer.chunk(len(branches))[n_first + 1 :], strict=True):
        guided = guided + difference * (full - less)
    guided = _rescaled(guided, full, guidance.rescale)
    return torch.where(applies.reshape(-1, *[1] * (z_t.ndim - 1)), guided, full)


def without_condition(
    attributes: Tensor, spatial: Tensor, text: Tensor | None, name: str
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Conditions of a batch with one group of them not given.

    Parameters
    ----------
    attributes : Tensor, shape (B, n)
    spatial : Tensor, shape (B, 2, h, w)
        Mask and box.
    text : Tensor, shape (B, channels), or None
    name : str
        One of `monai_mammo.attributes.GUIDED`.

    Returns
    -------
    attributes, spatial, text : Tensor
        Of the shapes of what is given.
    """
    attributes, spatial = attributes.clone(), spatial.clone()
    positions = [position for position in _POSITIONS.get(name, ()) if position < attributes.shape[1]]
    attributes[:, positions] = NOT_GIVEN
    if name in _PLANES:
        spatial[:, _PLANES[name]] = 0
    return attributes, spatial, None if text is None else torch.zeros_like(text) if name == "text" else text


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
    guidance = guidance or Guidance()

    def tensors(attributes: Tensor, spatial: Tensor, text: Tensor | None) -> ConditionTensors:
        return (attributes, spatial, *always, *(() if text is None else (text,)))

    conditional = tensors(attributes, spatial, text)
    nothing = None if text is None else torch.zeros_like(text)
    unconditional = tensors(torch.full_like(attributes, NOT_GIVEN), torch.zeros_like(spatial), nothing)
    without = {name: tensors(*without_condition(attributes, spatial, text, name)) for name in guidance.extra}

    def predict_z0(z_t: Tensor, t: Tensor) -> Tensor:
        answer = guided_prediction(
            network,
            z_t,
            t,
            conditional=conditional,
            unconditional=unconditional,
            without=without,
            guidance=guidance,
            level=torch.exp(-schedule.lambda_(t)),
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
