"""Requested lesion masks: real outlines, placed in the requested box or in one drawn from real boxes.

Everything here is in the prepared frame, chest wall left. Where the breast will lie is not known before a picture is
generated; a box that is not requested is therefore taken from a real image of the same view, so that it lies where
breasts have tissue.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.lesions.contour_bank import ContourBank, position_in, shipped_bank
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.terms import AcquisitionKind, Finding, View

__all__ = ["RequestedLesion", "draw_outline", "request_lesion"]

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
) -> RequestedLesion:
    """Lesion for one sample, a function of its conditions, the seed and the sample's number alone.

    Parameters
    ----------
    conditions : Conditions
        With the box in the prepared frame. No lesion is requested where the finding is ``none``, or
        where finding, box and mask are all left open.
    shape : tuple of int
        Rows and columns of the prepared grid.
    seed, sample_id : int
    bank : ContourBank or None
        `None` takes the shipped one.
    mask : ndarray, shape (rows, columns), bool, or None
        A mask of one's own, in the prepared frame, used as it is.

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
    box, place = conditions.box, "in the requested box"
    if box is None:
        row = _draw(_box_choice(bank, conditions), seed, sample_id, "box")
        box, place = Box(*(float(v) for v in bank.boxes[row])), f"in real box {row}"
    aspect = box.width_fraction * shape[1] / (box.height_fraction * shape[0])
    contour = _draw(_contour_choice(bank, conditions.finding, aspect), seed, sample_id, "contour")
    drawn = draw_outline(bank.contour(contour), box, shape)
    return RequestedLesion(mask=drawn, box=box, source=f"real outline {contour} {place}")


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


def _draw(choice: np.ndarray, seed: int, sample_id: int, what: str) -> int:
    """Element of a choice by a hash, so that no version of a random generator changes it."""
    digest = hashlib.sha256(f"{seed}/{sample_id}/{what}".encode()).digest()
    return int(choice[int.from_bytes(digest[:8], "big") % len(choice)])
