"""Data sets whose random views depend on the pass through the data."""

from __future__ import annotations

__all__ = ["OfEpoch"]


class OfEpoch:
    """A data set that is told which pass it is seen in, as the trainer does where it can be told."""

    epoch: int = 0

    def set_epoch(self, epoch: int) -> None:
        """Names the pass through the data; random views depend on it.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        """
        self.epoch = epoch
