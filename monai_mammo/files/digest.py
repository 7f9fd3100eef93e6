"""SHA-256 of files and of bytes."""

from __future__ import annotations

import hashlib
import os

from monai_mammo.files.bounded import open_regular

__all__ = ["bytes_sha256", "file_sha256"]


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits, read in blocks.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    str

    Raises
    ------
    OSError
        The file is not there, not readable, or not a regular file, which might never end.
    """
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def bytes_sha256(data: bytes) -> str:
    """SHA-256 of bytes, 64 hexadecimal digits.

    Parameters
    ----------
    data : bytes
        Of any length.

    Returns
    -------
    str
    """
    return hashlib.sha256(data).hexdigest()
