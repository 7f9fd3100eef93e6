"""Pictures as PNG files that say what they are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from monai_mammo.files import png

__all__ = ["NOT_ACQUIRED", "save_png"]

NOT_ACQUIRED = "Computed by a network of monai_mammo, not acquired from a patient, not for diagnosis."
"""What every written picture says of itself."""


def save_png(image: np.ndarray, path: str | os.PathLike[str], *, description: str = NOT_ACQUIRED) -> Path:
    """Write brightness as an 8-bit PNG, in one step.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        In [0, 1].
    path : path-like
        Its folder is made where it is missing.
    description : str
        Text that stands in the file.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MammoError
        The file cannot be written.
    """
    png.save_png(image, path, description=description, make_folder=True)
    return Path(path)
