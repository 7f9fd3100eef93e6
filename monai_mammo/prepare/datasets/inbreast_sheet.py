"""The table of INbreast, from its CSV or, failing that, from the first sheet of its workbook.

The workbook's second sheet holds patient numbers, ages and full dates: it is never opened.
"""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets.published_files import find_table
from monai_mammo.prepare.datasets.rows import TableRow, read_rows, require_columns

__all__ = ["FLAGS", "find_sheet", "inbreast_rows", "workbook_rows"]

CSV, WORKBOOK = "INbreast.csv", "INbreast.xls"
FLAGS = {"Mass": "mass", "Micros": "calcification", "Distortion": "distortion", "Asymmetry": "asymmetry"}
"""Columns of the workbook that hold ``X`` or nothing, with their names in the counts."""

_SHEET = "Sheet1"
_COLUMNS = ("Laterality", "View", "Acquisition date", "File Name", "ACR", "Bi-Rads")
_WORKBOOK_COLUMNS = (*_COLUMNS, *FLAGS, "Lesion Annotation Status")
_PERSONAL = ("Patient ID", "Patient age")


def find_sheet(source: Path) -> Path:
    """``INbreast.csv``, or where that is missing ``INbreast.xls``.

    Parameters
    ----------
    source : Path
        Folder of the data set, as it is published.

    Returns
    -------
    Path

    Raises
    ------
    RequestError
        Neither is there.
    """
    for name in (CSV, WORKBOOK):
        try:
            return find_table(source, name)
        except RequestError:
            continue
    raise RequestError(f"neither {CSV} nor {WORKBOOK} is in {source} or its subfolders")


def inbreast_rows(table: Path) -> list[TableRow]:
    """All rows of images, without patient number and age.

    Parameters
    ----------
    table : Path
        ``INbreast.csv`` or ``INbreast.xls``.

    Returns
    -------
    list of TableRow

    Raises
    ------
    RequestError
        The table cannot be read or lacks a column.
    """
    if table.suffix.lower() == ".xls":
        return workbook_rows(table)
    rows = read_rows(table, _COLUMNS, delimiter=";")
    return [_impersonal(row) for row in rows if row["File Name"]]


def workbook_rows(table: Path) -> list[TableRow]:
    """Rows of ``Sheet1`` that name a file; whole numbers without a fraction, column names without blanks around.

    Parameters
    ----------
    table : Path
        ``INbreast.xls``.

    Returns
    -------
    list of TableRow

    Raises
    ------
    RequestError
        xlrd is not installed, or there is no such sheet or column.
    """
    try:
        import xlrd
    except ImportError:
        raise RequestError(
            f"{table.name} needs the package xlrd: install it, or put {CSV} of the release beside it"
        ) from None
    try:
        with xlrd.open_workbook(str(table), on_demand=True, logfile=io.StringIO()) as book:
            sheet = book.sheet_by_name(_SHEET)
            lines = [[_text(value) for value in sheet.row_values(i)] for i in range(sheet.nrows)]
    except Exception as error:  # a foreign parser met foreign bytes
        raise RequestError(f"sheet {_SHEET} of {table.name} could not be read ({type(error).__name__})") from None
    header = [name.strip() for name in lines[0]] if lines else []
    require_columns(header, _WORKBOOK_COLUMNS, where=f"sheet {_SHEET} of {table.name}")
    rows = []
    for number, line in enumerate(lines[1:], start=1):
        values = dict(zip(header, line, strict=False))
        rows.append(TableRow(table=f"{table.name} {_SHEET}", number=number, line=number + 1, values=values))
    return [_impersonal(row) for row in rows if row["File Name"]]


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _impersonal(row: TableRow) -> TableRow:
    kept = {column: text for column, text in row.values.items() if column not in _PERSONAL}
    return dataclasses.replace(row, values=kept)
