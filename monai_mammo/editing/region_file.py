"""Region that a picture of the file's own size marks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monai_mammo.editing.edit_source import EditSource
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.prepare.reading import read_mask

__all__ = ["region_of_file"]


def region_of_file(path: str, source: EditSource) -> np.ndarray:
    """Region from a mask picture.

    Parameters
    ----------
    path : str
        Of the picture, read by the rule of `monai_mammo.files.mask_picture`.
    source : EditSource
        Whose grid it must have.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    RequestError
        It cannot be read, marks nothing, or has another size than the file.
    """
    try:
        mask = read_mask(Path(path))
    except MammoError as error:
        raise RequestError(str(error)) from None
    if mask.shape != source.stored.shape:
        found, needed = (" x ".join(map(str, shape)) for shape in (mask.shape, source.stored.shape))
        raise RequestError(f"mask {path} is of {found} pixels, and {source.path} of {needed}: they must be equal")
    if not mask.any():
        raise RequestError(f"mask {path} marks nothing: bright pixels mean the region")
    return mask
