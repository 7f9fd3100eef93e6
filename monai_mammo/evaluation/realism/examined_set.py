"""A set of images with all that is measured of each: what comparing needs, taken once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import torch

from monai_mammo.evaluation.realism.filtered_radiomics import filtered_radiomic_features
from monai_mammo.evaluation.realism.frozen_encoder import FeatureEncoder, encoder_features
from monai_mammo.evaluation.realism.image_set import ImageSet
from monai_mammo.evaluation.realism.measured_image import image_measures
from monai_mammo.evaluation.realism.radiomics import radiomic_features

__all__ = ["ExaminedSet", "compared_sizes", "examined_set"]

_SMALL_ROWS = 64


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ExaminedSet:
    """Images, the measures of each, and its features at each size.

    Parameters
    ----------
    images : ImageSet
    measures : tuple of dict
        As `image_measures` gives them, one for each image.
    features : dict of str to dict of str to ndarray, each of shape (n, d)
        By size, as `compared_sizes` names them, and by sort: ``last layer``, ``inner layers``, ``radiomic``, and
        at full size ``filtered radiomic``.
    """

    images: ImageSet
    measures: tuple[dict[str, float], ...]
    features: dict[str, dict[str, np.ndarray]]

    def __len__(self) -> int:
        return len(self.images)

    def take(self, positions: Sequence[int] | np.ndarray) -> Self:
        """The same of the images at some positions, in that order.

        Parameters
        ----------
        positions : sequence of int, or ndarray, shape (n,)
            From 0; one may stand several times.

        Returns
        -------
        ExaminedSet
        """
        rows = np.asarray(positions, dtype=int)
        return type(self)(
            self.images.take(rows),
            tuple(self.measures[i] for i in rows),
            {size: {sort: x[rows] for sort, x in of_size.items()} for size, of_size in self.features.items()},
        )

    @classmethod
    def joined(cls, images: ImageSet, parts: Sequence[ExaminedSet]) -> Self:
        """Parts of a set put together again.

        Parameters
        ----------
        images : ImageSet
            All of them.
        parts : sequence of ExaminedSet
            Of images in the same order.

        Returns
        -------
        ExaminedSet
        """
        features = {
            size: {sort: np.concatenate([part.features[size][sort] for part in parts]) for sort in of_size}
            for size, of_size in parts[0].features.items()
        }
        return cls(images, tuple(measures for part in parts for measures in part.measures), features)


def examined_set(
    images: ImageSet,
    *,
    encoder: FeatureEncoder | None = None,
    device: torch.device | str = "cpu",
    on_part: Callable[[], None] | None = None,
) -> ExaminedSet:
    """Measure each image, and take its features at each size.

    Parameters
    ----------
    images : ImageSet
    encoder : FeatureEncoder, optional
        Frozen, on `device`; without it only radiomic features are taken.
    device : torch.device or str
    on_part : callable, optional
        Called after the measures and after each size.

    Returns
    -------
    ExaminedSet
    """
    measures = tuple(image_measures(*pair) for pair in zip(images.images, images.breasts, strict=True))
    if on_part is not None:
        on_part()
    features = {}
    for size, shape in compared_sizes(images.shape).items():
        features[size] = _features(images.shrunk(shape), encoder, device)
        if size == "full":
            features[size]["filtered radiomic"] = _of_each(filtered_radiomic_features, images)
        if on_part is not None:
            on_part()
    return ExaminedSet(images, measures, features)


def compared_sizes(shape: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """Sizes at which a classifier compares images: ``full``, ``half`` and ``small``, 64 rows.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the images; sizes that would not be smaller than the one before are left out.

    Returns
    -------
    dict of str to tuple of int
    """
    rows, columns = shape
    sizes = {"full": shape, "half": (rows // 2, columns // 2)}
    if rows // 2 > _SMALL_ROWS:
        sizes["small"] = (_SMALL_ROWS, max(1, round(_SMALL_ROWS * columns / rows)))
    return sizes


def _features(some: ImageSet, encoder: FeatureEncoder | None, device: torch.device | str) -> dict[str, np.ndarray]:
    found = {} if encoder is None else encoder_features(encoder, some.images, device=device)
    return {**found, "radiomic": _of_each(radiomic_features, some)}


def _of_each(features: Callable[[np.ndarray, np.ndarray], np.ndarray], some: ImageSet) -> np.ndarray:
    return np.stack([features(*pair) for pair in zip(some.images, some.breasts, strict=True)])
