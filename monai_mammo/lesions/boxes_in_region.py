"""A lesion's box where only a coarse region of the breast is known."""

from __future__ import annotations

import numpy as np

from monai_mammo.conditions import Box
from monai_mammo.lesions.contour_bank import ContourBank, position_in, shipped_bank
from monai_mammo.lesions.hash_draw import drawn_position
from monai_mammo.terms import View

__all__ = ["box_in_region"]


def box_in_region(
    region: Box,
    *,
    view: View,
    seed: int,
    sample_id: int,
    size_fraction: tuple[float, float] | None = None,
    bank: ContourBank | None = None,
) -> Box:
    """Box of a lesion in a region: a real box of the same view whose middle lies there, drawn by seed and sample.

    Parameters
    ----------
    region : Box
        In the prepared frame, chest wall left.
    view : View
    seed : int
        Decides all that is drawn by chance.
    sample_id : int
        Number of the sample in its run.
    size_fraction : tuple of float or None
        Width and height, in fractions of the picture, where the size is known; the real box keeps its own otherwise.
    bank : ContourBank or None
        `None` takes the shipped one.

    Returns
    -------
    Box
        In the prepared frame; around the middle of the region where no real box lies in it.
    """
    bank = bank or shipped_bank()
    boxes = np.asarray(bank.boxes, dtype=np.float64)
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    is_in = (x >= region.x0) & (x <= region.x1) & (y >= region.y0) & (y <= region.y1)
    rows = np.nonzero(is_in & (bank.box_view == position_in(View, view)))[0]
    if len(rows):
        row = int(rows[drawn_position(len(rows), seed, sample_id, "region")])
        center, size = (x[row], y[row]), (boxes[row, 2] - boxes[row, 0], boxes[row, 3] - boxes[row, 1])
    else:
        center = region.center
        size = (float(np.median(boxes[:, 2] - boxes[:, 0])), float(np.median(boxes[:, 3] - boxes[:, 1])))
    width, height = (min(float(extent), 1.0) for extent in (size_fraction or size))
    x0 = min(max(float(center[0]) - width / 2, 0.0), 1.0 - width)
    y0 = min(max(float(center[1]) - height / 2, 0.0), 1.0 - height)
    return Box(x0, y0, min(x0 + width, 1.0), min(y0 + height, 1.0))
