"""A few ten thousand pixels of an image, by which it is told whether a VOI shows it."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np

from monai_mammo.dicom.notes import contradiction

__all__ = ["Sample"]

_SIZE = 2**16
_LEAST_VALUES = 8  # an image of fewer has no grey values to lose
_BLACK, _WHITE = 0.02, 0.98
_LEAST_GREY = 0.01  # of the pixels; a breast covers far more
_MOST_WHITE = 0.5  # of the pixels; air is dark
_LEAST_BRIGHT = 0.1  # of the range, reached by one pixel in a thousand


class Sample(NamedTuple):
    """Pixels of an image on a coarse grid, padding left out.

    Parameters
    ----------
    indices : ndarray, shape (n,), integer
        Of their stored values among all that there can be.
    """

    indices: np.ndarray

    @classmethod
    def of(cls, pixels: np.ndarray | None, index_of: np.ndarray, padding: np.ndarray | None) -> Self:
        """Sample of an image.

        Parameters
        ----------
        pixels : ndarray, shape (rows, columns), integer, or None
            Without an image the sample is empty, and anything shows it.
        index_of : ndarray, shape (256,) or (65536,), integer
            Index of the stored value of each value that a pixel can have, in the order of its bits.
        padding : ndarray, shape (256,) or (65536,), bool, or None
            Which of these are padding.

        Returns
        -------
        Sample
        """
        if pixels is None:
            return cls(np.zeros(0, np.int64))
        step = max(1, math.isqrt(pixels.size // _SIZE))
        found = np.ascontiguousarray(pixels[::step, ::step]).view(f"u{pixels.itemsize}").ravel()
        if padding is not None:
            found = found[~padding[found]]
        return cls(index_of[found])

    def is_shown(self, brightness: np.ndarray) -> bool:
        """Whether a VOI leaves grey values, and not black and white alone.

        Parameters
        ----------
        brightness : ndarray, shape (n_stored_values,), float
            Of all values that can be stored.

        Returns
        -------
        bool
            True as well where the image has no grey values to be shown.
        """
        if not self._is_varied():
            return True
        shown = brightness[self.indices]
        return float(((shown > _BLACK) & (shown < _WHITE)).mean()) >= _LEAST_GREY

    def extremes(self, brightness: np.ndarray) -> tuple[str, ...]:
        """Notes on a picture that is mostly white, or nearly black.

        Parameters
        ----------
        brightness : ndarray, shape (n_stored_values,), float
            Of all values that can be stored, polarity applied.

        Returns
        -------
        tuple of str
        """
        if not self._is_varied():
            return ()
        shown = brightness[self.indices]
        if float((shown > _WHITE).mean()) > _MOST_WHITE:
            return (contradiction("the picture is shown as the header asks, and more than half of it is white"),)
        if float(np.quantile(shown, 0.999)) < _LEAST_BRIGHT:
            return (contradiction("the picture is shown as the header asks, and it is nearly black"),)
        return ()

    def _is_varied(self) -> bool:
        return int(np.count_nonzero(np.bincount(self.indices))) >= _LEAST_VALUES
