"""Progress with rate and time left: one moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TextIO

from monai_mammo.progress import Progress

__all__ = ["ProgressLine"]

_PLAIN_EVERY_S = 20.0
_MOVING_EVERY_S = 0.1
_LOOKING_BACK_S = 60.0
_SAMPLE_EVERY_S = 1.0
_MIN_SAMPLES = 10


class ProgressLine:
    """Writes how far some work is to a stream.

    Rate and time left are those of the last minute, or of the last ten steps where these took longer: what was there
    already when an interrupted work goes on, and is passed over in a moment, is soon forgotten.

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
        self._is_hidden = quiet
        self._moves = self._stream.isatty()
        self._start = time.monotonic()
        self._last = -1e9
        self._samples: deque[tuple[float, int, float]] = deque()  # time, number done, share done
        self._is_open = False

    def update(self, progress: Progress) -> None:
        """Say how far the work is.

        Parameters
        ----------
        progress : Progress
        """
        if self._is_hidden:
            return
        now = time.monotonic()
        n_done, n_all, share = progress.n_done, progress.n_all, progress.share or 0.0
        self._note(now, n_done, share)
        is_last = n_done >= n_all
        if not is_last and now - self._last < (_MOVING_EVERY_S if self._moves else _PLAIN_EVERY_S):
            return
        self._last = now
        text = self._text(now, n_done, n_all, share)
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

    def _note(self, now: float, n_done: int, share: float) -> None:
        if not self._samples:
            self._samples.append((self._start, n_done, share))
        elif now - self._samples[-1][0] >= _SAMPLE_EVERY_S:
            self._samples.append((now, n_done, share))
        while len(self._samples) > _MIN_SAMPLES and now - self._samples[1][0] > _LOOKING_BACK_S:
            self._samples.popleft()

    def _text(self, now: float, n_done: int, n_all: int, share: float) -> str:
        words = f"{n_done} of {n_all} {self._noun}"
        then, n_then, share_then = self._samples[0]
        if n_done > n_then and now > then:
            words += f", {_rate((n_done - n_then) / (now - then))}"
        if share_then < share < 1 and now > then:
            words += f", {_duration((now - then) * (1 - share) / (share - share_then))} left"
        return words


def _rate(per_second: float) -> str:
    return f"{per_second:.1f} a second" if per_second >= 1 else f"{60 * per_second:.1f} a minute"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
