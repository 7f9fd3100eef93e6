"""Drawn breasts with one bright disc, which the trees of data sets say is a lesion."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Conditions
from monai_mammo.phantom import draw_layers
from monai_mammo.prepare.geometry import resize

SMALL = (176, 140)
DISC = 1.0
"""Brightness of a disc; nothing else reaches `BRIGHT`."""
BRIGHT = 0.8


@dataclasses.dataclass(frozen=True)
class Picture:
    """Brightness, shape (rows, columns), and the disc: x and y of its middle from the upper left corner, and radius."""

    pixels: np.ndarray
    x: float
    y: float
    radius: float


@functools.cache
def breast(seed: int, *, side: str, view: str, shape: tuple[int, int] = SMALL, has_disc: bool = True) -> Picture:
    """Digital view of one drawn breast, without a lesion but for the disc, deep in the breast."""
    asked = Conditions(kind="digital", laterality=side, view=view, finding="none", density="B")
    layers = draw_layers(asked, seed=seed, shape=SMALL)
    depth = ndimage.distance_transform_edt(np.pad(layers.breast, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    pixels = resize(0.6 * layers.mammogram.pixels, shape)
    x, y = (column + 0.5) * shape[1] / SMALL[1], (row + 0.5) * shape[0] / SMALL[0]
    radius = 0.5 * float(depth.max()) * min(shape[0] / SMALL[0], shape[1] / SMALL[1])
    return Picture(with_disc(pixels, x, y, radius) if has_disc else pixels, x, y, radius)


def with_disc(pixels: np.ndarray, x: float, y: float, radius: float) -> np.ndarray:
    """Picture with a disc of full brightness, its middle counted from the picture's upper left corner."""
    rows, columns = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    is_inside = (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 <= radius**2
    return np.where(is_inside, np.float32(DISC), pixels)


def stored(pixels: np.ndarray, bits: int = 12) -> np.ndarray:
    """Stored values of brightness in [0, 1], int64, the whole range of the bits in use."""
    values = np.rint(pixels * (2**bits - 1)).astype(np.int64)
    values[0, 0], values[-1, -1] = 0, 2**bits - 1  # so that any scaling to the range keeps the values
    return values
