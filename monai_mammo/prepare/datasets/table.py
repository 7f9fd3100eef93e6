"""A ``metadata.csv`` with one line a picture, boxes, masks and outlines, as a data set."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import parse_json
from monai_mammo.files.names import ALLOW_OUTSIDE, path_inside, printable
from monai_mammo.prepare.datasets.descriptors import described_report, described_words, n_findings_of
from monai_mammo.prepare.datasets.rows import TableRow, read_rows
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.geometry import box_from_xywh
from monai_mammo.terms import (
    AcquisitionKind,
    CalcificationDistribution,
    CalcificationMorphology,
    ChestWall,
    Density,
    Finding,
    Laterality,
    Margin,
    Pathology,
    Shape,
    Split,
    View,
)

__all__ = ["COLUMNS", "columns_table", "entries", "main_finding"]


def _words(vocabulary: Any) -> str:
    return ", ".join(f"`{word}`" for word in vocabulary)


_NEEDED = ("image_id", "file", "person_id")
COLUMNS = {
    "image_id": "name in the prepared folder: up to 120 letters, digits and `. _ -`, each once",
    "file": "picture or DICOM file, relative to the table",
    "person_id": "pseudonym that splits go by",
    "kind": _words(AcquisitionKind),
    "view": _words(View),
    "laterality": _words(Laterality),
    "chest_wall": f"edge of the picture at which the chest wall lies: {_words(ChestWall)}",
    "density": _words(Density),
    "birads": "0 to 6",
    "finding": f"{_words(Finding)}; several with `|` between them, of which the first in this order counts",
    "pathology": _words(Pathology),
    "age": "in years",
    "lesion_shape": f"shape of a mass: {_words(Shape)}",
    "lesion_margin": f"margin of a mass: {_words(Margin)}",
    "calc_type": f"morphology of calcifications: {_words(CalcificationMorphology)}",
    "calc_distribution": f"distribution of calcifications: {_words(CalcificationDistribution)}",
    "subtlety": "1 (subtle) to 5 (obvious)",
    "n_findings": "number of lesions, 10 for 10 and more; that of the `boxes` where empty",
    "shape_published": "shape in CBIS-DDSM's words, `|` between lesions, `-` between the words of one, for an empty "
    "`lesion_shape`; other words, and lesions that differ, leave it open",
    "margin_published": "margin in the same way, for an empty `lesion_margin`",
    "findings_published": "words of a report, from which empty columns of shape, margin and calcifications are filled",
    "tags_published": "further words of the report",
    "boxes": "JSON list of objects with `x`, `y`, `w`, `h` as fractions of the picture, origin top left; "
    '`"type": "skin_or_diffuse"` marks one that is not a lesion',
    "mask": "picture of the size of the file, relative to the table. With a `contours.csv` it shows all changes, and "
    "lesions are its parts under the outlines; without one it shows lesions alone",
    "width": "columns of the picture, needed with `measured_size`",
    "height": "rows of the picture, needed with `measured_size`",
    "measured_size": "true size of a picture that was squeezed, as `1845x4002` (width x height, any unit): its columns "
    "are stretched to this ratio",
    "split": _words(Split),
    "source": "data set that the picture comes from",
    "sha256": "hash of the file, to notice another one",
}
"""Columns of a table that are read, with what each holds; the first three are needed, others may be there."""

_DIFFUSE = "skin_or_diffuse"
_OUTLINE_COLUMNS = ("image_id", "type", "polygon")
_LABELS = {
    "kind": "kind",
    "view": "view",
    "laterality": "laterality",
    "density": "density",
    "birads": "birads",
    "pathology": "pathology",
    "age_years": "age",
    **{name: name for name in ("lesion_shape", "lesion_margin", "calc_type", "calc_distribution", "subtlety")},
    "n_findings": "n_findings",
}
_PUBLISHED = {"lesion_shape": "shape_published", "lesion_margin": "margin_published"}
_FURTHEST = 0.5  # of an outline's point beyond the picture, in fractions of it


def columns_table() -> str:
    """Markdown table of `COLUMNS`, as the user guide holds it.

    Returns
    -------
    str
    """
    lines = [f"| `{name}`{' (needed)' if name in _NEEDED else ''} | {held} |" for name, held in COLUMNS.items()]
    return "\n".join(["| column | holds |", "|---|---|", *(line.replace("`|`", "`\\|`") for line in lines)])


def entries(
    source: Path, *, leave_out: Path | None = None, allow_outside: bool = False
) -> list[Entry | Skipped | Failed]:
    """Entries of a table, in its order; a line that cannot be used is a `Failed` of its own.

    `COLUMNS` says what is read. Outlines come from ``contours.csv`` beside the table, with the columns ``image_id,
    type, polygon``, the last a JSON list of points as x and y in fractions of the picture.

    Parameters
    ----------
    source : Path
        The table, or the folder that holds ``metadata.csv``.
    leave_out : Path, optional
        Not used: a table names its files.
    allow_outside : bool
        Whether the table, and sidecars of its pictures, may name files outside their folder.

    Returns
    -------
    list of Entry, Skipped and Failed

    Raises
    ------
    RequestError
        The table is not there, cannot be read, or lacks a needed column.
    """
    table = source / "metadata.csv" if source.is_dir() else source
    rows = read_rows(table, _NEEDED, once=COLUMNS)
    contours = table.with_name("contours.csv")
    outlines = _outlines(contours) if os.path.lexists(contours) else None
    reader = _Lines(table.parent, outlines, allow_outside)
    listed: list[Entry | Skipped | Failed] = []
    for row in rows:
        try:
            listed.append(reader.entry(row))
        except RequestError as error:
            listed.append(Failed(table.parent / printable(row["file"]), SkipReason.UNREADABLE, str(error)))
    return listed


def main_finding(text: str, *, where: str = "") -> Finding | None:
    """First of several findings, separated by ``|``, in the order of `Finding`; `None` for an empty text.

    Parameters
    ----------
    text : str
        Words of `Finding`, in any case.
    where : str
        Place for a message.

    Returns
    -------
    Finding or None

    Raises
    ------
    RequestError
        One of them is not a finding.
    """
    found = {Finding.parse(part, where=where) for part in text.split("|") if part.strip()}
    return next((finding for finding in Finding if finding in found), None)


@dataclasses.dataclass(slots=True)
class _Lines:
    """Lines of a table, each to an entry, with what those before it have taken."""

    folder: Path
    outlines: dict[str, _Outlines] | None
    allow_outside: bool
    taken: set[str] = dataclasses.field(default_factory=set)

    def entry(self, row: TableRow) -> Entry:
        image_id, where = row["image_id"], row.where
        if row.n_surplus:
            raise RequestError(f"{where} has {row.n_surplus} more values than the header: quote values with commas")
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,119}", image_id) or image_id.lower() in self.taken:
            words = "is taken or not made of letters, digits and . _ -"
            raise RequestError(f"image_id {image_id[:120]!r} in {where} {words}")
        self.taken.add(image_id.lower())
        empty = next((name for name in ("person_id", "file") if not row[name]), None)
        if empty:
            raise RequestError(f"{empty} in {where} is empty")
        path, mask_path = self._path(row, "file"), self._path(row, "mask") if row["mask"] else None
        finding = main_finding(row["finding"], where=where)
        lesions, diffuse = _boxes(row["boxes"], where=where)
        labels: dict[str, Any] = {name: row[column] for name, column in _LABELS.items()}
        if finding is not Finding.NONE:
            stated = {name: value for name, value in labels.items() if value != ""}
            labels = {"n_findings": n_findings_of(len(lesions)), **_described(row), **stated}
        drawn = (self.outlines or {}).get(image_id, _Outlines())
        if drawn.fault:
            raise RequestError(drawn.fault)
        return Entry(
            path=path,
            image_id=image_id,
            name=row["file"],
            origin=row["source"],
            person_id=row["person_id"],
            split=Split.parse(row["split"], where=where) if row["split"] else None,
            conditions=Conditions.from_dict({**labels, "finding": finding}, where=where),
            lesions=lesions,
            diffuse=diffuse,
            mask_path=mask_path,
            is_mask_of_lesions=self.outlines is None,
            outlines=drawn.polygons,
            notes=drawn.notes,
            chest_wall=ChestWall.parse(row["chest_wall"], where=where) if row["chest_wall"] else None,
            pixel_aspect=_pixel_aspect(row, where=where),
            sha256=row["sha256"],
            allow_outside=self.allow_outside,
        )

    def _path(self, row: TableRow, column: str) -> Path:
        where = f"{column} in {row.where}"
        return path_inside(self.folder, row[column], where=where, allow_outside=self.allow_outside, hint=ALLOW_OUTSIDE)


def _described(row: TableRow) -> dict[str, Any]:
    """What the published words of a line say of its lesions, as conditions."""
    report = ". ".join(words for words in (row["findings_published"], row["tags_published"]) if words.strip(" _"))
    found = described_report(report) if report else {}
    for name, column in _PUBLISHED.items():
        if row[column] and (value := described_words(row[column], name=name)) is not None:
            found[name] = value
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class _Outlines:
    """Outlines of the lesions of one image, shape (n, 2) each, what was noticed, or what is wrong with one of them."""

    polygons: tuple[np.ndarray, ...] = ()
    notes: tuple[str, ...] = ()
    fault: str = ""

    def with_polygon(self, points: np.ndarray, *, where: str) -> _Outlines:
        """These and one more; a point or a line covers no area, and is noted in place of an outline."""
        if len(points) >= 3:
            return dataclasses.replace(self, polygons=(*self.polygons, points))
        note = f"outline_without_area: polygon in {where} has fewer than three points and is left out"
        return dataclasses.replace(self, notes=(*self.notes, note))


def _pixel_aspect(row: TableRow, *, where: str) -> float | None:
    """Width of a pixel over its height from the true size and the size of the picture; `None` where it is not said."""
    text = row["measured_size"]
    if not text:
        return None
    true = re.fullmatch(r"([1-9]\d{0,5})\s*x\s*([1-9]\d{0,5})", text)
    size = re.fullmatch(r"([1-9]\d{0,5}),([1-9]\d{0,5})", f"{row['width']},{row['height']}")
    if true is None or size is None:
        raise RequestError(f"measured_size, width and height in {where} are not WIDTHxHEIGHT and two whole numbers")
    aspect = (int(true[1]) / int(true[2])) / (int(size[1]) / int(size[2]))
    if not 0.25 <= aspect <= 4:
        raise RequestError(f"measured_size {text} in {where} stretches a picture of {size[1]} x {size[2]} over 4-fold")
    return aspect


def _boxes(text: str, *, where: str) -> tuple[tuple[Box, ...], tuple[Box, ...]]:
    """Boxes of lesions, and of skin or diffuse change."""
    try:
        listed = parse_json(text or "[]")
        if not isinstance(listed, list):
            raise TypeError
        moved = [(box_from_xywh(*(float(b[key]) for key in "xywh")), b.get("type") == _DIFFUSE) for b in listed]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise RequestError(f"boxes in {where} are not a JSON list of objects with x, y, w and h") from None
    lesions = tuple(box for box, is_diffuse in moved if box is not None and not is_diffuse)
    return lesions, tuple(box for box, is_diffuse in moved if box is not None and is_diffuse)


def _outlines(path: Path) -> dict[str, _Outlines]:
    """Outlines of lesions by image."""
    found: dict[str, _Outlines] = {}
    for row in read_rows(path, _OUTLINE_COLUMNS, once=_OUTLINE_COLUMNS):
        if row["type"] != _DIFFUSE:
            known = found.get(row["image_id"], _Outlines())
            try:
                found[row["image_id"]] = known.with_polygon(_polygon(row), where=row.where)
            except RequestError as error:
                found[row["image_id"]] = dataclasses.replace(known, fault=str(error))
    return found


def _polygon(row: TableRow) -> np.ndarray:
    """Points of an outline, shape (n, 2), as x and y in fractions of the picture."""
    try:
        points = np.asarray(parse_json(row["polygon"]), dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        points = np.zeros(())
    if points.shape == (0,):  # an empty list
        points = points.reshape(0, 2)
    is_list = points.ndim == 2 and points.shape[1] == 2
    if not (is_list and (np.abs(points - 0.5) <= 0.5 + _FURTHEST).all()):  # `null` has become NaN
        raise RequestError(f"polygon in {row.where} is not a JSON list of points in the picture")
    return points
