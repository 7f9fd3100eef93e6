"""How far a piece of work is: what every command tells the one who waits for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

__all__ = ["Progress", "ProgressCallback", "time_words"]


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of work is.

    Parameters
    ----------
    n_done, n_all : int
        Samples, images or files.
    share : float or None
        Of the work that this call has to do, in [0, 1]; finer than the numbers where one sample takes long.
        `None` takes it from the numbers.
    """

    n_done: int
    n_all: int
    share: float | None = None

    def __post_init__(self) -> None:
        if self.share is None:
            object.__setattr__(self, "share", self.n_done / max(1, self.n_all))


ProgressCallback = Callable[[Progress], None]
"""What every command takes as ``progress``: called with a `Progress` now and then, in the caller's thread."""


def time_words(seconds: float) -> str:
    """A duration that is announced, in words.

    Parameters
    ----------
    seconds : float
        0 or more.

    Returns
    -------
    str
        Such as ``40 s`` or ``7 min``, at least ``1 s``.
    """
    minutes = seconds / 60
    return f"{max(1, round(seconds))} s" if minutes < 1.5 else f"{round(minutes)} min"
