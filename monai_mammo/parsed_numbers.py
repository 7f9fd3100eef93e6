"""Numbers that came as text, from a config, a flag or a file, or as they are."""

from __future__ import annotations

import math
from typing import Any

from monai_mammo.errors import RequestError

__all__ = ["parse_number", "parse_whole"]

_MOST_SHOWN = 40
_MOST_DIGITS = 19


def parse_whole(value: Any, *, name: str, low: int, high: int) -> int:
    """Whole number in a range, its ends allowed.

    Parameters
    ----------
    value : int or str
    name : str
        Of the setting, for the message.
    low, high : int
        0 or more.

    Returns
    -------
    int

    Raises
    ------
    RequestError
        The value is no text of digits alone, or lies outside.
    """
    text = str(value).strip()
    is_digits = not isinstance(value, bool) and text.isdecimal() and len(text) <= _MOST_DIGITS
    if not (is_digits and low <= int(text) <= high):
        raise RequestError(f"{name} {text[:_MOST_SHOWN]!r} is not a whole number from {low} to {high}")
    return int(text)


def parse_number(value: Any, *, name: str, low: float, high: float) -> float:
    """Number in a range, its ends allowed.

    Parameters
    ----------
    value : float or str
    name : str
        Of the setting, for the message.
    low, high : float
        Ends of the range, which are allowed.

    Returns
    -------
    float

    Raises
    ------
    RequestError
        The value is not a number, or lies outside.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not low <= number <= high:
        raise RequestError(f"{name} {str(value)[:_MOST_SHOWN]!r} is not a number from {low:g} to {high:g}")
    return number
