"""Copies of acquired images as a generator could make them, planted to see whether they are found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

__all__ = ["ALTERATIONS", "altered"]

_AIR = 0.02  # brightness under which a pixel is air


def altered(image: np.ndarray, alteration: str, *, seed: int) -> np.ndarray:
    """A copy of an image with one alteration.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        In [0, 1], chest wall left.
    alteration : str
        One of `ALTERATIONS`.
    seed : int
        Decides how far it goes.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        In [0, 1].

    Raises
    ------
    KeyError
        There is no such alteration.
    """
    changed = ALTERATIONS[alteration](image.astype(np.float64), np.random.default_rng(seed))
    return np.clip(changed, 0, 1).astype(np.float32)


def _mirrored(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return image[:, ::-1]


def _upside_down(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return image[::-1]


def _shifted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By up to 1/20 of the rows and 1/30 of the columns, a part of a pixel included."""
    rows, columns = image.shape
    moved = rng.uniform(-rows / 20, rows / 20), rng.uniform(-columns / 30, columns / 30)
    return ndimage.shift(image, moved, order=1)


def _gamma(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exponents from 1.2 to 1.7, or one over these."""
    exponent = rng.uniform(1.2, 1.7)
    return image ** (exponent if rng.random() < 0.5 else 1 / exponent)


def _noised(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return image + rng.normal(0, 0.05, image.shape)


def _blurred(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return ndimage.gaussian_filter(image, image.shape[0] / 192)


def _windowed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A window from the darkest to the brightest tenth of the breast, beyond which nothing is left."""
    breast = image[image > _AIR]
    low, high = np.quantile(breast, (0.1, 0.9)) if breast.size else (0.0, 1.0)
    return (image - low) / max(high - low, 1e-6)


def _edited(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A bright spot in the breast, some 1/8 of the rows wide."""
    places = np.argwhere(image > _AIR)
    row, column = places[rng.integers(len(places))] if len(places) else (0, 0)
    down, across = np.ogrid[: image.shape[0], : image.shape[1]]
    width = image.shape[0] / 19
    return image + 0.4 * np.exp(-((down - row) ** 2 + (across - column) ** 2) / (2 * width**2))


def _scaled(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By up to 1/20 of its size, about the middle of the chest wall."""
    return _about_chest_wall(image, np.eye(2) / np.exp(rng.uniform(-0.05, 0.05)))


def _turned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By up to 3 degrees, about the middle of the chest wall."""
    angle = np.deg2rad(rng.uniform(-3, 3))
    return _about_chest_wall(image, np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]))


def _about_chest_wall(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    middle = np.array([(image.shape[0] - 1) / 2, 0.0])
    return ndimage.affine_transform(image, matrix, middle - matrix @ middle, order=1)


def _all(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Upside down, moved by half as far, brightness bent and a little noised at once."""
    rows, columns = image.shape
    moved = rng.uniform(-rows / 40, rows / 40), rng.uniform(-columns / 60, columns / 60)
    bent = ndimage.shift(image[::-1], moved, order=1) ** np.exp(rng.uniform(-0.3, 0.3))
    return bent + rng.normal(0, 0.02, image.shape)


ALTERATIONS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "mirrored": _mirrored,
    "upside down": _upside_down,
    "shifted": _shifted,
    "gamma": _gamma,
    "noised": _noised,
    "blurred": _blurred,
    "windowed": _windowed,
    "edited in one place": _edited,
    "scaled": _scaled,
    "turned": _turned,
    "several at once": _all,
}
"""What may be done to a copy, by name."""
