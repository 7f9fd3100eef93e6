"""Progress with rate and time left: one moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

__all__ = ["ProgressLine"]

_PLAIN_EVERY_S = 20.0
_MOVING_EVERY_S = 0.1


class ProgressLine:
    """Writes how far some work is to a stream.

    Parameters
    ----------
    noun : str
        What is counted, in the plural.
    quiet : bool
        Write nothing.
    stream : TextIO or None
        Standard error by default.
    """

    def __init__(self, noun: str, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._noun = noun
        self._stream = stream or sys.stderr
        self._is_quiet = quiet
        self._moves = self._stream.isatty()
        self._start = time.monotonic()
        self._last = -1e9
        self._n_first: int | None = None
        self._is_open = False

    def update(self, n_done: int, n_all: int, share: float | None = None) -> None:
        """Say that `n_done` of `n_all` are done.

        Parameters
        ----------
        n_done, n_all : int
        share : float or None
            Of the work that this call has to do, in [0, 1]; from the numbers where it is not given.
        """
        if self._is_quiet:
            return
        if self._n_first is None:
            self._n_first = n_done
        now = time.monotonic()
        is_last = n_done >= n_all
        if not is_last and now - self._last < (_MOVING_EVERY_S if self._moves else _PLAIN_EVERY_S):
            return
        self._last = now
        text = self._text(n_done, n_all, n_done / max(1, n_all) if share is None else share, now - self._start)
        self._stream.write(f"\r{text:<70}" if self._moves else f"{text}\n")
        self._stream.flush()
        self._is_open = self._moves

    def close(self) -> None:
        """End a moving line."""
        if self._is_open:
            self._stream.write("\n")
            self._stream.flush()
            self._is_open = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _text(self, n_done: int, n_all: int, share: float, elapsed_s: float) -> str:
        words = f"{n_done} of {n_all} {self._noun}"
        n_now = n_done - (self._n_first or 0)
        if n_now > 0 and elapsed_s > 0:
            words += f", {_rate(n_now / elapsed_s)}"
        if 0 < share < 1:
            words += f", {_duration(elapsed_s * (1 - share) / share)} left"
        return words


def _rate(per_second: float) -> str:
    return f"{per_second:.1f} a second" if per_second >= 1 else f"{60 * per_second:.1f} a minute"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
