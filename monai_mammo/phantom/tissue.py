"""Tissue of a drawn breast: power-law texture, glands by density class, brightness by acquisition kind."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.fft import fftfreq, irfft2, next_fast_len, rfft2, rfftfreq

from monai_mammo.phantom.outline import Outline
from monai_mammo.terms import AcquisitionKind, Density

__all__ = ["GLANDULAR_FRACTION", "TISSUE_BRIGHTNESS", "draw_glands", "draw_tissue", "power_law_field"]

GLANDULAR_FRACTION = {Density.A: 0.10, Density.B: 0.32, Density.C: 0.56, Density.D: 0.80}
"""Glandular share of the breast's area without muscle, by density class."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Brightness:
    fat: float
    glands: float
    muscle: float
    skin: float
    texture: float
    margin: float  # width of the thinner, darker margin, fraction of the height


TISSUE_BRIGHTNESS = {
    AcquisitionKind.FILM: _Brightness(0.34, 0.26, 0.28, 0.00, 0.045, 0.030),
    AcquisitionKind.DIGITAL: _Brightness(0.24, 0.26, 0.18, 0.22, 0.040, 0.008),
    AcquisitionKind.CONTRAST: _Brightness(0.20, 0.09, 0.04, 0.16, 0.025, 0.006),
}
"""Brightness of each tissue in [0, 1], by acquisition kind."""

_FLOOR, _CEILING = 0.06, 0.79  # tissue stays off 0 (air) and leaves room above for a lesion


def power_law_field(shape: tuple[int, int], rng: np.random.Generator, *, slope: float = 3.0) -> np.ndarray:
    """Gaussian random field whose power falls with the spatial frequency f as ``f**-slope``.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    rng : numpy.random.Generator
    slope : float
        Mammographic background is near 3 (Burgess, Jacobson & Judy 2001).

    Returns
    -------
    ndarray, shape (rows, columns), float32
        Mean 0 and standard deviation 1.
    """
    side = next_fast_len(int(1.25 * max(shape)), real=True)  # larger than share, so that edges do not wrap
    frequency = np.hypot(fftfreq(side)[:, None], rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    white = rng.standard_normal((side, side))
    field = irfft2(rfft2(white) * frequency ** (-slope / 2), s=(side, side))[: shape[0], : shape[1]]
    return ((field - field.mean()) / field.std()).astype(np.float32)


def draw_glands(outline: Outline, density: Density, rng: np.random.Generator) -> np.ndarray:
    """Share of glandular tissue at each pixel, 0 to 1.

    The glands are a power-law field that is drawn to the region behind the nipple, cut at the quantile that
    gives the area of the density class, so A to D differ in area whatever the seed.

    Parameters
    ----------
    outline : Outline
    density : Density
        A to D.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    rows, columns = outline.breast.shape
    tissue = outline.breast & (outline.pectoral < 0.5)
    home = tissue & (outline.skin_distance > 0.02)
    y = (np.arange(rows)[:, None] - outline.nipple[0]) / rows
    x = (np.arange(columns)[None, :] - 0.55 * outline.nipple[1]) / rows
    pull = 2.0 * np.exp(-((y / 0.22) ** 2 + (x / 0.24) ** 2)) + 6 * np.minimum(outline.skin_distance, 0.1)
    field = power_law_field((rows, columns), rng) + pull
    share = (GLANDULAR_FRACTION[density] + rng.uniform(-0.03, 0.03)) * tissue.sum() / max(home.sum(), 1)
    threshold = np.quantile(field[home], 1 - min(share, 0.97))
    return (home / (1 + np.exp(-(field - threshold) / 0.25))).astype(np.float32)


def draw_tissue(outline: Outline, glands: np.ndarray, kind: AcquisitionKind, rng: np.random.Generator) -> np.ndarray:
    """Brightness of a breast without lesion, 0 outside it and between 0.06 and 0.79 inside.

    Parameters
    ----------
    outline : Outline
    glands : ndarray, shape (rows, columns)
        As `draw_glands` gives it.
    kind : AcquisitionKind
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    level = TISSUE_BRIGHTNESS[kind]
    texture = power_law_field(outline.breast.shape, rng)
    thickness = 1 - np.exp(-outline.skin_distance / level.margin)
    brightness = level.fat + level.glands * glands + level.muscle * outline.pectoral
    brightness = (brightness + level.texture * texture * (1 + glands)) * thickness
    brightness += level.skin * np.exp(-((outline.skin_distance / 0.006) ** 2))
    return np.where(outline.breast, np.clip(brightness, _FLOOR, _CEILING), 0).astype(np.float32)
