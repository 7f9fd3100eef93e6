"""Published tables, read so that every value can be traced back to its file and line."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Collection
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, read_text
from monai_mammo.files.names import printable

__all__ = ["TableRow", "read_rows", "require_columns"]

_MAX_BYTES = 256 * 2**20
_DELIMITERS = (",", ";", "\t")
_MAX_COLUMNS = 1024


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
        Line of the file, or row of the sheet, at which the record starts: values may hold line breaks.
    values : dict of str to str
        By column, as they stand; a value that the record lacks is empty.
    n_surplus : int
        Values beyond the header's.
    """

    table: str
    number: int
    line: int
    values: dict[str, str]
    n_surplus: int = 0

    @property
    def where(self) -> str:
        """Place for a message."""
        return f"{self.table} line {self.line}"

    def __getitem__(self, column: str) -> str:
        """Value without surrounding blanks and line breaks; empty for a column that is not there."""
        return self.values.get(column, "").strip()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values for the record of an entry.

        Returns
        -------
        dict
        """
        return {"table": self.table, "row": self.number, "line": self.line, "values": self.values}


def read_rows(
    path: Path, needed: tuple[str, ...], *, delimiter: str | None = None, once: Collection[str] = ()
) -> list[TableRow]:
    """All records of a table of text, in its order.

    Bytes that are not UTF-8, and NUL, become U+FFFD, so that they cost no more than their own record.

    Parameters
    ----------
    path : Path
    needed : tuple of str
        Columns that have to be there.
    delimiter : str or None
        Between two values of a line; `None` takes comma, semicolon or tab, the first by which the header has all
        columns that are needed.
    once : collection of str
        Columns that must not be there twice; of others the last counts.

    Returns
    -------
    list of TableRow

    Raises
    ------
    RequestError
        The file is not there, is not a table of text, lacks a column or has it twice.
    """
    name = printable(path.name)
    rows: list[TableRow] = []
    try:
        text = read_text(path, max_bytes=_MAX_BYTES, errors="replace")
        text = text.replace("\0", "\ufffd")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter_of(text, needed))
        header = [column.strip() for column in next(reader, [])]
        require_columns(header, needed, where=f"table {name}")
        twice = next((column for column in header if column in once and header.count(column) > 1), None)
        if twice is not None:
            raise RequestError(f"table {name} has the column {twice!r} twice")
        start = reader.line_num + 1
        for texts in reader:
            if any(text.strip() for text in texts):
                values = dict.fromkeys(header, "") | dict(zip(header, texts, strict=False))
                n_surplus = max(0, len(texts) - len(header))
                rows.append(TableRow(table=name, number=len(rows) + 1, line=start, values=values, n_surplus=n_surplus))
            start = reader.line_num + 1
    except UnreadableFile as error:
        raise RequestError(f"table {error.detail}") from None
    except csv.Error as error:
        raise RequestError(f"table {name} line {reader.line_num} could not be read: {error}") from None
    return rows


def _delimiter_of(text: str, needed: tuple[str, ...]) -> str:
    first = text.partition("\n")[0]
    for delimiter in _DELIMITERS:
        header = next(csv.reader([first], delimiter=delimiter), [])
        if set(needed) <= {column.strip() for column in header}:
            return delimiter
    return _DELIMITERS[0]


def require_columns(header: list[str], needed: tuple[str, ...], *, where: str) -> None:
    """Pass for a header that holds all needed columns.

    Parameters
    ----------
    header : list of str
        Names of the columns, in order.
    needed : tuple of str
        Names that have to be among them.
    where : str
        Place for a message.

    Raises
    ------
    RequestError
        One is missing; the message names it and all that are needed.
    """
    if len(header) > _MAX_COLUMNS:
        raise RequestError(f"{where} has more than {_MAX_COLUMNS} columns")
    missing = next((column for column in needed if column not in header), None)
    if missing is not None:
        raise RequestError(f"{where} has no column {missing!r}; needed are {', '.join(needed)}")
