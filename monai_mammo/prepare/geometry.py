"""Flips, crops, padding and scaling of a mammogram, each with its inverse.

The one owner of these moves: boxes, masks and predictions go through `Trace` and nowhere else.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Self

import numpy as np
from PIL import Image

from monai_mammo.conditions import Box
from monai_mammo.errors import MammoError
from monai_mammo.terms import Laterality

__all__ = ["Trace", "as_displayed", "box_from_xywh", "box_of_mask", "mask_of_box", "mirror", "mirror_box", "resize"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Way of a picture from the file's own grid to the prepared grid.

    Parameters
    ----------
    source_shape : tuple of int
        Rows and columns of the file.
    is_mirrored : bool
        Whether columns are reversed first, so that the chest wall comes to the left.
    crop : tuple of int
        ``(row0, row1, column0, column1)`` in the mirrored picture.
    padding : tuple of int
        ``(top, bottom, left, right)`` rows and columns of air added to the crop.
    shape : tuple of int
        Rows and columns of the prepared grid, to which the padded crop is scaled.
    """

    source_shape: tuple[int, int]
    is_mirrored: bool
    crop: tuple[int, int, int, int]
    padding: tuple[int, int, int, int]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        row0, row1, column0, column1 = self.crop
        rows, columns = self.source_shape
        if not (0 <= row0 < row1 <= rows and 0 <= column0 < column1 <= columns):
            raise MammoError(f"crop {self.crop} does not lie in a picture of {rows} x {columns}")
        if min(self.padding) < 0 or min(self.shape) < 1:
            raise MammoError("padding must not be negative and the prepared grid not empty")

    @property
    def padded_shape(self) -> tuple[int, int]:
        """Rows and columns of the crop with its padding."""
        row0, row1, column0, column1 = self.crop
        top, bottom, left, right = self.padding
        return row1 - row0 + top + bottom, column1 - column0 + left + right

    def forward(self, array: np.ndarray, *, order: int = 1) -> np.ndarray:
        """Picture or mask on the prepared grid.

        Parameters
        ----------
        array : ndarray, shape `source_shape`
            Brightness (float) or a mask (bool).
        order : int
            1 averages over the area and interpolates linearly, 0 takes the nearest pixel, 3 is bicubic: near a scale of
            1, averages blur some lines and spare others, and the cubic does not.

        Returns
        -------
        ndarray, shape `shape`
            float32, or bool for a mask, which is thresholded at one half of the area.
        """
        if array.shape != tuple(self.source_shape):
            raise MammoError(f"picture {array.shape} does not fit the trace's source {self.source_shape}")
        row0, row1, column0, column1 = self.crop
        top, bottom, left, right = self.padding
        moved = mirror(array) if self.is_mirrored else array
        padded = np.pad(moved[row0:row1, column0:column1], ((top, bottom), (left, right)))
        return _resize_any(padded, self.shape, order=order)

    def inverse(self, array: np.ndarray, *, order: int = 1) -> np.ndarray:
        """Picture or mask on the file's own grid; what was cropped away is 0.

        Parameters
        ----------
        array : ndarray, shape `shape`
            Something on the prepared grid, such as a predicted mask or its probability.
        order : int
            As for `forward`.

        Returns
        -------
        ndarray, shape `source_shape`
            Of the type of `array`.
        """
        if array.shape != tuple(self.shape):
            raise MammoError(f"picture {array.shape} does not fit the prepared grid {self.shape}")
        row0, row1, column0, column1 = self.crop
        top, _, left, _ = self.padding
        padded = _resize_any(array, self.padded_shape, order=order)
        crop = padded[top : top + row1 - row0, left : left + column1 - column0]
        out = np.zeros(self.source_shape, dtype=crop.dtype)
        out[row0:row1, column0:column1] = crop
        return mirror(out) if self.is_mirrored else out

    def forward_box(self, box: Box) -> Box | None:
        """Box on the prepared grid, cut at its edges; `None` where nothing of it is left.

        Parameters
        ----------
        box : Box
            In fractions of the file's picture.

        Returns
        -------
        Box or None
        """
        if self.is_mirrored:
            box = mirror_box(box)
        rows, columns = self.source_shape
        row0, _, column0, _ = self.crop
        top, _, left, _ = self.padding
        padded_rows, padded_columns = self.padded_shape
        return _clipped_box(
            (box.x0 * columns - column0 + left) / padded_columns,
            (box.y0 * rows - row0 + top) / padded_rows,
            (box.x1 * columns - column0 + left) / padded_columns,
            (box.y1 * rows - row0 + top) / padded_rows,
        )

    def inverse_box(self, box: Box) -> Box | None:
        """Box in the file's own picture; `None` where it lies in padding only.

        Parameters
        ----------
        box : Box
            In fractions of the prepared grid.

        Returns
        -------
        Box or None
        """
        rows, columns = self.source_shape
        row0, _, column0, _ = self.crop
        top, _, left, _ = self.padding
        padded_rows, padded_columns = self.padded_shape
        out = _clipped_box(
            (box.x0 * padded_columns - left + column0) / columns,
            (box.y0 * padded_rows - top + row0) / rows,
            (box.x1 * padded_columns - left + column0) / columns,
            (box.y1 * padded_rows - top + row0) / rows,
        )
        return mirror_box(out) if out is not None and self.is_mirrored else out

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, read back by `from_dict`.

        Returns
        -------
        dict
        """
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Trace from what `to_dict` wrote.

        Parameters
        ----------
        values : dict
            Plain JSON values.

        Returns
        -------
        Trace
        """
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**fields)


def mirror(array: np.ndarray) -> np.ndarray:
    """Columns reversed; its own inverse.

    Parameters
    ----------
    array : ndarray, shape (..., rows, columns)

    Returns
    -------
    ndarray, shape (..., rows, columns)
    """
    return array[..., ::-1]


def mirror_box(box: Box) -> Box:
    """Box of the mirrored picture; its own inverse.

    Parameters
    ----------
    box : Box
        In fractions of a picture.

    Returns
    -------
    Box
    """
    return box.mirrored


def box_from_xywh(x: float, y: float, w: float, h: float) -> Box | None:
    """Box from left, top, width and height as fractions, cut at the picture's edges.

    `None` where nothing of it lies in the picture.

    Parameters
    ----------
    x, y, w, h : float
        Left, top, width and height, in fractions of the picture.

    Returns
    -------
    Box or None
    """
    return _clipped_box(x, y, x + w, y + h)


def box_of_mask(mask: np.ndarray) -> Box | None:
    """Smallest box round a mask, `None` for an empty one.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool

    Returns
    -------
    Box or None
    """
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if rows.size == 0:
        return None
    height, width = mask.shape
    return Box(
        float(columns.min() / width),
        float(rows.min() / height),
        float((columns.max() + 1) / width),
        float((rows.max() + 1) / height),
    )


def mask_of_box(box: Box, shape: tuple[int, int]) -> np.ndarray:
    """Share of each pixel that a box covers.

    Parameters
    ----------
    box : Box
        In fractions of the picture.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        In [0, 1]; its mean is the area of the box.
    """
    rows, columns = shape
    vertical = _coverage(box.y0 * rows, box.y1 * rows, rows)
    horizontal = _coverage(box.x0 * columns, box.x1 * columns, columns)
    return np.outer(vertical, horizontal).astype(np.float32)


def as_displayed(array: np.ndarray, laterality: Laterality) -> np.ndarray:
    """Picture with the chest wall on the left, as it is displayed to readers.

    A right breast is displayed with the chest wall at the right edge. Its own inverse.

    Parameters
    ----------
    array : ndarray, shape (..., rows, columns)
    laterality : Laterality

    Returns
    -------
    ndarray, shape (..., rows, columns)
    """
    return mirror(array) if laterality is Laterality.R else array


def resize(array: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Area-averaging reduction, or linear enlargement, of a picture.

    Parameters
    ----------
    array : ndarray, shape (rows, columns)
    shape : tuple of int
        Rows and columns of the result.

    Returns
    -------
    ndarray, shape `shape`, float32
        Mean brightness of the area that each new pixel covers when shrinking.
    """
    out = np.asarray(array, dtype=np.float32)
    for axis, length in enumerate(shape):
        out = _resize_axis(out, length, axis)
    return out


def _resize_any(array: np.ndarray, shape: tuple[int, int], *, order: int) -> np.ndarray:
    if order == 0:
        rows = np.minimum((np.arange(shape[0]) + 0.5) * array.shape[0] / shape[0], array.shape[0] - 1).astype(int)
        columns = np.minimum((np.arange(shape[1]) + 0.5) * array.shape[1] / shape[1], array.shape[1] - 1).astype(int)
        return array[np.ix_(rows, columns)]
    if order not in (0, 1, 3):
        raise MammoError(f"order {order} is not one of 0, 1, 3")
    if order == 3 and array.dtype != bool:
        picture = Image.fromarray(np.ascontiguousarray(array, dtype=np.float32))
        return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
    out = resize(array, shape)
    return out >= 0.5 if array.dtype == bool else out


def _resize_axis(array: np.ndarray, length: int, axis: int) -> np.ndarray:
    old = array.shape[axis]
    if old == length:
        return array
    if length < old:  # mean over [i, i + 1) * old / length, exact by the running integral
        edges = np.arange(length + 1) * (old / length)
        low = np.minimum(edges.astype(int), old - 1)
        share = (edges - low).reshape([-1 if a == axis else 1 for a in range(array.ndim)])
        integral = _integral_over_rows(array, low) if axis == 0 else _integral(array, low, axis)
        at_edges = integral + share * array.take(low, axis)
        return (np.diff(at_edges, axis=axis) * (length / old)).astype(np.float32)
    position = (np.arange(length) + 0.5) * old / length - 0.5
    coordinates = np.clip(position, 0, old - 1)
    low = np.minimum(coordinates.astype(int), max(old - 2, 0))
    share = (coordinates - low).reshape([-1 if a == axis else 1 for a in range(array.ndim)])
    high = np.minimum(low + 1, old - 1)
    return (array.take(low, axis) * (1 - share) + array.take(high, axis) * share).astype(np.float32)


def _integral(array: np.ndarray, edges: np.ndarray, axis: int) -> np.ndarray:
    """Sums along an axis of all that lies before each edge."""
    first = np.zeros_like(array.take([0], axis))
    return np.concatenate([first, np.cumsum(array, axis, dtype=np.float64)], axis).take(edges, axis)


def _integral_over_rows(array: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """`_integral` over the first axis, to the last bit, without its 8 bytes a pixel: a tenth of the time."""
    total, done = np.zeros(array.shape[1:]), 0
    out = np.empty((len(edges), *array.shape[1:]))
    for edge, place in zip(edges, out, strict=True):
        for row in array[done:edge]:
            total += row
        done = edge
        place[...] = total
    return out


def _coverage(start: float, stop: float, length: int) -> np.ndarray:
    edges = np.arange(length)
    return np.clip(np.minimum(edges + 1, stop) - np.maximum(edges, start), 0, 1)


def _clipped_box(x0: float, y0: float, x1: float, y1: float) -> Box | None:
    x0, y0, x1, y1 = (float(np.clip(v, 0, 1)) for v in (x0, y0, x1, y1))
    return Box(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None
