"""Features of fingerprints of version 1, which bundles made before still carry."""

from __future__ import annotations

import functools
import hashlib

import numpy as np
from scipy import ndimage

from monai_mammo.bundle.breast_structure import field_means

__all__ = ["FIRST_COPY_RATIO", "N_FIRST_FEATURES", "placed_first_features"]

N_FIRST_FEATURES = 128
"""Of an image."""

FIRST_COPY_RATIO = 0.615
"""Ratio of distances under which an image is a suspected copy, by features of version 1.

Of 573 acquired images of persons that were not trained on 1 in 100 lies under it (2063 training images of film, digital
and contrast pictures).
"""

_GRID = (64, 48)
_BLUR = 6.0


def placed_first_features(image: np.ndarray) -> np.ndarray:
    """Features of an image as it is, upside down, mirrored and both, each at nine places.

    Means over a grid of 64 x 48 fields, less their own blur (sigma 6 fields), then 128 sums with fixed random signs.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].

    Returns
    -------
    ndarray, shape (37, 128), float32
        Of length 1; the first of the image as it is.
    """
    means = field_means(image, _GRID)
    structure = means - ndimage.gaussian_filter(means, _BLUR)
    rows, columns = structure.shape
    padded = [np.pad(one, 1) for one in (structure, structure[::-1], structure[:, ::-1], structure[::-1, ::-1])]
    moved = [
        p[down : down + rows, across : across + columns] for p in padded for down in range(3) for across in range(3)
    ]
    flat = np.stack([structure, *moved]).reshape(1 + len(moved), -1)
    sums = (flat - flat.mean(axis=1, keepdims=True)) @ _signs().T
    return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)).astype(np.float32)


@functools.cache
def _signs() -> np.ndarray:
    n = N_FIRST_FEATURES * _GRID[0] * _GRID[1]
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(b"monai_mammo fingerprint").digest(n // 8), np.uint8))
    return bits.reshape(N_FIRST_FEATURES, -1).astype(np.float64) * 2 - 1
