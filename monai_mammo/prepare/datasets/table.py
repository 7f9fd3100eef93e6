"""A ``metadata.csv`` with one line a picture, boxes, masks and outlines, as a data set."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.geometry import box_from_xywh
from monai_mammo.terms import ChestWall, Finding, Split

__all__ = ["entries", "main_finding"]

_NEEDED = ("image_id", "file", "person_id")
_DIFFUSE = "skin_or_diffuse"
_LABELS = {
    "kind": "kind",
    "view": "view",
    "laterality": "laterality",
    "density": "density",
    "birads": "birads",
    "pathology": "pathology",
    "age_years": "age",
}


def entries(source: Path, *, leave_out: Path | None = None) -> list[Entry | Skipped | Failed]:
    """Entries of a table, in its order; a line that can not be used is a `Failed` of its own.

    Needed columns are ``image_id, file, person_id``; used where they are there: ``kind, view, laterality, chest_wall,
    density, birads, finding, pathology, age, boxes, mask, split, source, sha256, width, height, measured_size``.
    ``boxes`` is JSON with x, y, w, h as fractions, origin top left. ``measured_size`` is the true size of a picture
    that was squeezed, as ``1845x4002`` (width x height, any unit): columns are stretched to its ratio, which takes the
    picture's own ``width`` and ``height`` too. Outlines come from ``contours.csv`` beside the table.

    Parameters
    ----------
    source : Path
        The table, or the folder that holds ``metadata.csv``.
    leave_out : Path, optional
        Not used: a table names its files.

    Raises
    ------
    RequestError
        The table is not there, or a needed column is missing.
    """
    table = source / "metadata.csv" if source.is_dir() else source
    rows = _rows(table, _NEEDED)
    outlines = _outlines(table.with_name("contours.csv"))
    listed: list[Entry | Skipped | Failed] = []
    taken: set[str] = set()
    for line, row in enumerate(rows, start=2):
        where = f"{table.name} line {line}"
        path = table.parent / row["file"]
        try:
            listed.append(_entry(row, table.parent, outlines.get(row["image_id"], ()), taken, where=where))
        except RequestError as error:
            listed.append(Failed(path, SkipReason.UNREADABLE, str(error)))
    return listed


def main_finding(text: str, *, where: str = "") -> Finding | None:
    """First of several findings, separated by ``|``, in the order of `Finding`; `None` for an empty text.

    Raises
    ------
    RequestError
        One of them is not a finding.
    """
    found = {Finding.parse(part, where=where) for part in text.split("|") if part.strip()}
    return next((finding for finding in Finding if finding in found), None)


def _entry(
    row: dict[str, str], folder: Path, outlines: tuple[np.ndarray, ...], taken: set[str], *, where: str
) -> Entry:
    image_id, person = row["image_id"], row["person_id"]
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,119}", image_id) or image_id.lower() in taken:
        raise RequestError(f"image_id {image_id!r} in {where} is taken or not made of letters, digits and . _ -")
    if not person or not row["file"]:
        raise RequestError(f"{'file' if person else 'person_id'} in {where} is empty")
    taken.add(image_id.lower())
    finding = main_finding(row.get("finding", ""), where=where)
    labels = {name: row.get(column, "") for name, column in _LABELS.items()}
    lesions, diffuse = _boxes(row.get("boxes", ""), where=where)
    return Entry(
        path=folder / row["file"],
        image_id=image_id,
        name=row["file"],
        origin=row.get("source", ""),
        person_id=person,
        split=Split.parse(row["split"], where=where) if row.get("split") else None,
        conditions=Conditions.from_dict({**labels, "finding": finding}, where=where),
        lesions=lesions,
        diffuse=diffuse,
        mask_path=folder / row["mask"] if row.get("mask") else None,
        outlines=outlines,
        chest_wall=ChestWall.parse(row["chest_wall"], where=where) if row.get("chest_wall") else None,
        pixel_aspect=_pixel_aspect(row, where=where),
        sha256=row.get("sha256", ""),
    )


def _pixel_aspect(row: dict[str, str], *, where: str) -> float | None:
    """Width of a pixel over its height from the true size and the size of the picture; `None` where it is not said."""
    text = row.get("measured_size", "").strip()
    if not text:
        return None
    true = re.fullmatch(r"([1-9]\d{0,5})\s*x\s*([1-9]\d{0,5})", text)
    size = re.fullmatch(r"([1-9]\d{0,5}),([1-9]\d{0,5})", f"{row.get('width', '')},{row.get('height', '')}")
    if true is None or size is None:
        raise RequestError(f"measured_size, width and height in {where} are not WIDTHxHEIGHT and two whole numbers")
    aspect = (int(true[1]) / int(true[2])) / (int(size[1]) / int(size[2]))
    if not 0.25 <= aspect <= 4:
        raise RequestError(f"measured_size {text} in {where} stretches a picture of {size[1]} x {size[2]} over 4-fold")
    return aspect


def _boxes(text: str, *, where: str) -> tuple[tuple[Box, ...], tuple[Box, ...]]:
    """Boxes of lesions, and of skin or diffuse change."""
    try:
        listed: list[dict[str, Any]] = json.loads(text or "[]")
        moved = [(box_from_xywh(*(float(b[key]) for key in "xywh")), b.get("type") == _DIFFUSE) for b in listed]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise RequestError(f"boxes in {where} are no JSON list of objects with x, y, w and h") from None
    lesions = tuple(box for box, is_diffuse in moved if box is not None and not is_diffuse)
    return lesions, tuple(box for box, is_diffuse in moved if box is not None and is_diffuse)


def _outlines(path: Path) -> dict[str, tuple[np.ndarray, ...]]:
    """Outlines of lesions by image, as x and y in fractions; empty where the file is not there."""
    outlines: dict[str, tuple[np.ndarray, ...]] = {}
    for row in _rows(path, ("image_id", "type", "polygon")) if path.is_file() else ():
        if row["type"] != _DIFFUSE:
            points = np.asarray(json.loads(row["polygon"]), dtype=np.float64)
            outlines[row["image_id"]] = (*outlines.get(row["image_id"], ()), points)
    return outlines


def _rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = [{key: value or "" for key, value in row.items() if key} for row in reader]
            columns = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RequestError(f"table {path} could not be read: {getattr(error, 'strerror', None) or error}") from None
    missing = [column for column in needed if column not in columns]
    if missing:
        raise RequestError(f"table {path.name} has no column {missing[0]}; needed are {', '.join(needed)}")
    return rows
