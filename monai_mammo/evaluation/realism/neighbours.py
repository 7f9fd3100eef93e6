"""Precision, recall, density and coverage: whose neighbourhoods generated and acquired images lie in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from monai_mammo.evaluation.intervals import summary

__all__ = ["N_NEIGHBOURS", "NEIGHBOUR_MEASURES", "covered_images", "neighbour_figures"]

N_NEIGHBOURS = 5

NEIGHBOUR_MEASURES = ("precision", "recall", "density", "coverage")


def neighbour_figures(
    features: np.ndarray,
    reference: np.ndarray,
    *,
    persons: Sequence[str],
    reference_persons: Sequence[str],
    n_neighbours: int = N_NEIGHBOURS,
) -> dict[str, dict[str, Any] | None]:
    """Precision, recall, density and coverage of one set of images by the neighbourhoods of another.

    The neighbourhood of an image is the ball that reaches to the `n_neighbours`-th closest other image of its set.

    Parameters
    ----------
    features, reference : ndarray, shape (n, k), (m, k)
        Coordinates in one space.
    persons, reference_persons : sequence of str
        Of each image; persons are resampled, the neighbourhoods stay.
    n_neighbours : int
        Closest images that a neighbourhood reaches to.

    Returns
    -------
    dict of str to dict or None
        ``precision``: share of `features` in a neighbourhood of a reference image; ``recall``: share of reference
        images in a neighbourhood of `features`; ``density``: number of neighbourhoods of reference images an image
        lies in, over `n_neighbours`; ``coverage``: share of reference images in whose neighbourhood an image of
        `features` lies. Each with ``mean``, ``low``, ``high``, ``n``; `None` where a set has `n_neighbours` images or
        fewer.

    References
    ----------
    Kynkäänniemi et al., NeurIPS 2019; Naeem et al., ICML 2020.
    """
    if min(len(features), len(reference)) <= n_neighbours:
        return dict.fromkeys(NEIGHBOUR_MEASURES)
    between = cdist(features, reference)  # (n, m)
    is_near_reference = between <= _radii(reference, n_neighbours)[None]
    is_near_features = between <= _radii(features, n_neighbours)[:, None]
    return {
        "precision": summary(is_near_reference.any(axis=1), persons=persons),
        "recall": summary(is_near_features.any(axis=0), persons=reference_persons),
        "density": summary(is_near_reference.sum(axis=1) / n_neighbours, persons=persons),
        "coverage": summary(is_near_reference.any(axis=0), persons=reference_persons),
    }


def covered_images(
    features: np.ndarray, reference: np.ndarray, *, n_neighbours: int = N_NEIGHBOURS
) -> np.ndarray | None:
    """Which reference images have an image of another set in their neighbourhood.

    Parameters
    ----------
    features, reference : ndarray, shape (n, k), (m, k)
        Coordinates in one space.
    n_neighbours : int
        Closest other reference images that a neighbourhood reaches to.

    Returns
    -------
    ndarray, shape (m,), bool, or None
        `None` where a set has `n_neighbours` images or fewer.
    """
    if min(len(features), len(reference)) <= n_neighbours:
        return None
    covered: np.ndarray = (cdist(features, reference) <= _radii(reference, n_neighbours)[None]).any(axis=0)
    return covered


def _radii(points: np.ndarray, n_neighbours: int) -> np.ndarray:
    """Distance of each point to its `n_neighbours`-th closest other point, shape (n,)."""
    return np.sort(cdist(points, points), axis=1)[:, n_neighbours]
