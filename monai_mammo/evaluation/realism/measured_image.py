"""Measures of a single image that give generated mammograms away, by name."""

from __future__ import annotations

import numpy as np

from monai_mammo.evaluation.realism.block_borders import border_ratio
from monai_mammo.evaluation.realism.breast_brightness import breast_brightness
from monai_mammo.evaluation.realism.breast_shape import bright_parts, shape_measures
from monai_mammo.evaluation.realism.fibres import orientation_coherence, ridge_length
from monai_mammo.evaluation.realism.frame_step import frame_step
from monai_mammo.evaluation.realism.skin_line import skin_line_step
from monai_mammo.evaluation.texture_power import band_name, power_spectrum, spectral_exponent

__all__ = ["BANDS", "MEASURES", "POWER_MEASURES", "PROFILE_MEASURES", "image_measures"]

BANDS = ((1 / 16, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 1 / 2))
"""Bands of spatial frequency in cycles a pixel."""

MEASURES = (
    "ridge length",
    "orientation coherence",
    "skin-line step",
    "frame step",
    "2-pixel border ratio",
    "bright parts",
    "breast area",
    "breast width",
    "breast height",
    "solidity",
)
"""Measures whose share of the acquired images' mean says something."""

POWER_MEASURES = (*(f"power {band_name(band)}" for band in BANDS), "spectral exponent")
"""Power inside the breast by band in dB, and the exponent of its law, whose differences say something."""

PROFILE_MEASURES = ("breast area", "brightness", "contrast", "dense share", "spectral exponent")
"""Measures that are compared by kind and view: area as share of the picture; mean and standard deviation of brightness
inside the breast; percent density, the share of it above Otsu's threshold; slope of its spectrum."""

_LEAST_POWER = 1e-12


def image_measures(image: np.ndarray, breast: np.ndarray) -> dict[str, float]:
    """All measures of one image, those left out that it does not allow.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1], chest wall left.
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    dict
        By the names of `MEASURES`, `POWER_MEASURES` and `PROFILE_MEASURES`.
    """
    found = {
        "ridge length": ridge_length(image, breast),
        "orientation coherence": orientation_coherence(image, breast),
        "skin-line step": skin_line_step(image, breast),
        "frame step": frame_step(image, breast),
        "2-pixel border ratio": border_ratio(image, breast),
        "bright parts": bright_parts(image),
        **shape_measures(breast),
        **breast_brightness(image, breast),
        "contrast": float(image[breast].std()) if breast.any() else None,
        **_powers(image, breast),
    }
    return {name: value for name, value in found.items() if value is not None}


def _powers(image: np.ndarray, breast: np.ndarray) -> dict[str, float]:
    found = power_spectrum(np.clip(image, 0, 1), breast)
    if found is None:
        return {}
    frequency, power = found
    out = {"spectral exponent": spectral_exponent(frequency, power)}
    for low, high in BANDS:
        inside = (frequency > low) & (frequency <= high)
        out[f"power {band_name((low, high))}"] = 10 * float(np.log10(max(power[inside].mean(), _LEAST_POWER)))
    return out
