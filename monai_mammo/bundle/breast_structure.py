"""What stands out inside a breast, as a few sums by which copies are found however they are disguised."""

from __future__ import annotations

import functools
import hashlib

import numpy as np
from scipy import ndimage

__all__ = ["N_SUMS", "breast_structure", "field_means", "placed_sums", "structure_sums"]

N_SUMS = 192
"""Of an image; fewer than the waves that they are made of, so that these cannot be had back."""

_GRID = (64, 48)
_AIR = 0.04  # brightness of a field under which it is air
_SIGMA = 3.0  # fields: what is smoother is the shape of the breast, and contrast is that of so wide a surrounding
_LEAST_CONTRAST = 0.004  # under which there is no structure to be made stronger
_MOST = 3.0  # of the contrast there: one bright spot is not all that counts
_EDGE = 2  # fields from the skin line, whose step is no structure
_WAVES = (24, 18)  # down and across; finer ones do not survive a move by half a field
_REACH = (3, 2)  # fields: so far a copy may be moved


def breast_structure(image: np.ndarray) -> np.ndarray:
    """What stands out inside the breast, in units of the contrast there.

    So brightness, window and gamma count for little, and the shape of the breast, which many share, for nothing.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1], any size.

    Returns
    -------
    ndarray, shape (64, 48), float32
        In [-3, 3]; 0 in air and near the skin line.
    """
    fields = field_means(image, _GRID)
    inside = (fields > _AIR).astype(np.float64)
    share = ndimage.gaussian_filter(inside, _SIGMA) + 1e-6
    stands_out = (fields - ndimage.gaussian_filter(fields * inside, _SIGMA) / share) * inside
    contrast = np.sqrt(ndimage.gaussian_filter(stands_out**2, _SIGMA) / share)
    within = ndimage.binary_erosion(inside > 0, iterations=_EDGE)
    structure: np.ndarray = np.clip(stands_out / (contrast + _LEAST_CONTRAST), -_MOST, _MOST) * within
    return structure.astype(np.float32)


def structure_sums(image: np.ndarray) -> np.ndarray:
    """Sums of a prepared mammogram: their dot product estimates the correlation of two pictures' structure.

    Of `breast_structure` the 24 x 18 slowest waves of a cosine transform, scaled to length 1; of these 192 sums with
    fixed random signs (Achlioptas 2003), whose dot product errs by ``(1 - r**2) / sqrt(192)``, one standard error.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1], chest wall left, any size.

    Returns
    -------
    ndarray, shape (192,), float32
        Of length 1; zeros where nothing stands out.
    """
    return _unit(_waves(breast_structure(image)[None]) @ _signs().T)[0]


def placed_sums(image: np.ndarray) -> np.ndarray:
    """Sums of an image as it is, upside down, mirrored and both, each at all places that a copy may be moved to.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].

    Returns
    -------
    ndarray, shape (140, 192), float32
        Moved by up to 3/64 of the rows and 2/48 of the columns.
    """
    structure = breast_structure(image)
    rows, columns = structure.shape
    padded = np.pad(structure, [(reach, reach) for reach in _REACH])
    places = [(down, across) for down in range(2 * _REACH[0] + 1) for across in range(2 * _REACH[1] + 1)]
    moved = np.stack([padded[down : down + rows, across : across + columns] for down, across in places])
    turned = _waves(moved)[:, None] * _turns()
    return _unit(turned.reshape(-1, turned.shape[-1]) @ _signs().T)


def field_means(image: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Means over a grid of equal fields, pixels on a border shared.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    grid : tuple of int
        Rows and columns of fields.

    Returns
    -------
    ndarray, shape `grid`, float64
    """
    down, across = (_taking_means(n, n_fields) for n, n_fields in zip(image.shape, grid, strict=True))
    means: np.ndarray = down @ image.astype(np.float64) @ across.T
    return means


def _waves(structures: np.ndarray) -> np.ndarray:
    """Slowest waves of each structure, of length 1, shape (n, waves)."""
    down, across = (_cosines(n, n_waves) for n, n_waves in zip(_GRID, _WAVES, strict=True))
    return _unit((down @ structures @ across.T).reshape(len(structures), -1))


@functools.cache
def _cosines(n: int, n_waves: int) -> np.ndarray:
    """Cosine transform (type 2, orthonormal), its slowest waves, shape (n_waves, n)."""
    waves = np.cos(np.pi * np.outer(np.arange(n_waves), (np.arange(n) + 0.5) / n)) * np.sqrt(2 / n)
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


@functools.cache
def _turns() -> np.ndarray:
    """What mirroring makes of each wave: odd ones change their sign; shape (4, waves)."""
    down, across = (1 - 2 * (np.arange(n) % 2) for n in _WAVES)
    same = [np.ones_like(down), np.ones_like(across)]
    pairs = [(same[0], same[1]), (down, same[1]), (same[0], across), (down, across)]
    return np.stack([np.outer(*pair).ravel() for pair in pairs]).astype(np.float32)


@functools.cache
def _signs() -> np.ndarray:
    """Fixed signs, shape (192, waves), the same on every machine: bits of SHAKE-256."""
    n = N_SUMS * _WAVES[0] * _WAVES[1]
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(b"monai_mammo fingerprint 2").digest(n // 8), np.uint8))
    return bits.reshape(N_SUMS, -1).astype(np.float32) * 2 - 1


@functools.lru_cache(maxsize=8)
def _taking_means(n: int, n_fields: int) -> np.ndarray:
    """Matrix (n_fields, n) that takes means over equal fields."""
    edges = np.linspace(0, n, n_fields + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(n)
    overlap = np.clip(np.minimum(high, pixel + 1) - np.maximum(low, pixel), 0, None)
    return overlap / overlap.sum(axis=1, keepdims=True)


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: np.ndarray = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-6)
    return unit.astype(np.float32)
