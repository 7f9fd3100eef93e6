"""Similarity of two pictures in structure, over five scales; MONAI is imported where it is asked for."""

from __future__ import annotations

import numpy as np
import torch

__all__ = ["ms_ssim"]

_LEAST_SIDE_PX = 11 * 2**4  # a window of 11 pixels after four halvings


def ms_ssim(image: np.ndarray, other: np.ndarray) -> float | None:
    """Structural similarity over five scales, data range 1 (Wang, Simoncelli & Bovik 2003).

    Parameters
    ----------
    image, other : ndarray, shape (rows, columns)

    Returns
    -------
    float or None
        At most 1; `None` where a side has under 176 pixels, which leaves no window at the coarsest scale.
    """
    if min(image.shape) < _LEAST_SIDE_PX:
        return None
    from monai.metrics.regression import compute_ms_ssim  # takes seconds, and most reports have no pairs

    first, second = (torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))[None, None] for x in (image, other))
    return float(compute_ms_ssim(first, second, spatial_dims=2, data_range=1.0).squeeze())
