"""What of a breast is compared with training data: size, brightness, density, spectrum, radiomic features."""

from __future__ import annotations

import numpy as np

from monai_mammo.evaluation.realism.breast_brightness import breast_brightness
from monai_mammo.evaluation.realism.breast_shape import shape_measures
from monai_mammo.evaluation.realism.radiomics import FEATURE_NAMES, radiomic_features
from monai_mammo.evaluation.texture_power import power_spectrum, spectral_exponent

__all__ = ["MEASURES", "RADIOMIC", "breast_profile", "direction"]

MEASURES: dict[str, tuple[str, str]] = {
    "breast area": ("larger", "smaller"),
    "breast width": ("wider, from chest wall to nipple", "narrower, from chest wall to nipple"),
    "breast height": ("taller", "less tall"),
    "brightness": ("brighter", "darker"),
    "contrast": ("of more contrast", "of less contrast"),
    "dense share": ("denser", "less dense"),
    "spectral exponent": ("smoother, with less fine texture", "of more fine texture"),
}
"""What is measured inside the breast, and what more and less of it are called."""

RADIOMIC = tuple(f"radiomic: {name}" for name in FEATURE_NAMES)
"""Radiomic features, by name."""


def breast_profile(image: np.ndarray, breast: np.ndarray) -> dict[str, float]:
    """Measures of one image, those left out that it does not allow.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1], chest wall left.
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    dict
        By the names of `MEASURES` and `RADIOMIC`: area as share of the picture, width and height of its sides, mean
        and standard deviation of brightness, share of the breast above Otsu's threshold, exponent of its spectrum.
    """
    picture = np.clip(image, 0, 1)
    found: dict[str, float | None] = {**shape_measures(breast), **breast_brightness(picture, breast)}
    found.pop("solidity", None)
    found["contrast"] = float(picture[breast].std()) if breast.any() else None
    spectrum = power_spectrum(picture, breast)
    found["spectral exponent"] = None if spectrum is None else spectral_exponent(*spectrum)
    found |= dict(zip(RADIOMIC, map(float, radiomic_features(picture, breast)), strict=True))
    return {name: value for name, value in found.items() if value is not None and np.isfinite(value)}


def direction(measure: str, difference: float) -> str:
    """In which direction images differ, in words.

    Parameters
    ----------
    measure : str
        Of `MEASURES` or `RADIOMIC`.
    difference : float
        Above 0 for more than in the training data.

    Returns
    -------
    str
    """
    more, less = MEASURES.get(measure, ("higher", "lower"))
    return more if difference > 0 else less
