"""Requested lesion masks: real outlines, placed in the requested box or in one drawn from real boxes.

Everything here is in the prepared frame, chest wall left. Where the breast will lie is not known before a picture is
generated; a box that is not requested is therefore taken from a real image of the same view, so that it lies where
breasts have tissue.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.lesions.contour_bank import ContourBank, position_in, shipped_bank
from monai_mammo.lesions.hash_draw import drawn_position
from monai_mammo.prepare.geometry import box_of_mask, mask_of_box
from monai_mammo.terms import AcquisitionKind, Finding, View

__all__ = [
    "MAX_PICTURE_SHARE",
    "MIN_LESION_PX",
    "RequestedLesion",
    "draw_outline",
    "outside_share",
    "refuse_unlike",
    "request_lesion",
]

MIN_LESION_PX = 4
"""Pixels that a requested lesion has at least; less is lost on the latent grid."""

MAX_PICTURE_SHARE = 0.2
"""Share of the picture that a requested lesion covers at most.

Of 1673 real boxes 97 % are smaller; those of digital pictures that are larger outline half a breast and more.
"""

_MAX_REDRAWN = 64
_MAX_OUTSIDE_BOX = 0.1

ENOUGH = 20
"""Boxes or outlines that a narrower choice must leave; with fewer the choice is widened."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RequestedLesion:
    """A lesion that a sample is requested to show, in the prepared frame.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool
        Empty where no lesion is requested.
    box : Box or None
        `None` where no lesion is requested.
    source : str
        Where mask and box come from, for the manifest: ``contour 17 in the requested box``.
    """

    mask: np.ndarray
    box: Box | None
    source: str


def request_lesion(
    conditions: Conditions,
    *,
    shape: tuple[int, int],
    seed: int,
    sample_id: int,
    bank: ContourBank | None = None,
    mask: np.ndarray | None = None,
    within: np.ndarray | None = None,
    choice: int = 0,
) -> RequestedLesion:
    """Lesion for one sample, a function of its conditions, the seed, the sample's number and the choice alone.

    Parameters
    ----------
    conditions : Conditions
        With the box in the prepared frame. No lesion is requested where the finding is ``none``, or
        where finding, box and mask are all left open.
    shape : tuple of int
        Rows and columns of the prepared grid.
    seed : int
        Decides all that is drawn by chance.
    sample_id : int
        Number of the sample in its run.
    bank : ContourBank or None
        `None` takes the shipped one.
    mask : ndarray, shape (rows, columns), bool, or None
        A mask of one's own, in the prepared frame, used as it is.
    within : ndarray, shape (rows, columns), bool, or None
        The breast where it is known before: a lesion whose box is not requested is drawn again until it lies there.
    choice : int
        Which of the lesions that may stand for the conditions: each draws outline and place anew, where they are open.

    Returns
    -------
    RequestedLesion
    """
    if mask is not None:
        return RequestedLesion(mask=mask, box=conditions.box or box_of_mask(mask), source="the requested mask")
    is_open = conditions.finding is None and conditions.box is None
    if conditions.finding is Finding.NONE or is_open:
        return RequestedLesion(mask=np.zeros(shape, dtype=bool), box=None, source="no lesion is requested")
    bank = bank or shipped_bank()
    first = choice * _MAX_REDRAWN
    for attempt in range(first, first + _MAX_REDRAWN):  # the first draw of nearly all samples is of an allowed size
        again = f" {attempt}" if attempt else ""
        box, place = conditions.box, "in the requested box"
        if box is None:
            boxes = _box_choice(bank, conditions)
            row = int(boxes[drawn_position(len(boxes), seed, sample_id, f"box{again}")])
            box, place = Box(*(float(v) for v in bank.boxes[row])), f"in real box {row}"
        aspect = box.width_fraction * shape[1] / (box.height_fraction * shape[0])
        outlines = _contour_choice(bank, conditions.finding, aspect)
        contour = int(outlines[drawn_position(len(outlines), seed, sample_id, f"contour{again}")])
        drawn = draw_outline(bank.contour(contour), box, shape)
        lesion = RequestedLesion(mask=drawn, box=box, source=f"real outline {contour} {place}")
        is_of_size = MIN_LESION_PX <= drawn.sum() <= MAX_PICTURE_SHARE * drawn.size
        if conditions.box is not None or (is_of_size and outside_share(drawn, within) == 0):
            break
    return lesion


def outside_share(lesion: np.ndarray, breast: np.ndarray | None) -> float:
    """Share of a lesion that lies outside the breast.

    Parameters
    ----------
    lesion : ndarray, shape (rows, columns), bool
    breast : ndarray, shape (rows, columns), bool, or None
        `None` where it is not known.

    Returns
    -------
    float
        0 where there is no lesion, or the breast is not known.
    """
    n_px = int(lesion.sum())
    return 0.0 if breast is None or n_px == 0 else float((lesion & ~breast).sum()) / n_px


def refuse_unlike(
    lesion: RequestedLesion, *, view: View | None, box: Box | None = None, bank: ContourBank | None = None
) -> None:
    """Raise where a requested lesion is too small, too large, outside its box, or where no breast is.

    Parameters
    ----------
    lesion : RequestedLesion
        In the prepared frame.
    view : View or None
    box : Box or None
        The box that was requested beside the lesion, in the prepared frame.
    bank : ContourBank or None
        Whose boxes tell where breasts have tissue; `None` takes the shipped one.

    Raises
    ------
    RequestError
    """
    if lesion.box is None:
        return
    n_px, n_all = int(lesion.mask.sum()), lesion.mask.size
    rows, columns = lesion.mask.shape
    if n_px < MIN_LESION_PX:
        pixels = "1 pixel" if n_px == 1 else f"{n_px} pixels"
        grid = f"the grid of {rows} x {columns}"
        raise RequestError(f"the requested lesion has {pixels} on {grid}: {MIN_LESION_PX} are the least")
    if n_px > MAX_PICTURE_SHARE * n_all:
        raise RequestError(
            f"the requested lesion covers {n_px / n_all:.0%} of the picture: {MAX_PICTURE_SHARE:.0%} is the most"
        )
    if box is not None:
        outside = lesion.mask & ~(mask_of_box(box, (rows, columns)) > 0)
        if outside.sum() > _MAX_OUTSIDE_BOX * n_px:
            raise RequestError(
                f"{outside.sum() / n_px:.0%} of the requested mask lies outside the requested box: "
                f"{_MAX_OUTSIDE_BOX:.0%} is the most"
            )
    bank = bank or shipped_bank()
    shown = bank.boxes[_among(bank.box_view, view, View)]
    shown = shown[(shown[:, 2] - shown[:, 0]) * (shown[:, 3] - shown[:, 1]) <= MAX_PICTURE_SHARE]
    x0, y0, x1, y1 = lesion.box
    meets = (shown[:, 0] < x1) & (shown[:, 2] > x0) & (shown[:, 1] < y1) & (shown[:, 3] > y0)
    if not meets.any():
        said = "" if view is None else f" of view {view}"
        raise RequestError(
            f"the requested lesion lies where none of {len(shown)} real lesions{said} lies, in the air of most "
            "pictures: move the box or mask to where there is breast"
        )


def draw_outline(outline: np.ndarray, box: Box, shape: tuple[int, int]) -> np.ndarray:
    """Mask of an outline that fills a box, by the even-odd rule at pixel centres.

    Parameters
    ----------
    outline : ndarray, shape (n_points, 2)
        ``(x, y)`` in [0, 1] of the box.
    box : Box
    shape : tuple of int
        Rows and columns of the mask.

    Returns
    -------
    ndarray, shape `shape`, bool
        With one pixel at least.
    """
    rows, columns = shape
    x = (box.x0 + outline[:, 0].astype(np.float64) * box.width_fraction) * columns
    y = (box.y0 + outline[:, 1].astype(np.float64) * box.height_fraction) * rows
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    mask = np.zeros(shape, dtype=bool)
    centers = np.arange(columns) + 0.5
    for row in range(max(0, int(y.min())), min(rows, int(np.ceil(y.max())))):
        line = row + 0.5
        crosses = (y <= line) != (y2 <= line)
        at = x[crosses] + (line - y[crosses]) * (x2[crosses] - x[crosses]) / (y2[crosses] - y[crosses])
        mask[row] = (at[None, :] > centers[:, None]).sum(axis=1) % 2 == 1
    if not mask.any():
        center_x, center_y = box.center
        mask[min(rows - 1, int(center_y * rows)), min(columns - 1, int(center_x * columns))] = True
    return mask


def _box_choice(bank: ContourBank, conditions: Conditions) -> np.ndarray:
    """Rows of real boxes that fit view, finding and kind; the kind, then the finding is given up if few are left."""
    view = _among(bank.box_view, conditions.view, View)
    finding = _among(bank.box_finding, conditions.finding, Finding)
    kind = _among(bank.box_kind, conditions.kind, AcquisitionKind)
    for choice in (view & finding & kind, view & finding, view):
        if choice.sum() >= ENOUGH:
            return np.nonzero(choice)[0]
    return np.arange(len(bank.boxes))


def _contour_choice(bank: ContourBank, finding: Finding | None, aspect: float) -> np.ndarray:
    """Outlines of the finding whose own aspect is nearest to the box's, so that shapes are not squeezed much."""
    choice = np.nonzero(_among(bank.contour_finding, finding, Finding))[0]
    if len(choice) < ENOUGH:
        choice = np.arange(bank.n_contours)
    distance = np.abs(np.log(bank.aspect[choice]) - np.log(aspect))
    nearest = np.argsort(distance, kind="stable")[: max(ENOUGH, len(choice) // 4)]
    return choice[nearest]


def _among(codes: np.ndarray, member: Any, vocabulary: Any) -> np.ndarray:
    return np.ones(len(codes), dtype=bool) if member is None else codes == position_in(vocabulary, member)
