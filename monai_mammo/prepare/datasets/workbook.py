"""Sheets of an Excel workbook, as rows of text, by openpyxl with bounds on what is unpacked."""

from __future__ import annotations

import datetime
import warnings
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, read_bytes
from monai_mammo.files.names import printable
from monai_mammo.prepare.datasets.rows import TableRow

__all__ = ["read_workbook"]

_MAX_FILE_BYTES = 64 * 2**20
_MAX_PART_BYTES = 64 * 2**20
_MAX_PARTS = 1000
_MAX_COLUMNS = 256
_MAX_ROWS = 2**20  # of Excel


def read_workbook(path: Path) -> dict[str, list[TableRow]]:
    """Records of each sheet by the sheet's name; the first row with text is its header.

    Whole numbers read as such (``46``, whether stored as 46 or 46.0); text keeps its blanks; formulas give the value
    that was stored with them.

    Parameters
    ----------
    path : Path
        File in the form of Excel 2007 and later, ``.xlsx``.

    Returns
    -------
    dict of str to list of TableRow

    Raises
    ------
    RequestError
        The file is not there, is not a workbook, is damaged, declares entities, or would unpack to more than 64 MiB a
        part.
    """
    name = printable(path.name)
    try:
        data = read_bytes(path, max_bytes=_MAX_FILE_BYTES)
    except UnreadableFile as error:
        raise RequestError(f"workbook {error.detail}") from None
    try:
        return _sheets(data)
    except _TooLarge as error:
        raise RequestError(f"workbook {name} could not be read: {error}") from None
    except Exception as error:  # openpyxl raises whatever a damaged part makes it trip over
        cause = type(error.__cause__ or error).__name__
        raise RequestError(f"{name} is not a workbook, or a damaged one ({cause})") from None


class _TooLarge(Exception):
    """A workbook has more of something than allowed."""


def _sheets(data: bytes) -> dict[str, list[TableRow]]:
    from openpyxl.reader.excel import ExcelReader

    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = archive.infolist()
    if len(parts) > _MAX_PARTS or any(part.file_size > _MAX_PART_BYTES for part in parts):
        words = f"it has more than {_MAX_PARTS} parts, or one that unpacks to more than {_MAX_PART_BYTES // 2**20} MiB"
        raise _TooLarge(words)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions, which are not asked for
        reader = ExcelReader(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        reader.read()
        missing = [sheet.name for sheet, part in reader.parser.find_sheets() if part.target not in reader.valid_files]
        if missing:
            raise KeyError(missing[0])
        return {sheet.title: _rows(sheet) for sheet in reader.wb.worksheets}


def _rows(sheet: Any) -> list[TableRow]:
    header: list[str] | None = None
    rows: list[TableRow] = []
    sheet.reset_dimensions()  # what a file says of its own size need not be so
    for line, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        if line > _MAX_ROWS or len(values) > _MAX_COLUMNS:
            raise _TooLarge(f"a sheet has more than {_MAX_ROWS} rows or {_MAX_COLUMNS} columns")
        texts = [_text(value) for value in values]
        if not any(text.strip() for text in texts):
            continue
        if header is None:
            header = [text.strip() for text in texts]
        else:
            texts += [""] * (len(header) - len(texts))
            named = {title: text for title, text in zip(header, texts, strict=False) if title}
            rows.append(TableRow(table=f"sheet {sheet.title}", number=len(rows) + 1, line=line, values=named))
    return rows


def _text(value: Any) -> str:
    """Value of a cell as the tables of text have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)
