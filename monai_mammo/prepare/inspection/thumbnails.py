"""Small pictures for a page, with outlines of what the labels point at."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image
from scipy import ndimage

from monai_mammo.conditions import Box
from monai_mammo.prepare.geometry import resize

__all__ = ["thumbnail"]

_HEIGHT = 224
_WIDEST = 224
_COLOUR = (255, 176, 0)  # amber: told apart from grey by every kind of colour vision


def thumbnail(pixels: np.ndarray, *, mask: np.ndarray | None = None, boxes: Iterable[Box] = ()) -> bytes:
    """JPEG of a picture, at most 224 pixels high and wide, the mask's edge and the boxes in amber.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    mask : ndarray, shape (rows, columns), bool, or None
    boxes : iterable of Box
        Fractions of the picture.

    Returns
    -------
    bytes
    """
    rows, columns = pixels.shape
    scale = min(_HEIGHT / rows, _WIDEST / columns, 1.0)
    shape = max(1, round(rows * scale)), max(1, round(columns * scale))
    grey = np.clip(np.rint(255 * resize(pixels, shape)), 0, 255).astype(np.uint8)
    colour = np.repeat(grey[..., None], 3, axis=2)
    if mask is not None and mask.any():
        small = resize(mask.astype(np.float32), shape) > 0.1
        colour[ndimage.binary_dilation(small) & ~small] = _COLOUR
    for box in boxes:
        _draw(colour, box)
    buffer = io.BytesIO()
    Image.fromarray(colour).save(buffer, "JPEG", quality=72, optimize=True)
    return buffer.getvalue()


def _draw(colour: np.ndarray, box: Box) -> None:
    rows, columns = colour.shape[:2]
    top, bottom = int(box.y0 * (rows - 1)), int(np.ceil(box.y1 * (rows - 1)))
    left, right = int(box.x0 * (columns - 1)), int(np.ceil(box.x1 * (columns - 1)))
    colour[[top, bottom], left : right + 1] = _COLOUR
    colour[top : bottom + 1, [left, right]] = _COLOUR
