"""What a kept attribute may hold: a value of another form goes, whatever its attribute is.

A list of names alone is not enough, since any text attribute can hold any text. Each form says yes or no to a value;
one that passes stays as it is.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from monai_mammo.terms import Code

__all__ = ["Codes", "Form", "Items", "Matching", "Number", "SomeTerms", "Table", "Terms"]

_DECIMAL = re.compile(r" {0,8}[+-]?(?:\d{1,20}\.?\d{0,20}|\.\d{1,20})(?:[eE][+-]?\d{1,2})? {0,8}", re.ASCII)


class Form:
    """What a value may be."""

    def allows(self, value: Any) -> bool:
        """Whether a value, as pydicom gives it, is of this form; an empty one is of any.

        Parameters
        ----------
        value : object
            As pydicom gives it.

        Returns
        -------
        bool
        """
        raise NotImplementedError

    def kept(self, value: Any) -> Any:
        """What stays of a value: all of it, or `None`.

        Parameters
        ----------
        value : object
            As pydicom gives it.

        Returns
        -------
        object or None
        """
        return value if self.allows(value) else None

    def words(self) -> str:
        """The form in words, for the documentation.

        Returns
        -------
        str
        """
        raise NotImplementedError


def _values(value: Any) -> list[Any]:
    """Values of an attribute of any multiplicity; none for an empty one."""
    if value is None or (isinstance(value, (str, bytes)) and not value.strip()):
        return []
    return [value] if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) else list(value)


@dataclasses.dataclass(frozen=True, slots=True)
class Number(Form):
    """Numbers within a range.

    Parameters
    ----------
    low, high : float
        Range, both ends included: a date or the number of a record does not pass as a tube voltage.
    most : int
        Number of values.
    """

    low: float
    high: float
    most: int = 1

    def allows(self, value: Any) -> bool:
        """Whether there are no more than `most` numbers, written as decimals, within the range.

        Parameters
        ----------
        value : object
            Of the element, as pydicom gives it.

        Returns
        -------
        bool
        """
        values = _values(value)
        return len(values) <= self.most and all(self._is_one(one) for one in values)

    def words(self) -> str:
        """Such as ``number from 0 to 50``.

        Returns
        -------
        str
        """
        many = "number" if self.most == 1 else f"up to {self.most} numbers"
        return f"{many} from {self.low:g} to {self.high:g}"

    def _is_one(self, value: Any) -> bool:
        text = str(getattr(value, "original_string", value))
        return _DECIMAL.fullmatch(text) is not None and self.low <= float(text) <= self.high


@dataclasses.dataclass(frozen=True, slots=True)
class Terms(Form):
    """Words of a closed list.

    Parameters
    ----------
    allowed : str
        The words, separated by commas.
    most : int
        Number of values.
    """

    allowed: str
    most: int = 1

    def allows(self, value: Any) -> bool:
        """Whether there are no more than `most` values, each on the list or empty.

        Parameters
        ----------
        value : object
            Of the element, as pydicom gives it.

        Returns
        -------
        bool
        """
        values = _values(value)
        return len(values) <= self.most and all(self._is_one(one) for one in values)

    def words(self) -> str:
        """The words.

        Returns
        -------
        str
        """
        return self.allowed

    def _is_one(self, value: Any) -> bool:
        return isinstance(value, str) and value.strip(" ") in {"", *self.allowed.split(", ")}


@dataclasses.dataclass(frozen=True, slots=True)
class SomeTerms(Terms):
    """Words of a closed list, among which others are emptied, since the place of a word counts."""

    def kept(self, value: Any) -> Any:
        """Values with empty ones in place of those that are not on the list, or `None` where none is left.

        Parameters
        ----------
        value : object
            Of the element, as pydicom gives it.

        Returns
        -------
        list of str or None
        """
        values = [one if self._is_one(one) else "" for one in _values(value)[: self.most]]
        while values and not values[-1].strip():
            values.pop()
        return values or None

    def words(self) -> str:
        """The words, and what becomes of others.

        Returns
        -------
        str
        """
        return f"{self.allowed}; other words are emptied"


@dataclasses.dataclass(frozen=True, slots=True)
class Matching(Form):
    """Text that a pattern describes.

    Parameters
    ----------
    pattern : str
        Regular expression of the whole value, whatever its case.
    meaning : str
        The pattern in words.
    most : int
        Number of values.
    """

    pattern: str
    meaning: str
    most: int = 1

    def allows(self, value: Any) -> bool:
        """Whether there are no more than `most` values, and the pattern describes each of them.

        Parameters
        ----------
        value : object
            Of the element, as pydicom gives it.

        Returns
        -------
        bool
        """
        values = _values(value)
        return len(values) <= self.most and all(
            isinstance(one, str) and re.fullmatch(self.pattern, one.strip(" "), re.ASCII | re.IGNORECASE)
            for one in values
        )

    def words(self) -> str:
        """What the pattern means.

        Returns
        -------
        str
        """
        return self.meaning


@dataclasses.dataclass(frozen=True, slots=True)
class Table(Form):
    """Entries of a look-up table: binary numbers, as many as its descriptor says."""

    def allows(self, value: Any) -> bool:
        """Whether the value is binary, or a list of whole numbers, of at most 65,536 entries.

        Parameters
        ----------
        value : object
            Of the element, as pydicom gives it.

        Returns
        -------
        bool
        """
        if isinstance(value, bytes):
            return len(value) <= 2 * 65536
        values = _values(value)
        return len(values) <= 65536 and all(isinstance(one, int) for one in values)

    def words(self) -> str:
        """What a table is.

        Returns
        -------
        str
        """
        return "as many binary numbers as LUTDescriptor says"


@dataclasses.dataclass(frozen=True, slots=True)
class Items(Form):
    """A sequence whose items are filtered by the same list."""

    def allows(self, value: Any) -> bool:
        """Whether the value is a sequence; its items are another matter.

        Parameters
        ----------
        value : object
            Of the element, as pydicom gives it.

        Returns
        -------
        bool
        """
        return not isinstance(value, (str, bytes)) and isinstance(value, Sequence)

    def words(self) -> str:
        """What becomes of the items.

        Returns
        -------
        str
        """
        return "items, filtered by this list; an item of which nothing is left goes"


@dataclasses.dataclass(frozen=True, slots=True)
class Codes(Items):
    """A sequence of coded concepts that the standard lists.

    Parameters
    ----------
    known : mapping of str to Code
        Concepts by their code value. The written meaning is that of the list, never that of the file.
    meaning : str
        Where the concepts come from.
    """

    known: Mapping[str, Code]
    meaning: str

    def words(self) -> str:
        """Where the concepts come from.

        Returns
        -------
        str
        """
        return f"codes of {self.meaning}; other items go, the meaning is written anew"
