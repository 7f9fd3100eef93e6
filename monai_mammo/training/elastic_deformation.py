"""Elastic deformation (Simard et al. 2003), drawn anew whenever an image is seen: another breast of the same kind.

What a cached latent cannot have, since only few changed copies of an image can be kept, a layout can: it is the mean
of so many latent positions that a latent which is bent is as good as the latent of a bent image.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Self

import numpy as np
from scipy import ndimage
from scipy.interpolate import CubicSpline

from monai_mammo.conditions import Box
from monai_mammo.training.augment import Augmentation, box_within

__all__ = ["ElasticDeformation", "with_bias_field"]

_CONTROL_POINTS = (5, 4)
_BEND = 0.012
"""Deviation of a control point's displacement at strength 1, as a fraction of the height."""

_STILL_SHARE = 0.3
"""Of the changes, those that only bend: an unchanged breast, which is what is asked of a generator, lies at the end of
the range of sizes, and a network that had never been told of none would have to guess beyond what it saw."""

_BIAS = 0.08
"""Deviation of the logarithm of a bias field at its control points, at strength 1."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ElasticDeformation:
    """A change of size and shear, and a smooth bend besides, applied alike to latent, mask and box.

    Parameters
    ----------
    change : Augmentation
        Told to the network; without flip and change of brightness.
    bend : ndarray, shape (2, 5, 4)
        Displacement of control points, spread evenly from edge to edge, along rows and along columns, as a fraction of
        the height; cubic between them. At the chest wall nothing moves sideways and at the upper and lower edge nothing
        up or down: a bend, which the network is not told of, leaves the breast where the frame cuts it.
    """

    change: Augmentation
    bend: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator, *, strength: float = 1.0) -> Self:
        """Random change.

        Parameters
        ----------
        rng : numpy.random.Generator
        strength : float
            0 changes nothing; 1 is that of `Augmentation.draw`, which three in ten are without, with a bend of 1.2 %
            of the height.

        Returns
        -------
        ElasticDeformation
        """
        change = dataclasses.replace(Augmentation.draw(rng, strength=strength), gamma=1.0)
        if rng.random() < _STILL_SHARE:
            change = Augmentation()
        bend = rng.normal(0, _BEND * strength, (2, *_CONTROL_POINTS))
        bend[0, [0, -1]], bend[1, :, 0] = 0, 0
        return cls(change=change, bend=bend)

    def array(self, array: np.ndarray) -> np.ndarray:
        """Changed picture or mask, interpolated linearly; beyond its edges it goes on as it is there.

        Parameters
        ----------
        array : ndarray, shape (rows, columns), float32

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        rows, columns = array.shape
        new_y, new_x = np.arange(rows)[:, None] + 0.5, np.arange(columns)[None] + 0.5
        one = self.change
        old_x = new_x / one.column_scale
        old_y = (new_y - rows / 2 - one.row_shift * rows) / one.row_scale + rows / 2 - one.shear * old_x
        y_of, x_of = _spline(rows, _CONTROL_POINTS[0]), _spline(columns, _CONTROL_POINTS[1])
        move = rows * (y_of @ self.bend @ x_of.T)  # (2, rows, columns)
        return ndimage.map_coordinates(array, [old_y - 0.5 + move[0], old_x - 0.5 + move[1]], order=1, mode="nearest")

    def latent(self, latent: np.ndarray) -> np.ndarray:
        """Changed latent, whose four channels are read as the places of a 2 x 2 block of a picture.

        Good enough for a layout, whose mean hides how a latent of other places differs; too smooth for detail.

        Parameters
        ----------
        latent : ndarray, shape (4, h, w), float32

        Returns
        -------
        ndarray, shape (4, h, w), float32
        """
        _, h, w = latent.shape
        picture = latent.reshape(2, 2, h, w).transpose(2, 0, 3, 1).reshape(2 * h, 2 * w)
        moved = self.array(picture)
        return np.ascontiguousarray(moved.reshape(h, 2, w, 2).transpose(1, 3, 0, 2)).reshape(4, h, w)

    def mask(self, mask: np.ndarray) -> np.ndarray:
        """Changed mask.

        Parameters
        ----------
        mask : ndarray, shape (rows, columns), bool

        Returns
        -------
        ndarray, shape (rows, columns), bool
        """
        return self.array(mask.astype(np.float32)) >= 0.5

    def box(self, box: Box, shape: tuple[int, int]) -> Box | None:
        """Box round the changed corners, moved as its centre is bent, cut at the edges; `None` where nothing is left.

        Parameters
        ----------
        box : Box
        shape : tuple of int
            Rows and columns of the image.

        Returns
        -------
        Box or None
        """
        changed = self.change.box(box, shape)
        if changed is None:
            return None
        rows, columns = shape
        x, y = changed.center
        y_of = _spline(rows, _CONTROL_POINTS[0])[min(int(y * rows), rows - 1)]
        x_of = _spline(columns, _CONTROL_POINTS[1])[min(int(x * columns), columns - 1)]
        down, right = rows * (y_of @ self.bend @ x_of)
        return box_within(
            (changed.x0 * columns - right, changed.x1 * columns - right),
            (changed.y0 * rows - down, changed.y1 * rows - down),
            shape,
        )


def with_bias_field(image: np.ndarray, rng: np.random.Generator, *, strength: float = 1.0) -> np.ndarray:
    """Brightness times a smooth field, about 1 (a bias field), as thickness and exposure vary it.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        In [0, 1].
    rng : numpy.random.Generator
    strength : float
        1 for a deviation of 8 %; 0 changes nothing.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        In [0, 1].
    """
    y_of, x_of = (_spline(n, k) for n, k in zip(image.shape, _CONTROL_POINTS, strict=True))
    field = y_of @ rng.normal(0, _BIAS * strength, _CONTROL_POINTS) @ x_of.T
    return np.clip(image * np.exp(field), 0, 1).astype(np.float32)


@functools.lru_cache(maxsize=16)
def _spline(n: int, n_points: int) -> np.ndarray:
    """Cubic interpolation of `n_points` values, spread from edge to edge, at the middles of pixels: (n, n_points)."""
    where = (np.arange(n) + 0.5) / n
    return CubicSpline(np.linspace(0, 1, n_points), np.eye(n_points))(where)
