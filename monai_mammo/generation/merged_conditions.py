"""What is given by name and what a row of conditions says, as one: they must not contradict each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError

__all__ = ["merged_conditions"]


def merged_conditions(named: Conditions, row: Mapping[str, Any], *, where: str) -> Conditions:
    """Conditions of a row together with those that hold for all rows.

    Parameters
    ----------
    named : Conditions
        Given by name, for all rows.
    row : mapping
        Plain values.
    where : str
        Place of the row, for the message.

    Returns
    -------
    Conditions

    Raises
    ------
    RequestError
        The row is not allowed, or says something else than `named`.
    """
    of_row = Conditions.from_dict(row, where=where)
    for field in dataclasses.fields(Conditions):
        requested, stated = getattr(named, field.name), getattr(of_row, field.name)
        if requested is not None and stated is not None and requested != stated:
            raise RequestError(
                f"{field.name} is given as {_words(requested)} and stands as {_words(stated)} in {where}: "
                "leave out one of the two"
            )
    return Conditions.from_dict({**named.to_dict(), **of_row.to_dict()}, where=where)


def _words(value: Any) -> str:
    if isinstance(value, Box):
        return ",".join(f"{number:g}" for number in value)
    return repr(str(value))[:80]
