"""The smallest change by which a lesion network reads a mammogram otherwise: tried in steps from weak to strong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from monai_mammo.editing.examiner import Readings
from monai_mammo.editing.reading_target import ReadingTarget

__all__ = ["STEERING", "STRENGTHS", "Found", "Trial", "most_probable", "searched"]

STRENGTHS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Times of the schedule that sampling starts at; from 0.95 on nothing of the anatomy stays."""

STEERING = (0.0, 0.005, 0.01)
"""Moves along the lesion network's gradient, in brightness a step: only where conditions alone do not reach."""


class Trial(NamedTuple):
    """One change that was tried.

    Attributes
    ----------
    strength : float
        Time of the schedule that sampling started at.
    steering : float
        Move along the lesion network's gradient.
    probability : float
        That the lesion network gives to what it is to read.
    mean_change : float
        Mean change of brightness in the breast, without sign.
    """

    strength: float
    steering: float
    probability: float
    mean_change: float

    def to_dict(self) -> dict[str, float]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        return {name: round(value, 5) for name, value in self._asdict().items()}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What a search came to.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), unsigned, or None
        Stored values after the change; `None` where none reaches the target.
    readings : mapping or None
        What the lesion network reads of them.
    trials : tuple of Trial
        In the order in which they were tried; the last one is that of `pixels`.
    """

    pixels: np.ndarray | None
    readings: Readings | None
    trials: tuple[Trial, ...]


def most_probable(readings: Readings, name: str) -> str:
    """Value of a head that is read, as text.

    Parameters
    ----------
    readings : dict of str to dict
        Of `Examiner.readings`.
    name : str
        Of the head.

    Returns
    -------
    str
    """
    return max(readings[name], key=readings[name].__getitem__)


def searched(
    target: ReadingTarget,
    changed: Callable[[float, float], tuple[np.ndarray, float]],
    readings_of: Callable[[np.ndarray], Readings],
    *,
    on_trial: Callable[[float], None] | None = None,
) -> Found:
    """First change, from weak to strong, of which the target is the most probable value.

    Parameters
    ----------
    target : ReadingTarget
    changed : callable
        ``changed(strength, steering)`` gives the stored values after a change, and its mean size.
    readings_of : callable
        ``readings_of(pixels)``, by the lesion network.
    on_trial : callable or None
        Called with the share of all trials that is done.

    Returns
    -------
    Found
    """
    trials: list[Trial] = []
    n_trials = len(STEERING) * len(STRENGTHS)
    for steering in STEERING:
        for strength in STRENGTHS:
            pixels, size = changed(strength, steering)
            readings = readings_of(pixels)
            trials.append(Trial(strength, steering, readings[target.name][str(target.value)], size))
            if on_trial is not None:
                on_trial(len(trials) / n_trials)
            if most_probable(readings, target.name) == str(target.value):
                return Found(pixels=pixels, readings=readings, trials=tuple(trials))
    return Found(pixels=None, readings=None, trials=tuple(trials))
