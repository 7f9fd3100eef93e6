"""Published tables, read so that every cell can be traced back to its file and line."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError

__all__ = ["TableRow", "read_rows", "require_columns"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One record of a table.

    Parameters
    ----------
    table : str
        Name of the file, or of the sheet.
    number : int
        1 for the first record after the header.
    line : int
        Line of the file, or row of the sheet, at which the record starts: cells may hold line breaks.
    cells : dict of str to str
        By column, as they stand; a cell that the record lacks is empty.
    """

    table: str
    number: int
    line: int
    cells: dict[str, str]

    @property
    def where(self) -> str:
        """Place for a message."""
        return f"{self.table} line {self.line}"

    def __getitem__(self, column: str) -> str:
        """Cell without surrounding blanks and line breaks; empty for a column that is not there."""
        return self.cells.get(column, "").strip()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values for the record of an entry."""
        return {"table": self.table, "row": self.number, "line": self.line, "cells": self.cells}


def read_rows(path: Path, needed: tuple[str, ...], *, delimiter: str = ",") -> list[TableRow]:
    """All records of a table of text, in its order.

    Bytes that are no UTF-8 become U+FFFD, so that they cost no more than their own record.

    Parameters
    ----------
    path : Path
    needed : tuple of str
        Columns that have to be there.
    delimiter : str

    Raises
    ------
    RequestError
        The file is not there, is no table of text, or lacks a column.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
            reader = csv.reader(file, delimiter=delimiter)
            header = [name.strip() for name in next(reader, [])]
            rows: list[TableRow] = []
            start = reader.line_num + 1
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    values = dict.fromkeys(header, "") | dict(zip(header, cells, strict=False))
                    rows.append(TableRow(table=path.name, number=len(rows) + 1, line=start, cells=values))
                start = reader.line_num + 1
    except (OSError, csv.Error) as error:
        raise RequestError(f"table {path} could not be read: {getattr(error, 'strerror', None) or error}") from None
    require_columns(header, needed, where=f"table {path.name}")
    return rows


def require_columns(header: list[str], needed: tuple[str, ...], *, where: str) -> None:
    """Pass for a header that holds all needed columns.

    Raises
    ------
    RequestError
        One is missing; the message names it and all that are needed.
    """
    missing = next((column for column in needed if column not in header), None)
    if missing is not None:
        raise RequestError(f"{where} has no column {missing!r}; needed are {', '.join(needed)}")
