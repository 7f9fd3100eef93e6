"""What a digitised film shows besides the breast: grain, a lit background, white edges, burnt-in letters."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation

from monai_mammo.phantom.tissue import power_law_field
from monai_mammo.terms import ChestWall

__all__ = ["add_film_background", "add_film_labels"]

_LETTERS = {  # 5 x 7 dots, a row a number
    "C": (14, 17, 16, 16, 16, 17, 14),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "M": (17, 27, 21, 21, 17, 17, 17),
    "O": (14, 17, 17, 17, 17, 17, 14),
    "R": (30, 17, 17, 30, 20, 18, 17),
}


def add_film_background(pixels: np.ndarray, breast: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Film with grain everywhere and a dim, uneven background that is nowhere 0.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    glow = np.clip(0.035 + 0.008 * power_law_field(pixels.shape, rng), 0.015, 0.06)
    grain = rng.normal(0, 0.004, pixels.shape)
    return np.clip(np.where(breast, pixels, glow) + grain, 0.004, 1).astype(np.float32)


def add_film_labels(
    pixels: np.ndarray, breast: np.ndarray, rng: np.random.Generator, *, text: str, chest_wall: ChestWall
) -> np.ndarray:
    """Film with white edges and a block of letters in the far upper corner, all off the breast.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), float32
        Brightness in [0, 1], as it hangs.
    breast : ndarray, shape (rows, columns), bool
    rng : numpy.random.Generator
    text : str
        Made of the letters C, L, M, O and R.
    chest_wall : ChestWall
        Edge of the chest wall; the letters lie at the other one.

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    rows, columns = pixels.shape
    free = ~binary_dilation(breast, iterations=max(1, rows // 100))
    drawn = np.zeros(pixels.shape, np.float32)
    thick = max(1, int(round(rng.uniform(0.008, 0.02) * rows)))
    far = np.s_[:, -thick:] if chest_wall is ChestWall.LEFT else np.s_[:, :thick]
    for edge in (np.s_[-thick:, :], far, np.s_[:thick, :])[: rng.integers(1, 4)]:
        drawn[edge] = rng.uniform(0.85, 1.0)
    block = _letter_block(text, scale=max(1, rows // 110))
    top, margin = min(3 * thick + 2, rows), 2 * thick + 2
    left = columns - margin - block.shape[1] if chest_wall is ChestWall.LEFT else margin
    target = drawn[top : top + block.shape[0], max(left, 0) : max(left, 0) + block.shape[1]]
    target[block[: target.shape[0], : target.shape[1]]] = rng.uniform(0.7, 0.95)
    return np.where(free & (drawn > 0), drawn, pixels).astype(np.float32)


def _letter_block(text: str, *, scale: int) -> np.ndarray:
    letters = [[[bool(row >> (4 - bit) & 1) for bit in range(5)] + [False] for row in _LETTERS[c]] for c in text]
    return np.kron(np.concatenate([np.array(letter) for letter in letters], axis=1), np.ones((scale, scale), bool))
