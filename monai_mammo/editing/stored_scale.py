"""From brightness back to the values that a file stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from monai_mammo.errors import RequestError

__all__ = ["StoredScale"]


@dataclass(frozen=True, eq=False)
class StoredScale:
    """What brightness the stored values of one file stand for, as its window or table shows them.

    Parameters
    ----------
    values : ndarray, shape (n,), float64
        Stored values whose brightness rises or falls strictly.
    brightness : ndarray, shape (n,), float64
        Rising.
    largest : int
        Largest value that the file can store.
    """

    values: np.ndarray
    brightness: np.ndarray
    largest: int

    @property
    def is_rising(self) -> bool:
        """Whether high values are bright."""
        return bool(self.values[-1] > self.values[0])

    @classmethod
    def of(cls, stored: np.ndarray, brightness: np.ndarray, *, largest: int) -> Self:
        """Scale of a file, from its pixels and what they show.

        Parameters
        ----------
        stored : ndarray, shape (rows, columns), unsigned
        brightness : ndarray, shape (rows, columns), float32
            Of the same pixels.
        largest : int
            Largest value that the file can store.

        Returns
        -------
        StoredScale

        Raises
        ------
        RequestError
            The file stores signed values or more bits than it states, or shows black and white alone.
        """
        if stored.dtype.kind != "u":
            raise RequestError("a file of signed stored values cannot be edited")
        if int(stored.max()) > largest:
            raise RequestError(f"stored values reach {int(stored.max())}, beyond the {largest} that the file states")
        table = np.full(int(stored.max()) + 1, np.nan)
        table[stored] = brightness
        values = np.flatnonzero(np.isfinite(table))
        shown = table[values]
        inside = (shown > 0) & (shown < 1)
        if inside.sum() < 8:
            raise RequestError("a file that shows black and white alone, and no grey, cannot be edited")
        order = np.argsort(shown[inside], kind="stable")
        kept, first = np.unique(shown[inside][order], return_index=True)
        return cls(values[inside][order][first].astype(np.float64), kept, largest)

    def changed(self, stored: np.ndarray, brightness: np.ndarray, added: np.ndarray) -> np.ndarray:
        """Stored values after a change of brightness; those without a change stay exactly as they are.

        Parameters
        ----------
        stored : ndarray, shape (rows, columns), unsigned
        brightness, added : ndarray, shape (rows, columns)
            What the values show, and what is added to it.

        Returns
        -------
        ndarray, shape (rows, columns), type of `stored`
        """
        step = self._value(brightness + added) - self._value(brightness)
        moved = np.clip(np.rint(stored + step), 0, self.largest).astype(stored.dtype)
        return np.where(added == 0, stored, moved)

    def shown(self, pixels: np.ndarray, stored: np.ndarray, brightness: np.ndarray) -> np.ndarray:
        """Brightness of changed stored values, that of the others as it was.

        Parameters
        ----------
        pixels, stored : ndarray, shape (rows, columns), unsigned
            After and before the change.
        brightness : ndarray, shape (rows, columns), float32
            Before it.

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        order = np.argsort(self.values)
        after = np.interp(pixels, self.values[order], self.brightness[order])
        return np.where(pixels == stored, brightness, after).astype(np.float32)

    def _value(self, brightness: np.ndarray) -> np.ndarray:
        """Stored value that stands for a brightness; beyond what the window shows along its mean slope."""
        low, high = self.brightness[0], self.brightness[-1]
        slope = (self.values[-1] - self.values[0]) / (high - low)
        beyond = np.maximum(brightness - high, 0) + np.minimum(brightness - low, 0)
        return np.interp(brightness, self.brightness, self.values) + slope * beyond
