"""The picture that the benchmarks read: like a breast in what matters to decoders, and free of anyone's data."""

from __future__ import annotations

import functools

import numpy as np

SHAPE = (3328, 2560)
BITS = 12


@functools.cache
def stored_values(seed: int = 0, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Half an ellipse of tissue at the left edge: texture with a power-law spectrum (Burgess 2001), grain, air of 0.

    Returns
    -------
    ndarray, shape (rows, columns), uint16
        12 bit. Losslessly it takes about as many bits a pixel as a real full-field view.
    """
    rng = np.random.default_rng(seed)
    rows, columns = shape
    y = np.linspace(-1, 1, rows)[:, None] / 0.94
    x = np.linspace(0, 1, columns)[None] / 0.72
    depth = np.sqrt(np.clip(1 - y**2 - x**2, 0, None))
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None] * rows, np.fft.rfftfreq(columns)[None] * rows)
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal(shape, dtype=np.float32)) / frequency**1.5
    spectrum[0, 0] = 0
    texture = np.fft.irfft2(spectrum, shape)
    tissue = 900 + 1500 * depth**0.5 + 350 * texture / texture.std() + rng.normal(0, 5, shape)
    return np.where(depth > 0, np.clip(np.rint(tissue), 1, 2**BITS - 1), 0).astype(np.uint16)
