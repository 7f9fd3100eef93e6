"""A mammogram as edits are judged on it: at its own pixels, and on the prepared grid that the examiners know."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from monai_mammo.prepare.array import LocatedBreast
from monai_mammo.prepare.datalist_items import breast_of, pixels_of

__all__ = ["SeenPicture"]

_Move = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenPicture:
    """Pixels of a mammogram with its breast, and the same on the prepared grid.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool
    grid_image : ndarray, shape of the grid, float32
    grid_breast : ndarray, shape of the grid, bool
    is_whole : bool
        Whether it shows a whole breast and not a part of one, on which no examiner was trained.
    to_grid : callable
        From a mask of the pixels to one of the grid.
    of_file : callable
        From a mask of the file to one of the pixels.
    """

    pixels: np.ndarray
    breast: np.ndarray
    grid_image: np.ndarray
    grid_breast: np.ndarray
    is_whole: bool
    to_grid: _Move
    of_file: _Move

    @classmethod
    def of_located(cls, located: LocatedBreast, shape: tuple[int, int], *, on_grid: bool = False) -> Self:
        """Picture of a mammogram that was read from a file.

        Parameters
        ----------
        located : LocatedBreast
        shape : tuple of int
            Rows and columns of the prepared grid.
        on_grid : bool
            Whether its pixels are those of the prepared grid.

        Returns
        -------
        SeenPicture
        """
        prepared = located.on_grid(shape)
        trace = prepared.trace
        return cls(
            pixels=prepared.image if on_grid else located.mammogram.pixels,
            breast=prepared.breast if on_grid else located.mask,
            grid_image=prepared.image,
            grid_breast=prepared.breast,
            is_whole=located.is_whole,
            to_grid=_same if on_grid else trace.forward,
            of_file=trace.forward if on_grid else _same,
        )

    @classmethod
    def of_item(cls, item: Mapping[str, Any]) -> Self:
        """Picture of an item of a prepared folder.

        Parameters
        ----------
        item : mapping
            Of a datalist, with ``breast``.

        Returns
        -------
        SeenPicture

        Raises
        ------
        MammoError
            A file of it cannot be read.
        """
        image = pixels_of(item).astype(np.float32) / np.float32(65535)
        breast = breast_of(item, image.shape)
        return cls(
            pixels=image,
            breast=breast,
            grid_image=image,
            grid_breast=breast,
            is_whole=True,
            to_grid=_same,
            of_file=_same,
        )


def _same(mask: np.ndarray) -> np.ndarray:
    return mask
