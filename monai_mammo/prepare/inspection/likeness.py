"""Pictures that are the same but for size, margins, brightness or a mirror."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from monai_mammo.prepare.geometry import mirror, resize

__all__ = ["ALIKE_ABOVE", "alike", "signature"]

ALIKE_ABOVE = 0.99
"""Correlation of two signatures from which two pictures count as copies; decision 0010 shows what it was chosen by."""

_SIDE = 32
_BLOCK = 512
_BLANK_RANGE = 0.06


def signature(pixels: np.ndarray) -> np.ndarray:
    """What is left of a picture when size, blank margins, brightness and contrast are taken out.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness, the background dark.

    Returns
    -------
    ndarray, shape (1024,), float32
        Mean 0 and length 1; all 0 for a blank picture.
    """
    small = resize(_without_margins(pixels), (_SIDE, _SIDE)).ravel()
    centred = small - small.mean()
    length = float(np.linalg.norm(centred))
    return (centred / length if length > 1e-3 else 0 * centred).astype(np.float32)


def _without_margins(pixels: np.ndarray) -> np.ndarray:
    """Picture from the first to the last row and column that are not of one brightness."""
    for axis in (1, 0):
        lines = np.flatnonzero(np.ptp(pixels, axis=axis) > _BLANK_RANGE)
        if lines.size:
            inner = slice(int(lines[0]), int(lines[-1]) + 1)
            pixels = pixels[inner] if axis == 1 else pixels[:, inner]
    return pixels


def alike(signatures: Sequence[np.ndarray]) -> Iterator[tuple[int, int, bool]]:
    """Pairs of pictures that are copies of each other.

    Parameters
    ----------
    signatures : sequence of ndarray, shape (1024,)

    Yields
    ------
    first, second : int
        Places among the signatures, the first the smaller.
    is_mirrored : bool
        Whether the one is the other's mirror image.
    """
    if len(signatures) < 2:
        return
    all_of_them = np.stack(signatures)
    mirrored = mirror(all_of_them.reshape(-1, _SIDE, _SIDE)).reshape(all_of_them.shape)
    for start in range(0, len(all_of_them), _BLOCK):
        block = all_of_them[start : start + _BLOCK]
        straight, reverse = block @ all_of_them[start:].T, block @ mirrored[start:].T
        rows, columns = np.nonzero(np.maximum(straight, reverse) > ALIKE_ABOVE)
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
            if j > i:
                yield start + i, start + j, bool(reverse[i, j] > straight[i, j])
