"""How many training images and persons stand behind what a request asks for."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Self

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.terms import Density, Finding

__all__ = ["ATTRIBUTES", "FEW_PERSONS", "Support", "SupportRow", "SupportTable", "describe", "support_rows"]

ATTRIBUTES = ("kind", "density", "view", "finding", "birads")
"""Conditions that the table counts by, in the order of its columns."""

FEW_PERSONS = 20
"""Below so many training persons a request is met with a warning."""

_COST_OF_CHANGE = {"kind": 3.0, "density": 1.0, "view": 2.0, "finding": 4.0, "birads": 0.5}
_ORDERED = {"density": tuple(Density), "birads": tuple(range(7))}


@dataclasses.dataclass(frozen=True, slots=True)
class SupportRow:
    """One combination that occurs in training; `None` stands for a label that is not known.

    Parameters
    ----------
    conditions : Conditions
        Only kind, density, view, finding and birads are set.
    n_images, n_persons : int
        Both at least 1; a person may stand in several rows.
    """

    conditions: Conditions
    n_images: int
    n_persons: int

    def __post_init__(self) -> None:
        if not 1 <= self.n_persons <= self.n_images:
            raise MammoError(f"a support row of {self.n_images} images and {self.n_persons} persons cannot be")


@dataclasses.dataclass(frozen=True, slots=True)
class Support:
    """What the training images say to one request.

    Parameters
    ----------
    images : int
        Training images that show all that is requested.
    persons : int
        Persons behind them; a lower bound where the request leaves attributes open.
    alternatives : tuple of Conditions
        Nearest requests that training images stand behind; empty where the request is supported.
    warning : str
        One sentence, empty where there is nothing to warn of.
    """

    images: int
    persons: int
    alternatives: tuple[Conditions, ...] = ()
    warning: str = ""

    @property
    def is_supported(self) -> bool:
        """Whether at least one training image shows what is requested."""
        return self.images > 0


@dataclasses.dataclass(frozen=True, slots=True)
class SupportTable:
    """Training images and persons by kind, density, view, finding and BI-RADS.

    Parameters
    ----------
    rows : tuple of SupportRow
        No combination twice.
    """

    rows: tuple[SupportRow, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(self.rows))
        keys = [_key(row.conditions) for row in self.rows]
        if len(set(keys)) != len(keys):
            raise MammoError("a support table names a combination twice")

    def images(self, conditions: Conditions) -> int:
        """Training images with every attribute as requested; one left open matches all.

        Parameters
        ----------
        conditions : Conditions
            What is requested.

        Returns
        -------
        int
        """
        return sum(row.n_images for row in self._matching(conditions))

    def persons(self, conditions: Conditions) -> int:
        """Training persons behind a request.

        Exact where one row matches. Where several do, a person may be in more than one of them, so the
        largest row counts: the figure is a lower bound, and a warning made from it is never missing.

        Parameters
        ----------
        conditions : Conditions
            What is requested.

        Returns
        -------
        int
        """
        return max((row.n_persons for row in self._matching(conditions)), default=0)

    def nearest(self, conditions: Conditions, n: int = 3) -> tuple[Conditions, ...]:
        """Supported requests that change least of what is requested.

        Parameters
        ----------
        conditions : Conditions
            What is requested; attributes left open stay open.
        n : int
            At most so many.

        Returns
        -------
        tuple of Conditions
            Nearest first, then most images. A change of finding weighs most, then kind, view, a step of
            density, and a step of BI-RADS least.
        """
        requested = _requested(conditions)
        images: dict[tuple[Any, ...], int] = defaultdict(int)
        for row in self.rows:
            values = tuple(getattr(row.conditions, name) for name in requested)
            if None not in values:
                images[values] += row.n_images
        order = sorted(images, key=lambda values: (_distance(requested, values), -images[values], str(values)))
        return tuple(_with(conditions, dict(zip(requested, values, strict=True))) for values in order[:n])

    def check(self, conditions: Conditions) -> Support:
        """Figures, nearest alternatives and warning for a request.

        Parameters
        ----------
        conditions : Conditions
            What is requested.

        Returns
        -------
        Support
        """
        images, persons = self.images(conditions), self.persons(conditions)
        if images == 0:
            nearest = self.nearest(conditions)
            offers = "; ".join(describe(other) for other in nearest)
            sentence = f"no training image shows {describe(conditions)}; the nearest supported are: {offers or 'none'}"
            return Support(0, 0, nearest, sentence)
        if persons >= FEW_PERSONS:
            return Support(images, persons)
        at_least = "at least " if len(self._matching(conditions)) > 1 else ""
        people = f"{persons} training person{'s' if persons != 1 else ''}"
        sentence = f"only {at_least}{people} ({images} images) stand behind {describe(conditions)}"
        return Support(images, persons, (), sentence)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: the columns' names, and a list for each row.

        Returns
        -------
        dict
        """
        rows = [[*_plain(_key(row.conditions)), row.n_images, row.n_persons] for row in self.rows]
        return {"columns": [*ATTRIBUTES, "images", "persons"], "rows": rows}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "a support table") -> Self:
        """Table from what `to_dict` gives.

        Parameters
        ----------
        values : mapping
            ``columns`` and ``rows``.
        where : str
            Place of it, for a message.

        Returns
        -------
        SupportTable

        Raises
        ------
        MammoError
            Columns, terms or numbers are not those of a support table.
        """
        try:
            if list(values["columns"]) != [*ATTRIBUTES, "images", "persons"]:
                raise MammoError(f"columns must be {', '.join(ATTRIBUTES)}, images, persons")
            return cls(tuple(_row(row, where) for row in values["rows"]))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, MammoError) as error:
            raise MammoError(f"the support table of {where} cannot be read: {error}") from None

    def _matching(self, conditions: Conditions) -> list[SupportRow]:
        requested = _requested(conditions).items()
        return [row for row in self.rows if all(getattr(row.conditions, name) == value for name, value in requested)]


def support_rows(items: Iterable[Mapping[str, Any]]) -> SupportTable:
    """Support table of a prepared datalist's training items.

    Parameters
    ----------
    items : iterable of mappings
        Each with ``conditions`` (as `Conditions.to_dict` gives them) and ``person_id``.

    Returns
    -------
    SupportTable

    Raises
    ------
    MammoError
        An item has no person, so that persons cannot be counted.
    """
    images: dict[tuple[Any, ...], int] = defaultdict(int)
    persons: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for item in items:
        if not item.get("person_id"):
            raise MammoError(f"training item {item.get('image_id', '')!r} names no person_id")
        key = _key(Conditions.from_dict(item["conditions"]))
        images[key] += 1
        persons[key].add(str(item["person_id"]))
    order = sorted(images, key=lambda key: tuple("" if value is None else str(value) for value in key))
    rows = (SupportRow(Conditions(**_named(key)), images[key], len(persons[key])) for key in order)
    return SupportTable(tuple(rows))


def describe(conditions: Conditions) -> str:
    """The counted attributes of a request in words, such as ``kind film, density A``.

    Parameters
    ----------
    conditions : Conditions
        Attributes left open are left out.

    Returns
    -------
    str
    """
    return ", ".join(f"{name} {value}" for name, value in _requested(conditions).items()) or "anything at all"


def _row(values: list[Any], where: str) -> SupportRow:
    *key, n_images, n_persons = values
    if len(key) != len(ATTRIBUTES):
        raise MammoError(f"row {values} has not {len(ATTRIBUTES) + 2} values")
    return SupportRow(Conditions.from_dict(_named(key), where=where), int(n_images), int(n_persons))


def _key(conditions: Conditions) -> tuple[Any, ...]:
    return tuple(getattr(conditions, name) for name in ATTRIBUTES)


def _named(key: Iterable[Any]) -> dict[str, Any]:
    return dict(zip(ATTRIBUTES, key, strict=True))


def _plain(key: tuple[Any, ...]) -> list[Any]:
    return [str(value) if isinstance(value, str) else value for value in key]


def _requested(conditions: Conditions) -> dict[str, Any]:
    return {name: value for name, value in _named(_key(conditions)).items() if value is not None}


def _distance(requested: dict[str, Any], values: tuple[Any, ...]) -> float:
    total = 0.0
    for (name, target), value in zip(requested.items(), values, strict=True):
        steps = int(value != target)
        if name in _ORDERED:
            order = _ORDERED[name]
            steps = abs(order.index(value) - order.index(target))
        total += steps * _COST_OF_CHANGE[name]
    return total


def _with(conditions: Conditions, changes: dict[str, Any]) -> Conditions:
    if changes.get("finding") is Finding.NONE:
        changes = {**changes, "box": None}
    return conditions.replace(**changes)
