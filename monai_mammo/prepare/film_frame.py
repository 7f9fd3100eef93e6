"""Which part of a digitised film shows the patient: its bright border, rounded corners and bare strips told apart."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

__all__ = ["FilmFrame", "bare_corners", "blended_columns", "film_frame", "frame_round_breast"]

_STEPS = ((0.0067, 0.05), (0.018, 0.10))
"""Depth, as a share of the rows, over which brightness falls from bare film to what lies beside it; least fall."""

_DEEPEST_ROWS, _DEEPEST_COLUMNS = 0.11, 0.15
_DEEPEST_BESIDE_BREAST = 0.04
_MOST_OF_A_SIDE = 0.55
_CORNER_SIZES = (0.07, 0.12, 0.2)
_CORNER_FALL = 0.07


@dataclasses.dataclass(frozen=True, slots=True)
class FilmFrame:
    """Lines along the four sides of a film that show the film and not the patient.

    Parameters
    ----------
    top, bottom, left, right : int
        Rows or columns, 0 or more.
    """

    top: int
    bottom: int
    left: int
    right: int

    def inside(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns within the frame of a film of `shape`.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the film.

        Returns
        -------
        tuple of slice
        """
        return slice(self.top, shape[0] - self.bottom), slice(self.left, shape[1] - self.right)


def film_frame(pixels: np.ndarray) -> FilmFrame:
    """Bright border of a film, one line at least on each side.

    A border runs along most of a side and is brighter than what lies within, be that air or muscle; tissue changes
    along a side, but seldom falls at one depth along all of it.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1].

    Returns
    -------
    FilmFrame
    """
    rows, columns = pixels.shape
    deepest_row, deepest_column = _deepest(pixels.shape)
    middle = pixels[deepest_row : rows - deepest_row]
    left = _depth(middle.T, deepest_column, rows)
    right = _depth(middle.T[::-1], deepest_column, rows)
    between = pixels[:, left : columns - right]
    return FilmFrame(_depth(between, deepest_row, rows), _depth(between[::-1], deepest_row, rows), left, right)


def frame_round_breast(pixels: np.ndarray, breast: np.ndarray) -> FilmFrame:
    """Bare strips beside the breast alone, where it reaches a side of the picture; 0 lines where there is none.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1] within the frame of the film.
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    FilmFrame
    """
    rows = pixels.shape[0]
    deepest = round(_DEEPEST_BESIDE_BREAST * rows)
    depths = []
    for turned, mask in (
        (pixels, breast),
        (pixels[::-1], breast[::-1]),
        (pixels.T, breast.T),
        (pixels.T[::-1], breast.T[::-1]),
    ):
        touching = mask[:deepest].all(axis=0)
        is_long = touching.sum() >= 0.06 * rows
        depths.append(_depth_beside(turned[:, touching], deepest, rows) if is_long else 0)
    return FilmFrame(*depths)


def blended_columns(pixels: np.ndarray, breast: np.ndarray) -> FilmFrame:
    """Columns at the left and right side of a picture in which the breast is blended with padding that was cut off.

    Such a column has half the brightness of the next ones in nearly all rows; tissue has not.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    FilmFrame
    """
    depths = []
    for turned, mask in ((pixels.T, breast.T), (pixels.T[::-1], breast.T[::-1])):
        touching = mask[:8].all(axis=0)
        lines = turned[:8, touching]
        share = lines[:2] / np.maximum(lines[4:8].mean(axis=0), 1 / 255)
        is_blended = np.median(share, axis=1) < 0.8 if touching.sum() >= 0.06 * pixels.shape[0] else np.zeros(2, bool)
        depths.append(2 if is_blended[1] else int(is_blended[0]))
    return FilmFrame(0, 0, *depths)


def bare_corners(pixels: np.ndarray) -> np.ndarray:
    """Bright rounded corners of a film whose border was cut off.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1].

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    corners = np.zeros(pixels.shape, bool)
    for down in (1, -1):
        for across in (1, -1):
            turned = pixels[::down, ::across]
            for share in _CORNER_SIZES:
                size = round(share * pixels.shape[0])
                part = _bare_corner(turned[:size, :size])
                if part is not None:
                    corners[::down, ::across][:size, :size] |= part
                    break
    return corners


def _bare_corner(corner: np.ndarray) -> np.ndarray | None:
    """Bright part at the first pixel of a corner, within it and with a sharp edge; `None` where there is none."""
    beyond = float(np.median(np.concatenate([corner[-4:].ravel(), corner[:, -4:].ravel()])))
    parts, _ = ndimage.label(corner > max((beyond + float(corner[0, 0])) / 2, beyond + 0.05, 0.12))
    part = (parts == parts[0, 0]) & (parts[0, 0] > 0)
    if not part.any() or part[-1].any() or part[:, -1].any():
        return None
    edge = part & ~ndimage.binary_erosion(part, border_value=1)
    around = ndimage.binary_dilation(part, iterations=3) & ~ndimage.binary_dilation(part, iterations=2)
    if not around.any() or np.median(corner[edge]) - np.median(corner[around]) < _CORNER_FALL:
        return None
    return ndimage.binary_dilation(part, iterations=2)


def _deepest(shape: tuple[int, int]) -> tuple[int, int]:
    return round(_DEEPEST_ROWS * shape[0]), round(_DEEPEST_COLUMNS * shape[1])


def _depth(lines: np.ndarray, deepest: int, rows: int) -> int:
    """Lines, shape (depth, length), from the first one inward up to the end of the deepest fall that a side shows."""
    stop = 1
    for share_of_rows, fall in _STEPS:
        step = max(2, round(share_of_rows * rows))
        change = _change(lines, deepest, step)
        stop = max(stop, _end_of_fall(lines, change > fall, step))
    return stop


def _depth_beside(lines: np.ndarray, deepest: int, rows: int) -> int:
    """As `_depth`, for sharp falls from bare film and sharp rises from the dark beside it, 0 where there are none."""
    share_of_rows, fall = _STEPS[0]
    step = max(2, round(share_of_rows * rows))
    change = _change(lines, deepest, step)
    return max(_end_of_fall(lines, change > fall, step), _end_of_fall(-lines, change < -2 * fall, step))


def _change(lines: np.ndarray, deepest: int, step: int) -> np.ndarray:
    """Brightness of each line less that of the line `step` farther in, for the outermost lines."""
    last = max(min(deepest, lines.shape[0] - step), 0)
    return lines[:last] - lines[step : last + step]


def _end_of_fall(lines: np.ndarray, falls: np.ndarray, step: int) -> int:
    """First line behind the deepest fall that most of a side shows; 0 where there is none.

    Parameters
    ----------
    lines : ndarray, shape (depth, length)
    falls : ndarray, shape (depth - step or fewer, length), bool
        Where brightness falls from a line to the one `step` farther in.
    step : int
    """
    where = np.flatnonzero(falls.mean(axis=1) > _MOST_OF_A_SIDE) if falls.size else np.zeros(0, int)
    if not where.size:
        return 0
    first = int(where[-1])
    profile = lines[first : first + step + 1, falls[first]].mean(axis=1)
    share_left = (profile - profile[-1]) / (profile[0] - profile[-1])
    return first + int(np.flatnonzero(share_left < 0.15)[0])
