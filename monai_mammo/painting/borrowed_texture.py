"""Fine texture of a filled region, taken over from tissue of the same breast that is as bright.

Noise with the power of mammographic tissue is mottle: fibres, ligaments and vessels have their look from the phases
that noise draws by chance. What a method does not draw is therefore laid in tiles, each cut out of the tissue round the
region where it looks like what was drawn (Efros & Freeman 2001, Image quilting for texture synthesis and transfer).
"""

from __future__ import annotations

import numpy as np

from monai_mammo.painting.grain import grain_like
from monai_mammo.prepare.geometry import resize

__all__ = ["TILE_PX", "borrowed_texture"]

TILE_PX = 16
"""Side of a tile, in pixels of the crop."""

_STEP = TILE_PX // 2
_PARTS = 4
"""Parts of a tile each way whose brightness must be alike."""

_LEAST_PLACES = 24
_CHOICE = 6
_TAKEN = 0.15
"""What a place that was taken loses against others, in median differences of brightness."""

_MOST = 5.0
"""Residual in medians above which it belongs to a line or a calcification, whose pieces would stand out."""

_LINE_SHARE = 0.02


def borrowed_texture(
    residual: np.ndarray,
    drawn: np.ndarray,
    seen: np.ndarray,
    *,
    region: np.ndarray,
    known: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Residual of the tissue round a region, laid over the region so that it fits what was drawn there.

    Tiles overlap by half and lie over each other by the root of their weights, so that as much power is left as there
    was: no two that overlap come from the same part of the breast. Tissue with a line or a calcification, whose
    residual is more than five times the median, gives no tile.

    Parameters
    ----------
    residual : ndarray, shape (side, side)
        What the pixels of the picture hold and the crop does not, of mean near 0.
    drawn, seen : ndarray, shape (rows, columns)
        Brightness of the crop as it was drawn, and as it was.
    region, known : ndarray, shape (rows, columns), bool
        What is filled, and where tissue is known by which it may be.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (side, side), float32
        Grain of the same power where hardly any tissue is known.
    """
    enlarging = len(residual) / len(seen)
    on_picture = np.ix_(*((np.arange(side) / enlarging).astype(int) for side in residual.shape))
    is_known = known[on_picture]
    most = _MOST * float(np.median(np.abs(residual[is_known]))) if is_known.any() else 0.0
    bright = resize((np.abs(residual) > most).astype(np.float32), known.shape)
    windows = _tiles(known).all(axis=(2, 3)) & (_tiles(bright).mean(axis=(2, 3)) <= _LINE_SHARE)
    places = np.argwhere(windows)
    if len(places) < _LEAST_PLACES:
        return grain_like(residual, is_known, rng)
    residual = np.clip(residual, -most, most).astype(np.float32)
    appearances = _appearances(_tiles(seen)[windows])
    side = round(TILE_PX * enlarging)
    rising = np.sin(np.pi * (np.arange(side) + 0.5) / side)
    weight = np.outer(rising, rising).astype(np.float32)
    out, power = np.zeros_like(residual), np.zeros_like(residual)
    taken = np.zeros(len(places))
    shifts: dict[tuple[int, int], np.ndarray] = {}
    for top, left in _tiles_over(region):
        appearance = _appearances(drawn[None, top : top + TILE_PX, left : left + TILE_PX])
        unlike = ((appearances - appearance) ** 2).sum(axis=1)
        unlike = unlike / max(float(np.median(unlike)), 1e-12) + taken
        shift = places - (top, left)
        for other in (shifts[at] for at in _before(top, left) if at in shifts):
            unlike[np.abs(shift - other).max(axis=1) < _STEP] += len(places)
        best = np.argsort(unlike, kind="stable")[:_CHOICE]
        chosen = int(best[rng.integers(len(best))])
        taken[np.abs(places - places[chosen]).max(axis=1) < _STEP] += _TAKEN
        shifts[top, left] = shift[chosen]
        (to_row, to_column), (row, column) = (
            (round(one[0] * enlarging), round(one[1] * enlarging)) for one in ((top, left), places[chosen])
        )
        height, width = (
            min(side, length - max(start, other))
            for length, start, other in zip(residual.shape, (to_row, to_column), (row, column), strict=True)
        )
        target, inside = np.s_[to_row : to_row + height, to_column : to_column + width], np.s_[:height, :width]
        out[target] += weight[inside] * residual[row : row + height, column : column + width]
        power[target] += weight[inside] ** 2
    return out / np.sqrt(np.maximum(power, 1e-6))


def _tiles(image: np.ndarray) -> np.ndarray:
    """All tiles of an image, shape (rows, columns, TILE_PX, TILE_PX)."""
    return np.lib.stride_tricks.sliding_window_view(image, (TILE_PX, TILE_PX))


def _appearances(tiles: np.ndarray) -> np.ndarray:
    """Mean brightness of the parts of tiles, shape (n, 16)."""
    part = TILE_PX // _PARTS
    return tiles.reshape(-1, _PARTS, part, _PARTS, part).mean(axis=(2, 4)).reshape(len(tiles), -1)


def _tiles_over(region: np.ndarray) -> list[tuple[int, int]]:
    """Upper left corners of tiles that cover a region and the band round it."""
    starts = [np.unique([*range(0, length - TILE_PX, _STEP), length - TILE_PX]) for length in region.shape]
    reach = np.pad(region, 3)
    return [
        (int(top), int(left))
        for top in starts[0]
        for left in starts[1]
        if reach[top : top + TILE_PX + 6, left : left + TILE_PX + 6].any()
    ]


def _before(top: int, left: int) -> list[tuple[int, int]]:
    """Corners of the tiles that a tile overlaps and that were laid before it."""
    return [(top, left - _STEP), *((top - _STEP, left + step) for step in (-_STEP, 0, _STEP))]
