"""Weights of guidance as a request states them: one number, or one for each of some groups of conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from monai_mammo.attributes import GUIDED
from monai_mammo.errors import RequestError
from monai_mammo.parsed_numbers import parse_number

__all__ = ["MOST", "GuidanceJson", "GuidanceWeights", "guidance_json", "parse_guidance", "parse_interval"]

MOST = 20.0
"""Largest weight that a request may state."""

GuidanceWeights = float | tuple[tuple[str, float], ...]
"""As a request holds them: a number, or pairs of a group and its weight."""

GuidanceJson = float | dict[str, Any]
"""As manifests state them: a number, or an object with ``all``, weights of groups, and ``interval`` if there is one."""

_COMMON = ("all", "others")


def parse_guidance(value: Any) -> GuidanceWeights:
    """Weights from a number, ``"1.5"``, ``"mask=2,density=1.5,others=1"``, or a mapping of the same words.

    Parameters
    ----------
    value : float, str, mapping or sequence of pairs

    Returns
    -------
    float or tuple of pairs of str and float
        In the order of `monai_mammo.attributes.GUIDED`; the weight of all other conditions, where stated, comes first
        as ``others``.

    Raises
    ------
    RequestError
        A name is no group, stands twice, or a weight is not a number from 0 to 20.
    """
    if isinstance(value, str) and "=" in value:
        value = [_pair(part) for part in value.replace(" ", ",").split(",") if part]
    if isinstance(value, Mapping):
        value = list(value.items())
    if not isinstance(value, (list, tuple)):
        return _weight("guidance", value)
    weights: dict[str, float] = {}
    for pair in value:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise RequestError(f"guidance {str(value)[:80]!r} is neither a number nor weights such as mask=2,others=1")
        name = "others" if pair[0] in _COMMON else str(pair[0])
        if name not in (*GUIDED, "others"):
            raise RequestError(f"guidance of {name[:80]!r} is not one of {', '.join((*GUIDED, *_COMMON))}")
        if name in weights:
            raise RequestError(f"guidance of {pair[0]!r} is stated twice: all and others mean the same")
        weights[name] = _weight(f"guidance of {name}", pair[1])
    if not weights:
        raise RequestError("guidance states no weight: a number, or weights such as mask=2,others=1, are allowed")
    return tuple((name, weights[name]) for name in ("others", *GUIDED) if name in weights)


def parse_interval(value: Any) -> tuple[float, float]:
    """Interval of noise levels from ``"0.2,5"`` or two numbers.

    Parameters
    ----------
    value : str or sequence of float

    Returns
    -------
    tuple of float
        Low and high, sigma over alpha.

    Raises
    ------
    RequestError
        There are not two rising numbers from 0 on.
    """
    try:
        parts = value.replace(" ", ",").split(",") if isinstance(value, str) else list(value)
        numbers = [float(part) for part in parts if str(part).strip()]
    except (TypeError, ValueError, AttributeError):
        numbers = []
    if len(numbers) != 2 or not 0 <= numbers[0] < numbers[1] < math.inf:
        raise RequestError(
            f"guidance_interval {str(value)[:40]!r} is not two rising noise levels LOW,HIGH of 0 or more, such as 0.2,5"
        )
    return numbers[0], numbers[1]


def guidance_json(
    weights: GuidanceWeights | None, interval: tuple[float, float] | None, *, default: float
) -> GuidanceJson:
    """Guidance of a run, all that is open filled in.

    Parameters
    ----------
    weights : float, tuple of pairs or None
    interval : tuple of float or None
    default : float
        Weight of what is not stated.

    Returns
    -------
    float or dict
        A number where that says all.
    """
    if weights is None:
        weights = default
    groups = {} if isinstance(weights, float) else dict(weights)
    common = weights if isinstance(weights, float) else groups.pop("others", default)
    if not groups and interval is None:
        return common
    return {"all": common, **groups, **({} if interval is None else {"interval": list(interval)})}


def _pair(part: str) -> tuple[str, str]:
    name, _, weight = part.partition("=")
    return name.strip(), weight.strip()


def _weight(name: str, value: Any) -> float:
    return parse_number(value, name=name, low=0, high=MOST)
