"""One place of a mammogram, with or without a lesion, and what is measured of it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import ndimage

from monai_mammo.evaluation.edits.painted_seam import seam_shares
from monai_mammo.evaluation.edits.seen_picture import SeenPicture
from monai_mammo.evaluation.texture_power import band_name, power_spectrum
from monai_mammo.lesions.contrast_ranges import longer_side, ring_round, visibility
from monai_mammo.lesions.lines_round_lesion import outward_lines
from monai_mammo.lesions.painter_crops import DEFAULT_RIM_SHARE
from monai_mammo.painting.local_edit import region_in_picture
from monai_mammo.prepare.geometry import box_of_mask

__all__ = ["BANDS", "CROPS_PX", "OnGrid", "Place", "measured_place"]

CROPS_PX = (64, 128)
"""Sides of the crops that are compared, in pixels of the picture."""

BANDS = ((1 / 8, 1 / 4), (1 / 4, 1 / 2))
"""Bands of spatial frequency inside a lesion, in cycles a pixel."""

_TILE_PX = 16
_MOST_SHIFT = 0.25
_LEAST_POWER = 1e-12


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnGrid:
    """The whole breast on the prepared grid, where examiners read it.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
    breast : ndarray, shape (rows, columns), bool
    mask : ndarray, shape (rows, columns), bool
        The place.
    """

    image: np.ndarray
    breast: np.ndarray
    mask: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """A place of a mammogram.

    Parameters
    ----------
    name, person : str
        Of the picture, and whose it is.
    kind, density : str or None
        Acquisition kind, and density of the breast, where they are known.
    size_px : int
        Longer side of the outline.
    size_share : float
        The same as a share of the height of the prepared grid.
    crops : mapping of int to ndarray, shape (side, side)
        Crops round its middle by their side; those that the picture has no room for are left out.
    contrast : float or None
        Mean brightness of the outline less that of the ring round it; `None` where no outline is known.
    seam : mapping of str to float
        As `seam_shares` gives it of the region that is painted round the outline; empty where no outline is known.
    powers : mapping of str to float
        Power inside the outline by band, in dB; empty where it is too small, or none is known.
    lines : float or None
        Thin lines round it that point away from it (`outward_lines`); `None` where no outline is known.
    on_grid : OnGrid or None
        `None` where the picture shows a part of a breast.
    """

    name: str
    person: str
    kind: str | None
    density: str | None
    size_px: int
    size_share: float
    crops: Mapping[int, np.ndarray]
    contrast: float | None
    seam: Mapping[str, float]
    powers: Mapping[str, float]
    lines: float | None
    on_grid: OnGrid | None


def measured_place(
    picture: SeenPicture,
    mask: np.ndarray,
    *,
    of: Mapping[str, Any],
    is_outlined: bool = True,
    beside: np.ndarray | None = None,
    rim_share: float = DEFAULT_RIM_SHARE,
) -> Place:
    """A place with its measures.

    Parameters
    ----------
    picture : SeenPicture
    mask : ndarray, shape of the picture's pixels, bool
        The place; not empty.
    of : mapping
        ``name``, ``person``, ``kind`` and ``density``.
    is_outlined : bool
        Whether the mask follows what is to be seen, and is not a box round it.
    beside : ndarray, shape of the picture's pixels, bool, or None
        Lesions and changes of the picture, which are no surround.
    rim_share : float
        Rim of the region at whose edge a seam is looked for.

    Returns
    -------
    Place
    """
    part = _window(mask)
    found = lines = None
    if is_outlined:
        lines = outward_lines(picture.pixels[part], mask[part], picture.breast[part])
        tissue = picture.breast[part] & ~mask[part] & (True if beside is None else ~beside[part])
        found = visibility(picture.pixels[part], mask[part], ring_round(mask[part], tissue), bright=1.0)
    seam: dict[str, float] = {}
    if is_outlined:
        region = region_in_picture(mask, rim_share=rim_share) & picture.breast
        taken = region if beside is None else region | beside
        elsewhere = picture.breast & ~ndimage.binary_dilation(taken, iterations=2)
        seam = seam_shares(picture.pixels, region, elsewhere, _chance(of["name"], mask))
    on_grid, share = None, 0.0
    if picture.is_whole:
        moved = picture.to_grid(mask)
        if moved.any():
            on_grid = OnGrid(image=picture.grid_image, breast=picture.grid_breast, mask=moved)
            share = longer_side(moved) / moved.shape[0]
    return Place(
        **of,
        size_px=longer_side(mask),
        size_share=share,
        crops=_crops(picture.pixels, mask),
        contrast=None if found is None else found.contrast,
        seam=seam,
        powers=_powers(picture.pixels, mask) if is_outlined else {},
        lines=lines,
        on_grid=on_grid,
    )


def _chance(name: str, mask: np.ndarray) -> np.random.Generator:
    """Chance of a place: the same before and after an edit."""
    digest = hashlib.sha256(name.encode() + np.packbits(mask).tobytes()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _window(mask: np.ndarray) -> tuple[slice, slice]:
    """Part of the picture that holds a mask and the ring round it."""
    margin = max(8, round(0.6 * longer_side(mask)))
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin),
    )


def _crops(pixels: np.ndarray, mask: np.ndarray) -> dict[int, np.ndarray]:
    """Crops about the middle of the mask's box, moved by a quarter of their side at most where the picture ends."""
    box = box_of_mask(mask)
    assert box is not None
    middle = ((box.y0 + box.y1) / 2 * mask.shape[0], (box.x0 + box.x1) / 2 * mask.shape[1])
    out = {}
    for side in CROPS_PX:
        centred = [round(at - side / 2) for at in middle]
        starts = [min(max(0, start), length - side) for start, length in zip(centred, pixels.shape, strict=True)]
        shifts = [abs(a - b) for a, b in zip(centred, starts, strict=True)]
        if min(pixels.shape) >= side and max(shifts) <= _MOST_SHIFT * side:
            out[side] = pixels[starts[0] : starts[0] + side, starts[1] : starts[1] + side].astype(np.float32)
    return out


def _powers(pixels: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    found = power_spectrum(np.clip(pixels[part], 0, 1), mask[part], tile_px=_TILE_PX, margin_px=0)
    if found is None:
        return {}
    frequency, power = found
    out = {}
    for band in BANDS:
        inside = (frequency > band[0]) & (frequency <= band[1])
        out[band_name(band)] = 10 * float(np.log10(max(power[inside].mean(), _LEAST_POWER)))
    return out
