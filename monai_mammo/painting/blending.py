"""How what was drawn in a region goes over into the picture round it."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image
from scipy import ndimage

from monai_mammo.lesions.painter_crops import blending_band_px
from monai_mammo.lesions.smooth_filling import smooth_fill
from monai_mammo.prepare.geometry import resize

__all__ = ["blended", "blending_weight", "enlarged", "without_step"]

_SKIN_PX = 3.0
_STEP_PX = 128
_STEP_BANDS = 2.0
"""Depth, in widths of the band, over which what is taken off a step falls to nothing."""

_FINE_PX = (1.5, 4.0)
"""Least and largest deviation in pixels under which texture is mixed by its power and not by its brightness."""


def blended(
    added: np.ndarray,
    own: np.ndarray,
    region: np.ndarray,
    may_change: np.ndarray,
    *,
    outline: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """What is added to a picture so that no edge tells of the region, and where anything may have changed.

    A step in brightness along the edge is taken off (`without_step`). What replaces a region goes over into the tissue
    in a band, in which its fine texture is mixed by power: the mean of two textures is fainter than either. A lesion,
    which lies over the texture that is there, falls to nothing from its outline to the edge of the region.

    Parameters
    ----------
    added, own : ndarray, shape (rows, columns)
        Difference of brightness that was drawn, and brightness before.
    region, may_change : ndarray, shape (rows, columns), bool
        What is changed, and where pixels may change.
    outline : ndarray, shape (rows, columns), bool, or None
        The lesion that is added; `None` or empty where the region is replaced.

    Returns
    -------
    added : ndarray, shape (rows, columns), float32
        Exactly 0 outside region and band.
    reach : ndarray, shape (rows, columns), bool
        Region and band.
    """
    edge, skin = _edge_weight(region, may_change), _skin_weight(region, may_change, _beside_as_bright(own, may_change))
    added = without_step(added, region, may_change)
    if outline is None or not outline.any():
        added = _mixed_by_power(added, own, edge, band_px=blending_band_px(region))
    else:
        added = added * edge * _rim_weight(region, outline)
    return (added * skin).astype(np.float32), edge * skin > 0


def blending_weight(region: np.ndarray, may_change: np.ndarray, *, goes_on: np.ndarray | None = None) -> np.ndarray:
    """Weight of what is drawn: 1 in the region, falling to exactly 0 over a band round its edge, and at the skin.

    Where the region ends at what may not change, the weight falls within three pixels: beyond lies no tissue that the
    band would have to go over into. Where there is some, it falls over the band.

    Parameters
    ----------
    region, may_change : ndarray, shape (rows, columns), bool
        What is changed, and where pixels may change: the breast.
    goes_on : ndarray, shape (rows, columns), bool, or None
        Where pixels that may not change show tissue all the same, such as a strip beside a film's white edge.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        0 to 1; 0 wherever pixels may not change.
    """
    return _edge_weight(region, may_change) * _skin_weight(region, may_change, goes_on)


def without_step(added: np.ndarray, region: np.ndarray, may_change: np.ndarray) -> np.ndarray:
    """A difference that is 0 in the mean along the edge of its region.

    A painter that sees its surroundings on coarse pixels meets their brightness nearly, and what it misses by runs
    along the edge as a step. The smooth part of the difference in the band round the edge is continued inwards, where
    it falls to nothing within two bands, and taken off: the idea of a membrane (Pérez et al. 2003, Poisson image
    editing), kept to the rim. The skin is no edge.

    Parameters
    ----------
    added : ndarray, shape (rows, columns)
        Difference of brightness.
    region, may_change : ndarray, shape (rows, columns), bool

    Returns
    -------
    ndarray, shape (rows, columns)
        `added` itself where the region has no edge to other tissue.
    """
    depth, band_px = _depth(region, may_change), blending_band_px(region)
    ring = (np.abs(depth) <= band_px / 2) & may_change
    if not ring.any():
        return added
    shape = tuple(min(_STEP_PX, length) for length in added.shape)
    sums, share = (resize(one.astype(np.float32), shape) for one in (np.where(ring, added, 0), ring))
    width = max(1.0, band_px / 2 * min(shape) / min(added.shape))
    smooth_sums, smooth_share = (ndimage.gaussian_filter(one, width) for one in (sums, share))
    is_known = share > 0
    step = np.where(is_known, smooth_sums / np.maximum(smooth_share, 1e-6), 0)
    step = enlarged(smooth_fill(step, ~is_known), added.shape)
    return added - step * _rising(1 - np.maximum(depth, 0) / (_STEP_BANDS * band_px))


def enlarged(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Picture brought to a larger size, bicubic.

    Parameters
    ----------
    array : ndarray, shape (rows, columns)
    shape : tuple of int

    Returns
    -------
    ndarray, shape `shape`, float32
    """
    picture = Image.fromarray(np.ascontiguousarray(array, dtype=np.float32))
    return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _mixed_by_power(added: np.ndarray, own: np.ndarray, weight: np.ndarray, *, band_px: float) -> np.ndarray:
    """Difference by which a picture goes over into another one, weight 1, without losing texture on the way.

    Brightness is mixed by the weights. Fine texture of both, where they have nothing in common, would lose up to half
    of its power; it is divided by the root of what the mixture keeps, as far as they correlate near by.
    """
    between = (weight > 0) & (weight < 1)
    if not between.any():
        return added * weight
    deviation = float(np.clip(band_px / 2, *_FINE_PX))
    part = _box_of(between, margin=math.ceil(8 * deviation))
    w, old, change = (one[part].astype(np.float32) for one in (weight, own, added))
    fine, other = (one - ndimage.gaussian_filter(one, deviation) for one in (old, old + change))
    common, power, other_power = (
        ndimage.gaussian_filter(one, 2 * deviation, truncate=2.0) for one in (fine * other, fine**2, other**2)
    )
    alike = np.clip(common / np.sqrt(power * other_power + 1e-12), 0, 1)
    kept = np.sqrt(w**2 + (1 - w) ** 2 + 2 * alike * w * (1 - w))
    mixed = (fine + w * (other - fine)) / kept - fine
    out = added * weight
    out[part] = np.where(w > 0, w * (change - (other - fine)) + mixed, 0)
    return out


def _box_of(mask: np.ndarray, *, margin: int) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin),
    )


def _rim_weight(region: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """1 on a lesion, falling smoothly to 0 at the edge of the region round it."""
    to_lesion, to_edge = (ndimage.distance_transform_edt(one) for one in (~outline, region))
    return np.where(outline, 1.0, _rising(to_edge / np.maximum(to_edge + to_lesion, 1e-6)))


def _edge_weight(region: np.ndarray, may_change: np.ndarray) -> np.ndarray:
    """Weight of the drawn pixels: 1 in the region, falling to exactly 0 over a band round its edge to other tissue."""
    return _rising(_depth(region, may_change) / blending_band_px(region) + 0.5)


def _depth(region: np.ndarray, may_change: np.ndarray) -> np.ndarray:
    """Distance to the edge to other tissue, below 0 outside the region; infinite inside where there is no such edge."""
    inside = region | ~may_change
    depth = np.inf if inside.all() else ndimage.distance_transform_edt(inside)
    return np.asarray(depth - ndimage.distance_transform_edt(~region))


def _skin_weight(region: np.ndarray, may_change: np.ndarray, goes_on: np.ndarray | None) -> np.ndarray:
    """1 in the breast, falling to 0 at its edge."""
    if may_change.all():
        return np.ones(region.shape)
    depth, nearest = ndimage.distance_transform_edt(may_change, return_indices=True)
    at_tissue = goes_on is not None and goes_on[tuple(nearest)]
    return _rising(depth / np.where(at_tissue, max(_SKIN_PX, blending_band_px(region)), _SKIN_PX))


def _beside_as_bright(own: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """What lies beside the breast and is no darker than half of its tissue, by the mean of what lies there."""
    beside = (~tissue).astype(np.float32)
    if not (tissue.any() and beside.any()):
        return np.zeros_like(tissue)
    total, n = (ndimage.gaussian_filter(one, _SKIN_PX) for one in (own * beside, beside))
    return ~tissue & (total >= 0.5 * np.median(own[tissue]) * n)


def _rising(share: np.ndarray) -> np.ndarray:
    """Smooth step from 0 to 1."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)
