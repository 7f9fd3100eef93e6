"""Encapsulated pixels where they lie: a mammogram of some megabytes is not copied to be looked at."""

from __future__ import annotations

import struct

from pydicom.encaps import get_frame

__all__ = ["frame", "fragments"]

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_NO_OFFSETS = (b"", b"\0\0\0\0")  # the frame's own, which is the only one, may be stated


def fragments(data: memoryview, start: int = 0, *, most: int = 10_000) -> tuple[list[memoryview], int] | None:
    """Items of encapsulated pixels (PS3.5, A.4), offset table first, and where they end.

    Parameters
    ----------
    data : memoryview of bytes
    start : int
        Where the first item starts.
    most : int
        Of items; an image has some.

    Returns
    -------
    items : list of memoryview
        Parts of `data`.
    end : int
        Where the sequence delimiter starts, or the end of the data.
    None
        The bytes are not of this form, end within an item, or hold too many.
    """
    items: list[memoryview] = []
    while start < len(data) and data[start : start + 4] != _END:
        first = start + 8
        if data[start : start + 4] != _ITEM or first > len(data) or len(items) == most:
            return None
        start = first + struct.unpack("<I", data[start + 4 : first])[0]
        if start > len(data):
            return None
        items.append(data[first:start])
    return items, start


def frame(value: bytes | memoryview) -> memoryview:
    """Compressed frame of an object that has one; in place, if it is one fragment.

    Parameters
    ----------
    value : bytes or memoryview
        PixelData up to its sequence delimiter.

    Returns
    -------
    memoryview of bytes

    Raises
    ------
    ValueError
        There is no frame.
    """
    found = fragments(memoryview(value))
    if found is None or len(found[0]) < 2 or found[0][0] not in _NO_OFFSETS:
        return memoryview(get_frame(bytes(value), 0, number_of_frames=1))
    parts = found[0][1:]
    return parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
