"""From bytes to a dataset, with bounds that hold before anything large is allocated.

Bounds here are those that cost nothing. What only a process of its own can bound (a decoder
that crashes or hangs, millions of empty sequence items) is not caught yet: the reader is
written so that a worker can carry it as it stands.
"""

from __future__ import annotations

import dataclasses
import zlib
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["Limits", "file_bytes", "parse"]


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """Sizes above which a file is refused.

    Parameters
    ----------
    file_bytes : int
        On disk; a mammogram of 4096 x 5120 pixels of 16 bit has 42 MB.
    inflated_bytes : int
        Of a deflated dataset; 1.75 MB on disk can stand for 1.8 GB.
    pixels : int
        Rows x Columns; the largest mammogram has 21 million.
    """

    file_bytes: int = 512 * 2**20
    inflated_bytes: int = 160 * 2**20
    pixels: int = 64 * 10**6


_LONG_LENGTHS = frozenset({b"OB", b"OW", b"OD", b"OF", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"})
_PLAIN_META = (
    b"\0" * 128
    + b"DICM"
    + b"\x02\x00\x00\x00UL\x04\x00\x1c\x00\x00\x00"
    + b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0"
)


def file_bytes(path: Path, limits: Limits) -> bytes:
    """All bytes of a file, read once.

    Raises
    ------
    Refusal
        The file is not there, not readable, or above the limit.
    """
    try:
        if path.stat().st_size > limits.file_bytes:
            raise Refusal(SkipReason.TOO_LARGE, f"the file has more than {limits.file_bytes} bytes")
        return path.read_bytes()
    except OSError as error:
        raise Refusal(SkipReason.UNREADABLE, f"the file could not be read: {error.strerror or 'unknown'}") from None


def parse(data: bytes, limits: Limits) -> Dataset:
    """Dataset of a file's bytes.

    Group 2 is read by itself first, so that a deflated file is inflated up to the limit only.

    Raises
    ------
    Refusal
        The bytes are no DICOM, are damaged, or inflate past the limit.
    """
    if data[128:132] != b"DICM":
        if not _looks_like_a_bare_dataset(data):
            raise Refusal(SkipReason.NOT_DICOM, "the file is no DICOM file")
        return _dcmread(data)
    syntax, end = _transfer_syntax(data)
    if syntax == DeflatedExplicitVRLittleEndian:
        return _dcmread(_PLAIN_META + _inflate(memoryview(data)[end:], limits))
    return _dcmread(data)


def _dcmread(data: bytes) -> Dataset:
    try:
        return dcmread(BytesIO(data), force=True)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a parser met foreign bytes: any failure is the file's
        reason = SkipReason.TOO_LARGE if isinstance(error, MemoryError) else SkipReason.DAMAGED
        raise Refusal(reason, f"the DICOM header can not be parsed ({type(error).__name__})") from None


def _looks_like_a_bare_dataset(data: bytes) -> bool:
    """Whether bytes without preamble start with an element of group 2 or 8, as old archives write them."""
    return len(data) > 64 and data[:2] in (b"\x02\x00", b"\x08\x00") and data[3] == 0 and data[2] <= 0x20


def _transfer_syntax(data: bytes) -> tuple[str, int]:
    """Transfer syntax and the place where group 2 ends; the syntax is empty where none is stated."""
    position, syntax = 132, ""
    while data[position : position + 2] == b"\x02\x00" and position + 8 <= len(data):
        is_long = data[position + 4 : position + 6] in _LONG_LENGTHS
        start = position + (12 if is_long else 8)
        length = int.from_bytes(data[position + (8 if is_long else 6) : start], "little")
        if start + length > len(data):
            raise Refusal(SkipReason.DAMAGED, "the file meta information is cut off")
        if data[position + 2 : position + 4] == b"\x10\x00":
            syntax = data[start : start + length].rstrip(b"\0 ").decode("ascii", "replace")
        position = start + length
    return syntax, position


def _inflate(data: memoryview, limits: Limits) -> bytes:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = stream.decompress(data, limits.inflated_bytes)
    except zlib.error:
        raise Refusal(SkipReason.DAMAGED, "the deflated dataset is damaged") from None
    if not stream.eof:
        if len(plain) >= limits.inflated_bytes:
            raise Refusal(SkipReason.TOO_LARGE, f"the dataset inflates to more than {limits.inflated_bytes} bytes")
        raise Refusal(SkipReason.DAMAGED, "the deflated dataset is cut off")
    return plain
