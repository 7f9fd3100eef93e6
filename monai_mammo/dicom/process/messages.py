"""Messages between a reader and its reading process: a JSON object and, for an image, its pixels and their brightness.

Nothing is pickled: what comes from a process that has parsed hostile bytes is data, checked against the types
that are expected, never a program.
"""

from __future__ import annotations

import dataclasses
import json
import math
import struct
import types
import typing
from enum import Enum
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from monai_mammo.dicom.reading.unrendered import Unrendered
from monai_mammo.dicom.reasons import Failed, Skipped, SkipReason
from monai_mammo.study import Mammogram, StoredImage

__all__ = ["Image", "from_message", "receive", "send", "to_message"]

_SIZES = struct.Struct("<IQ")  # bytes of the JSON object, bytes that follow it
_MAX_HEAD_BYTES = 2**20
_PIXEL_TYPES = ("uint8", "uint16", "int8", "int16")


class Image(NamedTuple):
    """Pixels of a message.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), integer of 8 or 16 bits
    brightness_table : ndarray, shape (256,) or (65536,), float32
    """

    pixels: np.ndarray
    brightness_table: np.ndarray


def send(file: FileIO, head: dict[str, Any], image: Image | None = None) -> None:
    """Write one message to an unbuffered pipe.

    Parameters
    ----------
    file : FileIO
    head : dict
        In the types of JSON.
    image : Image, optional

    Raises
    ------
    OSError
        Nobody reads at the other end.
    """
    arrays: list[np.ndarray] = []
    if image is not None:
        arrays = [image.brightness_table, image.pixels]
        head = {**head, "image": {"shape": image.pixels.shape, "type": image.pixels.dtype.name}}
    text = json.dumps(head).encode()
    payload = [np.ascontiguousarray(array).data.cast("B") for array in arrays]
    for part in (memoryview(_SIZES.pack(len(text), sum(map(len, payload))) + text), *payload):
        while part:
            part = part[file.write(part) :]


def receive(file: FileIO, *, max_pixels: int = 0) -> tuple[dict[str, Any], Image | None] | None:
    """Next message of an unbuffered pipe, or `None` at its end.

    Parameters
    ----------
    file : FileIO
    max_pixels : int
        Most pixels that are accepted.

    Returns
    -------
    head : dict
    image : Image or None

    Raises
    ------
    ValueError, TypeError, KeyError
        The bytes are not a message.
    """
    sizes = _exactly(file, np.empty(_SIZES.size, np.uint8))
    if sizes is None:
        return None
    n_head, n_payload = _SIZES.unpack(sizes.tobytes())
    if n_head > _MAX_HEAD_BYTES:
        raise ValueError("a message is longer than allowed")
    text = _exactly(file, np.empty(n_head, np.uint8))
    if text is None:
        return None
    head = json.loads(text.tobytes())
    if not isinstance(head, dict):
        raise ValueError("a message is not a JSON object")
    if "image" not in head:
        if n_payload:
            raise ValueError("a message has pixels that it does not announce")
        return head, None
    shape, kind = _form(head["image"], max_pixels)
    table = np.empty(2 ** (8 * kind.itemsize), np.float32)
    if n_payload != table.nbytes + math.prod(shape) * kind.itemsize:
        raise ValueError("a message has not the pixels that it announces")
    if _exactly(file, table) is None:
        return None
    pixels = np.empty(shape, kind)
    return None if _exactly(file, pixels) is None else (head, Image(pixels, table))


def _form(form: dict[str, Any], max_pixels: int) -> tuple[tuple[int, int], np.dtype]:
    """Shape and type of pixels, out of a message that may say anything."""
    rows, columns = form["shape"]
    if not (isinstance(rows, int) and isinstance(columns, int) and min(rows, columns) > 0):
        raise ValueError("a message has a shape that is not possible")
    if rows * columns > max_pixels or form["type"] not in _PIXEL_TYPES:
        raise ValueError("a message has more pixels than allowed, or of another type")
    return (rows, columns), np.dtype(form["type"])


def _exactly(file: FileIO, array: np.ndarray) -> np.ndarray | None:
    """The array, filled from the pipe; `None` where the pipe ends before."""
    rest = array.data.cast("B")
    while rest:
        count = file.readinto(rest)
        if not count:
            return None
        rest = rest[count:]
    return array


def to_message(result: Unrendered | StoredImage | Skipped | Failed) -> tuple[dict[str, Any], Image | None]:
    """Message that stands for a result of reading.

    Parameters
    ----------
    result : Unrendered, StoredImage, Skipped or Failed

    Returns
    -------
    head : dict
    image : Image or None
    """
    if isinstance(result, Unrendered):
        image = Image(result.stored.pixels, result.stored.brightness_table)
        return {"kind": "mammogram", "fields": _plain(result.fields)}, image
    if isinstance(result, StoredImage):
        fields = {"source": result.source, "source_sha256": result.source_sha256}
        return {"kind": "stored", "fields": fields}, Image(result.pixels, result.brightness_table)
    kind = "failed" if isinstance(result, Failed) else "skipped"
    return {"kind": kind, "reason": result.reason.value, "detail": result.detail}, None


def from_message(head: dict[str, Any], image: Image | None, path: Path) -> Mammogram | StoredImage | Skipped | Failed:
    """Result that a message stands for.

    Parameters
    ----------
    head : dict
        What the message says beside its pixels, in the types of JSON.
    image : Image or None
    path : Path
        File that was asked for.

    Returns
    -------
    Mammogram, StoredImage, Skipped or Failed

    Raises
    ------
    ValueError, TypeError, KeyError, MammoError
        The message does not stand for a result.
    """
    if image is not None:
        kind = {"mammogram": Mammogram, "stored": StoredImage}[head["kind"]]
        types_of = _types(kind)
        fields = {name: _revived(types_of[name], value) for name, value in head["fields"].items()}
        if kind is Mammogram:
            return Unrendered(StoredImage(**image._asdict()), fields).rendered()
        return StoredImage(**image._asdict(), **fields)
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
