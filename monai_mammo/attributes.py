"""The attributes of a mammogram as numbers: one table for every network that is told of them, or reads them.

Columns of the attribute tensor, tokens, class heads, labels, what is dropped together in training and the value that
says "not given" all come from `TABLE`; so does the table in the user guide. Needs no torch.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from monai_mammo.conditions import WHOLE_NUMBERS, Conditions
from monai_mammo.terms import (
    BIRADS_CATEGORIES,
    AcquisitionKind,
    CalcificationDistribution,
    CalcificationMorphology,
    Density,
    Finding,
    Laterality,
    Margin,
    Pathology,
    Shape,
    View,
)

__all__ = [
    "COLUMNS",
    "DROPPED_TOGETHER",
    "GUIDED",
    "HEADS",
    "NOT_ALWAYS_TAKEN",
    "NOT_GIVEN",
    "OPTIONAL",
    "TABLE",
    "UNKNOWN_LABEL",
    "Attribute",
    "attribute_row",
    "class_labels",
    "markdown_rows",
]

NOT_GIVEN = -1.0
"""Number of an attribute that is not known, left open, or dropped in training."""

UNKNOWN_LABEL = -1
"""Class label of an attribute that is not known; no loss and no figure counts it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute of `Conditions` and how it becomes numbers.

    Parameters
    ----------
    name : str
        Field of `Conditions`.
    meaning : str
        Words for the user guide.
    values : tuple
        Its vocabulary; a column holds the position in it. Empty for numbers.
    allowed : str
        What numbers are allowed, in words.
    columns : tuple of str
        Names of its columns in the attribute tensor; `name` where left out.
    scale : float
        What a number is divided by.
    head : int or None
        Place among the class heads of the networks that examine mammograms; `None` where they have none.
    is_optional : bool
        Whether a diffusion network is told of it only where its definition says so.
    added_to : str
        Attribute whose token tells it too; one of its own where empty. What is added later is told so: a network
        that is grown by it (`monai_mammo.networks.load_weights`) draws the same as before where it is not given.
    left_open : str
        What `generate` does where it is left out, in words; empty where it stays open.
    is_learnt : bool
        Whether enough public training images state it (100) that networks have columns for it.
    """

    name: str
    meaning: str
    values: tuple[Any, ...] = ()
    allowed: str = ""
    columns: tuple[str, ...] = ()
    scale: float = 1.0
    head: int | None = None
    is_optional: bool = False
    added_to: str = ""
    left_open: str = ""
    is_learnt: bool = True

    def __post_init__(self) -> None:
        if not self.columns and self.is_learnt:
            object.__setattr__(self, "columns", (self.name,))
        if self.head is not None and not self.values:
            raise ValueError(f"attribute {self.name} has a class head and no classes")

    @property
    def first_column(self) -> int:
        """Position of its first column in the attribute tensor; for those that are learnt."""
        return COLUMNS.index(self.columns[0])

    @property
    def positions(self) -> tuple[int, ...]:
        """Positions of its columns in the attribute tensor."""
        if not self.columns:
            return ()
        return tuple(range(self.first_column, self.first_column + len(self.columns)))

    @property
    def choices(self) -> str:
        """What is allowed, in words."""
        return ", ".join(str(value) for value in self.values) or self.allowed

    def numbers(self, conditions: Conditions) -> list[float]:
        """Its columns for one mammogram, each `NOT_GIVEN` where the attribute is not known.

        Parameters
        ----------
        conditions : Conditions

        Returns
        -------
        list of float, one for each of `columns`
        """
        value = getattr(conditions, self.name)
        if value is None or not self.columns:
            return [NOT_GIVEN] * len(self.columns)
        if self.values:
            return [float(self.values.index(value))]
        return [float(number) / self.scale for number in (value if len(self.columns) > 1 else (value,))]

    def label(self, conditions: Conditions) -> int:
        """Its class for one mammogram, `UNKNOWN_LABEL` where the attribute is not known.

        Parameters
        ----------
        conditions : Conditions

        Returns
        -------
        int
        """
        value = getattr(conditions, self.name)
        return UNKNOWN_LABEL if value is None else self.values.index(value)


def _range(name: str) -> str:
    low, high = WHOLE_NUMBERS[name]
    return f"a whole number from {low} to {high}"


TABLE: tuple[Attribute, ...] = (
    Attribute(
        name="kind",
        meaning="how the picture came about",
        values=tuple(AcquisitionKind),
        left_open="the best supported where left out",
    ),
    Attribute(name="density", meaning="BI-RADS composition of the breast", values=tuple(Density), head=2),
    Attribute(name="view", meaning="projection", values=tuple(View), head=3, left_open="drawn where left out"),
    Attribute(
        name="laterality", meaning="side of the breast", values=tuple(Laterality), left_open="drawn where left out"
    ),
    Attribute(name="finding", meaning="main category of the lesion", values=tuple(Finding), head=0),
    Attribute(name="birads", meaning="assessment category", values=BIRADS_CATEGORIES, head=1),
    Attribute(
        name="box",
        meaning="where the lesion lies",
        allowed="`x0,y0,x1,y1` in fractions of the picture, origin top left",
        columns=("x0", "y0", "x1", "y1"),
    ),
    Attribute(name="pathology", meaning="proven nature", values=tuple(Pathology), head=4, is_optional=True),
    Attribute(
        name="age_years",
        meaning="age of the person",
        allowed=_range("age_years"),
        scale=100.0,
        is_optional=True,
    ),
    Attribute(
        name="lesion_shape", meaning="shape of a mass", values=tuple(Shape), is_optional=True, added_to="finding"
    ),
    Attribute(
        name="lesion_margin", meaning="margin of a mass", values=tuple(Margin), is_optional=True, added_to="finding"
    ),
    Attribute(
        name="subtlety",
        meaning="how plainly the lesion is seen: 1 subtle, 5 obvious (DDSM)",
        allowed=_range("subtlety"),
        scale=5.0,
        is_optional=True,
        added_to="finding",
    ),
    Attribute(
        name="n_findings",
        meaning="lesions of the image, 10 for 10 and more",
        allowed=_range("n_findings"),
        scale=10.0,
        is_optional=True,
        added_to="finding",
    ),
    Attribute(
        name="calc_type",
        meaning="morphology of calcifications",
        values=tuple(CalcificationMorphology),
        is_learnt=False,
    ),
    Attribute(
        name="calc_distribution",
        meaning="distribution of calcifications",
        values=tuple(CalcificationDistribution),
        is_learnt=False,
    ),
)
"""All attributes, in the order of their columns. A new one goes to the end, so that trained networks keep theirs."""

COLUMNS: tuple[str, ...] = tuple(column for attribute in TABLE for column in attribute.columns)
"""Columns of the attribute tensor."""

HEADS: dict[str, Attribute] = {
    attribute.name: attribute
    for attribute in sorted((a for a in TABLE if a.head is not None), key=lambda attribute: attribute.head or 0)
}
"""Attributes that the examining networks read, by name, in the order of their class heads."""

OPTIONAL: tuple[str, ...] = tuple(attribute.name for attribute in TABLE if attribute.is_optional)
"""Attributes that a network is told of only where its definition names them."""

NOT_ALWAYS_TAKEN: tuple[str, ...] = tuple(one.name for one in TABLE if one.is_optional or not one.is_learnt)
"""Attributes that a diffusion network may not respond to."""

GUIDED: tuple[str, ...] = (*(one.name for one in TABLE if one.is_learnt), "mask", "text")
"""Conditions that guidance can weigh apart: training drops each of them alone."""

DROPPED_TOGETHER: tuple[tuple[int, ...], ...] = tuple(
    attribute.positions
    for attribute in sorted(TABLE, key=lambda attribute: attribute.name == "box")
    if attribute.is_learnt
)
"""Columns that training drops together, one group an attribute, the box's last."""


def attribute_row(conditions: Conditions) -> list[float]:
    """Row of the attribute tensor for one mammogram.

    Parameters
    ----------
    conditions : Conditions
        The box in the chest-wall-left frame of the prepared grid.

    Returns
    -------
    list of float, one for each of `COLUMNS`
    """
    return [number for attribute in TABLE for number in attribute.numbers(conditions)]


def class_labels(conditions: Conditions) -> list[int]:
    """Class of each head for one mammogram.

    Parameters
    ----------
    conditions : Conditions

    Returns
    -------
    list of int, one for each of `HEADS`
        `UNKNOWN_LABEL` where an attribute is not known.
    """
    return [attribute.label(conditions) for attribute in HEADS.values()]


def markdown_rows() -> str:
    """Table of the attributes as the user guide shows it.

    Returns
    -------
    str
    """
    lines = [
        "| condition | allowed values | what it is | told to the generator | read by the examiners |",
        "|---|---|---|---|---|",
    ]
    for attribute in TABLE:
        told = "where its bundle says so" if attribute.is_optional else "yes" if attribute.is_learnt else "no"
        read = "no" if attribute.head is None else "yes"
        lines.append(f"| `{attribute.name}` | {attribute.choices} | {attribute.meaning} | {told} | {read} |")
    return "\n".join(lines) + "\n"
