"""Grain of a picture: noise with the power by frequency of what was measured round a region."""

from __future__ import annotations

import numpy as np

__all__ = ["grain_like"]

_LEAST_SHARE = 0.15


def grain_like(residual: np.ndarray, is_known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise whose power by frequency, whatever the direction, is that of a residual where it is known.

    Parameters
    ----------
    residual : ndarray, shape (rows, columns)
        Fine structure of a picture, of mean near 0.
    is_known : ndarray, shape (rows, columns), bool
        Where the residual counts.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (rows, columns), float32
        0 where less than 15 % is known.
    """
    share = float(is_known.mean())
    if share < _LEAST_SHARE:
        return np.zeros(residual.shape, dtype=np.float32)
    limit = 4 * float(np.median(np.abs(residual[is_known]))) + 1e-9  # edges and calcifications are no grain
    known = np.where(is_known, np.clip(residual, -limit, limit), 0.0)
    power = np.abs(np.fft.rfft2(known)) ** 2 / (share * residual.size)
    rows, columns = np.fft.fftfreq(residual.shape[0])[:, None], np.fft.rfftfreq(residual.shape[1])[None]
    ring = np.round(np.hypot(rows, columns) * min(residual.shape)).astype(int)
    radial = np.bincount(ring.ravel(), power.ravel()) / np.maximum(np.bincount(ring.ravel()), 1)
    white = np.fft.rfft2(rng.standard_normal(residual.shape))
    return np.fft.irfft2(white * np.sqrt(radial[ring]), s=residual.shape).astype(np.float32)
