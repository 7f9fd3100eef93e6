"""Overlap of masks and of boxes."""

from __future__ import annotations

import numpy as np

from monai_mammo.conditions import Box
from monai_mammo.prepare.geometry import box_of_mask

__all__ = ["box_area", "box_iou", "box_of_largest", "dice"]


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Twice the common area over the sum of areas (Dice 1945); 1 for two empty masks.

    Parameters
    ----------
    a, b : ndarray, shape (rows, columns), bool

    Returns
    -------
    float
        In [0, 1].
    """
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def box_iou(a: Box | None, b: Box | None) -> float:
    """Common area of two boxes over the area that they cover together; 0 where one is missing.

    Parameters
    ----------
    a, b : Box or None
        Fractions of the same image.

    Returns
    -------
    float
        In [0, 1].
    """
    if a is None or b is None:
        return 0.0
    width = max(0.0, min(a.x1, b.x1) - max(a.x0, b.x0))
    height = max(0.0, min(a.y1, b.y1) - max(a.y0, b.y0))
    return width * height / (box_area(a) + box_area(b) - width * height)


HIT_IOU = 0.2
"""A detection meets a lesion where its centre lies in the lesion's box, or the boxes overlap by this much."""


def meets(detection: Box, center: tuple[float, float], lesion: Box) -> bool:
    """Whether a detection of an examiner meets a lesion.

    Parameters
    ----------
    detection : Box
    center : tuple of float
        Of the detection, x and y in fractions.
    lesion : Box

    Returns
    -------
    bool
    """
    x, y = center
    is_inside = lesion.x0 <= x <= lesion.x1 and lesion.y0 <= y <= lesion.y1
    return is_inside or box_iou(detection, lesion) >= HIT_IOU


def box_area(box: Box) -> float:
    """Share of the image that a box covers, in [0, 1].

    Parameters
    ----------
    box : Box

    Returns
    -------
    float
    """
    return box.width_fraction * box.height_fraction


def box_of_largest(mask: np.ndarray) -> Box | None:
    """Box round the largest component of a mask (neighbours also across corners), `None` for an empty one.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool

    Returns
    -------
    Box or None
    """
    from scipy import ndimage

    labels, n = ndimage.label(mask, structure=np.ones((3, 3)))
    if n == 0:
        return None
    return box_of_mask(labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:])))
