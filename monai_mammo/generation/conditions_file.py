"""Conditions of many samples from a JSON or CSV file, one a row."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, parse_json, read_text
from monai_mammo.generation.request import MAX_COUNT

__all__ = ["condition_rows", "conditions_from_file"]

_MAX_BYTES = 64 * 2**20


def conditions_from_file(path: str | Path, *, base: Mapping[str, Any] | None = None) -> tuple[Conditions, ...]:
    """Conditions of the samples that a JSON or CSV file lists, one a row.

    Parameters
    ----------
    path : str or Path
        ``.json``: an object or a list of objects; ``.csv``: a header of condition names and a
        line a sample. Empty values count as not given; a box is ``"x0,y0,x1,y1"``.
    base : mapping or None
        Attributes for all rows; a row's own value goes first.

    Returns
    -------
    tuple of Conditions

    Raises
    ------
    RequestError
        The file cannot be read, is empty, or a row is not allowed.
    """
    return tuple(_row_conditions(row, base or {}, where) for where, row in condition_rows(path))


def condition_rows(path: str | Path) -> list[tuple[str, Mapping[str, Any]]]:
    """Rows of a JSON or CSV file as they stand, each with the words for its place.

    Parameters
    ----------
    path : str or Path
        As in `conditions_from_file`. A table may use commas, semicolons or tabs, and capitals in its header.

    Returns
    -------
    list of (str, mapping)
        Values that are not given are left out.

    Raises
    ------
    RequestError
        The file cannot be read, or lists nothing.
    """
    path = Path(path)
    if path.suffix.lower() not in (".json", ".csv"):
        raise RequestError(f"conditions file {path.name} is not one of .json, .csv")
    try:
        text = read_text(path, max_bytes=_MAX_BYTES)
    except UnreadableFile as error:
        raise RequestError(f"conditions file {error.detail}") from None
    rows = _json_rows(text, path) if path.suffix.lower() == ".json" else _csv_rows(text, path)
    if not rows:
        raise RequestError(f"conditions file {path.name} lists no sample")
    if len(rows) > MAX_COUNT:
        raise RequestError(f"conditions file {path.name} lists more than {MAX_COUNT} samples")
    return [(where, {k: v for k, v in row.items() if v is not None and v != ""}) for where, row in rows]


def _row_conditions(row: Mapping[str, Any], base: Mapping[str, Any], where: str) -> Conditions:
    return Conditions.from_dict({**base, **row}, where=where)


def _json_rows(text: str, path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    try:
        values = parse_json(text)
    except ValueError as error:
        raise RequestError(f"conditions file {path.name} could not be read as JSON: {error}") from None
    rows = [values] if isinstance(values, dict) else values
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RequestError(f"conditions file {path.name} must be a JSON object or a list of objects")
    return [(f"{path.name} row {i}", row) for i, row in enumerate(rows, start=1)]


def _csv_rows(text: str, path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    rows: list[tuple[str, Mapping[str, Any]]] = []
    header = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=header.count)  # the first of them where there is none
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True, delimiter=delimiter)
    try:
        names = [str(name).strip().lower() for name in reader.fieldnames or ()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RequestError(f"conditions file {path.name} has the column {twice[0][:80]!r} twice")
        reader.fieldnames = names
        for row in reader:
            if None in row:
                raise RequestError(f"{_line(path, reader)} has more values than the header")
            rows.append((f"{path.name} line {reader.line_num}", row))
    except csv.Error as error:
        raise RequestError(f"{_line(path, reader)} cannot be read as CSV: {error}") from None
    return rows


def _line(path: Path, reader: csv.DictReader) -> str:
    return f"conditions file {path.name} line {reader.line_num}"
