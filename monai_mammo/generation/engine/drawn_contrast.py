"""A drawn lesion that would glow among real ones, held to their contrast."""

from __future__ import annotations

import numpy as np

from monai_mammo.generation.engine.check import clean_air
from monai_mammo.generation.engine.plan import PlannedSample
from monai_mammo.lesions.contrast_ranges import brightest, longer_side, shipped_contrast_ranges
from monai_mammo.painting.held_contrast import toned_down

__all__ = ["with_lesion_toned_down"]


def with_lesion_toned_down(image: np.ndarray, sample: PlannedSample) -> np.ndarray:
    """A drawn picture whose requested lesion stands out no more than 95 of 100 real ones of its sort do.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        As it was drawn, brightness in [0, 1].
    sample : PlannedSample
        What was requested.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        The same picture where no lesion was requested, or it does not stand out too much.
    """
    cleaned, breast = clean_air(image)
    if breast is None or not (outline := sample.lesion.mask & breast).any():
        return image
    size_share = longer_side(outline) / outline.shape[0]
    contrasts = shipped_contrast_ranges().of(sample.prepared_conditions, size_share=size_share)
    return toned_down(image, outline, breast, contrasts, bright=brightest(cleaned, breast))
