"""Random changes that keep a prepared mammogram's labels true.

The chest wall stays at the left edge: columns are scaled from it, rows are scaled and sheared,
so that a breast turns a little without leaving the wall. Tissue that ran on beyond an edge of the picture still does:
the edge goes on, and no strip of air opens. Only a CC view may be turned upside down: it then is a CC view with the
lateral side where the medial one was.
"""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar, Self

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Box

__all__ = ["Augmentation", "box_within"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """One change of shape and brightness, applied alike to image, mask and box.

    Parameters
    ----------
    column_scale, row_scale : float
        Size of the new picture over the old, columns from the left edge, rows from the middle.
    shear : float
        Rows that a structure sinks for each column it lies from the chest wall.
    row_shift : float
        Rows, as a fraction of the height.
    gamma : float
        Exponent on brightness.
    is_flipped : bool
        Whether the rows stand upside down, after all else.
    """

    N_NUMBERS: ClassVar[int] = 6

    column_scale: float = 1.0
    row_scale: float = 1.0
    shear: float = 0.0
    row_shift: float = 0.0
    gamma: float = 1.0
    is_flipped: bool = False

    @classmethod
    def draw(cls, rng: np.random.Generator, *, strength: float = 1.0, may_flip: bool = False) -> Self:
        """Random change; `strength` 1 stays within 10 % of size, 0.06 of shear and 10 % of gamma.

        Parameters
        ----------
        rng : numpy.random.Generator
        strength : float
            0 changes nothing.
        may_flip : bool
            Whether every second change stands upside down; true of a CC view.

        Returns
        -------
        Augmentation
        """
        return cls(
            column_scale=float(1 + strength * rng.uniform(-0.10, 0.0)),
            row_scale=float(1 + strength * rng.uniform(-0.08, 0.0)),
            shear=float(strength * rng.uniform(-0.06, 0.06)),
            row_shift=float(strength * rng.uniform(-0.015, 0.015)),
            gamma=float(np.exp(strength * rng.uniform(-0.10, 0.10))),
            is_flipped=bool(may_flip and rng.random() < 0.5),
        )

    def numbers(self) -> np.ndarray:
        """The change as a network is told of it, so that what it learns does not leak (Karras et al. 2020, 2022).

        Returns
        -------
        ndarray, shape (6,), float32
            All 0 for no change, else about -1 to 1.
        """
        told = (
            (self.column_scale - 1) / 0.10,
            (self.row_scale - 1) / 0.08,
            self.shear / 0.06,
            self.row_shift / 0.015,
            math.log(self.gamma) / 0.10,
            float(self.is_flipped),
        )
        return np.array(told, dtype=np.float32)

    def followed_by(self, later: Augmentation) -> Augmentation:
        """Both changes as one.

        Parameters
        ----------
        later : Augmentation
            Without flip.

        Returns
        -------
        Augmentation
        """
        side = -1 if self.is_flipped else 1  # what comes after a flip, seen from before it
        return Augmentation(
            column_scale=self.column_scale * later.column_scale,
            row_scale=self.row_scale * later.row_scale,
            shear=self.shear + side * later.shear * self.column_scale / self.row_scale,
            row_shift=self.row_shift * later.row_scale + side * later.row_shift,
            gamma=self.gamma * later.gamma,
            is_flipped=self.is_flipped,
        )

    def image(self, image: np.ndarray) -> np.ndarray:
        """Changed brightness, shape (rows, columns), float32 in [0, 1].

        Parameters
        ----------
        image : ndarray, shape (rows, columns), float32

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        moved = self._moved(image.astype(np.float32), order=1)
        return np.clip(moved, 0, 1) ** self.gamma

    def mask(self, mask: np.ndarray) -> np.ndarray:
        """Changed mask, shape (rows, columns), bool.

        Parameters
        ----------
        mask : ndarray, shape (rows, columns), bool

        Returns
        -------
        ndarray, shape (rows, columns), bool
        """
        return self._moved(mask.astype(np.float32), order=1) >= 0.5

    def box(self, box: Box, shape: tuple[int, int]) -> Box | None:
        """Box round the changed corners, cut at the edges; `None` where nothing is left.

        Parameters
        ----------
        box : Box
        shape : tuple of int
            Rows and columns of the image.

        Returns
        -------
        Box or None
        """
        rows, columns = shape
        x = np.array([box.x0, box.x1, box.x0, box.x1]) * columns
        y = np.array([box.y0, box.y0, box.y1, box.y1]) * rows
        new_x = x * self.column_scale
        new_y = (y + self.shear * x - rows / 2) * self.row_scale + rows / 2 + self.row_shift * rows
        new_y = rows - new_y if self.is_flipped else new_y
        return box_within((new_x.min(), new_x.max()), (new_y.min(), new_y.max()), shape)

    def _moved(self, array: np.ndarray, *, order: int) -> np.ndarray:
        rows = array.shape[0]
        middle = (rows - 1) / 2
        # old column = (new column + 0.5) / column_scale - 0.5: the edge stays, not the middle of the first pixel
        # old row = (new row - middle - shift) / row_scale + middle - shear * (old column + 0.5)
        matrix = np.array([[1 / self.row_scale, -self.shear / self.column_scale], [0, 1 / self.column_scale]])
        offset = np.array(
            [
                middle - (middle + self.row_shift * rows) / self.row_scale - 0.5 * self.shear / self.column_scale,
                0.5 / self.column_scale - 0.5,
            ]
        )
        moved = ndimage.affine_transform(array, matrix, offset, order=order, mode="nearest")
        return np.ascontiguousarray(moved[::-1]) if self.is_flipped else moved


def box_within(x: tuple[float, float], y: tuple[float, float], shape: tuple[int, int]) -> Box | None:
    """Box of edges in pixels, cut at those of the image.

    Parameters
    ----------
    x, y : tuple of float
        Left and right edge, upper and lower edge, in pixels from the upper left corner.
    shape : tuple of int
        Rows and columns of the image.

    Returns
    -------
    Box or None
        `None` where nothing is left.
    """
    x0, x1 = np.clip(np.array(x) / shape[1], 0, 1)
    y0, y1 = np.clip(np.array(y) / shape[0], 0, 1)
    return Box(float(x0), float(y0), float(x1), float(y1)) if x1 > x0 and y1 > y0 else None
