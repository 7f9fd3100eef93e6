"""The outline of one lesion at several sizes: it grows about its middle, its detail as its margin does.

An outline is a radius by angle about its middle. What is smooth of it grows with the lesion; what is finer, such as
rays or lobes, grows faster or slower by the margin: rays of a spiculated mass reach further out in proportion, a
circumscribed one becomes smoother as it expands. The area is that of the size that is asked for, whatever the margin.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Self

import numpy as np
from scipy import ndimage

from monai_mammo.terms import Margin

__all__ = ["GrowingOutline"]

_ANGLES = 384
_SMOOTHING = 24.0  # positions, 22 degrees
_LEAST_SHARE = 0.3
_DETAIL_POWERS = {
    Margin.CIRCUMSCRIBED: 0.6,
    Margin.OBSCURED: 1.0,
    Margin.INDISTINCT: 1.1,
    Margin.MICROLOBULATED: 1.25,
    Margin.SPICULATED: 1.5,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrowingOutline:
    """Outline of a lesion that changes its size.

    Parameters
    ----------
    middle : tuple of float
        ``(row, column)`` in pixels of the picture.
    radius : ndarray, shape (384,), float64
        In pixels, above 0, by angle from ``-pi``, counted from the columns towards the rows.
    margin : Margin or None
        `None` grows as an obscured one: all in proportion.
    """

    middle: tuple[float, float]
    radius: np.ndarray
    margin: Margin | None = None

    @classmethod
    def of_mask(cls, mask: np.ndarray, *, margin: Margin | None = None) -> Self:
        """Outline of a mask as it is seen from its middle; what lies behind a bay is filled.

        Parameters
        ----------
        mask : ndarray, shape (rows, columns), bool
            Not empty.
        margin : Margin or None

        Returns
        -------
        GrowingOutline
            Of the mask's area.
        """
        rows, columns = np.nonzero(mask)
        middle = float(rows.mean()), float(columns.mean())
        edge_rows, edge_columns = np.nonzero(mask & ~ndimage.binary_erosion(mask))
        y, x = edge_rows - middle[0], edge_columns - middle[1]
        bins = ((np.arctan2(y, x) + math.pi) / (2 * math.pi) * _ANGLES).astype(int) % _ANGLES
        radius = np.zeros(_ANGLES)
        np.maximum.at(radius, bins, np.hypot(y, x) + 0.5)
        seen = np.flatnonzero(radius)
        radius = np.interp(np.arange(_ANGLES), seen, radius[seen], period=_ANGLES)
        # a mask ends in steps, which would follow the pixels and add to the area on their own grid alone
        radius = ndimage.gaussian_filter1d(radius, _ANGLES / (2 * math.pi * radius.mean()), mode="wrap")  # 1 pixel
        outline = cls(middle=middle, radius=np.maximum(radius, 0.5), margin=margin)
        return outline.of_diameter(2 * math.sqrt(float(mask.sum()) / math.pi))

    @property
    def diameter(self) -> float:
        """Diameter of the disc of the same area, in pixels."""
        return 2 * math.sqrt(float(np.mean(self.radius**2)))

    def of_diameter(self, diameter: float) -> Self:
        """The outline at another size.

        Parameters
        ----------
        diameter : float
            Of the disc of the same area, in pixels, above 0.

        Returns
        -------
        GrowingOutline
        """
        ratio = diameter / self.diameter
        power = _DETAIL_POWERS.get(self.margin, 1.0) if self.margin is not None else 1.0
        smooth = ndimage.gaussian_filter1d(self.radius, _SMOOTHING, mode="wrap")
        radius = smooth * ratio + (self.radius - smooth) * ratio**power
        radius = np.maximum(radius, _LEAST_SHARE * ratio * smooth)
        radius *= diameter / (2 * math.sqrt(float(np.mean(radius**2))))
        return dataclasses.replace(self, radius=radius)

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        """Pixels inside the outline.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the picture.

        Returns
        -------
        ndarray, shape `shape`, bool
        """
        return self.level(shape) <= 1

    def level(self, shape: tuple[int, int]) -> np.ndarray:
        """How many times the outline must be enlarged about its middle to reach each pixel.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the picture.

        Returns
        -------
        ndarray, shape `shape`, float32
            Below 1 inside, 0 in the middle; infinite further than four of its largest radii.
        """
        reach = 4 * float(self.radius.max()) + 2
        level = np.full(shape, np.inf, dtype=np.float32)
        spans = [
            slice(max(0, math.floor(at - reach)), max(0, min(length, math.ceil(at + reach) + 1)))
            for at, length in zip(self.middle, shape, strict=True)
        ]
        y, x = np.ogrid[spans[0], spans[1]]
        y, x = y - self.middle[0], x - self.middle[1]
        position = (np.arctan2(y, x) + math.pi) / (2 * math.pi) * _ANGLES
        radius = np.interp(position, np.arange(_ANGLES) + 0.5, self.radius, period=_ANGLES)
        level[spans[0], spans[1]] = np.hypot(y, x) / radius
        return level
