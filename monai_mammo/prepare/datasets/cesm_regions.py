"""Regions of CDD-CESM: shapes of the VGG Image Annotator, in pixels of the JPEG, as outlines."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np

from monai_mammo.conditions import Box
from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets.outlines import box_round, ellipse
from monai_mammo.prepare.datasets.rows import TableRow

__all__ = ["COLUMNS", "POINT_RADIUS_PX", "SHAPES", "Region", "regions_of"]

COLUMNS = ("#filename", "file_size", "region_count", "region_id", "region_shape_attributes")
"""Columns that are needed."""

SHAPES = {
    "polygon": ("all_points_x", "all_points_y"),
    "ellipse": ("cx", "cy", "rx", "ry"),
    "circle": ("cx", "cy", "r"),
    "point": ("cx", "cy"),
    "polyline": ("all_points_x", "all_points_y"),
}
"""Names of shapes and the keys of each."""

POINT_RADIUS_PX = 25
"""Radius of the disc that stands for a point, as the makers of the data set draw it."""

_MASK_KINDS = {"circle": "circle", "point": "point"}
_MAX_POINTS = 100_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """One drawn shape.

    Parameters
    ----------
    outline : ndarray, shape (n, 2), float64
        x and y in fractions of the picture, cut at its edges.
    box : Box or None
        Round the outline; `None` for a line along one axis.
    mask_kind : str
        ``contour``, ``circle`` or ``point``.
    notes : tuple of str
        What was noticed, a sentence each.
    """

    outline: np.ndarray
    box: Box | None
    mask_kind: str
    notes: tuple[str, ...] = ()


def regions_of(rows: list[TableRow], shape: tuple[int, int]) -> tuple[list[Region], list[str]]:
    """Regions of one picture, and what was noticed about those that were left out.

    Shapes that are there twice count once; a shape outside the picture or without extent is left out. An open line is
    closed, a point is a disc.

    Parameters
    ----------
    rows : list of TableRow
        Rows of the table of regions that name the picture.
    shape : tuple of int
        Rows and columns of the picture.

    Returns
    -------
    list of Region
    list of str

    Raises
    ------
    RequestError
        A row holds no shape.
    """
    regions: list[Region] = []
    notes: list[str] = []
    seen: set[str] = set()
    for row in rows:
        name, values = _shape_in(row)
        drawn = json.dumps([name, values])
        if drawn in seen:
            notes.append(f"region_repeated: region {row['region_id']} is drawn twice")
            continue
        seen.add(drawn)
        region = _region(name, values, shape)
        if region is None:
            notes.append(f"region_outside: region {row['region_id']} lies outside the picture or has no extent")
        else:
            regions.append(region)
            notes += [f"{note}, region {row['region_id']}" for note in region.notes]
    return regions, notes


def _shape_in(row: TableRow) -> tuple[str, list[Any]]:
    """Name of the shape and the values of its keys, checked."""
    try:
        attributes = json.loads(row["region_shape_attributes"])
        name = attributes["name"]
        values = [attributes[key] for key in SHAPES[name]]
    except (ValueError, TypeError, KeyError, RecursionError):
        words = "; ".join(f"{name} with {', '.join(keys)}" for name, keys in SHAPES.items())
        raise RequestError(f"region_shape_attributes in {row.where} is not a JSON object of: {words}") from None
    numbers = values if "all_points_x" not in SHAPES[name] else _points(values)
    if not numbers or not all(_is_number(value) for value in numbers) or any(value < 0 for value in values[2:]):
        words = "needs finite numbers, as many for x as for y, and radii of 0 or more"
        raise RequestError(f"{name} in {row.where} {words}")
    return name, values


def _points(values: list[Any]) -> list[Any]:
    """Coordinates of a list of points in one list; empty where x and y do not go together."""
    if not all(isinstance(value, list) for value in values) or len(values[0]) != len(values[1]):
        return []
    return [*values[0], *values[1]] if len(values[0]) <= _MAX_POINTS else []


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _region(name: str, values: list[Any], shape: tuple[int, int]) -> Region | None:
    """Outline of a shape; a coordinate stands for the middle of its pixel."""
    if "all_points_x" in SHAPES[name]:
        points = np.array(values, dtype=np.float64).T + 0.5
        low, high = points.min(axis=0), points.max(axis=0)
        outline = np.clip(points / [shape[1], shape[0]], 0, 1)
    else:
        x, y = values[0] + 0.5, values[1] + 0.5
        radii = np.array(values[2:] or [POINT_RADIUS_PX], dtype=np.float64) * np.ones(2)
        if not radii.all():
            return None
        low, high = np.array([x, y]) - radii, np.array([x, y]) + radii
        outline = ellipse(x, y, (radii[0], radii[1]), shape=shape)
    limits = np.array([shape[1], shape[0]])
    if (high <= 0).any() or (low >= limits).any() or (low == high).all():
        return None
    is_cut = (low < 0).any() or (high > limits).any()
    notes = ("region_clipped: the shape reaches outside the picture and is cut",) if is_cut else ()
    return Region(outline=outline, box=box_round(outline), mask_kind=_MASK_KINDS.get(name, "contour"), notes=notes)
