"""Fréchet distance of two sets of features on a few principal components."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import linalg

from monai_mammo.evaluation.realism.feature_spread import feature_spread
from monai_mammo.evaluation.realism.person_folds import PersonResampler

__all__ = [
    "N_COMPONENTS",
    "FeatureSpace",
    "frechet_distance",
    "frechet_distance_of_features",
    "gaussian_frechet_distance",
]

N_COMPONENTS = 32
_N_RESAMPLES = 200
_N_OVER_D = 1.2  # images for each feature from which covariances cost less than products of images


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FeatureSpace:
    """Principal components of features, each feature first brought to mean 0 and deviation 1.

    Parameters
    ----------
    mean, scale : ndarray, shape (d,)
        Of the features of the images that it was made from; a feature that varies by no more than rounding has scale
        infinity.
    components : ndarray, shape (d, k)
        Columns of length 1.
    """

    mean: np.ndarray
    scale: np.ndarray
    components: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, *, n_components: int = N_COMPONENTS, is_one_unit: bool = False) -> Self:
        """Space of the largest components of features, shape (n, d), fewer where there are fewer images or features.

        Parameters
        ----------
        features : ndarray, shape (n, d)
            Of the images that the space is made from.
        n_components : int
            Largest number of components; with 0 the features are only scaled.
        is_one_unit : bool
            Whether all features have one unit, as those of a network do.

        Returns
        -------
        FeatureSpace
        """
        mean, scale = features.mean(axis=0), feature_spread(features, is_one_unit=is_one_unit)
        if n_components == 0:
            return cls(mean, scale, np.zeros((features.shape[1], 0)))
        _, _, directions = np.linalg.svd((features - mean) / scale, full_matrices=False)
        return cls(mean, scale, directions[: min(n_components, len(features) - 1)].T)

    def project(self, features: np.ndarray) -> np.ndarray:
        """Features, shape (n, d), on the components, shape (n, k).

        Parameters
        ----------
        features : ndarray, shape (n, d)

        Returns
        -------
        ndarray, shape (n, k)
            Coordinates on the components.
        """
        return self.scaled(features) @ self.components

    def scaled(self, features: np.ndarray) -> np.ndarray:
        """Features, shape (n, d), each less its mean and over its deviation.

        Distances of these, unlike those on components, are the same for images that the components were found from
        and for others.

        Parameters
        ----------
        features : ndarray, shape (n, d)

        Returns
        -------
        ndarray, shape (n, d)
        """
        scaled: np.ndarray = (features - self.mean) / self.scale
        return scaled


def gaussian_frechet_distance(
    mean_a: np.ndarray, covariance_a: np.ndarray, mean_b: np.ndarray, covariance_b: np.ndarray
) -> float:
    """Squared Fréchet distance of two normal laws: ``|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))``.

    Parameters
    ----------
    mean_a, mean_b : ndarray, shape (k,)
    covariance_a, covariance_b : ndarray, shape (k, k)

    Returns
    -------
    float

    References
    ----------
    Dowson and Landau, J Multivariate Anal 12:450 (1982); Heusel et al., NeurIPS 2017.
    """
    common = _eigenvalues_of_product(covariance_a, covariance_b)
    trace = np.trace(covariance_a) + np.trace(covariance_b) - 2 * np.sqrt(np.maximum(common, 0)).sum()
    return float(((mean_a - mean_b) ** 2).sum() + max(trace, 0.0))


def _eigenvalues_of_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Eigenvalues of ``A B``, which are those of ``R' B R`` for any ``R R' = A``."""
    try:  # triangular R, and both products at once in half the work
        values: np.ndarray = linalg.eigh(b, a, type=3, eigvals_only=True, check_finite=False)
    except np.linalg.LinAlgError:  # a covariance of less than full rank
        squares, vectors = np.linalg.eigh(a)
        root = vectors * np.sqrt(np.maximum(squares, 0))
        return np.linalg.eigvalsh(root.T @ b @ root)
    return values


def frechet_distance_of_features(features: np.ndarray, reference: np.ndarray) -> float:
    """Squared Fréchet distance of the normal laws that have the means and covariances of two sets.

    ``tr (C_a C_b)^(1/2)`` is the sum of the singular values of the product of the centred features, n by m. Where a set
    has fewer images than features, or few more, these are the roots of the eigenvalues of the product's Gram matrix,
    n by n, and no matrix of d by d is made.

    Parameters
    ----------
    features, reference : ndarray, shape (n, d), (m, d)
        Two images or more each.

    Returns
    -------
    float
    """
    means = [x.mean(axis=0) for x in (features, reference)]
    left, right = (x - mean for x, mean in zip((features, reference), means, strict=True))
    if len(left) > len(right):
        left, right = right, left
    n, m, d = len(left) - 1, len(right) - 1, left.shape[1]
    if n >= _N_OVER_D * d:
        return gaussian_frechet_distance(means[0], left.T @ left / n, means[1], right.T @ right / m)
    product = left @ right.T
    squares = np.linalg.eigvalsh(product @ product.T)[-min(n, d) :]  # what is beyond the rank is rounding
    common = np.sqrt(np.maximum(squares, 0)).sum() / np.sqrt(n * m)
    trace = float(np.vdot(left, left) / n + np.vdot(right, right) / m - 2 * common)
    return float(((means[0] - means[1]) ** 2).sum() + max(trace, 0.0))


def frechet_distance(
    features: np.ndarray,
    reference: np.ndarray,
    *,
    space: FeatureSpace,
    persons: Sequence[str],
    reference_persons: Sequence[str],
) -> dict[str, Any] | None:
    """Fréchet distance of two sets of images on principal components, as share of the reference's variance there.

    Few images make it larger, so it stands beside the figure of as many acquired images. Resampling repeats
    images, which does the same, so the interval is the spread of the resampled figures about their own mean, laid
    around the figure.

    Parameters
    ----------
    features, reference : ndarray, shape (n, d), (m, d)
    space : FeatureSpace
    persons, reference_persons : sequence of str
        Of each image; persons are resampled.

    Returns
    -------
    dict or None
        ``value``, ``low``, ``high``, ``n``, ``n_persons``; `None` where either set has fewer than 3 images, or the
        reference never varies.
    """
    if min(len(features), len(reference)) < 3:
        return None
    left, right = space.project(features), space.project(reference)
    if not right.var(axis=0).sum() > 0:
        return None
    value = _share(left, right)
    out: dict[str, Any] = {"value": round(value, 4), "low": None, "high": None}
    if min(len(set(persons)), len(set(reference_persons))) > 2:
        ours, theirs = PersonResampler(persons), PersonResampler(reference_persons)
        rng = np.random.default_rng(0)
        drawn = [_share(left[ours.draw(rng)], right[theirs.draw(rng)]) for _ in range(_N_RESAMPLES)]
        low, high = np.percentile(drawn, (2.5, 97.5)) - np.mean(drawn)
        out |= {"low": round(max(0.0, value + float(low)), 4), "high": round(value + float(high), 4)}
    return {**out, "n": len(features), "n_persons": len(set(persons))}


def _share(left: np.ndarray, right: np.ndarray) -> float:
    return frechet_distance_of_features(left, right) / float(right.var(axis=0, ddof=1).sum())
