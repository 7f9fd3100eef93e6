"""How plainly the lesion of a picture is to be seen, and a drawn one that would glow among real ones held to it."""

from __future__ import annotations

import numpy as np

from monai_mammo.generation.engine.check import clean_air
from monai_mammo.generation.engine.plan import PlannedSample
from monai_mammo.lesions.contrast_ranges import brightest, longer_side, shipped_contrast_ranges
from monai_mammo.lesions.hash_draw import drawn_share
from monai_mammo.painting.held_contrast import toned_down

__all__ = ["conspicuity_of", "with_lesion_toned_down"]


def conspicuity_of(sample: PlannedSample, *, seed: int) -> float:
    """How plainly the lesion of a sample is to be seen, among real ones of its sort.

    Any real one is as likely as another: what is drawn too bright then comes out neither all alike nor, on the mean,
    plainer than real ones.

    Parameters
    ----------
    sample : PlannedSample
        What was requested.
    seed : int
        Of the run.

    Returns
    -------
    float
        From 0, the faintest, to 1, the same in each try.
    """
    return drawn_share(seed, sample.index, "conspicuity of a drawn lesion")


def with_lesion_toned_down(image: np.ndarray, sample: PlannedSample, *, seed: int) -> np.ndarray:
    """A drawn picture whose requested lesion stands out no more than a real one of its sort, by `conspicuity_of`.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        As it was drawn; what is brighter than white, above 1, keeps its texture where it is toned down.
    sample : PlannedSample
        What was requested.
    seed : int
        Of the run.

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
    conspicuity = conspicuity_of(sample, seed=seed)
    return toned_down(image, outline, breast, contrasts, bright=brightest(cleaned, breast), conspicuity=conspicuity)
