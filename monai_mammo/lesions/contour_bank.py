"""Outlines of real lesions, each in its unit box, and boxes of real lesions.

The bank `contours.npz` beside this file holds outlines of type lesion and lesion boxes of training images only, in the
prepared frame, chest wall left.
"""

from __future__ import annotations

import dataclasses
import functools
import io
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import parse_json
from monai_mammo.files.stored_array import read_arrays
from monai_mammo.files.whole import save_bytes
from monai_mammo.prepare.datalist_items import load_datalist
from monai_mammo.prepare.datasets.rows import TableRow, read_rows
from monai_mammo.terms import AcquisitionKind, Finding, View

__all__ = ["ContourBank", "build_contour_bank", "position_in", "shipped_bank"]

_MAX_POINTS = 48
_LEAST_POINTS = 6
_OF_IMAGES = ("image_id", "split", "width", "height", "chest_wall", "finding")
_OF_OUTLINES = ("image_id", "type", "polygon")


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
        """Outline `index`, shape (n_points, 2), in its unit box.

        Parameters
        ----------
        index : int
            Number of the outline in the bank, from 0.

        Returns
        -------
        ndarray, shape (n_points, 2), float32
        """
        return self.points[self.starts[index] : self.starts[index + 1]]

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Bank from the file that `build_contour_bank` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        ContourBank

        Raises
        ------
        MammoError
            The file is out of reach, damaged, or no such bank.
        """
        arrays = read_arrays(path)
        whole = ("starts", "contour_finding", "box_kind", "box_view", "box_finding")
        try:
            return cls(**{k: arrays[k].astype(np.int64 if k in whole else np.float32) for k in _names(cls)})
        except (KeyError, ValueError, TypeError):
            raise MammoError(f"{Path(path).name} is not a bank of outlines") from None


@functools.cache
def shipped_bank() -> ContourBank:
    """Bank that comes with the package.

    Returns
    -------
    ContourBank
    """
    with resources.as_file(resources.files("monai_mammo.lesions").joinpath("contours.npz")) as path:
        return ContourBank.load(path)


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

    Returns
    -------
    ContourBank

    Raises
    ------
    RequestError
        A table or the datalist cannot be read, or a cell of it is not allowed.
    MammoError
        There is no outline or no box to be had, or the file could not be written.
    """
    images = {row["image_id"]: row for row in read_rows(Path(metadata_csv), _OF_IMAGES) if row["split"] == "train"}
    drawn = [(row, _points(row)) for row in read_rows(Path(contours_csv), _OF_OUTLINES) if row["type"] == "lesion"]
    outlines = [
        _unit_outline(points, images[row["image_id"]])
        for row, points in drawn
        if row["image_id"] in images and len(points) >= _LEAST_POINTS
    ]
    shown = [Conditions.from_dict(item["conditions"]) for item in load_datalist(datalist)]
    shown = [conditions for conditions in shown if conditions.box is not None]
    if not outlines or not shown:
        raise MammoError("the tables list no training lesion")
    bank = ContourBank(
        points=np.concatenate([o[0] for o in outlines]).astype(np.float32),
        starts=np.cumsum([0, *(len(o[0]) for o in outlines)]),
        aspect=np.array([o[1] for o in outlines], dtype=np.float32),
        contour_finding=np.array([o[2] for o in outlines]),
        boxes=np.array([tuple(conditions.box) for conditions in shown if conditions.box], dtype=np.float32),
        box_kind=np.array([position_in(AcquisitionKind, conditions.kind) for conditions in shown]),
        box_view=np.array([position_in(View, conditions.view) for conditions in shown]),
        box_finding=np.array([position_in(Finding, conditions.finding) for conditions in shown]),
    )
    small = {"starts": np.int32, "contour_finding": np.int8, "box_kind": np.int8}
    small |= {"box_view": np.int8, "box_finding": np.int8}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{k: getattr(bank, k).astype(small.get(k, np.float16)) for k in _names(ContourBank)})
    save_bytes(buffer.getvalue(), out)
    return bank


def position_in(vocabulary: Any, member: Any) -> int:
    """Number of a member in its vocabulary, as the bank's arrays state it; -1 for `None`.

    Parameters
    ----------
    vocabulary : iterable
        Such as `monai_mammo.terms.Finding`.
    member : object or None

    Returns
    -------
    int
    """
    return -1 if member is None else list(vocabulary).index(member)


def _points(row: TableRow) -> np.ndarray:
    """Corners of an outline, shape (n_points, 2)."""
    try:
        points = np.array(parse_json(row["polygon"]), dtype=np.float64).reshape(-1, 2)
    except (ValueError, TypeError):
        raise RequestError(f"polygon in {row.where} is not a list of points (x, y)") from None
    return points


def _unit_outline(points: np.ndarray, image: TableRow) -> tuple[np.ndarray, float, int]:
    low, high = points.min(axis=0), points.max(axis=0)
    unit = (points - low) / np.maximum(high - low, 1e-6)
    if image["chest_wall"] == "right":
        unit[:, 0] = 1 - unit[:, 0]
    try:
        width, height = (high - low) * (float(image["width"]), float(image["height"]))
        return unit[_kept_points(unit)], float(width / max(height, 1e-6)), _finding_code(image["finding"])
    except ValueError:
        raise RequestError(
            f"{image.where} needs numbers as width and height, and of finding {Finding.allowed()}"
        ) from None


def _kept_points(unit: np.ndarray) -> np.ndarray:
    """Positions of some evenly chosen points and of the four outermost, so that the outline still fills its box."""
    even = np.linspace(0, len(unit) - 1, min(len(unit), _MAX_POINTS)).round().astype(int)
    return np.unique([*even, *unit.argmin(axis=0), *unit.argmax(axis=0)])


def _finding_code(text: str) -> int:
    """Position of the most telling finding of a ``|`` separated list, -1 for none at all."""
    positions = [list(Finding).index(Finding(part)) for part in text.split("|") if part]
    return min(positions, default=-1)


def _names(cls: type) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]
