"""A map of lesion probability as a list of regions with scores, best first."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage
from skimage.segmentation import flood

from monai_mammo.conditions import Box

__all__ = ["MIN_SCORE", "Region", "place_score", "regions", "smoothed"]

MIN_SCORE = 0.02
"""Regions whose score is lower are not named."""

_SHARE_OF_PEAK, _RIM = 0.5, 2
_REACH = 2
_NEIGHBOURS = np.ones((3, 3), dtype=bool)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """One place that may be a lesion.

    Parameters
    ----------
    box : Box
        Round the region.
    score : float
        Highest probability in it, of the map averaged over 3 x 3 pixels.
    mask : ndarray, shape (rows, columns), bool
    center : tuple of float
        Mean x and y weighted by probability, as fractions of the width and the height.
    """

    box: Box
    score: float
    mask: np.ndarray
    center: tuple[float, float]


def regions(
    probability: np.ndarray, *, within: np.ndarray | None = None, min_score: float = MIN_SCORE, max_regions: int = 10
) -> list[Region]:
    """Places that may be lesions, each cut at half of its own peak, so that faint and bright ones are both found.

    Parameters
    ----------
    probability : ndarray, shape (rows, columns), float
        Of lesion, in [0, 1].
    within : ndarray, shape (rows, columns), bool, optional
        The breast; nothing is looked for outside.
    min_score : float
        Peaks below it end the search.
    max_regions : int
        At most so many.

    Returns
    -------
    list of Region
        Highest score first. From the highest peak on, a region is the connected component, neighbours across corners
        too, of what exceeds half of the peak; it is taken away with its rim before the next peak is looked for.
    """
    smooth = smoothed(probability, within=within)
    left = smooth.copy()
    found: list[Region] = []
    while len(found) < max_regions:
        peak = np.unravel_index(int(left.argmax()), left.shape)
        score = float(left[peak])
        if score < min_score:
            break
        mask = flood(left >= _SHARE_OF_PEAK * score, (int(peak[0]), int(peak[1])), connectivity=2)
        found.append(_region(mask, score, smooth))
        window = _window(mask, _RIM)
        left[window][ndimage.binary_dilation(mask[window], structure=_NEIGHBOURS, iterations=_RIM)] = 0
    return found


def smoothed(probability: np.ndarray, *, within: np.ndarray | None = None) -> np.ndarray:
    """Probability of lesion averaged over 3 x 3 pixels, of which scores are read.

    Parameters
    ----------
    probability : ndarray, shape (rows, columns), float
    within : ndarray, shape (rows, columns), bool, optional
        The breast; it is 0 outside.

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    smooth = ndimage.uniform_filter(np.asarray(probability, dtype=np.float32), size=3, mode="nearest")
    return smooth if within is None else np.where(within, smooth, np.float32(0))


def place_score(smooth: np.ndarray, mask: np.ndarray) -> float:
    """Highest probability of lesion at a place, two pixels round it counted in.

    Parameters
    ----------
    smooth : ndarray, shape (rows, columns)
        As `smoothed` gives it.
    mask : ndarray, shape (rows, columns), bool
        The place; not empty.

    Returns
    -------
    float
        In [0, 1].
    """
    return float(smooth[ndimage.binary_dilation(mask, iterations=_REACH)].max())


def _window(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Rows and columns that a mask occupies, and a margin round them."""
    occupied = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    rows, columns = (slice(max(0, int(i[0]) - margin), int(i[-1]) + 1 + margin) for i in occupied)
    return rows, columns


def _region(mask: np.ndarray, score: float, smooth: np.ndarray) -> Region:
    rows, columns = mask.shape
    i, j = np.nonzero(mask)
    weight = smooth[mask]
    x, y = ((k + 0.5) @ weight / weight.sum() for k in (j, i))
    box = Box(j.min() / columns, i.min() / rows, (j.max() + 1) / columns, (i.max() + 1) / rows)
    return Region(box=box, score=score, mask=mask, center=(float(x / columns), float(y / rows)))
