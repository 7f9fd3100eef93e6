"""Triplets on one sheet, to be looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from monai_mammo.conditions import Box
from monai_mammo.files.png import png_bytes

__all__ = ["ShownTriplet", "triplet_sheet"]

_GAP_PX, _LINE_PX = 4, 16
_BACKGROUND = 24
_OUTLINE = (255, 200, 0)
_TITLE = "Each three: acquired, reconstructed, SYNTHETIC (not for diagnosis). Chest wall left."
_PER_ROW = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownTriplet:
    """A triplet with the words below it.

    Parameters
    ----------
    images : tuple of ndarray, shape (rows, columns), uint16
        Acquired, reconstructed and synthetic.
    boxes : tuple of sequence
        Known or requested lesions of each, outlined; in the frame of the images.
    caption : str
        Line below the images.
    """

    images: tuple[np.ndarray, ...]
    boxes: tuple[Sequence[Any], ...]
    caption: str


def triplet_sheet(triplets: Sequence[ShownTriplet]) -> bytes:
    """PNG with two triplets beside each other, at 1:1.

    Parameters
    ----------
    triplets : sequence of ShownTriplet
        One or more, of images of one size.

    Returns
    -------
    bytes
    """
    rows, columns = triplets[0].images[0].shape
    width, height = 3 * (columns + _GAP_PX) + 4 * _GAP_PX, rows + _LINE_PX + _GAP_PX
    n_across = min(_PER_ROW, len(triplets))
    n_down = -(-len(triplets) // n_across)
    shape = (_LINE_PX + n_down * height, n_across * width, 3)
    picture = Image.fromarray(np.full(shape, _BACKGROUND, dtype=np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.text((4, 2), _TITLE, fill=(255, 255, 255))
    for n, triplet in enumerate(triplets):
        top, left = _LINE_PX + n // n_across * height, n % n_across * width
        for k, (image, boxes) in enumerate(zip(triplet.images, triplet.boxes, strict=True)):
            x = left + k * (columns + _GAP_PX)
            picture.paste(Image.fromarray(np.rint(image.astype(np.float32) / 257).astype(np.uint8)), (x, top))
            for box in map(Box.parse, boxes):
                corners = [x + box.x0 * columns, top + box.y0 * rows, x + box.x1 * columns, top + box.y1 * rows]
                draw.rectangle(corners, outline=_OUTLINE)
        draw.text((left + 2, top + rows + 1), triplet.caption, fill=(220, 220, 220))
    return png_bytes(np.asarray(picture), description="synthetic among acquired, not for diagnosis")
