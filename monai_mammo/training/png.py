"""Pictures as PNG files that say what they are."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from monai_mammo.errors import MammoError

__all__ = ["NOT_ACQUIRED", "save_png"]

NOT_ACQUIRED = "Computed by a network of monai_mammo, not acquired from a patient, not for diagnosis."
"""What every written picture says of itself."""


def save_png(image: np.ndarray, path: str | os.PathLike[str], *, description: str = NOT_ACQUIRED) -> Path:
    """Write brightness as an 8-bit PNG, under a temporary name first.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        In [0, 1].
    path : path-like
        Its folder is made where it is missing.
    description : str
        Text that stands in the file.

    Raises
    ------
    MammoError
        The file can not be written.
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    text = PngInfo()
    text.add_text("Description", description)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)).save(partial, format="PNG", pnginfo=text)
        os.replace(partial, path)
    except OSError as error:
        raise MammoError(f"{path} can not be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return path
