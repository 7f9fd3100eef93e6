"""The training image that an image is a copy of, where the training images themselves are at hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from scipy import ndimage

from monai_mammo.bundle.fingerprint import moved

__all__ = ["Closest", "CopySearch", "suspicion_limit"]

_GRID = (64, 48)
_AIR = 0.04  # brightness of a field under which it is air
_SIGMA = 4.0  # fields: what is smoother is the shape of the breast, and contrast is that of so wide a surrounding
_LEAST_CONTRAST = 0.004  # under which there is no structure to be made stronger
_EDGE = 2  # fields from the skin line, whose step is no structure
_REACH = 4  # fields: so far a copy may be moved
_FALSE_ALARMS = 0.01


class Closest(NamedTuple):
    """Training image that an image is most like.

    Attributes
    ----------
    position : int
        Its place among the training images.
    similarity : float
        Correlation of structure, -1 to 1, in the orientation and at the place where it is largest.
    """

    position: int
    similarity: float


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class CopySearch:
    """Structure of training images, among which an image's is looked for in all orientations and places.

    Structure is what stands out from its surroundings inside the breast, divided by the contrast there, so that
    brightness, window and gamma count for little; on a grid of 64 x 48 fields.

    Parameters
    ----------
    structures : ndarray, shape (n, 3072), float32
        Of length 1 each.
    """

    structures: np.ndarray

    @classmethod
    def of(cls, images: Sequence[np.ndarray]) -> Self:
        """Search among images.

        Parameters
        ----------
        images : sequence of ndarray, shape (rows, columns)
            One or more, brightness in [0, 1], chest wall left.

        Returns
        -------
        CopySearch
        """
        return cls(_unit(np.stack([_structure(image) for image in images])))

    def __len__(self) -> int:
        return len(self.structures)

    def closest(self, image: np.ndarray) -> Closest:
        """Training image that an image is most like.

        Parameters
        ----------
        image : ndarray, shape (rows, columns)
            Brightness in [0, 1].

        Returns
        -------
        Closest
        """
        similarity = (self.structures @ _unit(moved(_structure(image), reach=_REACH)).T).max(axis=1)
        first = int(similarity.argmax())
        return Closest(first, float(similarity[first]))


def suspicion_limit(similarities: Sequence[float]) -> float:
    """Similarity above which an image is suspected: 1 in 100 images that were not trained on lies above it.

    Parameters
    ----------
    similarities : sequence of float
        Of acquired images of other persons than the training images'.

    Returns
    -------
    float
    """
    return float(np.quantile(similarities, 1 - _FALSE_ALARMS))


def _structure(image: np.ndarray) -> np.ndarray:
    """What stands out inside the breast in units of the contrast there, shape `_GRID`."""
    fields = _field_means(image.astype(np.float64))
    inside = (fields > _AIR).astype(np.float64)
    share = ndimage.gaussian_filter(inside, _SIGMA) + 1e-6
    stands_out = (fields - ndimage.gaussian_filter(fields * inside, _SIGMA) / share) * inside
    contrast = np.sqrt(ndimage.gaussian_filter(stands_out**2, _SIGMA) / share)
    within = ndimage.binary_erosion(inside > 0, iterations=_EDGE)
    structure: np.ndarray = stands_out / (contrast + _LEAST_CONTRAST) * within
    return structure


def _field_means(image: np.ndarray) -> np.ndarray:
    """Means over a grid of fields; edges fall on whole pixels."""
    rows, columns = (np.linspace(0, n, m + 1).round().astype(int)[:-1] for n, m in zip(image.shape, _GRID, strict=True))
    sums = np.add.reduceat(np.add.reduceat(image, rows, axis=0), columns, axis=1)
    sizes = np.outer(np.diff([*rows, image.shape[0]]), np.diff([*columns, image.shape[1]]))
    means: np.ndarray = sums / sizes
    return means


def _unit(structures: np.ndarray) -> np.ndarray:
    flat = structures.reshape(len(structures), -1)
    unit: np.ndarray = (flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return unit
