"""What a network is trained to read of a mammogram when the worth of generated images is measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.terms import Density, Finding, Pathology

__all__ = ["TARGETS", "ReadTarget"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReadTarget:
    """A condition in ordered classes.

    Parameters
    ----------
    name : str
        Condition that is read.
    classes : tuple of str
        In words, the lowest first.
    place_of : mapping of str to int
        Place among the classes by the condition's value.
    """

    name: str
    classes: tuple[str, ...]
    place_of: Mapping[str, int]

    @classmethod
    def named(cls, name: str) -> ReadTarget:
        """Target by its name.

        Parameters
        ----------
        name : str
            One of `TARGETS`.

        Returns
        -------
        ReadTarget

        Raises
        ------
        RequestError
            There is no such target.
        """
        if name not in TARGETS:
            raise RequestError(f"target {name!r} is not one of {', '.join(TARGETS)}")
        return TARGETS[name]

    @property
    def is_ordinal(self) -> bool:
        """Whether there are more than two classes."""
        return len(self.classes) > 2

    def class_of(self, item: Mapping[str, Any]) -> int | None:
        """Place of an image's class, `None` where the condition is not stated.

        Parameters
        ----------
        item : mapping
            With conditions.

        Returns
        -------
        int or None
        """
        value = item["conditions"].get(self.name)
        return None if value is None else self.place_of[str(value)]


_OTHER = {str(one): 0 for one in Pathology}
_SHOWN = {str(one): 1 for one in Finding}

TARGETS: dict[str, ReadTarget] = {
    "density": ReadTarget(
        name="density", classes=tuple(map(str, Density)), place_of={str(one): i for i, one in enumerate(Density)}
    ),
    "finding": ReadTarget(
        name="finding", classes=("no finding", "a finding"), place_of={**_SHOWN, str(Finding.NONE): 0}
    ),
    "pathology": ReadTarget(
        name="pathology",
        classes=("normal or benign", "malignant"),
        place_of={**_OTHER, str(Pathology.MALIGNANT): 1},
    ),
}
"""By the name of the condition."""
