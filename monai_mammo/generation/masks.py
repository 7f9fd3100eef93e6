"""Requested lesion masks: real outlines, placed in the asked box or in one drawn from real boxes.

The bank `contours.npz` beside this file holds outlines of type lesion and lesion boxes of training
images only. Everything here is in the prepared frame, chest wall left. Where the breast will lie
is not known before a picture is generated; a box that is not asked for is therefore taken from a
real image of the same view, so that it lies where breasts have tissue.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import hashlib
import io
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.terms import AcquisitionKind, Finding, View

__all__ = ["ContourBank", "RequestedLesion", "build_contour_bank", "draw_outline", "request_lesion", "shipped_bank"]

ENOUGH = 20
"""Boxes or outlines that a narrower choice must leave; with fewer the choice is widened."""

_MAX_POINTS = 48


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RequestedLesion:
    """A lesion that a sample is asked to show, in the prepared frame.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool
        Empty where no lesion is asked for.
    box : Box or None
        `None` where no lesion is asked for.
    source : str
        Where mask and box come from, for the manifest: ``contour 17 in the asked box``.
    """

    mask: np.ndarray
    box: Box | None
    source: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContourBank:
    """Outlines of real lesions, each in its unit box, and real lesion boxes.

    Parameters
    ----------
    points : ndarray, shape (sum of points, 2), float32
        ``(x, y)`` in [0, 1] of the outline's own box.
    starts : ndarray, shape (n_contours + 1,), int
        Where each outline begins in `points`.
    aspect : ndarray, shape (n_contours,), float32
        Width of the outline's box over its height, in pixels.
    contour_finding : ndarray, shape (n_contours,), int
        Position in `Finding`, -1 where unknown.
    boxes : ndarray, shape (n_boxes, 4), float32
        ``x0, y0, x1, y1`` in the prepared frame, chest wall left.
    box_kind, box_view, box_finding : ndarray, shape (n_boxes,), int
        Positions in the vocabularies, -1 where unknown.
    """

    points: np.ndarray
    starts: np.ndarray
    aspect: np.ndarray
    contour_finding: np.ndarray
    boxes: np.ndarray
    box_kind: np.ndarray
    box_view: np.ndarray
    box_finding: np.ndarray

    @property
    def n_contours(self) -> int:
        """Number of outlines."""
        return len(self.aspect)

    def contour(self, index: int) -> np.ndarray:
        """Outline `index`, shape (n_points, 2), in its unit box."""
        return self.points[self.starts[index] : self.starts[index + 1]]

    @classmethod
    def load(cls, path: str | Path | io.BytesIO) -> Self:
        """Bank from the file that `build_contour_bank` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            whole = ("starts", "contour_finding", "box_kind", "box_view", "box_finding")
            return cls(**{k: arrays[k].astype(np.int64 if k in whole else np.float32) for k in _names(cls)})


@functools.cache
def shipped_bank() -> ContourBank:
    """Bank that comes with the package."""
    data = resources.files("monai_mammo.generation").joinpath("contours.npz").read_bytes()
    return ContourBank.load(io.BytesIO(data))


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
        With the box in the prepared frame. No lesion is asked for where the finding is ``none``, or
        where finding, box and mask are all left open.
    shape : tuple of int
        Rows and columns of the prepared grid.
    seed, sample_id : int
    bank : ContourBank or None
        `None` takes the shipped one.
    mask : ndarray, shape (rows, columns), bool, or None
        A mask of one's own, in the prepared frame, used as it is.
    """
    if mask is not None:
        return RequestedLesion(mask=mask, box=conditions.box or box_of_mask(mask), source="the asked mask")
    is_open = conditions.finding is None and conditions.box is None
    if conditions.finding is Finding.NONE or is_open:
        return RequestedLesion(mask=np.zeros(shape, dtype=bool), box=None, source="no lesion is asked for")
    bank = bank or shipped_bank()
    box, place = conditions.box, "in the asked box"
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


def build_contour_bank(
    contours_csv: str | Path, metadata_csv: str | Path, datalist: str | Path, out: str | Path
) -> ContourBank:
    """Bank of the outlines and boxes of training images, written to a file and returned.

    Parameters
    ----------
    contours_csv, metadata_csv : str or Path
        Tables of the outlines and of the images. Only split ``train`` and outlines of type
        ``lesion`` are taken.
    datalist : str or Path
        ``datalist.json`` of the prepared images; the boxes of its training items are taken.
    out : str or Path
        Where the ``.npz`` goes.

    Raises
    ------
    MammoError
        There is no outline or no box to be had.
    """
    images = {row["image_id"]: row for row in _rows(metadata_csv) if row["split"] == "train"}
    outlines = [
        _unit_outline(row, images[row["image_id"]])
        for row in _rows(contours_csv)
        if row["type"] == "lesion" and row["image_id"] in images and len(json.loads(row["polygon"])) >= 6
    ]
    training = json.loads(Path(datalist).read_text(encoding="utf-8"))["training"]
    shown = [Conditions.from_dict(item["conditions"]) for item in training]
    shown = [conditions for conditions in shown if conditions.box is not None]
    if not outlines or not shown:
        raise MammoError("the tables list no training lesion")
    bank = ContourBank(
        points=np.concatenate([o[0] for o in outlines]).astype(np.float32),
        starts=np.cumsum([0, *(len(o[0]) for o in outlines)]),
        aspect=np.array([o[1] for o in outlines], dtype=np.float32),
        contour_finding=np.array([o[2] for o in outlines]),
        boxes=np.array([tuple(conditions.box) for conditions in shown if conditions.box], dtype=np.float32),
        box_kind=np.array([_position(AcquisitionKind, conditions.kind) for conditions in shown]),
        box_view=np.array([_position(View, conditions.view) for conditions in shown]),
        box_finding=np.array([_position(Finding, conditions.finding) for conditions in shown]),
    )
    small = {"starts": np.int32, "contour_finding": np.int8, "box_kind": np.int8}
    small |= {"box_view": np.int8, "box_finding": np.int8}
    np.savez_compressed(out, **{k: getattr(bank, k).astype(small.get(k, np.float16)) for k in _names(ContourBank)})
    return bank


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
    return np.ones(len(codes), dtype=bool) if member is None else codes == _position(vocabulary, member)


def _draw(choice: np.ndarray, seed: int, sample_id: int, what: str) -> int:
    """Element of a choice by a hash, so that no version of a random generator changes it."""
    digest = hashlib.sha256(f"{seed}/{sample_id}/{what}".encode()).digest()
    return int(choice[int.from_bytes(digest[:8], "big") % len(choice)])


def _unit_outline(row: Mapping[str, str], image: Mapping[str, str]) -> tuple[np.ndarray, float, int]:
    points = np.array(json.loads(row["polygon"]), dtype=np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    unit = (points - low) / np.maximum(high - low, 1e-6)
    if image["chest_wall"] == "right":
        unit[:, 0] = 1 - unit[:, 0]
    width, height = (high - low) * (float(image["width"]), float(image["height"]))
    return unit[_kept_points(unit)], float(width / max(height, 1e-6)), _finding_code(image["finding"])


def _kept_points(unit: np.ndarray) -> np.ndarray:
    """Positions of some evenly chosen points and of the four outermost, so that the outline still fills its box."""
    even = np.linspace(0, len(unit) - 1, min(len(unit), _MAX_POINTS)).round().astype(int)
    return np.unique([*even, *unit.argmin(axis=0), *unit.argmax(axis=0)])


def _finding_code(text: str) -> int:
    """Position of the most telling finding of a ``|`` separated list, -1 for none at all."""
    positions = [list(Finding).index(Finding(part)) for part in text.split("|") if part]
    return min(positions, default=-1)


def _position(vocabulary: Any, member: Any) -> int:
    return -1 if member is None else list(vocabulary).index(member)


def _rows(path: str | Path) -> list[dict[str, str]]:
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))
    except OSError as error:
        raise RequestError(f"table {path} can not be read: {error.strerror}") from None


def _names(cls: type) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]
