"""Radiomic features of a breast: brightness, grey-level co-occurrence, local binary patterns and spectrum."""

from __future__ import annotations

import functools

import numpy as np

from monai_mammo.evaluation.realism.texture_matrices import level_pairs

__all__ = ["FEATURE_NAMES", "examined_region", "radiomic_features"]

_N_LEVELS = 32
_DISTANCES_PX = (1, 2, 4)
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
_RING = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
_N_BANDS = 8
_LEAST_POWER = 1e-12
_LEVELS = np.indices((_N_LEVELS, _N_LEVELS))

_FIRST_ORDER = ("mean", "sd", "skewness", "kurtosis", "p05", "p25", "p50", "p75", "p95", "entropy")
_CO_OCCURRENCE = ("contrast", "homogeneity", "energy", "correlation", "joint entropy")
_N_PATTERNS = 10

FEATURE_NAMES = (
    *_FIRST_ORDER,
    *(f"{name}, {d} px" for d in _DISTANCES_PX for name in _CO_OCCURRENCE),
    *(f"pattern {i}" for i in range(_N_PATTERNS)),
    *(f"power {i}" for i in range(_N_BANDS)),
)
"""What `radiomic_features` holds, in order."""


def radiomic_features(image: np.ndarray, breast: np.ndarray) -> np.ndarray:
    """Features of the pixels in the breast.

    First order (10); Haralick's contrast, homogeneity, energy, correlation and entropy of co-occurrence in 32 levels
    of [0, 1], mean over four directions, at 1, 2 and 4 pixels (15); shares of the ten uniform local binary patterns of
    8 neighbours (Ojala et al. 2002); power in dB in eight bands of the whole picture's spectrum (8).

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool
        As `examined_region` takes it.

    Returns
    -------
    ndarray, shape (43,)
        In the order of `FEATURE_NAMES`.
    """
    picture = np.clip(image, 0, 1).astype(np.float64)
    inside = examined_region(breast)
    return np.concatenate(
        [_first_order(picture[inside]), _co_occurrence(picture, inside), _patterns(picture, inside), _powers(picture)]
    )


def examined_region(breast: np.ndarray) -> np.ndarray:
    """Pixels that features are taken of: the breast's, all where none is of a breast.

    Parameters
    ----------
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    ndarray, shape (rows, columns), bool
    """
    return breast if breast.any() else np.ones_like(breast)


def _first_order(values: np.ndarray) -> np.ndarray:
    mean, sd = values.mean(), values.std()
    scaled = (values - mean) / max(sd, 1e-6)
    squares = scaled * scaled
    shares = np.bincount((values * (_N_LEVELS - 1e-6)).astype(int), minlength=_N_LEVELS) / values.size
    quantiles = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    return np.array([mean, sd, (squares * scaled).mean(), (squares * squares).mean(), *quantiles, _entropy(shares)])


def _co_occurrence(picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    levels = np.where(inside, (picture * (_N_LEVELS - 1e-6)).astype(np.int16) + 1, np.int16(0))
    out = []
    for distance in _DISTANCES_PX:
        steps = [(distance * down, distance * across) for down, across in _DIRECTIONS]
        out.append(np.mean([_haralick(level_pairs(levels, step)) for step in steps], axis=0))
    return np.concatenate(out)


def _haralick(counts: np.ndarray) -> np.ndarray:
    """Five features of a symmetric table of co-occurrence; those of a single level where it is empty."""
    share = counts / counts.sum() if counts.sum() else np.eye(1, _N_LEVELS**2).reshape(_N_LEVELS, _N_LEVELS)
    i, j = _LEVELS
    mean = (i * share).sum()
    variance = ((i - mean) ** 2 * share).sum()
    correlation = ((i - mean) * (j - mean) * share).sum() / variance if variance > 0 else 1.0
    contrast = ((i - j) ** 2 * share).sum()
    homogeneity = (share / (1 + np.abs(i - j))).sum()
    return np.array([contrast, homogeneity, (share**2).sum(), correlation, _entropy(share)])


def _patterns(picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Shares of the uniform patterns with 0 to 8 brighter neighbours, and of all others."""
    middle = picture[1:-1, 1:-1]
    rows, columns = picture.shape
    ring = np.stack([picture[1 + r : rows - 1 + r, 1 + c : columns - 1 + c] >= middle for r, c in _RING])
    n_changes = (ring != np.roll(ring, 1, axis=0)).sum(axis=0, dtype=np.int8)
    code = np.where(n_changes <= 2, ring.sum(axis=0, dtype=np.int8), _N_PATTERNS - 1)[inside[1:-1, 1:-1]]
    return np.bincount(code, minlength=_N_PATTERNS) / max(code.size, 1)


def _powers(picture: np.ndarray) -> np.ndarray:
    """Power in dB in eight bands of equal width on a scale of octaves, 1/32 to 1/2 cycles a pixel."""
    rows, columns = picture.shape
    window = np.outer(np.hanning(rows + 1)[:-1], np.hanning(columns + 1)[:-1])
    density = np.abs(np.fft.fft2((picture - picture.mean()) * window)) ** 2 / (window**2).sum()
    power = np.array([density.ravel()[band].mean() if band.size else 0 for band in _bands(rows, columns)])
    return 10 * np.log10(np.maximum(power, _LEAST_POWER))


@functools.lru_cache(maxsize=8)
def _bands(rows: int, columns: int) -> tuple[np.ndarray, ...]:
    """Where each band lies in the ravelled spectrum of a picture of so many pixels."""
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(rows), np.fft.fftfreq(columns), indexing="ij"))
    band = np.digitize(radius.ravel(), np.geomspace(1 / 32, 1 / 2, _N_BANDS + 1)) - 1
    return tuple(np.flatnonzero(band == i) for i in range(_N_BANDS))


def _entropy(shares: np.ndarray) -> float:
    """In bits."""
    known = shares[shares > 0]
    return float(-(known * np.log2(known)).sum())
