"""A hole in a picture, filled smoothly from its surroundings, so that nothing of what was there is left."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["smooth_fill"]

_SMOOTHING_STEPS = 24


def smooth_fill(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Picture whose hole is filled from what lies around it, coarse to fine (pull-push, Gortler et al. 1996).

    The picture is shrunk by two, counting only what is known, until all is known; then what is unknown at each size
    is taken from the next coarser one. A few steps of diffusion in the hole remove the squares that this leaves.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Any values; those in the hole have no effect.
    hole : ndarray, shape (rows, columns), bool

    Returns
    -------
    ndarray, shape (rows, columns), float32
        `image` outside the hole; 0 everywhere where all is hole.
    """
    known = torch.from_numpy(~hole)[None, None].float()
    values = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None, None]
    filled = torch.where(known > 0, values, _coarse(torch.where(known > 0, values, 0.0), known))
    for _ in range(_SMOOTHING_STEPS):
        filled = torch.where(known > 0, filled, _blurred(filled))
    return filled[0, 0].numpy()


def _coarse(weighted: Tensor, weight: Tensor) -> Tensor:
    """Values (1, 1, rows, columns) for all positions, from the sums of known ones at half the size."""
    rows, columns = weight.shape[-2:]
    if rows == 1 and columns == 1:
        return weighted / weight.clamp_min(1e-6)
    padding = (0, columns % 2, 0, rows % 2)
    fewer, less = (functional.avg_pool2d(functional.pad(one, padding), 2) for one in (weighted, weight))
    share = less.clamp_max(1e-3) / 1e-3  # a trace of what is known counts as known
    value = fewer / less.clamp_min(1e-6)
    if (less <= 0).any():
        value = share * value + (1 - share) * _coarse(fewer, less)
    value = _blurred(value)
    return functional.interpolate(value, scale_factor=2, mode="bilinear", align_corners=False)[..., :rows, :columns]


def _blurred(image: Tensor) -> Tensor:
    return functional.avg_pool2d(functional.pad(image, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
