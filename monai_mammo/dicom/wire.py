"""Messages between a reader and its reading process: a JSON object and, for a mammogram, the bytes of its pixels.

Nothing is pickled: what comes from a process that has parsed hostile bytes is data, checked against the types
that are expected, never a program.
"""

from __future__ import annotations

import dataclasses
import json
import struct
import types
import typing
from enum import Enum
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.dicom.reasons import Failed, Skipped, SkipReason
from monai_mammo.study import Mammogram

__all__ = ["from_message", "receive", "send", "to_message"]

_SIZES = struct.Struct("<IQ")  # bytes of the JSON object, bytes of the pixels
_MAX_HEAD_BYTES = 2**20
_ARRAYS = ("pixels", "lesion_mask")


def send(file: FileIO, head: dict[str, Any], pixels: np.ndarray | None = None) -> None:
    """Write one message to an unbuffered pipe.

    Raises
    ------
    OSError
        Nobody reads at the other end.
    """
    text = json.dumps(head).encode()
    payload = memoryview(b"") if pixels is None else np.ascontiguousarray(pixels).data.cast("B")
    for part in (memoryview(_SIZES.pack(len(text), len(payload)) + text), payload):
        while part:
            part = part[file.write(part) :]


def receive(file: FileIO, *, max_pixels: int = 0) -> tuple[dict[str, Any], np.ndarray | None] | None:
    """Next message of an unbuffered pipe, or `None` at its end.

    Parameters
    ----------
    file : FileIO
    max_pixels : int
        Most pixels that are accepted.

    Returns
    -------
    head : dict
    pixels : ndarray, shape (rows, columns), float32, or None

    Raises
    ------
    ValueError
        The bytes are no message.
    """
    sizes = _exactly(file, np.empty(_SIZES.size, np.uint8))
    if sizes is None:
        return None
    n_head, n_pixels = _SIZES.unpack(sizes.tobytes())
    if n_head > _MAX_HEAD_BYTES or n_pixels > 4 * max_pixels:
        raise ValueError("a message is longer than allowed")
    text = _exactly(file, np.empty(n_head, np.uint8))
    if text is None:
        return None
    head = json.loads(text.tobytes())
    if not isinstance(head, dict):
        raise ValueError("a message is no JSON object")
    if not n_pixels:
        return head, None
    rows, columns = head["shape"]
    if not (isinstance(rows, int) and isinstance(columns, int) and 4 * rows * columns == n_pixels):
        raise ValueError("a message has not the pixels that it announces")
    pixels = np.empty((rows, columns), np.float32)
    return None if _exactly(file, pixels) is None else (head, pixels)


def _exactly(file: FileIO, array: np.ndarray) -> np.ndarray | None:
    """The array, filled from the pipe; `None` where the pipe ends before."""
    rest = array.data.cast("B")
    while rest:
        count = file.readinto(rest)
        if not count:
            return None
        rest = rest[count:]
    return array


def to_message(result: Mammogram | Skipped | Failed) -> tuple[dict[str, Any], np.ndarray | None]:
    """Message that stands for a result of the reader."""
    if isinstance(result, Mammogram):
        fields = {f.name: _plain(getattr(result, f.name)) for f in dataclasses.fields(result) if f.name not in _ARRAYS}
        return {"kind": "mammogram", "shape": result.shape, "fields": fields}, result.pixels
    kind = "failed" if isinstance(result, Failed) else "skipped"
    return {"kind": kind, "reason": result.reason.value, "detail": result.detail}, None


def from_message(head: dict[str, Any], pixels: np.ndarray | None, path: Path) -> Mammogram | Skipped | Failed:
    """Result that a message stands for; the pixels are not copied.

    Raises
    ------
    ValueError, TypeError, KeyError, MammoError
        The message does not stand for a result.
    """
    if head["kind"] == "mammogram" and pixels is not None:
        pixels.setflags(write=False)
        types_of = _types(Mammogram)
        fields = {name: _revived(types_of[name], value) for name, value in head["fields"].items()}
        return Mammogram(pixels=pixels, **fields)
    outcomes: dict[str, type[Failed] | type[Skipped]] = {"failed": Failed, "skipped": Skipped}
    return outcomes[head["kind"]](path, SkipReason(head["reason"]), _revived(str, head["detail"]))


def _plain(value: Any) -> Any:
    """Value in the types of JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _revived(kind: Any, value: Any) -> Any:
    """Value of an annotated type, from the types of JSON."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None and types.NoneType in arguments:
            return None
        return _revived(next(argument for argument in arguments if argument is not types.NoneType), value)
    if origin is tuple:
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(_revived(item_kind, item) for item_kind, item in zip(kinds, value, strict=True))
    if origin is dict:
        return {_revived(arguments[0], key): _revived(arguments[1], item) for key, item in value.items()}
    if hasattr(kind, "__dataclass_fields__"):
        types_of = _types(kind)
        return kind(**{name: _revived(types_of[name], item) for name, item in value.items()})
    if issubclass(kind, Enum):
        return kind(value)
    if not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(f"a message has another type than {kind.__name__}")
    return value


@cache
def _types(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
