"""Scores of the networks of one arm, and the images that they are of."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

__all__ = ["ArmScores", "Cases"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """Images that networks are tested on.

    Parameters
    ----------
    names : tuple of str
    persons : tuple of str
        A synthetic image is a person of its own.
    kinds : tuple of str
        Acquisition kinds: only images of one kind are compared with each other.
    truth : tuple of float
        Class of each image, in order.
    """

    names: tuple[str, ...]
    persons: tuple[str, ...]
    kinds: tuple[str, ...]
    truth: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def n_persons(self) -> int:
        """Number of persons."""
        return len(set(self.persons))

    @property
    def plain_kinds(self) -> tuple[str, ...]:
        """Acquisition kinds whose images are all of one class: no pair of theirs tells anything."""
        classes: dict[str, set[float]] = {}
        for kind, truth in zip(self.kinds, self.truth, strict=True):
            classes.setdefault(kind, set()).add(truth)
        return tuple(kind for kind, some in classes.items() if len(some) == 1)

    def take(self, positions: Sequence[int]) -> Self:
        """The images at some positions.

        Parameters
        ----------
        positions : sequence of int
            From 0.

        Returns
        -------
        Cases
        """
        fields = (field.name for field in dataclasses.fields(self))
        return type(self)(**{name: tuple(getattr(self, name)[i] for i in positions) for name in fields})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmScores:
    """What the networks of one arm and architecture say, one network a seed.

    Parameters
    ----------
    arm, architecture : str
        Names of what was trained on, and of the network.
    seeds : tuple of int
    cases : Cases
    scores : ndarray, shape (n cases, n seeds)
        The larger, the higher the class.
    """

    arm: str
    architecture: str
    seeds: tuple[int, ...]
    cases: Cases
    scores: np.ndarray

    def compared(self) -> Self:
        """The same without images that no pair holds, those of kinds of one class; all where nothing would be left.

        Returns
        -------
        ArmScores
        """
        plain = self.cases.plain_kinds
        kept = [i for i, kind in enumerate(self.cases.kinds) if kind not in plain]
        if not plain or not kept:
            return self
        return dataclasses.replace(self, cases=self.cases.take(kept), scores=self.scores[kept])
