"""Sheets of an Excel workbook (ECMA-376), as rows of text.

The standard library is enough for the cells of a table. A document type declaration, which entities and their bombs
need, is refused before anything is expanded, and no part of the archive is unpacked past a limit.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets.rows import TableRow

__all__ = ["read_workbook"]

_MAX_PART_BYTES = 64 * 2**20
_MAX_COLUMNS = 256
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"


def read_workbook(path: Path) -> dict[str, list[TableRow]]:
    """Records of each sheet by the sheet's name; the first row of a sheet is its header.

    Whole numbers read as such (``46``, whether stored as 46 or 46.0); text keeps its blanks; formulas give the value
    that was stored with them.

    Raises
    ------
    RequestError
        The file is not there, is no workbook, is damaged, or would unpack to more than 64 MiB a part.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            shared = _shared_strings(archive)
            return {name: _rows(name, _parsed(archive, part), shared) for name, part in _sheets(archive).items()}
    except OSError as error:
        raise RequestError(f"workbook {path} could not be read: {error.strerror or 'unknown'}") from None
    except (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, expat.ExpatError, KeyError) as error:
        raise RequestError(f"{path.name} is no workbook, or a damaged one ({type(error).__name__})") from None
    except (ValueError, IndexError, NotImplementedError, RuntimeError, EOFError) as error:
        raise RequestError(f"workbook {path.name} could not be read: {error}") from None


def _parsed(archive: zipfile.ZipFile, part: str) -> ElementTree.Element:
    with archive.open(part) as file:
        data = file.read(_MAX_PART_BYTES + 1)
    if len(data) > _MAX_PART_BYTES:
        raise ValueError(f"a part unpacks to more than {_MAX_PART_BYTES // 2**20} MiB")
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.Parse(data, True)
    return ElementTree.fromstring(data)


def _refuse_doctype(*_: object) -> NoReturn:
    raise ValueError("it declares a document type, which workbooks have none of")


def _sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """Part of the archive by the name of the sheet, in the workbook's order."""
    targets = {
        relation.get("Id"): relation.get("Target", "")
        for relation in _parsed(archive, "xl/_rels/workbook.xml.rels").iter(f"{_PACKAGE}Relationship")
    }
    listed = _parsed(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet")
    named = [(sheet.get("name", ""), targets[sheet.get(_RELATION)]) for sheet in listed]
    return {name: target.lstrip("/") if target.startswith("/") else f"xl/{target}" for name, target in named}


def _shared_strings(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [_text(item) for item in _parsed(archive, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _text(item: ElementTree.Element) -> str:
    """Text of a plain or rich string, without its phonetic guide."""
    runs = [item, *item.findall(f"{_MAIN}r")]
    return "".join(part.text or "" for run in runs for part in run.findall(f"{_MAIN}t"))


def _rows(name: str, sheet: ElementTree.Element, shared: list[str]) -> list[TableRow]:
    header: list[str] | None = None
    rows: list[TableRow] = []
    line = 0
    for row in sheet.iter(f"{_MAIN}row"):
        line = int(row.get("r") or line + 1)
        cells = _cells(row, shared)
        if header is None:
            header = [cells.get(column, "").strip() for column in range(max(cells, default=-1) + 1)]
        elif any(cell.strip() for cell in cells.values()):
            values = {title: cells.get(column, "") for column, title in enumerate(header) if title}
            rows.append(TableRow(table=f"sheet {name}", number=len(rows) + 1, line=line, cells=values))
    return rows


def _cells(row: ElementTree.Element, shared: list[str]) -> dict[int, str]:
    """Cells by column, counted from 0."""
    cells: dict[int, str] = {}
    column = -1
    for cell in row.iter(f"{_MAIN}c"):
        letters = re.match(r"[A-Z]{1,3}", cell.get("r", ""))
        column = _column(letters.group()) if letters else column + 1
        if column >= _MAX_COLUMNS:
            raise ValueError(f"a sheet has more than {_MAX_COLUMNS} columns")
        cells[column] = _value(cell, shared)
    return cells


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: ElementTree.Element, shared: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(f"{_MAIN}is")
        return "" if inline is None else _text(inline)
    value = cell.findtext(f"{_MAIN}v") or ""
    if kind == "s" and value:
        return shared[int(value)]
    return _plain_number(value) if kind == "n" else value


def _plain_number(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else text
