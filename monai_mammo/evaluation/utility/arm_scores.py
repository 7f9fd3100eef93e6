"""Scores of the networks of one arm, and the images that they are of."""

from __future__ import annotations

import dataclasses

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
