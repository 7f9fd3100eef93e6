"""Figures of whole sets of images, found again where the same function was given the same sets before."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.evaluation.report.measure_cache import FIGURES, MeasureCache

__all__ = ["Call", "KeptFigures", "NotedCalls"]

_ROOM = Path(__file__).parents[1]  # all that compares sets
_LIBRARIES = ("numpy", "scipy")

Call = tuple[Callable[..., Any], tuple[np.ndarray, ...], dict[str, Any]]
"""Function, arrays and words, as `KeptFigures` takes them."""


class KeptFigures:
    """Calls a function, or finds what it gave for the same arrays and words.

    What is found depends on the source of this room and on the versions of the libraries, too, so that other code
    finds nothing.

    Parameters
    ----------
    cache : MeasureCache
    """

    def __init__(self, cache: MeasureCache) -> None:
        self._cache = cache

    def __call__(self, function: Callable[..., Any], *arrays: np.ndarray, **words: Any) -> Any:
        """What a function gives, as plain values.

        Parameters
        ----------
        function : callable
            Of this room, without chance of its own.
        *arrays : ndarray
        **words
            Plain values, as JSON has them.

        Returns
        -------
        object
            As JSON has it, the first time too.
        """
        key = _key(function, arrays, words)
        known = self._cache.get(FIGURES, key)
        if known is None:
            known = json.loads(json.dumps(function(*arrays, **words)))
            if known is not None:
                self._cache.put(FIGURES, known, key)
        return known


class NotedCalls:
    """Notes what `KeptFigures` would have to compute, and computes nothing.

    Parameters
    ----------
    cache : MeasureCache
    """

    def __init__(self, cache: MeasureCache) -> None:
        self._cache = cache
        self._calls: dict[str, Call] = {}

    def __call__(self, function: Callable[..., Any], *arrays: np.ndarray, **words: Any) -> dict[str, Any]:
        """Nothing, in a form that can stand in a table.

        Parameters
        ----------
        function, *arrays, **words
            As `KeptFigures` takes them.

        Returns
        -------
        dict
            Empty.
        """
        key = _key(function, arrays, words)
        if not self._cache.has(FIGURES, key):
            self._calls[key] = function, arrays, words
        return {}

    def largest_first(self) -> list[Call]:
        """What was noted and is not kept, each once, that with the largest arrays first.

        Returns
        -------
        list of Call
        """
        return sorted(self._calls.values(), key=lambda call: -sum(array.size for array in call[1]))


def _key(function: Callable[..., Any], arrays: tuple[np.ndarray, ...], words: dict[str, Any]) -> str:
    stated = [_source_sha256(), function.__module__, function.__qualname__, words]
    found = hashlib.sha256(json.dumps(stated, sort_keys=True).encode())
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


@functools.cache
def _source_sha256() -> str:
    """Hash of all source files of the room, and of the versions of what computes."""
    found = hashlib.sha256(" ".join(version(name) for name in _LIBRARIES).encode())
    for path in sorted(_ROOM.rglob("*.py")):
        found.update(path.relative_to(_ROOM).as_posix().encode() + path.read_bytes())
    return found.hexdigest()
