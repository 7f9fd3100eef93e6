"""INbreast 1.0 (Moreira et al. 2012, doi 10.1016/j.acra.2011.09.014) in its published layout.

The person is the hash in a DICOM file's name; a file without one is refused, as it could not be kept to one split.
Reports and the outlines of the pectoral muscle are not read. The files state no spacing: 0.07 mm is nominal.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import open_regular
from monai_mammo.prepare.datasets.inbreast_regions import Region, findings_of, read_regions
from monai_mammo.prepare.datasets.inbreast_sheet import FLAGS, WORKBOOK, find_sheet, inbreast_rows, workbook_rows
from monai_mammo.prepare.datasets.published_files import files_under, find_table, not_in_table
from monai_mammo.prepare.datasets.published_words import word_in
from monai_mammo.prepare.datasets.rows import TableRow
from monai_mammo.prepare.entry import Entry
from monai_mammo.study import Annotation, Spacing
from monai_mammo.terms import AcquisitionKind, Density, Finding, FindingCategory, Laterality, View

__all__ = ["PUBLISHED_COUNTS", "entries", "label_counts"]

PUBLISHED_COUNTS: dict[str, Any] = {
    "images": 410,
    "birads": {"1": 67, "2": 220, "3": 23, "4a": 13, "4b": 8, "4c": 22, "5": 49, "6": 8},
    "acr": {"missing": 1, "1": 136, "2": 146, "3": 99, "4": 28},
    "view": {"MLO": 206, "CC": 203, "FB": 1},
    "flags": {"mass": 108, "calcification": 308, "distortion": 3, "asymmetry": 14},
    "without_annotation": 67,
}
"""What `label_counts` gives for the whole table, as published."""

_SPACING = Spacing(0.07, 0.07, "nominal:inbreast")
_DENSITIES = dict(zip(("1", "2", "3", "4", ""), (*Density, None), strict=True))
_BIRADS = {text: (int(text[0]), text[1:]) for text in ("1", "2", "3", "4", "4a", "4b", "4c", "5", "6")}
_SIDES = {side.value: side for side in Laterality}
_VIEWS: dict[str, View | None] = {
    **{view.value: view for view in View},
    **dict.fromkeys(("FB", "AT", "LM", "ML", "LMO", "XCCL")),
}
_FILE = re.compile(r"(\d+)_([0-9a-f]{16})_MG_([RL])_(CC|MLO?|FB)_ANON", re.IGNORECASE)
_HEADER_BYTES = 2**20


class _Release(NamedTuple):
    """Folder of the table, and the files by number."""

    folder: Path
    pictures: dict[str, Path]
    regions: dict[str, Path]


def entries(source: Path, *, leave_out: Path | None = None) -> list[Entry | Skipped | Failed]:
    """Entries of all images, in the order of ``INbreast.csv`` (or of ``Sheet1`` of the workbook).

    Outlines need the size of each picture, so headers are read, pixels are not.

    Parameters
    ----------
    source : Path
        Folder with the table, ``AllDICOMs`` and ``AllXML``, or one above it.
    leave_out : Path, optional
        Subfolder that is not looked into.

    Returns
    -------
    list of Entry, Skipped and Failed

    Raises
    ------
    RequestError
        The table or ``AllXML`` is not there, or the table lacks a column.
    """
    table = find_sheet(source)
    folder = table.parent
    pictures = list(files_under(folder, ".dcm", leave_out=leave_out))
    if not (folder / "AllXML").is_dir():
        raise RequestError(f"folder AllXML with the outlines is not beside {table.name}")
    release = _Release(
        folder,
        {path.name.split("_")[0].split(".")[0]: path for path in reversed(pictures)},
        {path.stem: path for path in files_under(folder / "AllXML", ".xml")},
    )
    by_image: dict[str, list[TableRow]] = {}
    for row in inbreast_rows(table):
        by_image.setdefault(row["File Name"], []).append(row)
    listed = [_listed(rows, release) for rows in by_image.values()]
    return [*listed, *not_in_table(pictures, [entry.path for entry in listed], table=table.name)]


def label_counts(source: Path) -> dict[str, Any]:
    """Counts over the whole table, to be compared with `PUBLISHED_COUNTS`.

    ``flags`` and ``without_annotation`` stand in the workbook only and are left out where it, or xlrd, is missing.

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
    rows = inbreast_rows(find_sheet(source))
    counts: dict[str, Any] = {
        "images": len(rows),
        "birads": dict(Counter(row["Bi-Rads"] for row in rows)),
        "acr": dict(Counter(row["ACR"] or "missing" for row in rows)),
        "view": dict(Counter(row["View"] for row in rows)),
    }
    with contextlib.suppress(RequestError):
        sheet = workbook_rows(find_table(source, WORKBOOK))
        counts["flags"] = {name: sum(row[column] == "X" for row in sheet) for column, name in FLAGS.items()}
        counts["without_annotation"] = sum(bool(_is_stated_normal(row)) for row in sheet)
    return counts


def _listed(rows: list[TableRow], release: _Release) -> Entry | Skipped | Failed:
    row = rows[0]
    path = release.pictures.get(row["File Name"])
    if path is None:
        missing = f"the picture that {row.where} names is not there"
        return Failed(release.folder / "AllDICOMs" / f"line_{row.line}.dcm", SkipReason.UNREADABLE, missing)
    try:
        if len(rows) > 1:
            raise RequestError(f"{row.where} and line {rows[1].line} name the same picture")
        view = word_in(row, "View", _VIEWS)
        if view is None:
            return Skipped(path, SkipReason.UNSUPPORTED_VIEW, f"view {row['View']} is not one of {View.allowed()}")
        return _entry(row, path, view, release)
    except RequestError as error:
        return Failed(path, SkipReason.WRONG_ROW, str(error))


def _entry(row: TableRow, path: Path, view: View, release: _Release) -> Entry:
    named = _FILE.match(path.stem)
    if named is None:
        raise RequestError(
            "the file's name has no person in it: <number>_<16 characters>_MG_<R or L>_<view>_ANON.dcm is what the "
            "release calls it, and without it no split by person is possible"
        )
    side = word_in(row, "Laterality", _SIDES)
    birads, letter = word_in(row, "Bi-Rads", _BIRADS)
    regions, annotations, notes = _findings(row, path, release)
    if named[3].upper() != side.value:
        notes = (*notes, "side of the table and of the file's name disagree")
    return Entry(
        path=path,
        image_id=row["File Name"],
        name=path.relative_to(release.folder).as_posix(),
        origin="INbreast",
        person_id=f"inbreast_{named[2].lower()}",
        conditions=Conditions(
            kind=AcquisitionKind.DIGITAL,
            view=view,
            laterality=side,
            density=word_in(row, "ACR", _DENSITIES),
            birads=birads,
            finding=_main_finding(annotations),
        ),
        annotations=annotations,
        spacing=_SPACING,
        labels={"birads_letter": letter} if letter else {},
        record={
            "rows": [row.to_dict()],
            "regions": [{"name": region.name, "points": len(region.points)} for region in regions],
        },
        notes=notes,
    )


def _findings(
    row: TableRow, path: Path, release: _Release
) -> tuple[list[Region], tuple[Annotation, ...], tuple[str, ...]]:
    """Regions as they stand in the property list, findings, and notes."""
    place = release.regions.get(row["File Name"])
    regions = [] if place is None else read_regions(place)
    if regions:
        return regions, *findings_of(regions, _picture_shape(path))
    if _is_normal(row):
        return [], (Annotation(categories=(FindingCategory.NONE,)),), ()
    return [], (), ("annotation_missing",)


def _is_normal(row: TableRow) -> bool:
    """Whether the table says that there is nothing to outline.

    The workbook says so in words; in the CSV Bi-Rads 1 does, which the same 67 rows have.
    """
    stated = _is_stated_normal(row)
    return row["Bi-Rads"] == "1" if stated is None else stated


def _is_stated_normal(row: TableRow) -> bool | None:
    column = "Lesion Annotation Status"
    return row[column].casefold().startswith("no annotation") if column in row.values else None


def _main_finding(annotations: tuple[Annotation, ...]) -> Finding | None:
    found = {category.finding for annotation in annotations for category in annotation.categories}
    return next((finding for finding in Finding if finding in found), None)


@suppress_pydicom_messages()
def _picture_shape(path: Path) -> tuple[int, int]:
    """Rows and columns by the header, of which no more than a megabyte is looked at."""
    try:
        with open_regular(path) as file:
            head = file.read(_HEADER_BYTES)
        if DeflatedExplicitVRLittleEndian.encode() in head:  # a megabyte of it can stand for a gigabyte
            raise ValueError("deflated")
        dataset = dcmread(BytesIO(head), stop_before_pixels=True, specific_tags=["Rows", "Columns"])
        rows, columns = int(dataset.Rows), int(dataset.Columns)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a parser met foreign bytes: any failure is the file's
        rows = columns = 0
    if min(rows, columns) < 1:
        raise RequestError("the header does not tell rows and columns, which the outlines need")
    return rows, columns
