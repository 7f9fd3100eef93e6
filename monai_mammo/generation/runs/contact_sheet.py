"""One picture of a run: every sample small, with the asked and the found lesion outlined."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monai_mammo.files.png import png_bytes

__all__ = ["MAX_TILES", "Tile", "contact_sheet_png"]

MAX_TILES = 64
"""Samples on a sheet, the first of a run."""

_ASKED = (255, 200, 0)
_FOUND = (0, 200, 255)
_BACKGROUND = 24
_CAPTION_PX = 28


class Tile(NamedTuple):
    """One sample: picture in [0, 1], masks or `None`, and two lines of words."""

    image: np.ndarray
    requested: np.ndarray | None
    found: np.ndarray | None
    caption: str


def contact_sheet_png(tiles: Sequence[Tile], *, title: str) -> bytes:
    """PNG with samples side by side: each picture plain, then with outlines where there is one.

    Parameters
    ----------
    tiles : sequence of Tile
        Of one size; the first `MAX_TILES` are drawn.
    title : str
        Line above all; says that the pictures are synthetic.
    """
    from PIL import Image, ImageDraw

    tiles = tiles[:MAX_TILES]
    rows, columns = tiles[0].image.shape
    width, height = 2 * columns + 6, rows + _CAPTION_PX
    across = max(1, min(len(tiles), round(math.sqrt(len(tiles) * height / width))))
    down = math.ceil(len(tiles) / across)
    sheet = np.full((20 + down * (height + 6), max(across * (width + 6), 420), 3), _BACKGROUND, dtype=np.uint8)
    places = [(20 + (i // across) * (height + 6), (i % across) * (width + 6)) for i in range(len(tiles))]
    for tile, (top, left) in zip(tiles, places, strict=True):
        plain = _colored(tile.image)
        sheet[top : top + rows, left : left + columns] = plain
        sheet[top : top + rows, left + columns : left + 2 * columns] = _outlined(plain, tile)
    picture = Image.fromarray(sheet)
    draw = ImageDraw.Draw(picture)
    draw.text((4, 4), title, fill=(255, 255, 255))
    for tile, (top, left) in zip(tiles, places, strict=True):
        draw.multiline_text((left + 2, top + rows + 1), tile.caption, fill=(220, 220, 220), spacing=1)
    return png_bytes(np.asarray(picture))


def _colored(image: np.ndarray) -> np.ndarray:
    grey = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _outlined(plain: np.ndarray, tile: Tile) -> np.ndarray:
    out = plain.copy()
    for mask, color in ((tile.requested, _ASKED), (tile.found, _FOUND)):
        if mask is not None:
            out[_edge(mask)] = color
    return out


def _edge(mask: np.ndarray) -> np.ndarray:
    """Pixels just outside a mask."""
    padded = np.pad(mask, 1)
    grown = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return grown & ~mask
