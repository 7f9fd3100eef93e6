"""What lies along the frame of the picture, where tissue runs on beyond it."""

from __future__ import annotations

import numpy as np

__all__ = ["frame_step"]

_OUTER_PX = 5
_WITHIN_PX = slice(6, 12)
_TISSUE_PX = slice(3, 12)
_FEWEST = 20


def frame_step(image: np.ndarray, breast: np.ndarray) -> float | None:
    """How far the outermost five pixels differ from those a little further in, where the frame cuts the breast.

    An acquired breast goes on beyond the chest wall's edge and, at the axilla, beyond the upper one: nothing happens at
    the frame. A generator that learnt from pictures with a rim draws a line there.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1], chest wall left.
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    float or None
        In brightness, the largest difference at a place, mean over the places of the upper, left and lower edge whose
        fourth to twelfth pixel from the edge belong to the breast. `None` for fewer than 20 places.
    """
    steps = []
    for edge, tissue in zip(_edges(image), _edges(breast), strict=True):
        is_cut = tissue[_TISSUE_PX].all(axis=0)
        within = np.median(edge[_WITHIN_PX], axis=0)
        steps.append(np.abs(edge[:_OUTER_PX] - within).max(axis=0)[is_cut])
    found = np.concatenate(steps)
    return float(found.mean()) if len(found) >= _FEWEST else None


def _edges(picture: np.ndarray) -> tuple[np.ndarray, ...]:
    """Upper, left and lower edge of a picture, each with its outermost row first."""
    return picture, picture.T, picture[::-1]
