"""Lesion mask that a request names as a file."""

from __future__ import annotations

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.prepare.geometry import resize

__all__ = ["read_mask"]


def read_mask(path: str, shape: tuple[int, int]) -> np.ndarray:
    """Lesion mask from a picture file, scaled to the grid of the bundle.

    Raises
    ------
    RequestError
        The file is no picture, or shows no lesion.
    """
    from PIL import Image

    try:
        with Image.open(path) as picture:
            grey = np.asarray(picture.convert("L"), dtype=np.float32) / 255
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise RequestError(f"mask {path} cannot be read as a picture: {error}") from None
    mask = resize(grey, shape) >= 0.5
    if not mask.any():
        raise RequestError(f"mask {path} shows no lesion: white pixels mean lesion")
    return mask
