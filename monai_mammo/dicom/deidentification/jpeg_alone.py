"""JPEG frames with loss, without a byte that decoding them does not need.

Coding such a frame anew would lose again, so that its coefficients stay as they are coded. The segments that a
sequential Huffman scan of one component needs are written from their parsed fields (ITU-T T.81, annex B), and the
coded data are followed code by code (annex F) to where the last block ends; whatever else there was is gone.
"""

from __future__ import annotations

import array
import itertools
import re
import struct
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["jpeg_alone"]

_QUANTIZATION, _HUFFMAN, _RESTART_INTERVAL, _SCAN, _END = 0xDB, 0xC4, 0xDD, 0xDA, 0xD9
_FRAMES = (0xC0, 0xC1)  # baseline and extended sequential DCT with Huffman codes
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_STUFFED = re.compile(rb"\xff+\x00")
_BLOCK_END = 64  # more coefficients than a block has
_MOST_CATEGORY = 15


class _Scan(NamedTuple):
    """What a decoder needs to know before the coded data, and where those start."""

    process: int
    frame: bytes
    quantization: bytes
    dc: bytes
    ac: bytes
    restart_interval: int
    selection: bytes
    start: int


def jpeg_alone(frame: bytes, rows: int, columns: int) -> bytes:
    """Sequential DCT frame of one component with its tables, its scan and the codes of its pixels alone.

    Parameters
    ----------
    frame : bytes
        JPEG frame of transfer syntax 1.2.840.10008.1.2.4.50 or .51.
    rows, columns : int
        Size that the header states.

    Returns
    -------
    bytes
        Frame that decodes to the same pixels.

    Raises
    ------
    Refusal
        The frame is of another process or size, or its codes end before its pixels do.
    """
    scan = _scan(frame)
    if len(scan.frame) < 9 or scan.frame[5] != 1 or struct.unpack(">HH", scan.frame[1:5]) != (rows, columns):
        raise Refusal(SkipReason.DAMAGED, "the compressed frame and the header state different sizes")
    n_blocks = -(-rows // 8) * -(-columns // 8)
    out = [
        b"\xff\xd8",
        _segment(_QUANTIZATION, bytes([16 * (len(scan.quantization) > 64)]) + scan.quantization),
        _segment(scan.process, scan.frame[:6] + b"\x01\x11\x00"),
        _segment(_HUFFMAN, b"\x00" + scan.dc),
        _segment(_HUFFMAN, b"\x10" + scan.ac),
    ]
    if scan.restart_interval:
        out.append(_segment(_RESTART_INTERVAL, struct.pack(">H", scan.restart_interval)))
    out += [_segment(_SCAN, b"\x01\x01\x00" + scan.selection), _coded(frame, scan, n_blocks), b"\xff\xd9"]
    return b"".join(out)


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _scan(frame: bytes) -> _Scan:
    """Tables as they stand when the first scan starts; segments of any other kind are passed over."""
    quantization: dict[int, bytes] = {}
    huffman: dict[int, bytes] = {}
    process, header, interval = 0, b"", 0
    position = 2
    while frame[:2] == b"\xff\xd8" and (found := _MARKER.search(frame, position)) is not None:
        marker, position = found[1][0], found.end()
        if marker in _WITHOUT_LENGTH:
            continue
        length = int.from_bytes(frame[position : position + 2], "big")
        content = frame[position + 2 : position + length]
        if marker == _END or length < 2 or len(content) != length - 2:
            break
        position += length
        if marker == _QUANTIZATION:
            quantization.update(_tables(content, lambda number, rest: 128 if number >= 16 else 64, of_number=15))
        elif marker == _HUFFMAN:
            huffman.update(_tables(content, lambda number, rest: 16 + sum(rest[:16])))
        elif marker == _RESTART_INTERVAL and len(content) >= 2:
            interval = int.from_bytes(content[:2], "big")
        elif marker in _FRAMES and not header:
            process, header = marker, content
        elif marker == _SCAN and len(header) >= 9 and len(content) >= 6 and content[0] == 1:
            numbers = (header[8] & 15, content[2] >> 4, 16 | content[2] & 15)
            if numbers[0] not in quantization or numbers[1] not in huffman or numbers[2] not in huffman:
                break
            tables = quantization[numbers[0]], huffman[numbers[1]], huffman[numbers[2]]
            return _Scan(process, header, *tables, interval, content[3:6], position)
    raise Refusal(SkipReason.DAMAGED, "the compressed frame has no scan of one component with its tables")


def _tables(
    content: bytes, size_of: Callable[[int, bytes], int], *, of_number: int = 255
) -> Iterator[tuple[int, bytes]]:
    """Tables of a DQT or DHT segment with their numbers, those of AC from 16 on; what fills none is passed over."""
    while content:
        number, content = content[0], content[1:]
        size = size_of(number, content)
        if len(content) < size:
            return
        yield number & of_number, content[:size]
        content = content[size:]


def _coded(frame: bytes, scan: _Scan, n_blocks: int) -> bytes:
    """Entropy-coded segments up to the last block of each restart interval, filled up with ones (T.81, F.1.2.3)."""
    dc, ac = _steps(scan.dc, is_ac=False), _steps(scan.ac, is_ac=True)
    in_interval = scan.restart_interval or n_blocks
    out: list[bytes] = []
    position = scan.start
    for number, first in enumerate(range(0, n_blocks, in_interval)):
        found = _MARKER.search(frame, position)
        end = found.start() if found else len(frame)
        data = _STUFFED.sub(b"\xff", frame[position:end])
        n_bits = _n_bits(data, min(in_interval, n_blocks - first), dc, ac)
        kept = bytearray(data[: -(-n_bits // 8)])
        if n_bits % 8:
            kept[-1] |= 0xFF >> n_bits % 8
        out.append(bytes(kept).replace(b"\xff", b"\xff\x00"))
        if first + in_interval < n_blocks:
            if found is None or found[1][0] != 0xD0 + number % 8:
                raise _ended()
            out.append(bytes([0xFF, 0xD0 + number % 8]))
            position = found.end()
    return b"".join(out)


def _steps(table: bytes, *, is_ac: bool) -> list[int]:
    """For each 16 bits what the code in front of them stands for: 32 times the coefficients, plus the bits taken.

    0 where no code fits. A DC symbol counts its further bits; an AC symbol has zeros to skip and further bits (F.1.2).
    """
    steps = [0] * 65536
    place, symbols = 0, iter(table[16:])
    for length, n_codes in enumerate(table[:16], start=1):
        for symbol in itertools.islice(symbols, n_codes):
            run, category = (symbol >> 4, symbol & 15) if is_ac else (0, symbol)
            n_coefficients = run + 1 if not is_ac or category or run == 15 else _BLOCK_END
            width = 1 << (16 - length)
            if category > _MOST_CATEGORY or place + width > 65536:
                raise Refusal(SkipReason.DAMAGED, "the JPEG Huffman tables are damaged")
            steps[place : place + width] = [32 * n_coefficients + length + category] * width
            place += width
    return steps


def _n_bits(data: bytes, n_blocks: int, dc: list[int], ac: list[int]) -> int:
    """Bits that so many blocks take."""
    words = array.array("I", data + bytes(8 - len(data) % 4))
    if sys.byteorder == "little":
        words.byteswap()
    window = width = n_words = 0
    try:
        for _ in range(n_blocks):
            place, steps = 0, dc
            while place < _BLOCK_END:
                if width < 32:  # the longest code and its further bits take 31
                    window = (window & 0xFFFFFFFF) << 32 | words[n_words]
                    n_words += 1
                    width += 32
                step = steps[window >> (width - 16) & 0xFFFF]
                if not step:
                    raise _ended()
                width -= step & 31
                place += step >> 5
                steps = ac
    except IndexError:
        raise _ended() from None
    n_bits = 32 * n_words - width
    if n_bits > 8 * len(data):
        raise _ended()
    return n_bits


def _ended() -> Refusal:
    return Refusal(SkipReason.DAMAGED, "the codes of the JPEG frame end before its pixels do")
