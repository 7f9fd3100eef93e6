"""Foreign files read whole, with bounds: a regular file of a size that was to be expected, or one sentence."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import stat
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from monai_mammo.errors import MammoError
from monai_mammo.files.names import is_text, printable

__all__ = ["FileFault", "UnreadableFile", "open_regular", "parse_json", "read_bytes", "read_json", "read_text"]

MAX_JSON_BYTES = 512 * 2**20
MAX_DEPTH = 64


class FileFault(StrEnum):
    """Why a file gave nothing."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    DAMAGED = "damaged"


class UnreadableFile(MammoError):
    """A file that is out of reach, larger than allowed, or not of the form that its reader asks for.

    Parameters
    ----------
    fault : FileFault
    detail : str
        One sentence that names the file.
    """

    def __init__(self, fault: FileFault, detail: str) -> None:
        super().__init__(detail)
        self.fault, self.detail = fault, detail


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Stream of a regular file; a pipe, a device or a folder is refused without waiting for it.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    BufferedReader

    Raises
    ------
    OSError
        The file is not there, not readable, not regular, or its name is not possible.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        number = os.open(path, flags)
    except ValueError:  # a NUL, or half a surrogate pair
        raise OSError(errno.EINVAL, "the name is not possible") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(number, "rb")


def read_bytes(path: str | os.PathLike[str], *, max_bytes: int) -> bytes:
    """All bytes of a regular file.

    Parameters
    ----------
    path : path-like
    max_bytes : int
        A longer file is refused.

    Returns
    -------
    bytes

    Raises
    ------
    UnreadableFile
        The file is not there, not readable, not regular, or has more bytes.
    """
    name = _printable(path)
    try:
        with open_regular(path) as stream:
            if os.fstat(stream.fileno()).st_size > max_bytes:
                raise UnreadableFile(FileFault.TOO_LARGE, f"{name} has more than {max_bytes} bytes")
            data = stream.read(max_bytes + 1)
    except OSError as error:
        words = error.strerror or "unknown"
        raise UnreadableFile(FileFault.UNREADABLE, f"{name} could not be read: {words}") from None
    if len(data) > max_bytes:
        raise UnreadableFile(FileFault.TOO_LARGE, f"{name} has more than {max_bytes} bytes")
    return data


def read_text(path: str | os.PathLike[str], *, max_bytes: int, errors: str = "strict") -> str:
    """Text of a regular file in UTF-8, with or without a byte order mark.

    Parameters
    ----------
    path : path-like
    max_bytes : int
        A longer file is refused.
    errors : {"strict", "replace"}
        What becomes of bytes that are not UTF-8.

    Returns
    -------
    str

    Raises
    ------
    UnreadableFile
        As from `read_bytes`, or the bytes are not UTF-8.
    """
    data = read_bytes(path, max_bytes=max_bytes)
    try:
        return data.decode("utf-8-sig", errors)
    except UnicodeDecodeError:
        raise UnreadableFile(FileFault.DAMAGED, f"{_printable(path)} is not text in UTF-8") from None


def read_json(path: str | os.PathLike[str], *, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Value of a JSON file.

    Parameters
    ----------
    path : path-like
    max_bytes : int
        A longer file is refused.

    Returns
    -------
    dict, list, str, int, float, bool or None
        Nested 64 deep at most; no text holds NUL or half a surrogate pair, no number is NaN or infinite.

    Raises
    ------
    UnreadableFile
        As from `read_bytes`, or the file does not hold such a value.
    """
    text = read_text(path, max_bytes=max_bytes)
    try:
        return parse_json(text)
    except ValueError as error:
        raise UnreadableFile(FileFault.DAMAGED, f"{_printable(path)} could not be read as JSON: {error}") from None


def parse_json(text: str) -> Any:
    """Value of a JSON text, bounded as by `read_json`.

    Parameters
    ----------
    text : str
        One JSON value.

    Returns
    -------
    object
        As `json.loads` gives it.

    Raises
    ------
    ValueError
        The text does not hold such a value.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH}") from None
    for item, depth in _walk(value):
        if depth >= MAX_DEPTH and isinstance(item, (dict, list)):
            raise ValueError(f"it is nested deeper than {MAX_DEPTH}")
        if isinstance(item, str) and not is_text(item):
            raise ValueError("it holds a text that is not possible")
        if isinstance(item, float) and math.isinf(item):
            raise ValueError("it holds a number that is not possible")
    return value


def _walk(value: Any) -> Iterator[tuple[Any, int]]:
    """All values and keys with their depth, down to the limit."""
    rest = [(value, 0)]
    while rest:
        item, depth = rest.pop()
        yield item, depth
        if depth < MAX_DEPTH:
            inner = [*item, *item.values()] if isinstance(item, dict) else item if isinstance(item, list) else ()
            rest += [(one, depth + 1) for one in inner]


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _printable(path: str | os.PathLike[str]) -> str:
    return printable(Path(os.fspath(path)).name)
