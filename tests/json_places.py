"""Any JSON value with one of its parts exchanged or left out: what tests of foreign files mutate."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Place = tuple[str | int, ...]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Place of every part of a JSON value, its own first."""
    yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*place, key))


def telling_places(value: Any, place: Place = ()) -> Iterator[Place]:
    """The same, of a list only its first and last part: rows of one form fail alike."""
    yield place
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = [(key, value[key]) for key in sorted({0, len(value) - 1}) if value]
    else:
        inner = []
    for key, one in inner:
        yield from telling_places(one, (*place, key))


def replaced(value: Any, place: Place, new: Any) -> Any:
    """Copy with something else at a place."""
    if not place:
        return new
    out = copy.deepcopy(value)
    _parent(out, place)[place[-1]] = new
    return out


def without(value: Any, place: Place) -> Any:
    """Copy without what stands at a place, which is not the whole."""
    out = copy.deepcopy(value)
    del _parent(out, place)[place[-1]]
    return out


def _parent(value: Any, place: Place) -> Any:
    for key in place[:-1]:
        value = value[key]
    return value
