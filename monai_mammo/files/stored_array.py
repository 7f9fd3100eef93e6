"""Foreign arrays in NumPy's format, read with bounds: a regular file of the expected form, or one sentence."""

from __future__ import annotations

import os
import zipfile
from io import BytesIO
from typing import BinaryIO

import numpy as np

from monai_mammo.files.bounded import FileFault, UnreadableFile, open_regular, read_bytes
from monai_mammo.files.names import printable
from monai_mammo.files.picture import MAX_PIXELS

__all__ = ["read_array", "read_arrays"]

_MAX_ARCHIVE_BYTES = 512 * 2**20


def read_array(path: str | os.PathLike[str], *, max_values: int = MAX_PIXELS) -> np.ndarray:
    """Array of a ``.npy`` file.

    Parameters
    ----------
    path : path-like
    max_values : int
        Rows times columns.

    Returns
    -------
    ndarray, shape (rows, columns)
        Of whole numbers or truth values; no side is empty.

    Raises
    ------
    UnreadableFile
        The file is out of reach, not such an array, cut off, or larger than allowed.
    """
    name = printable(os.path.basename(os.fspath(path)))
    try:
        with open_regular(path) as stream:
            return _read(stream, os.fstat(stream.fileno()).st_size, name, max_values)
    except OSError as error:
        words = error.strerror or "unknown"
        raise UnreadableFile(FileFault.UNREADABLE, f"{name} could not be read: {words}") from None


def read_arrays(path: str | os.PathLike[str], *, max_bytes: int = _MAX_ARCHIVE_BYTES) -> dict[str, np.ndarray]:
    """Arrays of an ``.npz`` file by name.

    Parameters
    ----------
    path : path-like
    max_bytes : int
        Of the file, and of all that it holds when unpacked.

    Returns
    -------
    dict of str to ndarray, each of its own shape

    Raises
    ------
    UnreadableFile
        The file is out of reach, damaged, holds Python objects, or is larger than allowed.
    """
    name = printable(os.path.basename(os.fspath(path)))
    data = read_bytes(path, max_bytes=max_bytes)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            n_bytes = sum(member.file_size for member in archive.infolist())
        if n_bytes > max_bytes:
            raise UnreadableFile(FileFault.TOO_LARGE, f"{name} holds more than {max_bytes} bytes")
        with np.load(BytesIO(data), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except UnreadableFile:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise what they like on damaged bytes
        raise UnreadableFile(FileFault.DAMAGED, f"{name} is damaged ({type(error).__name__})") from None


def _read(stream: BinaryIO, n_bytes: int, name: str, max_values: int) -> np.ndarray:
    shape, is_by_columns, kind, start = _header(stream, name)
    if len(shape) != 2 or kind.kind not in "bui" or min(shape) < 1:
        raise UnreadableFile(FileFault.DAMAGED, f"{name} is not an array of whole numbers with rows and columns")
    n_values = shape[0] * shape[1]
    if n_values > max_values:
        raise UnreadableFile(FileFault.TOO_LARGE, f"{name} has more than {max_values} values")
    if n_bytes - start < n_values * kind.itemsize:  # before so much memory is taken
        raise UnreadableFile(FileFault.DAMAGED, f"{name} is cut off")
    data = stream.read(n_values * kind.itemsize)
    if len(data) < n_values * kind.itemsize:
        raise UnreadableFile(FileFault.DAMAGED, f"{name} is cut off")
    values = np.frombuffer(data, dtype=kind)
    return values.reshape(shape, order="F" if is_by_columns else "C").copy()


def _header(stream: BinaryIO, name: str) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, order, type, and where the values begin."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        return (*readers[np.lib.format.read_magic(stream)](stream), stream.tell())
    except Exception:  # numpy evaluates a text as Python literals, which fails in many ways
        raise UnreadableFile(FileFault.DAMAGED, f"{name} is not an array in NumPy's format") from None
