"""Text that a film scanner or a workstation has burnt into a picture, looked for under a region."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

__all__ = ["burnt_text"]

_LETTERS = 3
_LEAST_PX = 12
_TOP_SHARE = 0.97
_DROP_SHARE = 0.3
_STROKE_PX = 4
_THICKEST_PX = 15


def burnt_text(stored: np.ndarray, region: np.ndarray, *, is_bright_high: bool = True) -> bool:
    """Whether text lies under a region.

    Text is written in the brightest value of the picture, or in nearly that, with edges as no tissue has them: strokes
    of at most 15 pixels that end within 4. Three such pieces are taken for letters. A clip or a calcification is one;
    the frayed edge of a lesion that is white all over is none.

    Parameters
    ----------
    stored : ndarray, shape (rows, columns), unsigned
        Values of the whole picture.
    region : ndarray, shape (rows, columns), bool
        Not empty.
    is_bright_high : bool
        Whether high values are bright.

    Returns
    -------
    bool
    """
    rows, columns = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
    part = tuple(slice(max(0, int(one[0]) - _THICKEST_PX), int(one[-1]) + 1 + _THICKEST_PX) for one in (rows, columns))
    values = stored[part].astype(np.float32)
    low, high = float(stored.min()), float(stored.max())
    shade = (values - low if is_bright_high else high - values) / max(1.0, high - low)
    strokes = shade >= _TOP_SHARE
    thick = ndimage.binary_opening(strokes, np.ones((_THICKEST_PX, _THICKEST_PX), dtype=bool))
    sharp = shade - ndimage.minimum_filter(shade, 2 * _STROKE_PX + 1) >= _DROP_SHARE
    pieces, n_pieces = ndimage.label(strokes, np.ones((3, 3)))
    is_thick = np.bincount(pieces[thick], minlength=n_pieces + 1) > 0
    letters, n_letters = ndimage.label(strokes & ~is_thick[pieces] & sharp & region[part], np.ones((3, 3)))
    sizes = np.bincount(letters.ravel(), minlength=n_letters + 1)[1:]
    return int((sizes >= _LEAST_PX).sum()) >= _LETTERS
