"""An edit of one region of a picture at the picture's own resolution; everything else stays."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.lesions.painter_crops import CROP_PX, DEFAULT_RIM_SHARE, region_round
from monai_mammo.lesions.smooth_filling import smooth_fill
from monai_mammo.painting.blending import blended, enlarged
from monai_mammo.painting.borrowed_texture import borrowed_texture
from monai_mammo.painting.held_texture import texture_share
from monai_mammo.prepare.geometry import resize
from monai_mammo.terms import Finding

if TYPE_CHECKING:
    from monai_mammo.painting.painter import LesionPainter, PaintedCrop

__all__ = [
    "LARGEST_SHARE",
    "Change",
    "blended_change",
    "fits_window",
    "grain_draws",
    "joined",
    "paint_region",
    "region_in_picture",
    "shrunk",
    "window_round",
    "without_fine_structure",
    "without_lesion",
    "without_white_edge",
]

LARGEST_SHARE = 0.72
"""Share of the picture's shorter side that a region spans at most: the painter must see its surroundings."""

_SPAN = 0.5
_LEAST_WINDOW_PX = 104
_BRIGHTEST_TISSUE = 99.5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """What an edit adds to the brightness of a window of a picture.

    Parameters
    ----------
    window : tuple of slice
        Rows and columns of the picture.
    added : ndarray, shape of the window, float32
        Difference of brightness; exactly 0 outside region and band.
    reach : ndarray, shape of the window, bool
        Region and band: where anything may have changed.
    working_pixels : float
        Pixels of the picture that a pixel of the painter spans.
    """

    window: tuple[slice, slice]
    added: np.ndarray
    reach: np.ndarray
    working_pixels: float

    def laid_over(self, picture: np.ndarray) -> np.ndarray:
        """Picture with the change, cut at black and white.

        Parameters
        ----------
        picture : ndarray, shape (rows, columns), float32

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        out = picture.copy()
        out[self.window] = np.clip(out[self.window] + self.added, 0, 1)
        return out


def joined(changes: Sequence[Change]) -> Change:
    """Several changes of one picture as one, in the window that holds all.

    Parameters
    ----------
    changes : sequence of Change
        One at least.

    Returns
    -------
    Change
    """
    if len(changes) == 1:
        return changes[0]
    sides = [
        slice(min(one.window[axis].start for one in changes), max(one.window[axis].stop for one in changes))
        for axis in (0, 1)
    ]
    shape = tuple(side.stop - side.start for side in sides)
    added, reach = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
    for one in changes:
        place = tuple(
            slice(own.start - side.start, own.stop - side.start) for own, side in zip(one.window, sides, strict=True)
        )
        added[place] += one.added
        reach[place] |= one.reach
    working_pixels = max(one.working_pixels for one in changes)
    return Change(window=(sides[0], sides[1]), added=added, reach=reach, working_pixels=working_pixels)


def region_in_picture(outline: np.ndarray, *, rim_share: float = DEFAULT_RIM_SHARE) -> np.ndarray:
    """Region that is painted for an outline, measured on the part of the picture that holds it.

    Parameters
    ----------
    outline : ndarray, shape (rows, columns), bool
    rim_share : float
        Width of the rim as for `monai_mammo.lesions.painter_crops.region_round`.

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    region = np.zeros_like(outline)
    if not outline.any():
        return region
    rows, columns = (np.flatnonzero(outline.any(axis=axis)) for axis in (1, 0))
    room = max(8, int((rim_share + 0.12) * max(np.ptp(rows), np.ptp(columns))))
    part = tuple(
        slice(max(0, int(one[0]) - room), min(length, int(one[-1]) + 1 + room))
        for one, length in zip((rows, columns), outline.shape, strict=True)
    )
    region[part] = region_round(outline[part], rim_share=rim_share)
    return region


def paint_region(
    painter: LesionPainter,
    picture: np.ndarray,
    region: np.ndarray,
    outline: np.ndarray,
    conditions: Conditions,
    *,
    spacing_mm: float | None,
    may_change: np.ndarray,
    noise_of: tuple[int, str, int],
    steps: int = 16,
    guidance: float = 1.5,
    texture: float = 1.0,
) -> Change:
    """A lesion added to a picture, or a region of it drawn anew as healthy tissue, blended in a band round it.

    The painter works on a window of 128 x 128 of its own pixels; what it changes is enlarged to the picture's own. A
    lesion is what the painter draws with it beyond what it draws without it from the same noise: it lies over the
    tissue that is there, as what X-rays pass adds up. Where nothing is to be seen (an empty outline), the region is
    replaced, what the painter does not draw by texture of the tissue round it.

    Parameters
    ----------
    painter : LesionPainter
    picture : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    region : ndarray, shape (rows, columns), bool
        What is painted; not empty.
    outline : ndarray, shape (rows, columns), bool
        The lesion that is to be seen in it; empty for none.
    conditions : Conditions
        What is to be seen.
    spacing_mm : float or None
        Of the picture's pixels; `None` where it is not known.
    may_change : ndarray, shape (rows, columns), bool
        Where pixels may change: the breast.
    noise_of : tuple of int, str and int
        Seed of the run, name of the sample, number of the try.
    steps, guidance
        As for `LesionPainter.paint`.
    texture : float
        Share of what the painter draws of healthy tissue over the smooth filling of the region, 0 to 1, less where that
        is deeper than the texture round it; no share of a lesion.

    Returns
    -------
    Change

    Raises
    ------
    RequestError
        The region is larger than the painter's crop allows, or the picture too small.
    """
    window = window_round(region)
    side = window[0].stop - window[0].start
    shrinking = side / CROP_PX
    own = picture[window].astype(np.float32)
    crop = resize(own, (CROP_PX, CROP_PX))
    drawn_region, drawn_outline = (shrunk(mask[window]) for mask in (region, outline))
    crop = without_white_edge(crop, drawn_region, shrunk(may_change[window]))
    how: dict[str, Any] = {"pixel_mm": None if spacing_mm is None else spacing_mm * shrinking, "noise_of": noise_of}
    how |= {"steps": steps, "guidance": guidance}
    painted = painter.paint(crop, drawn_region, drawn_outline, conditions, **how)
    if outline.any():
        nothing = np.zeros_like(drawn_outline)
        added = painted.image - painter.paint(crop, drawn_region, nothing, without_lesion(conditions), **how).image
        added = enlarged(added, (side, side))
    else:
        added = _filling(own, crop, painted, drawn_region, region[window], may_change[window], noise_of, texture)
    return blended_change(window, added, own, region[window], may_change[window], shrinking, outline=outline[window])


def blended_change(
    window: tuple[slice, slice],
    added: np.ndarray,
    own: np.ndarray,
    region: np.ndarray,
    may_change: np.ndarray,
    working_pixels: float,
    *,
    outline: np.ndarray | None = None,
) -> Change:
    """What was made of a region, blended into the picture round it (`monai_mammo.painting.blending.blended`).

    Parameters
    ----------
    window : tuple of slice
        Rows and columns of the picture.
    added, own : ndarray, shape of the window
        Difference of brightness, and brightness before.
    region, may_change : ndarray, shape of the window, bool
        What is changed, and where pixels may change.
    working_pixels : float
        As in `Change`.
    outline : ndarray, shape of the window, bool, or None
        The lesion that is added; `None` or empty where the region is replaced.

    Returns
    -------
    Change
    """
    added, reach = blended(added, own, region, may_change, outline=outline)
    return Change(window=window, added=added, reach=reach, working_pixels=working_pixels)


def without_lesion(conditions: Conditions) -> Conditions:
    """The same mammogram without a lesion: what of its conditions does not tell of one.

    Parameters
    ----------
    conditions : Conditions

    Returns
    -------
    Conditions
    """
    kept = {name: getattr(conditions, name) for name in ("kind", "view", "laterality", "density", "age_years")}
    return Conditions(**kept, finding=Finding.NONE)


def without_white_edge(crop: np.ndarray, region: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Crop whose pixels beside the breast are no brighter than tissue: a film's white edge is none to go on from.

    Parameters
    ----------
    crop : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    region, tissue : ndarray, shape (rows, columns), bool
        What is changed, and the breast.

    Returns
    -------
    ndarray, shape (rows, columns)
        `crop` itself where nothing beside the breast is brighter.
    """
    known = tissue & ~region
    if not known.any():
        return crop
    white = ~tissue & (crop > np.percentile(crop[known], _BRIGHTEST_TISSUE))
    if not white.any():
        return crop
    white = ndimage.binary_dilation(white, iterations=1) & ~region  # pixels of the crop that the edge is a part of
    return np.where(white, smooth_fill(crop, region | white), crop)


def _filling(
    own: np.ndarray,
    crop: np.ndarray,
    painted: PaintedCrop,
    drawn_region: np.ndarray,
    region: np.ndarray,
    may_change: np.ndarray,
    noise_of: tuple[int, str, int],
    texture: float,
) -> np.ndarray:
    """What replaces the window's pixels by those that were painted, with texture of the tissue round them."""
    drawn = painted.image
    share = min(texture, texture_share(drawn, crop, drawn_region, shrunk(may_change)))
    if share < 1:
        smooth = smooth_fill(crop, drawn_region)
        drawn = smooth + np.float32(share) * (drawn - smooth)
    held = crop - painted.lost
    added = enlarged(drawn - held, own.shape)
    return without_fine_structure(added, own, held, region, may_change, grain_draws(noise_of))


def grain_draws(noise_of: tuple[int, str, int]) -> np.random.Generator:
    """Source of chance of the grain that is laid over a region.

    Parameters
    ----------
    noise_of : tuple of int, str and int
        As for `paint_region`.

    Returns
    -------
    numpy.random.Generator
    """
    return np.random.default_rng(int.from_bytes(hashlib.sha256(f"grain/{noise_of!r}".encode()).digest()[:8], "big"))


def without_fine_structure(
    added: np.ndarray,
    own: np.ndarray,
    held: np.ndarray,
    region: np.ndarray,
    may_change: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """A difference that also replaces what a method does not draw, by such texture of the tissue round the region.

    Parameters
    ----------
    added : ndarray, shape of the window
        Difference of brightness.
    own : ndarray, shape of the window
        Brightness before.
    held : ndarray, shape (rows, columns)
        What of it the method can draw, on as many pixels as it draws, or on more.
    region, may_change : ndarray, shape of the window, bool
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape of the window
    """
    coarse = enlarged(held, own.shape)
    fine, grid = own - coarse, (CROP_PX, CROP_PX)
    seen, drawn = (resize(one.astype(np.float32), grid) for one in (coarse, coarse + added))
    drawn_region = shrunk(region)
    known = ndimage.binary_erosion(shrunk(may_change), iterations=8)
    known &= ~ndimage.binary_dilation(drawn_region, iterations=4)
    return added + borrowed_texture(fine, drawn, seen, region=drawn_region, known=known, rng=rng) - fine


def window_round(region: np.ndarray) -> tuple[slice, slice]:
    """Square window of the picture round a region, which spans half of it where the picture is large enough.

    Parameters
    ----------
    region : ndarray, shape (rows, columns), bool
        Not empty.

    Returns
    -------
    tuple of slice
        Rows and columns.

    Raises
    ------
    RequestError
        The region is larger than the painter's crop allows, or the picture too small.
    """
    extent = _extent(region)
    shortest = min(region.shape)
    if shortest < _LEAST_WINDOW_PX:
        raise RequestError(
            f"a picture of {region.shape[0]} x {region.shape[1]} pixels is too small to be edited: "
            f"{_LEAST_WINDOW_PX} each way are the least"
        )
    if not fits_window(region):
        raise RequestError(
            f"the region spans {extent} pixels, and the painter must see its surroundings: "
            f"{math.floor(LARGEST_SHARE * shortest)} are the most in this picture"
        )
    rows, columns = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
    side = min(max(_LEAST_WINDOW_PX, math.ceil(extent / _SPAN)), shortest)
    starts = []
    for one, length in zip((rows, columns), region.shape, strict=True):
        middle = (int(one[0]) + int(one[-1]) + 1) // 2
        starts.append(min(max(0, middle - side // 2), length - side))
    return slice(starts[0], starts[0] + side), slice(starts[1], starts[1] + side)


def fits_window(region: np.ndarray) -> bool:
    """Whether the painter sees enough of what lies round a region.

    Parameters
    ----------
    region : ndarray, shape (rows, columns), bool
        Not empty.

    Returns
    -------
    bool
    """
    return _extent(region) <= LARGEST_SHARE * min(region.shape)


def _extent(region: np.ndarray) -> int:
    rows, columns = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
    return int(max(rows[-1] - rows[0], columns[-1] - columns[0])) + 1


def shrunk(mask: np.ndarray) -> np.ndarray:
    """A mask of a window on the painter's pixels.

    Parameters
    ----------
    mask : ndarray, shape of the window, bool

    Returns
    -------
    ndarray, shape (128, 128), bool
    """
    return resize(mask.astype(np.float32), (CROP_PX, CROP_PX)) >= 0.5
