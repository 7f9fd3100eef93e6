"""Where the breast is in a picture, and at which edge it is cut off: by the pixels alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from monai_mammo.errors import MammoError
from monai_mammo.prepare.film_frame import FilmFrame, bare_corners, blended_columns, film_frame, frame_round_breast
from monai_mammo.prepare.geometry import resize
from monai_mammo.terms import AcquisitionKind, ChestWall

__all__ = ["air_brightness", "beside_breast", "breast_mask", "chest_wall_side", "largest_part"]

_WORKING_ROWS = 320
_SKIN_REACH, _NARROW = 0.03, 0.045
_BLUR, _FLAT, _LEAST_RANGE = 1.2, 0.015, 0.25


def breast_mask(pixels: np.ndarray, *, kind: AcquisitionKind | None = None) -> np.ndarray:
    """Where the breast is, without film edges, tape and burnt-in letters.

    The largest part above a threshold of the blurred picture, opened, its holes filled. Digital pictures take a
    threshold just above their air, whatever its brightness, so that fat stays in; films take a share of Otsu's
    threshold above their air, within the border of the film alone: a border set to air instead would let the blur
    carry bright tissue over it, by more the brighter.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    kind : AcquisitionKind or None
        `None` decides by the border: films have bright ones, and air that is seldom exactly 0.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    MammoError
        Nothing in the picture is large enough to be a breast.
    """
    is_film = _is_film(pixels) if kind is None else kind == AcquisitionKind.FILM
    if not is_film:
        breast = _part_above(_above_air(pixels), lambda blurred: (0.012, 0.012))
        return _within(breast, blended_columns(pixels, breast))
    breast = np.zeros(pixels.shape, bool)
    inside = film_frame(pixels).inside(pixels.shape)
    film, found = pixels[inside], breast[inside]
    corners = bare_corners(film)
    found[...] = _part_above(np.where(corners, np.float32(0), film), _film_thresholds, is_film=True) & ~corners
    found[...] = largest_part(_within(found, frame_round_breast(film, found)))
    return breast


def air_brightness(pixels: np.ndarray) -> float | None:
    """Brightness of the air beside the breast; `None` where no part of the picture is flat enough to be air.

    Air is the darkest part of a picture, and flat: a twentieth of the pixels or more within 1.5 % of the range. In
    subtracted pictures it may be as bright as tissue; then it is the brightness that a quarter of the edges have.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1].

    Returns
    -------
    float or None
    """
    small = _reduced(pixels)
    blurred = ndimage.gaussian_filter(small, _BLUR)
    is_dark = blurred <= np.percentile(blurred, 2) + _FLAT
    air = float(np.median(small[is_dark]))
    if (is_dark & (np.abs(small - air) <= _FLAT)).mean() >= 0.05:  # flat before the blur as well: no noisy tissue
        return air
    edges = _edges(pixels)
    counts, bins = np.histogram(edges, bins=round(1 / _FLAT), range=(0, 1))
    place = int(counts.argmax())
    flat = edges[(edges >= bins[place] - _FLAT / 2) & (edges <= bins[place + 1] + _FLAT / 2)]
    return float(np.median(flat)) if flat.size >= 0.25 * edges.size else None


def _above_air(pixels: np.ndarray) -> np.ndarray:
    """Difference of each pixel from the air, shape (rows, columns), stretched where the picture is nearly black."""
    air = air_brightness(pixels) or 0.0
    is_darkest = air <= float(np.percentile(pixels, 20)) + _FLAT
    difference = np.clip(pixels - air, 0, 1) if is_darkest else np.abs(pixels - air)
    brightest = float(np.percentile(difference, 99.5))
    return difference * np.float32(1 / brightest) if 0.01 < brightest < _LEAST_RANGE else difference


def _is_film(pixels: np.ndarray) -> bool:
    """Whether a picture of unknown kind is a film: bright along its edges, or without air of one brightness."""
    blurred = ndimage.gaussian_filter(_reduced(pixels), _BLUR)
    if float((blurred <= np.percentile(blurred, 2) + _FLAT).mean()) < 0.1:
        return True
    frame = film_frame(pixels)
    n_borders = sum(lines > 1 for lines in (frame.top, frame.bottom, frame.left, frame.right))
    is_bright = float((_edges(pixels) > 0.85).mean()) > 0.03
    return n_borders >= 2 or (n_borders == 1 and is_bright)


def _edges(pixels: np.ndarray) -> np.ndarray:
    """The three outermost lines on each side of a picture, shape (n,)."""
    return np.concatenate([pixels[:3].ravel(), pixels[-3:].ravel(), pixels[:, :3].ravel(), pixels[:, -3:].ravel()])


def _film_thresholds(blurred: np.ndarray) -> tuple[float, float]:
    """Brightness that skin has beside tissue, and that tissue has: shares of Otsu's threshold above the film's air."""
    air, otsu = float(np.percentile(blurred, 3)), _otsu(blurred)
    return float(np.clip(air + 0.2 * (otsu - air), 0.03, 0.12)), float(np.clip(0.45 * otsu, 0.03, 0.25))


def _within(breast: np.ndarray, frame: FilmFrame) -> np.ndarray:
    """What of a breast, shape (rows, columns), lies within a frame."""
    out = np.zeros_like(breast)
    inside = frame.inside(breast.shape)
    out[inside] = breast[inside]
    return out


def _part_above(
    pixels: np.ndarray, thresholds: Callable[[np.ndarray], tuple[float, float]], *, is_film: bool = False
) -> np.ndarray:
    """Largest part of a picture above a threshold of its blurred brightness, opened, its holes filled.

    What is above the lower threshold alone counts near the part above the higher one: skin, but not the glow that
    scanners leave along an edge.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
    thresholds : callable
        Gives the lower and the higher threshold from the reduced, blurred picture.
    is_film : bool
        Whether narrow rows, such as glow along the chest wall, are cut off and the outline is smoothed.
    """
    blurred = ndimage.gaussian_filter(_reduced(pixels), _BLUR)
    low, high = thresholds(blurred)
    part = largest_part(_opened(blurred > high, 3))
    if part.sum() < 0.02 * part.size:
        raise MammoError("no breast is found in the picture")
    size = max(3, round(0.02 * blurred.shape[0]))
    part = largest_part(_opened(part, size))
    if low < high:
        near = ndimage.distance_transform_edt(~part) <= _SKIN_REACH * blurred.shape[0]
        part = largest_part(_opened(part | (near & (blurred > low)), size))
    if is_film:
        part = largest_part(ndimage.binary_opening(part, np.ones((1, round(_NARROW * blurred.shape[0])), bool)))
    part = ndimage.binary_fill_holes(_closed_at_edges(part)).astype(np.float32)
    if is_film:
        part = ndimage.gaussian_filter(part, 1.5, mode="nearest")
    return resize(part, pixels.shape) >= 0.5


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """Picture of 320 rows or fewer."""
    rows, columns = pixels.shape
    scale = min(1.0, _WORKING_ROWS / rows)
    return resize(pixels, (max(8, round(rows * scale)), max(8, round(columns * scale))))


def chest_wall_side(breast: np.ndarray) -> ChestWall | None:
    """Edge of the picture at which the breast is cut off, by its mask.

    Compares how many rows of the breast reach near the left and the right end of its extent: the
    chest wall is straight and long, the outline towards the nipple is round. `None` when the two
    differ by under a tenth.

    Parameters
    ----------
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    ChestWall or None
    """
    occupied = np.nonzero(breast.any(axis=0))[0]
    if occupied.size == 0:
        return None
    first, last = occupied[0], occupied[-1]
    band = max(1, round(0.08 * (last - first + 1)))
    left = float(breast[:, first : first + band].mean())
    right = float(breast[:, last - band + 1 : last + 1].mean())
    if abs(left - right) < 0.1 * max(left, right):
        return None
    return ChestWall.LEFT if left > right else ChestWall.RIGHT


def _otsu(pixels: np.ndarray) -> float:
    counts, edges = np.histogram(pixels, bins=256, range=(0, 1))
    centers = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sum_below = np.cumsum(counts * centers)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sum_below / below - (sum_below[-1] - sum_below) / above) ** 2
    return float(centers[int(np.nanargmax(np.where(np.isfinite(between), between, 0)))])


def _opened(mask: np.ndarray, size: int) -> np.ndarray:
    """Opening by a disc; the picture's edge counts as inside, as the chest wall is cut there."""
    radius = max(1, size // 2)
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disc = x * x + y * y <= radius * radius
    padded = np.pad(mask, radius + 1, mode="edge")
    opened = ndimage.binary_dilation(ndimage.binary_erosion(padded, disc), disc)
    return opened[radius + 1 : -radius - 1, radius + 1 : -radius - 1]


def beside_breast(bright: np.ndarray) -> np.ndarray:
    """What is bright beside the breast: not in its largest part, nor enclosed by it and the chest wall.

    Dark fat may leave islands inside the skin line: they lie in the breast.

    Parameters
    ----------
    bright : ndarray, shape (rows, columns), bool
        Chest wall left. Neighbours share a side.

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    largest = largest_part(bright).copy()
    rows = np.nonzero(largest[:, 0])[0]
    if rows.size:
        largest[rows[0] : rows[-1] + 1, 0] = True  # the chest wall closes the breast
    beside: np.ndarray = bright & ~ndimage.binary_fill_holes(largest)
    return beside


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Largest connected part of a mask, shape (rows, columns), bool; an empty mask as it is.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    labels, n_parts = ndimage.label(mask)
    if n_parts == 0:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == int(sizes.argmax())


def _closed_at_edges(mask: np.ndarray) -> np.ndarray:
    """Chest-wall column closed between its first and last pixel, so that holes there are filled too."""
    out = mask.copy()
    for column in (0, -1):
        rows = np.nonzero(mask[:, column])[0]
        if rows.size > 0.25 * mask.shape[0]:
            out[rows[0] : rows[-1] + 1, column] = True
    return out
