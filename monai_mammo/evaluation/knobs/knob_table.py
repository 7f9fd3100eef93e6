"""The knobs: one condition each, the levels it is set to, and what is expected to move."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from monai_mammo.conditions import Box, Conditions
from monai_mammo.terms import AcquisitionKind, Density, Finding, Laterality, Margin, Pathology, Shape, View

__all__ = ["BASE", "KNOBS", "Knob", "Level"]

BASE = Conditions(
    kind=AcquisitionKind.FILM,
    view=View.MLO,
    laterality=Laterality.L,
    density=Density.B,
    finding=Finding.MASS,
    birads=4,
    box=Box(0.34, 0.46, 0.50, 0.58),
)
"""What all images of the table show but for the one knob; the box lies in the breast of nearly all MLO views."""

BREAST = ("breast area", "brightness", "dense share")
LESION = ("lesion contrast", "dice", "found area")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One setting of a knob.

    Parameters
    ----------
    label : str
        Names it in tables.
    value : float or None
        Its place on a scale; `None` where the levels have no order.
    changes : mapping
        What of `BASE` it replaces.
    mask_diameter : float or None
        A disc of this share of the picture's rows, in the middle of the box, in place of an outline.
    """

    label: str
    value: float | None = None
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    mask_diameter: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """One condition that is changed alone.

    Parameters
    ----------
    name : str
        Attribute of `monai_mammo.attributes.TABLE`, or ``mask``.
    levels : tuple of Level
    decides : str
        Measure that tells whether the generator responds: its slope over the levels, or where these have no order, how
        much more an image is read as what was requested than as another level. `reads` in the latter case is the head.
    direction : int
        Sign of the slope that is expected; 0 where any is a response.
    reads : str
        Attribute whose reading decides, where the levels have no order.
    moves : tuple of str
        Measures that are expected to move too.
    still : tuple of str
        Measures that are expected not to move.
    """

    name: str
    levels: tuple[Level, ...]
    decides: str = ""
    direction: int = 0
    reads: str = ""
    moves: tuple[str, ...] = ()
    still: tuple[str, ...] = ()

    @property
    def is_ordered(self) -> bool:
        """Whether the levels lie on a scale."""
        return all(level.value is not None for level in self.levels)


def _ordered(name: str, values: Mapping[Any, float]) -> tuple[Level, ...]:
    return tuple(Level(label=str(key), value=value, changes={name: key}) for key, value in values.items())


def _named(name: str, *values: Any) -> tuple[Level, ...]:
    return tuple(Level(label=str(value), changes={name: value}) for value in values)


def _box_at(row: float) -> Box:
    return Box(0.34, row - 0.06, 0.50, row + 0.06)


KNOBS: tuple[Knob, ...] = (
    Knob(
        name="density",
        levels=_ordered("density", {density: i + 1.0 for i, density in enumerate(Density)}),
        decides="density read",
        direction=1,
        moves=("density judged", "dense share", "brightness"),
        still=("breast area", "dice", "view=MLO"),
    ),
    Knob(name="view", levels=_named("view", *View), reads="view", moves=("breast area",), still=("density read",)),
    Knob(name="laterality", levels=_named("laterality", *Laterality), reads="laterality", still=(*BREAST, *LESION)),
    Knob(name="kind", levels=_named("kind", *AcquisitionKind), decides="brightness", still=("breast area", "view=MLO")),
    Knob(
        name="box",
        levels=tuple(Level(label=f"row {y:.2f}", value=y, changes={"box": _box_at(y)}) for y in (0.35, 0.52, 0.68)),
        decides="found row",
        direction=1,
        still=(*BREAST, "density read", "birads read"),
    ),
    Knob(
        name="mask",
        levels=tuple(Level(label=f"disc of {size:.2f}", value=size, mask_diameter=size) for size in (0.05, 0.10, 0.15)),
        decides="found area",
        direction=1,
        still=(*BREAST, "density read", "found row"),
    ),
    Knob(
        name="birads",
        levels=_ordered("birads", {category: float(category) for category in (2, 3, 4, 5)}),
        decides="birads read",
        direction=1,
        moves=("birads judged", "pathology=malignant", "lesion contrast"),
        still=(*BREAST, "density read", "view=MLO"),
    ),
    Knob(
        name="pathology",
        levels=_ordered("pathology", {Pathology.BENIGN: 0.0, Pathology.MALIGNANT: 1.0}),
        decides="pathology=malignant",
        direction=1,
        moves=("birads read", "birads judged", "lesion contrast"),
        still=(*BREAST, "density read"),
    ),
    Knob(
        name="finding",
        levels=(
            *_named("finding", Finding.MASS, Finding.CALCIFICATION),
            Level(label="none", changes={"finding": Finding.NONE, "box": None, "birads": None}),
        ),
        reads="finding",
        moves=("found area", "lesion contrast", "presence"),
        still=(*BREAST, "density read"),
    ),
    Knob(
        name="age_years",
        levels=_ordered("age_years", {40: 40.0, 55: 55.0, 70: 70.0}),
        decides="dense share",
        moves=("density read", "density judged"),
        still=("breast area", *LESION),
    ),
    Knob(
        name="lesion_shape",
        levels=_named("lesion_shape", Shape.ROUND, Shape.OVAL, Shape.IRREGULAR),
        decides="lesion contrast",
        still=(*BREAST, "density read"),
    ),
    Knob(
        name="lesion_margin",
        levels=_named("lesion_margin", Margin.CIRCUMSCRIBED, Margin.SPICULATED),
        decides="lesion contrast",
        still=(*BREAST, "density read"),
    ),
    Knob(
        name="subtlety",
        levels=_ordered("subtlety", {1: 1.0, 3: 3.0, 5: 5.0}),
        decides="lesion contrast",
        direction=1,
        moves=("dice",),
        still=(*BREAST, "density read"),
    ),
    Knob(
        name="n_findings",
        levels=_ordered("n_findings", {1: 1.0, 2: 2.0, 4: 4.0}),
        decides="n regions",
        direction=1,
        still=(*BREAST, "density read"),
    ),
)
"""All knobs, in the order of the table."""
