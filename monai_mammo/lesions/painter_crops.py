"""Crops round a lesion, or round a random region without one, as the lesion painter learns from them.

A crop is a square window of an image brought to `CROP_PX` pixels a side. The region that is to be painted contains the
lesion's outline and a random rim round it, as what lies next to a lesion belongs to how it is drawn.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Box
from monai_mammo.lesions.contour_bank import ContourBank, shipped_bank
from monai_mammo.lesions.placing import draw_outline
from monai_mammo.prepare.geometry import resize

__all__ = [
    "CROP_PX",
    "DEFAULT_RIM_SHARE",
    "RIM_SHARE",
    "PainterCrop",
    "blending_band_px",
    "lesion_crop",
    "lesion_free_crop",
    "region_round",
]

CROP_PX = 128
"""Side of a crop, which the painter works on."""

RIM_SHARE = (0.08, 0.3)
"""Smallest and largest width of the rim round an outline, as a share of the lesion's diameter of the same area."""

DEFAULT_RIM_SHARE = 0.18
"""Width of the rim where none is named."""

_SPAN = (0.2, 0.7)
_LEAST_WINDOW_PX = 104
_LEAST_RIM_PX = 3
_LEAST_TISSUE = 0.85
_LEAST_BAND_PX, _BAND_SHARE = 3.0, 0.14
_TRIES = 24


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainterCrop:
    """A crop with what is to be painted in it.

    Parameters
    ----------
    image : ndarray, shape (128, 128), float32
        Brightness in [0, 1].
    region : ndarray, shape (128, 128), bool
        What is painted.
    outline : ndarray, shape (128, 128), bool
        The lesion in it; empty where there is none.
    shape : ndarray, shape (128, 128), bool
        What the region was laid round: the lesion's outline, or where there is none that of a lesion elsewhere.
    shrinking : float
        Pixels of the image that a pixel of the crop spans.
    """

    image: np.ndarray
    region: np.ndarray
    outline: np.ndarray
    shape: np.ndarray
    shrinking: float


def region_round(outline: np.ndarray, *, rim_share: float = DEFAULT_RIM_SHARE) -> np.ndarray:
    """Region that is painted for a lesion: its outline, its gaps closed, and a rim round it.

    Parameters
    ----------
    outline : ndarray, shape (rows, columns), bool
    rim_share : float
        Width of the rim as a share of the diameter of a disc of the outline's area.

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    diameter = 2 * math.sqrt(float(outline.sum()) / math.pi)
    rim = max(_LEAST_RIM_PX, rim_share * diameter)
    return ndimage.distance_transform_edt(~outline) <= rim if outline.any() else np.zeros_like(outline)


def blending_band_px(region: np.ndarray) -> float:
    """Width of the band along the edge of a painted region in which it goes over into the picture.

    Parameters
    ----------
    region : ndarray, shape (rows, columns), bool

    Returns
    -------
    float
        In pixels of the region; half of it lies outside.
    """
    return max(_LEAST_BAND_PX, _BAND_SHARE * 2 * math.sqrt(float(region.sum()) / math.pi))


def lesion_crop(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> PainterCrop | None:
    """Crop round one lesion of an image, which spans 0.2 to 0.7 of it where the image is large enough.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    mask : ndarray, shape (rows, columns), bool
        Lesions of the image; one is taken at random.
    rng : numpy.random.Generator

    Returns
    -------
    PainterCrop or None
        `None` where no lesion of the image fits.
    """
    labels, n = ndimage.label(mask)
    if not n:
        return None
    lesion = labels == int(rng.integers(1, n + 1))
    rows, columns = (np.flatnonzero(lesion.any(axis=axis)) for axis in (1, 0))
    extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    side = _window(extent / rng.uniform(*_SPAN), image.shape)
    if extent < 4 or extent > 0.8 * side:
        return None
    low = [max(0, int(one[-1]) + 1 - round(0.95 * side)) for one in (rows, columns)]
    corner = []
    for one, least, length in zip((rows, columns), low, image.shape, strict=True):
        most = int(one[0]) - round(0.05 * side)
        start = int(rng.integers(min(least, most), max(least, most) + 1))
        corner.append(min(max(0, start), length - side))
    window = tuple(slice(start, start + side) for start in corner)
    outline = resize(lesion[window].astype(np.float32), (CROP_PX, CROP_PX)) > 0.5
    if outline.sum() < 12:
        return None
    region = region_round(outline, rim_share=rng.uniform(*RIM_SHARE))
    crop = resize(image[window].astype(np.float32), (CROP_PX, CROP_PX))
    return _turned(crop, region, outline, outline, side / CROP_PX, rng)


def lesion_free_crop(
    image: np.ndarray, avoided: np.ndarray, rng: np.random.Generator, *, bank: ContourBank | None = None
) -> PainterCrop | None:
    """Crop of tissue without a lesion, with a region of the shape of a real one.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    avoided : ndarray, shape (rows, columns), bool
        Where lesions are, or may be, or no breast is.
    rng : numpy.random.Generator
    bank : ContourBank or None
        Where the shapes come from; `None` takes the shipped one.

    Returns
    -------
    PainterCrop or None
        `None` where no such crop was found.
    """
    bank = bank or shipped_bank()
    for _ in range(_TRIES):
        side = _window(math.exp(rng.uniform(math.log(_LEAST_WINDOW_PX), math.log(min(image.shape)))), image.shape)
        window = tuple(
            slice(start, start + side) for start in (int(rng.integers(0, n - side + 1)) for n in image.shape)
        )
        if avoided[window][::4, ::4].mean() > 1 - _LEAST_TISSUE:
            continue
        outline = _random_outline(bank, rng)
        region = region_round(outline, rim_share=rng.uniform(*RIM_SHARE))
        if (resize(avoided[window].astype(np.float32), (CROP_PX, CROP_PX))[region] > 0).any():
            continue
        crop = resize(image[window].astype(np.float32), (CROP_PX, CROP_PX))
        return _turned(crop, region, np.zeros_like(outline), outline, side / CROP_PX, rng)
    return None


def _window(side: float, shape: tuple[int, ...]) -> int:
    return int(min(max(side, _LEAST_WINDOW_PX), min(shape)))


def _random_outline(bank: ContourBank, rng: np.random.Generator) -> np.ndarray:
    """Outline of a real lesion of random size at a random place of a crop."""
    contour = int(rng.integers(bank.n_contours))
    span, aspect = rng.uniform(*_SPAN), float(np.clip(bank.aspect[contour], 1 / 3, 3))
    width, height = (span, span / aspect) if aspect > 1 else (span * aspect, span)
    x0, y0 = rng.uniform(0.04, 0.96 - width), rng.uniform(0.04, 0.96 - height)
    return draw_outline(bank.contour(contour), Box(x0, y0, x0 + width, y0 + height), (CROP_PX, CROP_PX))


def _turned(
    image: np.ndarray,
    region: np.ndarray,
    outline: np.ndarray,
    shape: np.ndarray,
    shrinking: float,
    rng: np.random.Generator,
) -> PainterCrop:
    """The crop turned by a multiple of 90 degrees and mirrored at random."""
    quarter_turns, is_flipped = int(rng.integers(4)), bool(rng.integers(2))

    def turned(array: np.ndarray) -> np.ndarray:
        array = np.rot90(array, quarter_turns)
        return np.ascontiguousarray(array[:, ::-1] if is_flipped else array)

    masks = {"region": turned(region), "outline": turned(outline), "shape": turned(shape)}
    return PainterCrop(image=turned(image), **masks, shrinking=shrinking)
