"""Outlines of breasts, found again by the pixels that they were found in."""

from __future__ import annotations

import numpy as np

from monai_mammo.evaluation.found_breast import breast_in_pixels
from monai_mammo.evaluation.report.measure_cache import BREAST, MeasureCache, content_digest

__all__ = ["KeptBreasts"]


class KeptBreasts:
    """Looks for the breast in an image, or finds what was found in the same pixels before.

    Parameters
    ----------
    cache : MeasureCache or None
        Without one the breast is looked for each time.
    """

    def __init__(self, cache: MeasureCache | None) -> None:
        self._cache = cache

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Where the breast is.

        Parameters
        ----------
        pixels : ndarray, shape (rows, columns), uint16
            As prepared images have them.

        Returns
        -------
        ndarray, shape (rows, columns), bool
            Everywhere where none is found.
        """
        if self._cache is None:
            return breast_in_pixels(pixels)
        digest = content_digest({"image": pixels})
        known = self._cache.get(BREAST, digest)
        if known is None or known.shape != pixels.shape:
            known = breast_in_pixels(pixels)
            self._cache.put(BREAST, known, digest)
        return known
