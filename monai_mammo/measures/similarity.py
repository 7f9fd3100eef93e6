"""Similarity of two pictures of data range 1, pixel by pixel and in structure."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["psnr", "ssim_map"]


def psnr(image: np.ndarray, other: np.ndarray, where: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB for a data range of 1; infinite for equal pictures.

    Parameters
    ----------
    image, other : ndarray, shape (rows, columns)
    where : ndarray, shape (rows, columns), bool, or None
        Pixels that count.

    Returns
    -------
    float
    """
    squares = np.square(image.astype(np.float64) - other)
    error = float(squares.mean() if where is None else squares[where].mean())
    return math.inf if error == 0 else -10 * math.log10(error)


def ssim_map(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Structural similarity at each pixel, data range 1 (Wang et al. 2004: Gaussian of 1.5 pixels).

    Parameters
    ----------
    image, other : ndarray, shape (rows, columns)

    Returns
    -------
    ndarray, shape (rows, columns), float64
    """
    from skimage.metrics import structural_similarity

    _, values = structural_similarity(
        image.astype(np.float64),
        other.astype(np.float64),
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return values
