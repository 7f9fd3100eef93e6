"""Arrays as PNG files, the same bytes for the same array."""

from __future__ import annotations

import os
from io import BytesIO

import numpy as np

from monai_mammo.errors import MammoError
from monai_mammo.files.whole import save_bytes

__all__ = ["png_bytes", "save_png"]


def png_bytes(pixels: np.ndarray, *, description: str = "") -> bytes:
    """PNG of brightness, of a mask, or of pixels as they are.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns) or (rows, columns, 3)
        Brightness in [0, 1] where the type is a float, clipped and rounded to 8 bits; a mask where it is bool,
        written as 0 and 255; else uint8, or uint16 without colour, written as it is.
    description : str
        Words that the file carries, such as that it is synthetic.

    Returns
    -------
    bytes

    Raises
    ------
    MammoError
        The array is none of these.
    """
    from PIL import Image, PngImagePlugin

    values = _stored(pixels)
    about = PngImagePlugin.PngInfo()
    if description:
        about.add_text("Description", description)
    buffer = BytesIO()
    Image.fromarray(values).save(buffer, format="PNG", pnginfo=about)
    return buffer.getvalue()


def save_png(
    pixels: np.ndarray, path: str | os.PathLike[str], *, description: str = "", make_folder: bool = False
) -> None:
    """Write `png_bytes` in one step.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns) or (rows, columns, 3)
    path : path-like
    description : str
        Words that the file carries.
    make_folder : bool
        Whether a folder that is missing is made.

    Raises
    ------
    MammoError
        The array cannot be a PNG, or the file cannot be written.
    """
    save_bytes(png_bytes(pixels, description=description), path, make_folder=make_folder)


def _stored(pixels: np.ndarray) -> np.ndarray:
    values = pixels
    if values.dtype == bool:
        values = values.astype(np.uint8) * np.uint8(255)
    elif np.issubdtype(values.dtype, np.floating):
        values = np.rint(np.clip(values.astype(np.float64), 0, 1) * 255).astype(np.uint8)
    is_colour = values.ndim == 3 and values.shape[2] == 3 and values.dtype == np.uint8
    if not is_colour and not (values.ndim == 2 and values.dtype in (np.uint8, np.uint16)):
        raise MammoError(f"an array {values.shape} of {pixels.dtype} cannot be written as PNG")
    return values
