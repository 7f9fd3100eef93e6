"""VinDr-Mammo 1.0.0 (Nguyen et al. 2022, PhysioNet, doi 10.13026/br2v-7517) in its published layout.

No table names a person, so a study stands for one and splits go by study. The published 4,000 and 1,000 studies are
kept as a label and not used as splits: they leave no part to validate on, and all data sets are divided alike.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets.outlines import rectangle
from monai_mammo.prepare.datasets.published_files import files_under, find_table, not_in_table
from monai_mammo.prepare.datasets.published_words import number_in, word_in
from monai_mammo.prepare.datasets.rows import TableRow, read_rows
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.geometry import box_from_xywh
from monai_mammo.study import Annotation
from monai_mammo.terms import AcquisitionKind, Density, Finding, FindingCategory, Laterality, View

__all__ = ["PUBLISHED_COUNTS", "entries", "label_counts"]

TABLE = "finding_annotations.csv"

PUBLISHED_COUNTS: dict[str, Any] = {
    "studies": 5000,
    "images": 20000,
    "rows": 20486,
    "boxes": 2254,
    "boxes_outside": 42,
    "split_images": {"training": 16000, "test": 4000},
    "birads_images": {"1": 13406, "2": 4676, "3": 930, "4": 762, "5": 226},
    "density_images": {"A": 100, "B": 1908, "C": 15292, "D": 2700},
    "categories": {
        "No Finding": 18232,
        "Mass": 1226,
        "Suspicious Calcification": 543,
        "Focal Asymmetry": 269,
        "Architectural Distortion": 119,
        "Asymmetry": 97,
        "Skin Thickening": 57,
        "Suspicious Lymph Node": 57,
        "Nipple Retraction": 37,
        "Global Asymmetry": 26,
        "Skin Retraction": 18,
    },
}
"""What `label_counts` gives for the whole table, as published."""

_CATEGORIES = {
    "No Finding": FindingCategory.NONE,
    "Mass": FindingCategory.MASS,
    "Suspicious Calcification": FindingCategory.CALCIFICATION,
    "Focal Asymmetry": FindingCategory.FOCAL_ASYMMETRY,
    "Architectural Distortion": FindingCategory.ARCHITECTURAL_DISTORTION,
    "Asymmetry": FindingCategory.ASYMMETRY,
    "Skin Thickening": FindingCategory.SKIN_THICKENING,
    "Suspicious Lymph Node": FindingCategory.SUSPICIOUS_LYMPH_NODE,
    "Nipple Retraction": FindingCategory.NIPPLE_RETRACTION,
    "Global Asymmetry": FindingCategory.GLOBAL_ASYMMETRY,
    "Skin Retraction": FindingCategory.SKIN_RETRACTION,
}
_SIDES = {side.value: side for side in Laterality}
_VIEWS = {view.value: view for view in View}
_DENSITIES = {f"DENSITY {density}": density for density in Density}
_BIRADS = {f"BI-RADS {category}": category for category in range(1, 6)}
_FINDING_BIRADS: dict[str, int | None] = {"": None, **_BIRADS}
_SPLITS = {"training": "training", "test": "test"}
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_OF_IMAGE = (
    *("study_id", "series_id", "image_id", "laterality", "view_position", "height", "width"),
    *("breast_birads", "breast_density", "split"),
)
_COLUMNS = (*_OF_IMAGE[:-1], "finding_categories", "finding_birads", *_CORNERS, "split")
_IDENTIFIER = re.compile(r"[0-9a-f]{32}")
_SCANNER = {"Manufacturer": "manufacturer", "Manufacturer's Model Name": "model"}


def entries(source: Path, *, leave_out: Path | None = None) -> list[Entry | Skipped | Failed]:
    """Entries of all images, in the order of ``finding_annotations.csv``.

    Boxes are cut at the frame, with the note ``box_clipped``. Age and scanner come from ``metadata.csv`` where that
    is there.

    Parameters
    ----------
    source : Path
        Folder with ``finding_annotations.csv`` and ``images``, or one above it.
    leave_out : Path, optional
        Subfolder that is not looked into.

    Returns
    -------
    list of Entry, Skipped and Failed

    Raises
    ------
    RequestError
        The table is not there, or lacks a column.
    """
    table = find_table(source, TABLE)
    by_image: dict[str, list[TableRow]] = {}
    for row in read_rows(table, _COLUMNS):
        by_image.setdefault(row["image_id"], []).append(row)
    headers = _headers(table.with_name("metadata.csv"))
    listed = [_listed(rows, table.parent, headers.get(image_id)) for image_id, rows in by_image.items()]
    pictures = files_under(table.parent / "images", ".dicom", leave_out=leave_out)
    return [*listed, *not_in_table(pictures, [entry.path for entry in listed], table=TABLE)]


def label_counts(source: Path) -> dict[str, Any]:
    """Counts over the whole table, to be compared with `PUBLISHED_COUNTS`.

    Images, not rows, are counted by BI-RADS, density and split; rows that cannot be read are left out.

    Parameters
    ----------
    source : Path
        Folder of the data set, as it is published.

    Returns
    -------
    dict

    Raises
    ------
    RequestError
        The table is not there, or lacks a column.
    """
    rows = read_rows(find_table(source, TABLE), _COLUMNS)
    images = {row["image_id"]: row for row in rows}
    boxes = [row for row in rows if row["xmin"]]
    return {
        "studies": len({row["study_id"] for row in rows}),
        "images": len(images),
        "rows": len(rows),
        "boxes": len(boxes),
        "boxes_outside": sum(_reaches_outside(row) for row in boxes),
        "split_images": dict(Counter(row["split"] for row in images.values())),
        "birads_images": _last_words(images, "breast_birads"),
        "density_images": _last_words(images, "breast_density"),
        "categories": dict(Counter(word for row in rows for word in _readable_words(row))),
    }


def _listed(rows: Sequence[TableRow], folder: Path, header: TableRow | None) -> Entry | Failed:
    first = rows[0]
    path = folder / "images" / "unknown" / f"line_{first.line}.dicom"
    try:
        for column in ("study_id", "image_id"):
            if not _IDENTIFIER.fullmatch(first[column]):
                raise RequestError(f"{column} in {first.where} is not made of 32 characters 0-9 and a-f")
        path = folder / "images" / first["study_id"] / f"{first['image_id']}.dicom"
        entry = _entry(rows, path, folder, header)
    except RequestError as error:
        return Failed(path, SkipReason.WRONG_ROW, str(error))
    if not path.is_file():
        return Failed(path, SkipReason.UNREADABLE, f"the picture that {first.where} names is not there")
    return entry


def _entry(rows: Sequence[TableRow], path: Path, folder: Path, header: TableRow | None) -> Entry:
    first = rows[0]
    for row in rows:
        differing = [column for column in _OF_IMAGE if row[column] != first[column]]
        if differing:
            raise RequestError(f"{differing[0]} in {row.where} differs from line {first.line} of the same image")
    annotations = tuple(_annotation(row) for row in rows)
    return Entry(
        path=path,
        image_id=first["image_id"],
        name=path.relative_to(folder).as_posix(),
        origin="VinDr-Mammo",
        person_id=first["study_id"],
        conditions=Conditions(
            kind=AcquisitionKind.DIGITAL,
            view=word_in(first, "view_position", _VIEWS),
            laterality=word_in(first, "laterality", _SIDES),
            density=word_in(first, "breast_density", _DENSITIES),
            birads=word_in(first, "breast_birads", _BIRADS),
            finding=_main_finding(annotations),
            age_years=None if header is None else _age_years(header["Patient's Age"]),
        ),
        annotations=annotations,
        labels={"published_split": word_in(first, "split", _SPLITS), **_scanner(header)},
        record={"rows": [row.to_dict() for row in rows]},
    )


def _annotation(row: TableRow) -> Annotation:
    categories = tuple(_CATEGORIES[word] for word in _words(row))
    birads = word_in(row, "finding_birads", _FINDING_BIRADS)
    if not any(row[column] for column in _CORNERS):
        return Annotation(categories=categories, birads=birads)
    x0, y0, x1, y1 = (number_in(row, column) for column in _CORNERS)
    rows, columns = number_in(row, "height"), number_in(row, "width")
    if min(rows, columns) <= 0:
        raise RequestError(f"height or width in {row.where} is not above 0")
    box = box_from_xywh(x0 / columns, y0 / rows, (x1 - x0) / columns, (y1 - y0) / rows)
    if box is None:
        raise RequestError(f"the box in {row.where} is empty, or lies outside the picture")
    return Annotation(
        categories=categories,
        box=box,
        outlines=(rectangle(box),),
        mask_kind="box",
        birads=birads,
        notes=("box_clipped",) if _reaches_outside(row) else (),
    )


def _words(row: TableRow) -> list[str]:
    """Words of the list literal in ``finding_categories``, each once."""
    try:
        words = ast.literal_eval(row["finding_categories"])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        words = None
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise RequestError(f"finding_categories in {row.where} is not a list of words in quotes, such as ['Mass']")
    unknown = [word for word in words if word not in _CATEGORIES]
    if unknown:
        raise RequestError(f"finding_categories {unknown[0]!r} in {row.where} is not one of {', '.join(_CATEGORIES)}")
    return list(dict.fromkeys(words))


def _readable_words(row: TableRow) -> list[str]:
    try:
        return _words(row)
    except RequestError:
        return []


def _reaches_outside(row: TableRow) -> bool:
    try:
        x0, y0, x1, y1 = (number_in(row, column) for column in _CORNERS)
        return min(x0, y0) < 0 or x1 > number_in(row, "width") or y1 > number_in(row, "height")
    except RequestError:
        return False


def _main_finding(annotations: Sequence[Annotation]) -> Finding | None:
    """Most telling finding; `None` for an image with changes of skin or nipple alone, which is not a clear one."""
    found = {category.finding for annotation in annotations for category in annotation.categories}
    return next((finding for finding in Finding if finding in found), None)


def _last_words(images: dict[str, TableRow], column: str) -> dict[str, int]:
    return dict(Counter(row[column].rpartition(" ")[2] for row in images.values()))


def _headers(path: Path) -> dict[str, TableRow]:
    """Rows of ``metadata.csv`` by image; none where it is not there."""
    if not path.is_file():
        return {}
    return {row["SOP Instance UID"]: row for row in read_rows(path, ("SOP Instance UID",))}


def _age_years(text: str) -> int | None:
    """Years of a DICOM age string, such as ``057Y``."""
    found = re.fullmatch(r"(\d{3})Y", text)
    return int(found[1]) if found and 0 < int(found[1]) <= 120 else None


def _scanner(header: TableRow | None) -> dict[str, str]:
    if header is None:
        return {}
    return {name: header[column] for column, name in _SCANNER.items() if header[column]}
