"""Lesion mask that a request names as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.prepare import reading
from monai_mammo.prepare.geometry import resize

__all__ = ["read_mask"]


def read_mask(path: str, shape: tuple[int, int]) -> np.ndarray:
    """Lesion mask from a picture file, scaled to the grid of the bundle.

    Which pixels are the mask is the rule of `monai_mammo.files.mask_picture`. The file is read in a process of its own.

    Parameters
    ----------
    path : str
        Of the picture.
    shape : tuple of int
        Rows and columns of the grid.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    RequestError
        The file cannot be read as a mask, or shows no lesion, or nothing else.
    """
    try:
        drawn = reading.read_mask(Path(path))
    except MammoError as error:
        raise RequestError(str(error)) from None
    mask = resize(drawn.astype(np.float32), shape) >= 0.5
    if not mask.any():
        grid = f"on a grid of {shape[0]} x {shape[1]}"
        raise RequestError(f"mask {path} shows no lesion {grid}: bright pixels mean lesion")
    return mask
