"""Places for a lesion in a breast that is known: away from skin, muscle and lesions that are there.

Where a lesion lies follows real boxes of the same view (`lesions.placing`); what is known of the breast only says no.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.lesions.boxes_in_region import box_in_region
from monai_mammo.lesions.contour_bank import ContourBank, position_in, shipped_bank
from monai_mammo.lesions.hash_draw import drawn_position, drawn_share
from monai_mammo.lesions.placing import draw_outline, outside_share
from monai_mammo.lesions.spicules import with_spicules
from monai_mammo.terms import Finding, Margin, Shape, View

__all__ = ["PlacedOutline", "allowed_places", "fitting_places", "place_in_breast", "turned_outline"]

_SKIN_SHARE = 0.02
_MUSCLE_SHARE = (0.42, 0.34)
_TRIES = 200
_TISSUE_TRIES = 3
_MOST_OUTSIDE = 0.05
_COARSE_PX, _AROUND_PX = 4.0, 4
_POINTS = 96


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedOutline:
    """A lesion's outline and its place.

    Parameters
    ----------
    points : ndarray, shape (n_points, 2), float64
        ``(x, y)`` in [0, 1] of the box.
    box : Box
        In the prepared frame, chest wall left.
    source : str
        Which outline it is, for the manifest.
    """

    points: np.ndarray
    box: Box
    source: str


def allowed_places(
    breast: np.ndarray, *, view: View | None, lesions: np.ndarray | None = None, in_muscle: bool = False
) -> np.ndarray:
    """Where a lesion may lie in a breast: not at the skin, not in the muscle, not over another lesion.

    Parameters
    ----------
    breast : ndarray, shape (rows, columns), bool
        In the prepared frame, chest wall left.
    view : View or None
        An MLO view has the pectoral muscle in the upper corner at the chest wall; its usual triangle is left out.
    lesions : ndarray, shape (rows, columns), bool, or None
        Lesions that are there.
    in_muscle : bool
        Whether the muscle is allowed too.

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    rows, columns = breast.shape
    open_sides = np.pad(breast, ((1, 1), (0, 1)))  # the chest wall is a cut, not skin
    depth = ndimage.distance_transform_edt(np.pad(open_sides, ((0, 0), (1, 0)), mode="edge"))[1:-1, 1:-1]
    allowed = depth > _SKIN_SHARE * rows
    if view is View.MLO and not in_muscle:
        row, column = np.mgrid[:rows, :columns]
        allowed &= row / (_MUSCLE_SHARE[0] * rows) + column / (_MUSCLE_SHARE[1] * columns) > 1
    if lesions is not None and lesions.any():
        allowed &= ~ndimage.binary_dilation(lesions, iterations=max(1, round(0.02 * rows)))
    return allowed


def place_in_breast(
    conditions: Conditions,
    image: np.ndarray,
    allowed: np.ndarray,
    *,
    seed: int,
    sample_id: int,
    region: Box | None = None,
    size_fraction: tuple[float, float] | None = None,
    bank: ContourBank | None = None,
) -> PlacedOutline:
    """Outline of a lesion at a place that is allowed, a function of the arguments alone.

    Of three places that fit the one in the busiest tissue is taken, as lesions arise in fibroglandular tissue: real
    ones lie about as far up in brightness and texture of their breasts.

    Parameters
    ----------
    conditions : Conditions
        Finding, view, shape and margin; its box is where the lesion lies, which then is only checked.
    image : ndarray, shape (rows, columns), float32
        The prepared breast, chest wall left.
    allowed : ndarray, shape (rows, columns), bool
        Of `allowed_places`.
    seed, sample_id : int
        Decide all that is drawn by chance.
    region : Box or None
        Where the lesion's middle lies, in the prepared frame; `None` for anywhere.
    size_fraction : tuple of float or None
        Width and height of its box in fractions of the frame; `None` takes those of a real box.
    bank : ContourBank or None
        `None` takes the shipped one.

    Returns
    -------
    PlacedOutline

    Raises
    ------
    RequestError
        No place fits.
    """
    best: PlacedOutline | None = None
    most = -1.0
    texture = _texture(image, allowed)
    places = fitting_places(
        conditions, allowed, seed=seed, sample_id=sample_id, region=region, size_fraction=size_fraction, bank=bank
    )
    for placed, mask in itertools.islice(places, _TISSUE_TRIES):
        busyness = float(texture[ndimage.binary_dilation(mask, iterations=_AROUND_PX) & allowed].mean())
        if busyness > most:
            best, most = placed, busyness
    if best is None:
        where = "the requested box reaches" if conditions.box is not None else "every place that was tried reaches"
        raise RequestError(
            f"{where} over the edge of the breast, the muscle or another lesion: name another place or a smaller lesion"
        )
    return best


def fitting_places(
    conditions: Conditions,
    allowed: np.ndarray,
    *,
    seed: int,
    sample_id: int,
    region: Box | None = None,
    size_fraction: tuple[float, float] | None = None,
    bank: ContourBank | None = None,
) -> Iterator[tuple[PlacedOutline, np.ndarray]]:
    """Outlines of a lesion at places that are allowed, one after the other, of 200 that are drawn.

    Parameters
    ----------
    conditions : Conditions
    allowed : ndarray, shape (rows, columns), bool
    seed, sample_id, region, size_fraction, bank
        As `place_in_breast` takes them.

    Yields
    ------
    placed : PlacedOutline
    mask : ndarray, shape (rows, columns), bool
        What it covers.
    """
    bank = bank or shipped_bank()
    for attempt in range(1 if conditions.box is not None else _TRIES):
        number = sample_id * _TRIES + attempt
        box = conditions.box or box_in_region(
            region or Box(0, 0, 1, 1),
            view=conditions.view or View.CC,
            seed=seed,
            sample_id=number,
            size_fraction=size_fraction,
            bank=bank,
        )
        points, source = turned_outline(conditions, seed=seed, sample_id=number, bank=bank)
        mask = draw_outline(points, box, (allowed.shape[0], allowed.shape[1]))
        if outside_share(mask, allowed) <= (_MOST_OUTSIDE if conditions.box is None else 0.0):
            yield PlacedOutline(points=points, box=box, source=source), mask


def _texture(image: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Power of the texture at each pixel, the smooth part measured in the tissue alone: the skin is no texture."""
    sums, share = (ndimage.gaussian_filter(one, _COARSE_PX) for one in (image * tissue, tissue.astype(np.float32)))
    return np.where(tissue, (image - sums / np.maximum(share, 1e-6)) ** 2, 0)


def turned_outline(
    conditions: Conditions, *, seed: int, sample_id: int, bank: ContourBank | None = None
) -> tuple[np.ndarray, str]:
    """Outline of a real lesion whose form fits shape and margin, turned by chance, with spicules where they are asked.

    Parameters
    ----------
    conditions : Conditions
        Finding, shape and margin.
    seed, sample_id : int
        Decide all that is drawn by chance.
    bank : ContourBank or None
        `None` takes the shipped one.

    Returns
    -------
    points : ndarray, shape (n_points, 2), float64
        ``(x, y)`` that fill the unit box.
    source : str
        Which outline it is.
    """
    bank = bank or shipped_bank()
    choice = _outlines_of(bank, conditions.finding, conditions.lesion_shape)
    contour = int(choice[drawn_position(len(choice), seed, sample_id, "outline")])
    angle = 2 * math.pi * drawn_share(seed, sample_id, "turn")
    points = _smoothed(bank.contour(contour).astype(np.float64), conditions) * (float(bank.aspect[contour]), 1.0)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points, drawn = points @ turn.T, "turned"
    if conditions.lesion_margin is Margin.SPICULATED:
        points, drawn = with_spicules(points, seed=seed, sample_id=sample_id), "turned, with drawn spicules"
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, float((high - low).max()) / 2  # the aspect stays: the longer side fills the box
    return (points - middle) / (2 * half) + 0.5, f"real outline {contour}, {drawn}"


@functools.lru_cache(maxsize=8)
def _outlines_of(bank: ContourBank, finding: Finding | None, shape: Shape | None) -> np.ndarray:
    """Numbers of the outlines whose finding and form fit, twenty at least."""
    of_finding = np.nonzero(bank.contour_finding == position_in(Finding, finding))[0]
    choice = of_finding if len(of_finding) >= 40 else np.arange(bank.n_contours)
    if shape is None:
        return choice
    fill = np.array([_area(bank.contour(int(number))) for number in choice])  # 0.785 for an ellipse
    lengthening = np.abs(np.log(bank.aspect[choice]))
    orders = {
        Shape.ROUND: lengthening - fill,
        Shape.OVAL: np.abs(lengthening - 0.35) - fill,
        Shape.IRREGULAR: fill,
    }
    n_left_out = round(0.15 * len(choice)) if shape is Shape.IRREGULAR else 0  # the most ragged
    n_kept = max(20, len(choice) // 3)
    return choice[np.argsort(orders[shape], kind="stable")[n_left_out : n_left_out + n_kept]]


def _smoothed(points: np.ndarray, conditions: Conditions) -> np.ndarray:
    """Outline of many points about its middle: those of the bank are corners on a coarse grid."""
    closed = np.concatenate([points, points[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.linspace(0, length[-1], _POINTS, endpoint=False)
    even = np.stack([np.interp(at, length, closed[:, axis]) for axis in (0, 1)], axis=1)
    is_smooth = conditions.lesion_margin is Margin.CIRCUMSCRIBED or conditions.lesion_shape in (Shape.ROUND, Shape.OVAL)
    return ndimage.gaussian_filter1d(even, 5.0 if is_smooth else 2.0, axis=0, mode="wrap") - 0.5


def _area(points: np.ndarray) -> float:
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
