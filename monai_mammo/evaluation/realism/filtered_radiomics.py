"""Radiomic features inside the breast of a picture and of what filters leave of it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from monai_mammo.evaluation.realism.radiomics import examined_region
from monai_mammo.evaluation.realism.region_box import box_round
from monai_mammo.evaluation.realism.texture_matrices import (
    CO_OCCURRENCE_FEATURES,
    FIRST_ORDER_FEATURES,
    RUN_LENGTH_FEATURES,
    co_occurrence_features,
    first_order_features,
    grey_levels,
    run_length_features,
)

__all__ = ["FILTERED_FEATURE_NAMES", "FILTERS", "filtered_pictures", "filtered_radiomic_features"]

_SIGMAS_PX = (1, 2, 4)
_REACH = 6  # deviations of a Gaussian; after 4 a flat picture would not be flat
# Daubechies' coiflet of 6 taps, as it filters
_LOW = (
    *(-0.015655728135791993, -0.07273261951252645, 0.3848648468648578),
    *(0.8525720202116004, 0.3378976624574818, -0.07273261951252645),
)
_HIGH = tuple((-1) ** (i + 1) * tap for i, tap in enumerate(reversed(_LOW)))
_BANDS = {"L": _LOW, "H": _HIGH}

FILTERS = (
    "original",
    *(f"log-sigma-{sigma}-px" for sigma in _SIGMAS_PX),
    *(f"wavelet-{band}" for band in ("HL", "LH", "HH", "LL")),
)
"""Names of what `filtered_pictures` gives, in order. ``HL`` is fine across columns, coarse across rows."""

_OF_EACH = (
    *(f"firstorder_{name}" for name in FIRST_ORDER_FEATURES),
    *(f"glcm_{name}" for name in CO_OCCURRENCE_FEATURES),
    *(f"glrlm_{name}" for name in RUN_LENGTH_FEATURES),
)
FILTERED_FEATURE_NAMES = tuple(f"{name}_{feature}" for name in FILTERS for feature in _OF_EACH)
"""What `filtered_radiomic_features` holds, in order."""


def filtered_radiomic_features(image: np.ndarray, breast: np.ndarray) -> np.ndarray:
    """First-order, co-occurrence and run-length features of a picture and of seven filtered ones.

    By the definitions, and to the figures, of pyradiomics 3.0.1 with ``force2D`` and ``binCount`` 32. Left out are
    features that are multiples of others (standard deviation, sum average) and those that grow with the breast
    (energy, non-uniformities that are not normalized). Where a filter reaches beyond the picture, the picture goes on
    with the value at its edge.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool
        As `examined_region` takes it.

    Returns
    -------
    ndarray, shape (424,)
        In the order of `FILTERED_FEATURE_NAMES`.

    References
    ----------
    van Griethuysen et al., Cancer Res 77:e104 (2017); Zwanenburg et al., Radiology 295:328 (2020).
    """
    inside = examined_region(breast)
    box = box_round(inside, _REACH * max(_SIGMAS_PX))
    region = inside[box]
    within = box_round(region, 0)  # what filters saw beside the region has no features
    pictures = filtered_pictures(np.clip(image, 0, 1)[box])
    found = [_of_picture(picture[within], region[within]) for picture in pictures.values()]
    return np.concatenate(found)


def filtered_pictures(picture: np.ndarray) -> dict[str, np.ndarray]:
    """A picture, its Laplacians of Gaussians and its four bands of an undecimated wavelet transform.

    Parameters
    ----------
    picture : ndarray, shape (rows, columns)

    Returns
    -------
    dict of str to ndarray, each of shape (rows, columns), float64
        By the names of `FILTERS`. Laplacians are multiplied by sigma squared; wavelets are the coiflet of 6 taps.
    """
    picture = np.asarray(picture, dtype=np.float64)
    found = {"original": picture}
    for sigma in _SIGMAS_PX:
        laplacian = ndimage.gaussian_laplace(picture, sigma, mode="nearest", truncate=_REACH)
        found[f"log-sigma-{sigma}-px"] = sigma**2 * laplacian
    along_columns = {band: _filtered(picture, taps, axis=1) for band, taps in _BANDS.items()}
    for name in FILTERS[-4:]:
        across, down = tuple(name.removeprefix("wavelet-"))
        found[name] = _filtered(along_columns[across], _BANDS[down], axis=0)
    return found


def _filtered(picture: np.ndarray, taps: tuple[float, ...], *, axis: int) -> np.ndarray:
    filtered: np.ndarray = ndimage.convolve1d(picture, taps, axis=axis, mode="nearest")
    return filtered


def _of_picture(picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    levels = grey_levels(picture, inside)
    return np.concatenate(
        [
            first_order_features(picture[inside], levels[inside]),
            co_occurrence_features(levels),
            run_length_features(levels),
        ]
    )
