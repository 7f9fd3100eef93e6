"""Two acquisitions of one drawn breast with the same lesion: the pairs that a translation is tested with.

Open paired data exist for digital and contrast views alone. Ultrasound and biopsy are drawn here on the grid of the
mammogram, where no acquired section lies, so that their use can be tried: they say nothing of how real ones look.
"""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Conditions
from monai_mammo.phantom.draw import Layers, draw_layers
from monai_mammo.phantom.stream import stream
from monai_mammo.study import Mammogram
from monai_mammo.terms import AcquisitionKind, Modality

__all__ = ["draw_pair"]

_OPEN = Conditions()


def draw_pair(
    conditions: Conditions = _OPEN,
    *,
    seed: int,
    modalities: tuple[str, str] = ("digital", "contrast"),
    shape: tuple[int, int] = (512, 384),
) -> tuple[Mammogram, Mammogram]:
    """One drawn breast as two modalities show it, place for place, with one lesion mask.

    Parameters
    ----------
    conditions : Conditions
        What is shown; what is open is drawn from the seed. The kind is that of each modality.
    seed : int
        0 or more.
    modalities : tuple of str
        Two of `Modality`.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    tuple of Mammogram
        Of the modalities, in their order; ultrasound and biopsy have no kind.

    Raises
    ------
    RequestError
        There is no such modality, or seed or shape are not usable.
    """
    first, second = (_drawn(conditions, Modality.parse(one), seed=seed, shape=shape) for one in modalities)
    return first, second


def _drawn(conditions: Conditions, modality: Modality, *, seed: int, shape: tuple[int, int]) -> Mammogram:
    kind = modality.kind or AcquisitionKind.DIGITAL
    layers = draw_layers(conditions.replace(kind=kind), seed=seed, shape=shape)
    drawn = layers.mammogram
    if modality.kind is not None:
        return drawn
    pixels = _DRAW[modality](layers, stream(seed, "pair", modality.value))
    pixels = np.where(layers.breast, np.clip(pixels, 0.02, 1), 0).astype(np.float32)
    return dataclasses.replace(
        drawn,
        pixels=pixels,
        conditions=drawn.conditions.replace(kind=None),
        source=f"{drawn.source}_{modality}",
        source_sha256=hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest(),
    )


def _sorts(layers: Layers, fat: float, glands: float, lesion: float) -> np.ndarray:
    """A number for each sort of tissue."""
    out = np.where(layers.glands, glands, fat)
    mask = layers.mammogram.lesion_mask
    return out if mask is None else np.where(mask, lesion, out)


def _ultrasound(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Speckle (Rayleigh) over what reflects: a lesion is dark, and what lies below it in its shadow."""
    echo = ndimage.gaussian_filter(_sorts(layers, 0.30, 0.55, 0.10), 1.0)
    mask = layers.mammogram.lesion_mask
    if mask is not None:
        below = np.maximum.accumulate(mask, axis=0) & ~mask
        echo = echo * (1 - 0.4 * below)
    speckle = ndimage.gaussian_filter(rng.rayleigh(1.0, echo.shape), (0.7, 1.4))
    return echo * speckle / 1.25


def _biopsy(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Dark nuclei on a bright ground, dense in a lesion."""
    density = _sorts(layers, 0.004, 0.02, 0.08)
    nuclei = ndimage.gaussian_filter((rng.random(density.shape) < density).astype(float), 0.8)
    return 0.9 - 1.8 * nuclei


_DRAW = {Modality.ULTRASOUND: _ultrasound, Modality.BIOPSY: _biopsy}
