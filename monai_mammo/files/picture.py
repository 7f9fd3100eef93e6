"""Foreign pictures opened by a closed list of formats, with bounds on what is decoded.

Pillow opens a file by its content, whatever its name says, and knows formats that are programs: an Encapsulated
PostScript named ``.png`` starts Ghostscript. Here a file is one of `FORMATS` or damaged.
"""

from __future__ import annotations

import os
import warnings
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from monai_mammo.files.bounded import FileFault, UnreadableFile, open_regular, read_bytes
from monai_mammo.files.names import printable

__all__ = [
    "FORMATS",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "PICTURE_SUFFIXES",
    "decoded",
    "is_picture",
    "open_picture",
    "picture_shape",
    "read_brightness",
]

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM")
"""Pillow's names of the formats that are read; PPM stands for PBM, PGM and PPM. None starts a program or is one."""

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".pgm"})
"""Endings of the names of such files."""

MAX_FILE_BYTES = 512 * 2**20
MAX_PIXELS = 64_000_000
"""Three times the largest mammogram."""


def is_picture(path: Path) -> bool:
    """Whether a file is of a picture format, by its name.

    Parameters
    ----------
    path : Path
        Of the file, which need not be there.

    Returns
    -------
    bool
    """
    return path.suffix.lower() in PICTURE_SUFFIXES


def open_picture(data: bytes, *, name: str = "the picture", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Picture of which the header alone has been read.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        For messages.
    max_pixels : int
        Rows times columns.

    Returns
    -------
    Image
        One frame; `decoded` gives its pixels.

    Raises
    ------
    UnreadableFile
        The bytes are of none of `FORMATS`, or the picture has more pixels than allowed.
    """
    return _opened(BytesIO(data), name, max_pixels)


def picture_shape(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Rows and columns of a picture, by its header.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    tuple of int

    Raises
    ------
    UnreadableFile
        The file is out of reach, not a picture of `FORMATS`, or too large.
    """
    name = printable(os.path.basename(os.fspath(path)))
    try:
        with open_regular(path) as stream:
            picture = _opened(stream, name, MAX_PIXELS)
            return picture.height, picture.width
    except OSError as error:
        words = f"{name} could not be read: {error.strerror or 'unknown'}"
        raise UnreadableFile(FileFault.UNREADABLE, words) from None


def decoded(picture: Image.Image, *, mode: str | None = None, name: str = "the picture") -> np.ndarray:
    """Pixels of an opened picture.

    Parameters
    ----------
    picture : Image
        From `open_picture`.
    mode : str, optional
        Pillow's name of the mode to convert to; by default the picture's own.
    name : str
        For messages.

    Returns
    -------
    ndarray, shape (rows, columns) or (rows, columns, channels)

    Raises
    ------
    UnreadableFile
        The picture is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(picture if mode in (None, picture.mode) else picture.convert(mode))
    except MemoryError:
        raise
    except Exception:
        raise UnreadableFile(FileFault.DAMAGED, f"{name} is damaged") from None


def read_brightness(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Brightness of a grey picture of ours, decoded in this process.

    Pictures of others are read in a process of their own, by `monai_mammo.prepare.reading`.

    Parameters
    ----------
    path : path-like
    max_pixels : int
        Rows times columns.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        The share of 255 in 8-bit pictures and of 65535 in 16-bit ones; of coloured pictures the luma.

    Raises
    ------
    UnreadableFile
        The file is out of reach, not a picture of `FORMATS`, or too large.
    """
    name = printable(os.path.basename(os.fspath(path)))
    picture = open_picture(read_bytes(path, max_bytes=MAX_FILE_BYTES), name=name, max_pixels=max_pixels)
    if picture.mode.startswith("I"):
        return (decoded(picture, name=name) / np.float32(65535)).astype(np.float32).clip(0, 1)
    return decoded(picture, mode="L", name=name).astype(np.float32) / np.float32(255)


def _too_large(name: str, max_pixels: int) -> UnreadableFile:
    return UnreadableFile(FileFault.TOO_LARGE, f"{name} has more than {max_pixels} pixels")


def _opened(stream: BinaryIO, name: str, max_pixels: int) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(stream, formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_large(name, max_pixels) from None
    except Exception:  # Pillow's plugins raise whatever a damaged stream makes them trip over
        raise UnreadableFile(FileFault.DAMAGED, f"{name} is damaged or not one of {', '.join(FORMATS)}") from None
    if picture.width * picture.height > max_pixels:
        raise _too_large(name, max_pixels)
    return picture
