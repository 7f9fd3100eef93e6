"""The codestream of a compressed frame, and of which sorts is what stands beside it.

A decoder gets the codestream without what it might stumble over. The sorts are for the report: what is beside the
picture is not copied, whether it is told here or not.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from pydicom import uid

from monai_mammo.dicom.reading.streams import JP2_SIGNATURE

__all__ = ["BEHIND", "COMMENTS", "Codestream", "codestream_of"]

COMMENTS = "comments in the stream"
BEHIND = "bytes behind the pixels"

_JPEG_SEGMENTS = frozenset({0xC0, 0xC1, 0xC3, 0xC4, 0xDA, 0xDB, 0xDC, 0xDD, 0xF7, 0xF8})
# in coded data FF 00 to FF 7F are data, FF D0 to FF D7 restarts
_JPEG_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
_JPEG_2000_SEGMENTS = frozenset({0x50, 0x51, 0x52, 0x53, 0x55, 0x56, *range(0x57, 0x5A), *range(0x5C, 0x62), 0x90})
_SCAN, _END = 0xDA, 0xD9
_START_OF_TILE, _START_OF_DATA = 0x90, b"\xff\x93"
_RLE_HEADER_BYTES = 64


class Codestream(NamedTuple):
    """Picture of a compressed frame.

    Parameters
    ----------
    data : bytes
        From its first marker to its last, without segments of its header that no picture needs; to the end of the
        frame where the segments cannot be followed.
    surplus : frozenset of str
        `COMMENTS` for segments and boxes beside the picture, `BEHIND` for bytes after its end.
    """

    data: bytes
    surplus: frozenset[str]


def codestream_of(frame: bytes, syntax: str) -> Codestream:
    """Codestream of a compressed frame, as far as its segments tell it.

    What hides behind the last code of coded data is still in it.

    Parameters
    ----------
    frame : bytes
        Compressed frame.
    syntax : str
        UID of its transfer syntax.

    Returns
    -------
    Codestream
    """
    if syntax == uid.RLELossless:
        header = np.frombuffer(frame[:_RLE_HEADER_BYTES].ljust(_RLE_HEADER_BYTES, b"\0"), "<u4")
        has_more = header[int(min(header[0], 15)) + 1 :].any()
        return Codestream(frame, frozenset({COMMENTS} if has_more else ()))
    is_jpeg = syntax in (*uid.JPEGTransferSyntaxes, *uid.JPEGLSTransferSyntaxes)
    start = 0 if is_jpeg else _start_of_codestream(frame)
    found: set[str] = {COMMENTS} if start else set()
    kept: list[bytes] = [frame[start : start + 2]]
    position = (_end_of_jpeg if is_jpeg else _end_of_jpeg_2000)(frame, start + 2, kept, found)
    if frame[position : position + 2] != b"\xff\xd9":
        return Codestream(frame[start:], frozenset(found))
    if frame[position + 2 :].strip(b"\0"):
        found.add(BEHIND)
    return Codestream(b"".join([*kept, b"\xff\xd9"]), frozenset(found))


def _end_of_jpeg(frame: bytes, position: int, kept: list[bytes], found: set[str]) -> int:
    while position + 4 <= len(frame) and frame[position] == 0xFF and frame[position + 1] != _END:
        start, marker = position, frame[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        position += _length(frame, position)
        if marker == _SCAN:
            coded = _JPEG_MARKER.search(frame, position)
            position = coded.start() if coded else len(frame)
        if marker in _JPEG_SEGMENTS:
            kept.append(frame[start:position])
        else:
            found.add(COMMENTS)
    return position


def _start_of_codestream(frame: bytes) -> int:
    """Where the content of the box ``jp2c`` starts (ITU-T T.800, annex I); 0 for a bare codestream."""
    if not frame.startswith(JP2_SIGNATURE):
        return 0
    position = 0
    while position + 8 <= len(frame):
        length, kind = int.from_bytes(frame[position : position + 4], "big"), frame[position + 4 : position + 8]
        if kind == b"jp2c":
            return position + (16 if length == 1 else 8)
        if length == 1:
            length = int.from_bytes(frame[position + 8 : position + 16], "big")
        if length < 8:
            break
        position += length
    return 0


def _end_of_jpeg_2000(frame: bytes, position: int, kept: list[bytes], found: set[str]) -> int:
    """Where the marker behind the last tile-part stands (ITU-T T.800, annex A)."""
    while position + 4 <= len(frame) and frame[position] == 0xFF and frame[position + 1] != _END:
        start, marker = position, frame[position + 1]
        position += _length(frame, position)
        if marker not in _JPEG_2000_SEGMENTS:
            found.add(COMMENTS)
            continue
        if marker == _START_OF_TILE:
            while frame[position : position + 2] != _START_OF_DATA and position + 4 <= len(frame):
                if frame[position + 1] not in _JPEG_2000_SEGMENTS:
                    found.add(COMMENTS)
                position += _length(frame, position)
            length = int.from_bytes(frame[start + 6 : start + 10], "big")
            # coded data hold no marker from FF 90 on, so that a last part of open length ends with the first one
            position = max(position, start + length) if length else frame.find(b"\xff\xd9", position)
            if position < 0:
                return len(frame)
        kept.append(frame[start:position])
    return position


def _length(frame: bytes, position: int) -> int:
    """Of a segment with its marker."""
    return 2 + max(2, int.from_bytes(frame[position + 2 : position + 4], "big"))
