"""Fibres and vessels: how long the ridges of the breast are, and how well neighbouring pixels agree on a direction."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from monai_mammo.evaluation.realism.region_box import box_round

__all__ = ["orientation_coherence", "ridge_length"]

_CONTRAST_SIGMA_PX = (
    6.0  # neighbourhood whose mean and spread are taken away, so that bright and dim tissue count alike
)
_LEAST_VARIANCE = 1e-5  # of a neighbourhood, about a grey value of 8-bit pictures: below is no tissue
_RIDGE_SIGMA_PX = 1.5
_RIDGE_SHARE = (
    0.2  # of the breast's pixels, the most ridge-like ones: equal in all images, so that length alone differs
)
_SKIN_MARGIN_PX = 4
_GRADIENT_SIGMA_PX, _COHERENCE_SIGMA_PX = 1.0, 4.0
_COHERENCE_MARGIN_PX = 6
_LEAST_PIXELS = 50
_REACH = 4  # deviations of a Gaussian


def ridge_length(image: np.ndarray, breast: np.ndarray) -> float | None:
    """Mean length of the unbranched ridge on which a pixel of a ridge lies, in pixels of the image.

    A ridge is what is bright across one direction alone: the larger curvature of the picture, smoothed by 1.5 pixels
    after mean and spread of each neighbourhood (6 pixels) were taken away, less the size of the smaller one. The fifth
    of the breast with the largest values, thinned to lines and cut where lines meet, gives pieces; each counts with its
    length, so a few long fibres weigh more than many short ones. Chance alone gives about 7 pixels.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    float or None
        `None` where the breast, less 4 pixels at the skin, has under 50 pixels.
    """
    inside = _eroded(breast, _SKIN_MARGIN_PX)
    if inside.sum() < _LEAST_PIXELS:
        return None
    box = box_round(breast, round(_REACH * _CONTRAST_SIGMA_PX))  # beyond it even contrast is 0
    inside, even = inside[box], _even_contrast(image[box], breast[box])
    down, across, mixed = (
        ndimage.gaussian_filter(even, _RIDGE_SIGMA_PX, order=order) for order in ((2, 0), (0, 2), (1, 1))
    )
    middle, half = (down + across) / 2, np.hypot((down - across) / 2, mixed)
    ridge = half - middle - np.abs(half + middle)
    lines = skeletonize((ridge > np.quantile(ridge[inside], 1 - _RIDGE_SHARE)) & inside)
    neighbours = ndimage.convolve(lines.astype(np.uint8), np.ones((3, 3), np.uint8), mode="constant") - 1
    pieces, n_pieces = ndimage.label(lines & (neighbours <= 2), np.ones((3, 3)))
    if n_pieces == 0:
        return 0.0
    lengths = np.bincount(pieces.ravel())[1:].astype(np.float64)
    return float((lengths**2).sum() / lengths.sum())


def orientation_coherence(image: np.ndarray, breast: np.ndarray) -> float | None:
    """Share of the gradient's energy inside the breast that has the direction of its neighbourhood, 0 to 1.

    ``(l1 - l2) / (l1 + l2)`` of the structure tensor's eigenvalues (gradients at 1 pixel, averaged over 4), weighted
    by ``l1 + l2``. Noise without a direction gives about 0.1, parallel lines give 1.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    float or None
        `None` where the breast, less 6 pixels at the skin, has under 50 pixels or no gradient.
    """
    inside = _eroded(breast, _COHERENCE_MARGIN_PX)
    if inside.sum() < _LEAST_PIXELS:
        return None
    box = box_round(inside, round(_REACH * (_GRADIENT_SIGMA_PX + _COHERENCE_SIGMA_PX)))
    inside, picture = inside[box], image[box].astype(np.float64)
    down, across = (ndimage.gaussian_filter(picture, _GRADIENT_SIGMA_PX, order=order) for order in ((1, 0), (0, 1)))
    down_down, across_across, mixed = (
        ndimage.gaussian_filter(product, _COHERENCE_SIGMA_PX)
        for product in (down * down, across * across, down * across)
    )
    energy = (down_down + across_across)[inside]
    if energy.sum() <= 0:
        return None
    return float(np.hypot(down_down - across_across, 2 * mixed)[inside].sum() / energy.sum())


def _even_contrast(image: np.ndarray, breast: np.ndarray) -> np.ndarray:
    """Picture less the mean of each neighbourhood in the breast, over its spread there; 0 outside."""
    picture = image.astype(np.float64)

    def mean(values: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(np.where(breast, values, 0), _CONTRAST_SIGMA_PX) / weight

    weight = np.maximum(ndimage.gaussian_filter(breast.astype(np.float64), _CONTRAST_SIGMA_PX), 1e-3)
    centred = picture - mean(picture)
    return np.where(breast, centred / np.sqrt(mean(centred**2) + _LEAST_VARIANCE), 0)


def _eroded(breast: np.ndarray, margin_px: int) -> np.ndarray:
    """Breast less a margin at the skin; what the picture's edge cuts off is no skin."""
    inside = breast
    for _ in range(margin_px):  # as `scipy.ndimage.binary_erosion` has it, in a twentieth of its time
        beside = np.pad(inside, 1, constant_values=True)
        inside = inside & beside[:-2, 1:-1] & beside[2:, 1:-1] & beside[1:-1, :-2] & beside[1:-1, 2:]
    return inside
