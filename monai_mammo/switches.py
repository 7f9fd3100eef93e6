"""Switches: a yes or no that came as text, from a config, a flag or the environment."""

from __future__ import annotations

from typing import Any

from monai_mammo.errors import RequestError

__all__ = ["parse_switch"]

_YES = ("true", "yes", "on", "1")
_NO = ("false", "no", "off", "0")


def parse_switch(value: Any, *, name: str) -> bool:
    """Truth of a switch; any text for yes or no that people write, and nothing else.

    Parameters
    ----------
    value : bool, int, str or numpy.bool_
        Text counts whatever its case, with spaces around it.
    name : str
        Of the switch, for the message.

    Returns
    -------
    bool

    Raises
    ------
    RequestError
        The value is neither a yes nor a no.
    """
    word = str(value).strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise RequestError(f"{name} {value!r} is not one of {', '.join((*_YES, *_NO))}")
