"""Training in slices of time, on a machine that is there for some minutes and may not be there again soon."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ignite.engine import Engine, Events

from monai_mammo.errors import RequestError

__all__ = ["TimeSlice"]

_LOGGER = logging.getLogger(__name__)
_MARGIN = 1.1


class TimeSlice:
    """Handler that ends a training before its time is over, and plans its epochs so that all slices fill their time.

    After each epoch it measures how long an epoch takes, validation and checkpoint included. Where no further one
    fits, the training stops; the next slice goes on from the checkpoint. The number of epochs, at most that of the
    config, follows the time that is left in all slices, so that the learning rate, which `NetworkTrainer` lowers
    towards the last epoch, has fallen when the time is over. What a run draws still follows from seed and iteration;
    how far it gets depends on the machine.

    Attach it after the handlers that validate and write checkpoints, and let each epoch do both.

    Parameters
    ----------
    until : float
        End of this slice, seconds since 1970 as `time.time` counts.
    slice_s : float
        Length of a slice, start-up included.
    n_after : int
        Slices of the same length after this one.
    clock : callable
        Gives the present time.

    Raises
    ------
    RequestError
        The slice is over before it begins, or a number is negative.
    """

    def __init__(
        self, until: float, *, slice_s: float, n_after: int = 0, clock: Callable[[], float] = time.time
    ) -> None:
        if n_after < 0 or slice_s <= 0:
            raise RequestError(f"{n_after} further slices of {slice_s} seconds are not a plan")
        if until <= clock():
            raise RequestError("no time is left in this slice: the start-up took all of it")
        self.until, self.slice_s, self.n_after, self.clock = float(until), float(slice_s), int(n_after), clock
        self._last = self._start_up = 0.0
        self._most_epochs = 0
        self._lengths: list[float] = []

    def attach(self, engine: Engine) -> None:
        """Register with a trainer.

        Parameters
        ----------
        engine : Engine
        """
        engine.add_event_handler(Events.STARTED, self.begin)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def begin(self, engine: Engine) -> None:
        """Note when the training began: what was before is start-up, and is so in each slice.

        Parameters
        ----------
        engine : Engine
        """
        self._last = self.clock()
        self._start_up = max(0.0, self._last - (self.until - self.slice_s))
        self._lengths = []
        self._most_epochs = engine.state.max_epochs

    def __call__(self, engine: Engine) -> None:
        """Plan the epochs; stop where no further one fits."""
        now = self.clock()
        self._lengths.append(max(now - self._last, 1e-6))
        self._last = now
        epoch_s = max(self._lengths[-3:])
        left = self.until - now
        still = left + self.n_after * max(self.slice_s - self._start_up, 0.0)
        state = engine.state
        state.max_epochs = min(self._most_epochs, state.epoch + int(still / (_MARGIN * epoch_s)))
        if left < _MARGIN * epoch_s:
            engine.terminate()
            _LOGGER.info(
                "slice over after epoch %d; %d epochs are planned in all, %.1f seconds each",
                state.epoch,
                state.max_epochs,
                epoch_s,
            )
