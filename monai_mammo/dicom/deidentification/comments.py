"""Text inside a compressed frame: comments and application data of JPEG, JPEG-LS and JPEG 2000 streams.

They are overwritten in place with zeros, so that no length changes and no coded pixel is touched; what comes after the
end of the picture is cut off.
"""

from __future__ import annotations

import re

from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["blanked_jpeg", "blanked_jpeg2000"]

# APP0 to APP15, COM, and the segments without a meaning among them; F7 and F8 are those of JPEG-LS
_APPLICATION_OR_COMMENT = frozenset({*range(0xE0, 0xF7), *range(0xF9, 0xFF)})
_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")  # in coded data FF 00 to FF 7F are data, FF D0 to FF D7 restarts
_SCAN, _END = 0xDA, 0xD9
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "


def blanked_jpeg(frame: bytes) -> bytes:
    """JPEG or JPEG-LS frame without what its comments and application segments say (ITU-T T.81, B.1; T.87, annex C).

    Raises
    ------
    Refusal
        The segments do not follow each other to the end of the picture.
    """
    out = bytearray(frame)
    position = 2
    if frame[:2] != b"\xff\xd8":
        raise _damaged()
    while position + 2 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker == _END:
            return bytes(out[: position + 2])
        end = position + 2 + _length(frame, position + 2)
        if marker in _APPLICATION_OR_COMMENT:
            out[position + 4 : end] = bytes(end - position - 4)
        position = end
        if marker == _SCAN:
            found = _MARKER.search(frame, end)
            position = found.start() if found else len(frame)
    raise _damaged()


def blanked_jpeg2000(frame: bytes) -> bytes:
    """Codestream of a JPEG 2000 or HTJ2K frame without what its comments say (ITU-T T.800, annex A).

    Of a JP2 file, which DICOM does not allow and some devices write, the codestream alone stays.

    Raises
    ------
    Refusal
        The segments do not follow each other to the end of the codestream.
    """
    if frame.startswith(_JP2_SIGNATURE):
        frame = _codestream(frame)
    out = bytearray(frame)
    position, tile_end = 2, 0  # 0: to the end of the codestream
    if frame[:4] != b"\xff\x4f\xff\x51":
        raise _damaged()
    while position + 2 <= len(frame):
        marker = frame[position : position + 2]
        if marker == b"\xff\xd9":
            return bytes(out[: position + 2])
        if marker[0] != 0xFF:
            raise _damaged()
        if marker == b"\xff\x93":  # start of data
            # coded data never hold FF 90 to FF FF
            position = tile_end if tile_end else frame.find(b"\xff\xd9", position)
            if position < 0:
                break
            continue
        end = position + 2 + _length(frame, position + 2)
        if marker == b"\xff\x90":  # start of a tile-part, with its length
            length = int.from_bytes(frame[position + 6 : position + 10], "big")
            tile_end = position + length if length else 0
            if length and tile_end < end:
                raise _damaged()
        if marker == b"\xff\x64":
            out[position + 4 : end] = bytes(end - position - 4)
        position = end
    raise _damaged()


def _length(frame: bytes, position: int) -> int:
    length = int.from_bytes(frame[position : position + 2], "big")
    if length < 2 or position + length > len(frame):
        raise _damaged()
    return length


def _codestream(frame: bytes) -> bytes:
    """Content of the box ``jp2c`` (ITU-T T.800, annex I)."""
    position = 0
    while position + 8 <= len(frame):
        length, kind = int.from_bytes(frame[position : position + 4], "big"), frame[position + 4 : position + 8]
        start = position + 8
        if length == 1:
            length, start = int.from_bytes(frame[start : start + 8], "big"), start + 8
        end = position + length if length else len(frame)
        if end < start or end > len(frame):
            break
        if kind == b"jp2c":
            return frame[start:end]
        position = end
    raise _damaged()


def _damaged() -> Refusal:
    return Refusal(SkipReason.DAMAGED, "the compressed frame can not be searched for comments")
