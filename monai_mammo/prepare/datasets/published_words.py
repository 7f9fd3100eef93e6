"""What a value of a published table stands for: a word of a vocabulary, or a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets.rows import TableRow

__all__ = ["number_in", "word_in"]

_T = TypeVar("_T")


def word_in(row: TableRow, column: str, meanings: Mapping[str, _T]) -> _T:
    """What the word in a column stands for.

    Parameters
    ----------
    row : TableRow
    column : str
        Name of the column.
    meanings : mapping
        Meaning of each word that is allowed, without blanks around it.

    Returns
    -------
    object
        One of the values of `meanings`.

    Raises
    ------
    RequestError
        The value is none of the words.
    """
    text = row[column]
    if text in meanings:
        return meanings[text]
    allowed = ", ".join(word or "an empty value" for word in meanings)
    raise RequestError(f"{column} {text!r} in {row.where} is not one of {allowed}")


def number_in(row: TableRow, column: str) -> float:
    """Finite number in a column.

    Parameters
    ----------
    row : TableRow
        Of the table.
    column : str
        Name of the column.

    Returns
    -------
    float

    Raises
    ------
    RequestError
        There is none.
    """
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RequestError(f"{column} {row[column]!r} in {row.where} is not a number")
    return value
