"""How sharply a breast ends."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from monai_mammo.evaluation.realism.region_box import box_round

__all__ = ["skin_line_step"]

_DEPTHS_PX = np.arange(-4, 8.5, 0.5)  # along the line from air into the breast; 0 lies on the outline
_STEP_PX = 1.0
_DIRECTION_SIGMA_PX = 2.0
_MARGIN_PX = 10  # of a Gaussian of that deviation, and of a gradient


def skin_line_step(image: np.ndarray, breast: np.ndarray) -> float | None:
    """Sharpest rise of brightness over one pixel on the way from air into the breast, median over the outline.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    float or None
        In brightness; `None` where the picture shows no outline.
    """
    if breast.all() or not breast.any():
        return None
    box = box_round(breast, _MARGIN_PX)
    breast = breast[box]
    inside, outside = ndimage.distance_transform_edt(breast), ndimage.distance_transform_edt(~breast)
    rows, columns = np.nonzero((inside > 0) & (inside < 1.5))
    if len(rows) == 0:
        return None
    depth = np.where(breast, inside - 0.5, 0.5 - outside)
    down, across = np.gradient(ndimage.gaussian_filter(depth, _DIRECTION_SIGMA_PX))
    length = np.maximum(np.hypot(down, across), 1e-9)
    down, across = (down / length)[rows, columns], (across / length)[rows, columns]
    rows, columns = rows + box[0].start, columns + box[1].start
    where = [rows[:, None] + _DEPTHS_PX * down[:, None], columns[:, None] + _DEPTHS_PX * across[:, None]]
    profiles = ndimage.map_coordinates(image.astype(np.float64), where, order=1, mode="nearest")  # (points, depths)
    n_apart = round(_STEP_PX / float(_DEPTHS_PX[1] - _DEPTHS_PX[0]))
    return float(np.median((profiles[:, n_apart:] - profiles[:, :-n_apart]).max(axis=1)))
