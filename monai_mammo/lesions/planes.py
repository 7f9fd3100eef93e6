"""Lesion mask and box as planes on the grid of a latent."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from monai_mammo.conditions import Box
from monai_mammo.prepare.geometry import mask_of_box

__all__ = ["lesion_planes"]


def lesion_planes(mask: np.ndarray | None, box: Box | None, *, shape: tuple[int, int], factor: int) -> Tensor:
    """Share of each position of the latent grid that a lesion's mask, and its box, cover.

    A picture whose sides are no multiple of `factor` is padded below and at the right, as the autoencoder pads it, so
    that a position stands for the same pixels in both.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool, or None
        `None` where it is not given.
    box : Box or None
        Fractions of the picture; `None` where it is not given.
    shape : tuple of int
        Rows and columns of the prepared picture.
    factor : int
        Pixels for each position of the latent, along each side.

    Returns
    -------
    Tensor, shape (2, ceil(rows / factor), ceil(columns / factor)), float32
        Mask, then box, in [0, 1]; 0 where not given.
    """
    rows, columns = shape
    outlined = np.zeros(shape, np.float32) if mask is None else mask.astype(np.float32)
    covered = np.zeros(shape, np.float32) if box is None else mask_of_box(box, shape)
    planes = torch.from_numpy(np.stack([outlined, covered]))
    return functional.avg_pool2d(functional.pad(planes, (0, -columns % factor, 0, -rows % factor)), factor)
