"""What is drawn in a region, set into the picture round it without a step in brightness."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from monai_mammo.sampling import membrane

__all__ = ["with_seam"]

_COARSE = 4
"""Pixels each way over which two pictures' difference is averaged, so that it tells of brightness, not texture."""


def with_seam(drawn: np.ndarray, kept: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A picture that passes into another one.

    Where the weight lies between 0 and 1 both show the same place; what they differ by there, averaged over 4 x 4
    pixels, is continued over the region as a membrane and taken off what was drawn (after Pérez et al. 2003).

    Parameters
    ----------
    drawn, kept : ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    weight : ndarray, shape (rows, columns), float32
        Of `drawn`, 0 to 1.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        `kept`, bit by bit, where the weight is 0.
    """
    if weight.min() == 1 or weight.max() == 0:
        return drawn if weight.min() == 1 else kept
    in_seam = ((weight > 0) & (weight < 1)).astype(np.float32)
    share, difference = _coarse(in_seam), _coarse((kept - drawn) * in_seam)
    mean = _smooth(difference) / _smooth(share).clamp_min(1e-6)
    shift = membrane(mean, share > 0)
    shift = functional.interpolate(shift, scale_factor=_COARSE, mode="bilinear", align_corners=False)
    rows, columns = kept.shape
    mixed = kept + weight * (drawn + shift[0, 0, :rows, :columns].numpy() - kept)
    return np.where(weight > 0, np.clip(mixed, 0, 1), kept)


def _coarse(picture: np.ndarray) -> Tensor:
    rows, columns = picture.shape
    whole = torch.from_numpy(np.ascontiguousarray(picture))[None, None]
    whole = functional.pad(whole, (0, -columns % _COARSE, 0, -rows % _COARSE), mode="replicate")
    return functional.avg_pool2d(whole, _COARSE)


def _smooth(picture: Tensor) -> Tensor:
    return functional.avg_pool2d(functional.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
