"""Where the breast is in an image, by one rule for acquired and generated images."""

from __future__ import annotations

import numpy as np

from monai_mammo.generation.engine.check import seen_breast

__all__ = ["breast_in_pixels", "found_breast"]


def found_breast(image: np.ndarray) -> np.ndarray:
    """Where the breast is in an image; everywhere where none is found.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    breast = seen_breast(image)
    return np.ones(image.shape, dtype=bool) if breast is None else breast


def breast_in_pixels(pixels: np.ndarray) -> np.ndarray:
    """The same of pixels as prepared images have them.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), uint16

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    return found_breast(pixels.astype(np.float32) / np.float32(65535))
