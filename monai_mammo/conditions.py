"""What a mammogram shows, or is asked to show."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Self

from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import parse_json
from monai_mammo.terms import (
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
    parse_birads,
)

__all__ = ["OF_THE_LESION", "WHOLE_NUMBERS", "Box", "Conditions"]

WHOLE_NUMBERS: dict[str, tuple[int, int]] = {"age_years": (0, 120), "subtlety": (1, 5), "n_findings": (1, 10)}
"""Conditions that are whole numbers, with the lowest and the highest that is allowed."""

OF_THE_LESION: tuple[str, ...] = (
    "box",
    "lesion_shape",
    "lesion_margin",
    "calc_type",
    "calc_distribution",
    "subtlety",
    "n_findings",
)
"""Conditions that describe a lesion, and so contradict finding ``none``."""


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """Rectangle ``(x0, y0, x1, y1)`` in fractions of the image it comes with, origin top left.

    Parameters
    ----------
    x0, y0, x1, y1 : float
        ``0 <= x0 < x1 <= 1`` along the columns, ``0 <= y0 < y1 <= 1`` along the rows.

    Raises
    ------
    RequestError
        The box is empty, not finite or reaches outside the image.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        values = tuple(self)
        if not all(isinstance(v, (int, float)) and math.isfinite(v) for v in values):
            raise RequestError(f"box {values} must be four finite numbers x0, y0, x1, y1")
        if not (0 <= self.x0 < self.x1 <= 1 and 0 <= self.y0 < self.y1 <= 1):
            raise RequestError(
                f"box {values} does not lie in the image: allowed are 0 <= x0 < x1 <= 1 and "
                "0 <= y0 < y1 <= 1, as fractions of width and height"
            )

    def __iter__(self) -> Iterator[float]:
        return iter((self.x0, self.y0, self.x1, self.y1))

    @property
    def mirrored(self) -> Self:
        """The same place in the mirrored image; its own inverse."""
        return type(self)(1 - self.x1, self.y0, 1 - self.x0, self.y1)

    @property
    def width_fraction(self) -> float:
        """Width as a fraction of the image's width."""
        return self.x1 - self.x0

    @property
    def height_fraction(self) -> float:
        """Height as a fraction of the image's height."""
        return self.y1 - self.y0

    @property
    def center(self) -> tuple[float, float]:
        """Middle ``(x, y)`` of the box, in fractions."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @classmethod
    def parse(cls, text: str | tuple | list, *, where: str = "") -> Self:
        """Box from ``"x0,y0,x1,y1"`` or a sequence of four numbers.

        Parameters
        ----------
        text : str, tuple or list
            Fractions of the image, origin top left.
        where : str
            Place of it, for a message.

        Returns
        -------
        Box

        Raises
        ------
        RequestError
            There are not four numbers, or they are no box inside the image.
        """
        place = f" in {where}" if where else ""
        try:
            parts = text.replace(" ", ",").split(",") if isinstance(text, str) else list(text)
            numbers = [float(part) for part in parts if str(part).strip()]
        except (TypeError, ValueError, OverflowError):
            numbers = []
        if len(numbers) != 4:
            raise RequestError(f"box {_short(text)}{place} must be four numbers x0,y0,x1,y1 between 0 and 1")
        try:
            return cls(*numbers)
        except RequestError as error:
            raise RequestError(f"{error}{place}") from None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Attributes of one mammogram; what is `None` is not known, or left open to the generator.

    Parameters
    ----------
    kind : AcquisitionKind or None
        Digitised film, low-energy digital or subtracted contrast picture.
    view : View or None
    laterality : Laterality or None
    density : Density or None
        BI-RADS composition of the breast.
    finding : Finding or None
        Main category; ``Finding.NONE`` says that no lesion is to be seen.
    birads : int or None
        Assessment category, 0 to 6.
    pathology : Pathology or None
    age_years : int or None
        Age of the person, 0 to 120.
    lesion_shape : Shape or None
        Shape of a mass, in the words of BI-RADS.
    lesion_margin : Margin or None
        Margin of a mass; of several the one of most concern.
    calc_type : CalcificationMorphology or None
        Morphology of calcifications; of several the one of most concern.
    calc_distribution : CalcificationDistribution or None
        How calcifications lie in the breast.
    subtlety : int or None
        How plainly the lesion is seen, from 1, subtle, to 5, obvious, as DDSM rates it.
    n_findings : int or None
        Lesions of the image; 10 stands for 10 and more.
    box : Box or None
        Where the lesion lies, in fractions of the picture as it hangs.
    text : str or None
        Words of a report, kept for encoders of text.

    Raises
    ------
    RequestError
        A value is not of its vocabulary, or what describes a lesion is given with finding ``none``.
    """

    kind: AcquisitionKind | None = None
    view: View | None = None
    laterality: Laterality | None = None
    density: Density | None = None
    finding: Finding | None = None
    birads: int | None = None
    pathology: Pathology | None = None
    age_years: int | None = None
    lesion_shape: Shape | None = None
    lesion_margin: Margin | None = None
    calc_type: CalcificationMorphology | None = None
    calc_distribution: CalcificationDistribution | None = None
    subtlety: int | None = None
    n_findings: int | None = None
    box: Box | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        for name, vocabulary in _VOCABULARIES.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, vocabulary):
                object.__setattr__(self, name, vocabulary.parse(value))
        if self.birads is not None:
            object.__setattr__(self, "birads", parse_birads(self.birads))
        for name in WHOLE_NUMBERS:
            _check_number(name, getattr(self, name))
        if self.box is not None and not isinstance(self.box, Box):
            object.__setattr__(self, "box", Box.parse(self.box))
        if self.text is not None and not isinstance(self.text, str):
            raise RequestError(f"text {_short(self.text)} is not a string")
        _check_absence({name: getattr(self, name) for name in ("finding", *OF_THE_LESION)})

    def replace(self, **changes: Any) -> Self:
        """Copy with some attributes changed, checked anew.

        Returns
        -------
        Conditions
        """
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Known attributes as plain JSON values, in the order of declaration.

        Returns
        -------
        dict
        """
        out: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None:
                out[field.name] = list(value) if isinstance(value, Box) else _plain(value)
        return out

    def to_json(self) -> str:
        """JSON text that `from_json` reads back to an equal object.

        Returns
        -------
        str
        """
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "") -> Self:
        """Conditions from a mapping, such as a line of a request file.

        Empty strings and `None` count as not given.

        Parameters
        ----------
        values : mapping
            By name of the attribute.
        where : str
            Place of it, for a message.

        Returns
        -------
        Conditions

        Raises
        ------
        RequestError
            A name is not an attribute, or a value is not allowed.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        given = {str(k): v for k, v in values.items() if v is not None and not (isinstance(v, str) and v == "")}
        place = f" in {where}" if where else ""
        for name in given:
            if name not in names:
                raise RequestError(f"condition {_short(name)}{place} is not one of {', '.join(names)}")
        for name, vocabulary in _VOCABULARIES.items():
            if name in given:
                given[name] = vocabulary.parse(given[name], where=where)
        if "birads" in given:
            given["birads"] = parse_birads(given["birads"], where=where)
        for name in WHOLE_NUMBERS:
            number = given.get(name)
            if isinstance(number, str) and number.strip().isdecimal() and len(number) < 10:
                given[name] = number = int(number)
            _check_number(name, number, place=place)
        if not isinstance(given.get("text", ""), str):
            raise RequestError(f"text {_short(given['text'])}{place} is not a string")
        if "box" in given:
            given["box"] = Box.parse(given["box"], where=where)
        _check_absence(given, place=place)
        return cls(**given)

    @classmethod
    def from_json(cls, text: str, *, where: str = "") -> Self:
        """Conditions from the text that `to_json` writes.

        Parameters
        ----------
        text : str
            One JSON object.
        where : str
            Place of it, for a message.

        Returns
        -------
        Conditions

        Raises
        ------
        RequestError
            The text is not a JSON object, or `from_dict` refuses it.
        """
        try:
            values = parse_json(text)
        except ValueError as error:
            raise RequestError(f"conditions{' in ' + where if where else ''} are not JSON: {error}") from None
        if not isinstance(values, dict):
            raise RequestError(f"conditions{' in ' + where if where else ''} must be one JSON object")
        return cls.from_dict(values, where=where)


_LONGEST = 80  # characters of a value that a message quotes
_VOCABULARIES = {
    "kind": AcquisitionKind,
    "view": View,
    "laterality": Laterality,
    "density": Density,
    "finding": Finding,
    "pathology": Pathology,
    "lesion_shape": Shape,
    "lesion_margin": Margin,
    "calc_type": CalcificationMorphology,
    "calc_distribution": CalcificationDistribution,
}


def _check_number(name: str, value: Any, *, place: str = "") -> None:
    low, high = WHOLE_NUMBERS[name]
    if value is not None and not (isinstance(value, int) and not isinstance(value, bool) and low <= value <= high):
        raise RequestError(f"{name} {_short(value)}{place} is not a whole number from {low} to {high}")


def _check_absence(values: Mapping[str, Any], *, place: str = "") -> None:
    """Refuse what describes a lesion where there is to be none."""
    if values.get("finding") is Finding.NONE:
        for name in OF_THE_LESION:
            if values.get(name) is not None:
                words = f"leave out the {name} or name the finding"
                raise RequestError(f"a {name} is given with finding 'none'{place}: {words}")


def _short(value: Any) -> str:
    """Value for a message, however long it is."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value
