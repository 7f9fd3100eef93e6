"""From bytes to a dataset, with bounds that hold before anything large is allocated.

Bounds here are those that cost nothing. What only a process of its own can bound, a decoder that
crashes or hangs and memory as a whole, is the matter of `monai_mammo.dicom.process.worker`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import threading
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, cast

from pydicom import dcmread
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR

from monai_mammo.dicom.notes import surplus
from monai_mammo.dicom.reading.fragments import fragments
from monai_mammo.dicom.reasons import Refusal, SkipReason
from monai_mammo.files.bounded import open_regular

__all__ = ["Limits", "file_bytes", "parse", "parse_noted", "sha256_beside"]


_T = TypeVar("_T")


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
    elements : int
        Of the header, items of sequences and fragments of the pixels included; a mammogram has some hundreds.
        A million elements take pydicom 3 s, 2 million empty items over 25 s.
    text_bytes : int
        Of one attribute of a text VR; splitting a long one into its values takes sixty times its memory.
    """

    file_bytes: int = 512 * 2**20
    inflated_bytes: int = 160 * 2**20
    pixels: int = 64 * 10**6
    elements: int = 10_000
    text_bytes: int = 2**16


_LONG_LENGTHS = frozenset({b"OB", b"OW", b"OD", b"OF", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"})
_SHORT_TEXTS = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UI"})
_KNOWN_VRS = frozenset(vr.value.encode() for vr in VR if len(vr.value) == 2)
_READS_PER_ELEMENT = 3  # tag with length, a long length by itself, value
_PIXEL_DATA = 0x7FE00010
_VRS_OF_PIXELS = (None, "OB", "OW")  # None where the VR is implicit
_UNDEFINED_LENGTH = 0xFFFFFFFF
_DELIMITER_BYTES = 8
_WORTH_A_THREAD = 2**20  # bytes: hashing them takes 0.8 ms, starting a thread 0.1
_PLAIN_META = (
    b"\0" * 128
    + b"DICM"
    + b"\x02\x00\x00\x00UL\x04\x00\x1c\x00\x00\x00"
    + b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0"
)


def file_bytes(path: Path, limits: Limits) -> bytes:
    """All bytes of a file, read once.

    Parameters
    ----------
    path : Path
    limits : Limits

    Returns
    -------
    bytes

    Raises
    ------
    Refusal
        The file is not there, not readable, not a regular file (a pipe would never end), or above the limit.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > limits.file_bytes:
                raise Refusal(SkipReason.TOO_LARGE, f"the file has more than {limits.file_bytes} bytes")
            return file.read()
    except OSError as error:
        raise Refusal(SkipReason.UNREADABLE, f"the file could not be read: {error.strerror or 'unknown'}") from None


def sha256_beside(data: bytes) -> Callable[[], str]:
    """Function that gives the hash of bytes, in hexadecimal; many are hashed on another core until it is called.

    Parameters
    ----------
    data : bytes
        Of any length.

    Returns
    -------
    callable
        Without arguments; gives str.
    """
    found: list[str] = []
    work = threading.Thread(target=lambda: found.append(hashlib.sha256(data).hexdigest()), daemon=True)
    if len(data) >= _WORTH_A_THREAD:
        with contextlib.suppress(RuntimeError):  # no thread to be had
            work.start()

    def value() -> str:
        if work.ident is not None:
            work.join()
        return found[0] if found else hashlib.sha256(data).hexdigest()

    return value


def parse(data: bytes, limits: Limits) -> Dataset:
    """Dataset of a file's bytes.

    Parameters
    ----------
    data : bytes
        The whole file.
    limits : Limits

    Returns
    -------
    Dataset
        Its PixelData, where the file ends with them, are a memoryview of the bytes.

    Raises
    ------
    Refusal
        As from `parse_noted`.
    """
    return parse_noted(data, limits)[0]


def parse_noted(data: bytes, limits: Limits) -> tuple[Dataset, tuple[str, ...]]:
    """Dataset of a file's bytes, and what was left out.

    Group 2 is read by itself first, so that a deflated file is inflated up to the limit only. Bytes behind the pixels
    that make no elements are left out, as is a missing end of a sequence of fragments that are whole.

    Parameters
    ----------
    data : bytes
        The whole file.
    limits : Limits

    Returns
    -------
    dataset : Dataset
        Its PixelData, where the file ends with them, are a memoryview of the bytes.
    notes : tuple of str

    Raises
    ------
    Refusal
        The bytes are not DICOM, are damaged, inflate past the limit, or hold more elements, items or text than allowed.
    """
    if data[128:132] != b"DICM":
        if not _starts_as_a_bare_dataset(data):
            raise Refusal(SkipReason.NOT_DICOM, "the file is not a DICOM file")
        return _dcmread(data, limits)
    syntax, end = _transfer_syntax(data, limits)
    if syntax == DeflatedExplicitVRLittleEndian:
        data = _PLAIN_META + _inflate(memoryview(data)[end:], limits)
    return _dcmread(data, limits)


class _CountedReads(BytesIO):
    """Bytes that can be read a number of times: each element costs pydicom at least one reading."""

    def __init__(self, data: bytes, n_reads: int) -> None:
        super().__init__(data)
        self._left = n_reads

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise Refusal(SkipReason.TOO_LARGE, "the header has more elements than are read")
        return super().read(size)


def _dcmread(data: bytes, limits: Limits) -> tuple[Dataset, tuple[str, ...]]:
    # values of undefined length are searched in steps of 8 KB
    n_reads = _READS_PER_ELEMENT * limits.elements + len(data) // 8192
    notes: tuple[str, ...] = ()
    found = _parsed(lambda: _with_pixels_in_place(data, n_reads, limits))
    if found is not None and not _is_walkable(data, found, limits):
        notes = (surplus("the file does not end properly behind its pixels, what follows them is left out"),)
    elif found is None or found.end < len(data):  # what follows the pixels is read as well
        found = _InPlace(cast(Dataset, _parsed(lambda: dcmread(_CountedReads(data, n_reads), force=True))), len(data))
    _check_elements(found.dataset, limits)
    return found.dataset, notes


class _InPlace(NamedTuple):
    """A dataset up to its pixels, and where these end, their delimiter included."""

    dataset: Dataset
    end: int


def _is_walkable(data: bytes, found: _InPlace, limits: Limits) -> bool:
    """Whether what follows the pixels is elements up to the end of the file; a sequence is left to the parser."""
    is_implicit, is_little_endian = found.dataset.original_encoding
    order: Literal["little", "big"] = "little" if is_little_endian else "big"
    position, n_elements = found.end, 0
    while position < len(data):
        n_elements += 1
        is_long = is_implicit or data[position + 4 : position + 6] in _LONG_LENGTHS
        first = position + (8 if is_implicit or not is_long else 12)
        if first > len(data) or not (is_implicit or data[position + 4 : position + 6] in _KNOWN_VRS):
            return False
        length = int.from_bytes(data[position + (4 if is_implicit else 8 if is_long else 6) : first], order)
        if length == _UNDEFINED_LENGTH or n_elements > limits.elements:
            return True
        position = first + length
    return position == len(data)


def _parsed(work: Callable[[], _T]) -> _T:
    """Result of the parser; whatever it throws becomes a reason."""
    try:
        return work()
    except (KeyboardInterrupt, SystemExit, Refusal):
        raise
    except BaseException as error:  # a parser met foreign bytes: any failure is the file's
        reason = SkipReason.TOO_LARGE if isinstance(error, MemoryError) else SkipReason.DAMAGED
        raise Refusal(reason, f"the DICOM header cannot be parsed ({type(error).__name__})") from None


class _AtPixels:
    """Stops the parser before PixelData, and keeps what their element says of itself."""

    def __init__(self) -> None:
        self.element: tuple[str | None, int] | None = None

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag == _PIXEL_DATA:
            self.element = vr, length
        return self.element is not None


def _with_pixels_in_place(data: bytes, n_reads: int, limits: Limits) -> _InPlace | None:
    """Dataset whose PixelData are not copied; `None` where they are not whole, or of a form that is not legal."""
    stream, at_pixels = _CountedReads(data, n_reads), _AtPixels()
    dataset = read_partial(stream, at_pixels, force=True)
    if at_pixels.element is None:
        return _InPlace(dataset, len(data))
    vr, length = at_pixels.element
    if vr not in _VRS_OF_PIXELS:
        return None
    is_implicit, is_little_endian = dataset.original_encoding
    start = stream.tell() + (12 if vr in EXPLICIT_VR_LENGTH_32 else 8)
    value = memoryview(data)[start:]
    if length == _UNDEFINED_LENGTH:
        found = fragments(memoryview(data), start, most=limits.elements)
        if found is None:
            return None
        value = memoryview(data)[start : found[1]]
        end = found[1] + _DELIMITER_BYTES  # which may be missing
    elif len(value) < length:
        return None
    else:
        value, end = value[:length], start + length
    dataset[_PIXEL_DATA] = RawDataElement(
        Tag(_PIXEL_DATA), vr, length, cast(bytes, value), start, bool(is_implicit), bool(is_little_endian)
    )
    return _InPlace(dataset, end)


def _check_elements(dataset: Dataset, limits: Limits) -> None:
    """Values as they were read, before anything converts them; sequences of stated length are such values as well."""
    for tag, element in dataset.items():
        if not isinstance(element, RawDataElement) or element.value is None:
            continue
        if tag == _PIXEL_DATA:  # the decoders look at what is there, never at the length that is stated
            continue
        if len(element.value) > limits.text_bytes and (vr := _vr(element)) in _SHORT_TEXTS:
            raise Refusal(SkipReason.TOO_LARGE, f"an attribute of {vr} has more than {limits.text_bytes} bytes")
        if len(element.value) > 8 * limits.elements and _items(element.value) > limits.elements:
            raise Refusal(SkipReason.TOO_LARGE, f"a sequence has more than {limits.elements} items")


def _items(value: bytes) -> int:
    """Upper bound of the items in a sequence, of either byte order, that has not been parsed yet."""
    return value.count(b"\xfe\xff\x00\xe0") + value.count(b"\xff\xfe\xe0\x00")


def _vr(element: RawDataElement) -> str:
    if element.VR is not None:
        return element.VR
    try:
        return dictionary_VR(element.tag)
    except KeyError:  # private or unknown
        return "UN"


def _starts_as_a_bare_dataset(data: bytes) -> bool:
    """Whether bytes without preamble start with an element of group 2 or 8, as old archives write them."""
    return len(data) > 64 and data[:2] in (b"\x02\x00", b"\x08\x00") and data[3] == 0 and data[2] <= 0x20


def _transfer_syntax(data: bytes, limits: Limits) -> tuple[str, int]:
    """Transfer syntax and the place where group 2 ends; the syntax is empty where none is stated."""
    position, syntax, n_elements = 132, "", 0
    while data[position : position + 2] == b"\x02\x00" and position + 8 <= len(data):
        is_long = data[position + 4 : position + 6] in _LONG_LENGTHS
        start = position + (12 if is_long else 8)
        length = int.from_bytes(data[position + (8 if is_long else 6) : start], "little")
        n_elements += 1
        if n_elements > limits.elements:
            raise Refusal(SkipReason.TOO_LARGE, f"the file meta information has more than {limits.elements} elements")
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
