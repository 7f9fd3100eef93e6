"""The light of a figure: whether its whole interval lies within a limit, beyond one, or neither."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

__all__ = ["Light", "light_of", "worst"]


class Light(StrEnum):
    """What a figure says, worst last but for `NOT_MEASURED`."""

    GOOD = "within limits"
    UNCLEAR = "unclear"
    BAD = "outside limits"
    NOT_MEASURED = "not measured"


_Limits = tuple[float, float]


def light_of(figure: Mapping[str, Any] | None, *, good: _Limits, tolerated: _Limits) -> Light:
    """Light of a figure with its interval.

    Parameters
    ----------
    figure : mapping or None
        ``value``, ``low``, ``high``.
    good, tolerated : tuple of float
        Lowest and highest value.

    Returns
    -------
    Light
        `BAD` where the whole interval lies beyond `tolerated`, else `GOOD` where it lies within `good`, else
        `UNCLEAR`: too few images, or between the limits. A figure without an interval, of a single person, is never
        more than `UNCLEAR`.
    """
    if figure is None or not math.isfinite(figure["value"]):
        return Light.NOT_MEASURED
    low, high = figure["low"], figure["high"]
    if low is None or high is None:
        return Light.UNCLEAR
    if high < tolerated[0] or low > tolerated[1]:
        return Light.BAD
    return Light.GOOD if low >= good[0] and high <= good[1] else Light.UNCLEAR


def worst(lights: Iterable[Light]) -> Light:
    """Worst of some lights, those left out that were not measured.

    Parameters
    ----------
    lights : iterable of Light

    Returns
    -------
    Light
        `NOT_MEASURED` where all are.
    """
    order = (Light.NOT_MEASURED, Light.GOOD, Light.UNCLEAR, Light.BAD)
    return max(lights, key=order.index, default=Light.NOT_MEASURED)
