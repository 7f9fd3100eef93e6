"""What a compressed frame says of itself, read before any decoder sees it.

Sizes that differ from the header's are how a kilobyte asks for gigabytes, and image or tile
offsets beyond the image are what makes a decoder hang; both show in the first bytes.
"""

from __future__ import annotations

import dataclasses
import struct

from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["END_MARKER", "JP2_SIGNATURE", "StreamHeader", "jpeg2000_header", "jpeg_header"]

JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
"""First bytes of JPEG 2000 in boxes, which the standard does not foresee but devices write."""

END_MARKER = b"\xff\xd9"
"""Last bytes of a frame of any JPEG process and of JPEG 2000."""

_MOST_TILES = 4096  # a mammogram has one, or some hundreds
_LEAST_TILE_BYTES = 14  # markers SOT and SOD
_START_OF_TILE = b"\xff\x90"
_ENDS_OF_SEGMENTS = frozenset({_START_OF_TILE, b"\xff\x93", b"\xff\xd9", b""})
_QUANTIZATION = {b"\xff\x5c": 0, b"\xff\x5d": 1}  # QCD, and QCC with a byte for its component
_MOST_BIT_PLANES = 30
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclasses.dataclass(frozen=True, slots=True)
class StreamHeader:
    """Size of a compressed frame.

    Parameters
    ----------
    rows, columns, precision, components : int
        As the frame states them.
    process : int
        Second byte of a JPEG frame marker, such as 0xC3 or 0xF7; 0x51 for JPEG 2000.
    is_signed : bool
        Whether the stream carries a sign, as only JPEG 2000 can.
    is_conforming : bool
        Whether the scan header is one that the process allows.
    end : int
        Where the frame ends by its own marks; what lies behind is surplus.
    has_end_marker : bool
        Whether the marker of the end is there. Only JPEG 2000 can do without it, as its parts state their lengths.
    """

    rows: int
    columns: int
    precision: int
    components: int
    process: int
    is_signed: bool = False
    is_conforming: bool = True
    end: int = 0
    has_end_marker: bool = True


def jpeg_header(frame: bytes) -> StreamHeader:
    """Header of a JPEG or JPEG-LS frame (ITU-T T.81, B.2; T.87, C.2), and where the frame ends.

    In the data of a scan the byte 0xFF is never followed by 0xD9 (T.81, F.1.2.3; T.87, A.1), so that the first such
    pair is the end marker. Without one libjpeg fills what is missing with grey and says nothing, and CharLS reads on
    for minutes.

    Parameters
    ----------
    frame : bytes
        Compressed frame, with what may lie behind it.

    Returns
    -------
    StreamHeader

    Raises
    ------
    Refusal
        There is no frame header before the first scan, no end marker behind it, or fewer bits between them than the
        pixels need.
    """
    found: StreamHeader | None = None
    position = 2
    if frame[:2] != b"\xff\xd8":
        raise Refusal(SkipReason.DAMAGED, "the compressed frame does not start like a JPEG stream")
    while position + 4 <= len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:  # fill byte, or a marker that stands alone
            position += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(frame[position + 2 : position + 4], "big")
        segment = frame[position + 4 : position + 2 + length]
        if length < 2 or len(segment) != length - 2:
            break
        if marker in (0xC0, 0xC1, 0xC2, 0xC3, 0xF7) and found is None and len(segment) >= 6:
            precision, rows, columns, components = struct.unpack(">BHHB", segment[:6])
            found = StreamHeader(rows, columns, precision, components, marker)
        if marker == 0xDA and found is not None:
            end = frame.find(END_MARKER, position + 2 + length)
            if 8 * ((len(frame) if end < 0 else end) - position) < _least_bits(found):
                raise Refusal(SkipReason.DAMAGED, "the compressed frame is shorter than its size can be")
            if end < 0:
                raise Refusal(SkipReason.DAMAGED, "the compressed frame has no end marker: it is cut off")
            is_conforming = _is_conforming_scan(found.process, segment)
            return dataclasses.replace(found, is_conforming=is_conforming, end=end + 2)
        position += 2 + length
    raise Refusal(SkipReason.DAMAGED, "the compressed frame has no JPEG frame and scan header")


def _least_bits(stream: StreamHeader) -> int:
    """Bits below which no JPEG scan has all its pixels, which decoders fill with grey and say nothing.

    Each Huffman code has a bit or more: one for a lossless sample, two for a block of 8 x 8 (T.81, F.1.2, H.1.2).
    A line of JPEG-LS can be a single run, and then has a bit as well (T.87, A.7).
    """
    if stream.process == 0xC3:
        return stream.rows * stream.columns
    if stream.process == 0xF7:
        return stream.rows
    return 2 * -(-stream.rows // 8) * -(-stream.columns // 8)


def _is_conforming_scan(process: int, segment: bytes) -> bool:
    """Whether a sequential DCT scan covers all 64 coefficients at once (T.81, table B.3)."""
    if process not in (0xC0, 0xC1):
        return True
    return len(segment) >= 6 and tuple(segment[-3:]) == (0, 63, 0)


def jpeg2000_header(frame: bytes) -> StreamHeader:
    """Header of a JPEG 2000 or HTJ2K codestream, bare or in JP2 boxes (ITU-T T.800, A.5.1), and where the frame ends.

    Parameters
    ----------
    frame : bytes
        Compressed frame, with what may lie behind it.

    Returns
    -------
    StreamHeader
        Its end is that of the codestream, or of the whole frame where boxes may follow.

    Raises
    ------
    Refusal
        There is no SIZ segment, its offsets and tiles do not make an image, or there is less data than tiles announce.
    """
    stream = _codestream(frame)
    if stream[:4] != b"\xff\x4f\xff\x51" or len(stream) < 45:
        raise Refusal(SkipReason.DAMAGED, "the compressed frame does not start like a JPEG 2000 stream")
    fields = struct.unpack(">HH8IH", stream[4:42])
    x1, y1, x0, y0, tile_x, tile_y, tile_x0, tile_y0, components = fields[2:]
    if not (x0 < x1 and y0 < y1 and tile_x > 0 and tile_y > 0 and tile_x0 <= x0 and tile_y0 <= y0):
        raise Refusal(SkipReason.DAMAGED, "the JPEG 2000 image offset or tile size is not possible")
    tiles = -(-(x1 - tile_x0) // tile_x) * -(-(y1 - tile_y0) // tile_y)
    if tiles > _MOST_TILES or tiles * _LEAST_TILE_BYTES > len(stream) or stream[43] != 1 or stream[44] != 1:
        raise Refusal(SkipReason.DAMAGED, "the JPEG 2000 tiles or sampling are not possible")
    end, has_end_marker = _end_of_tile_parts(stream, tiles)
    if stream is not frame:  # boxes may follow
        end = len(frame)
    precision, is_signed = (stream[42] & 0x7F) + 1, stream[42] >= 0x80
    size = (y1 - y0, x1 - x0)
    return StreamHeader(*size, precision, components, 0x51, is_signed, end=end, has_end_marker=has_end_marker)


def _end_of_tile_parts(stream: bytes, tiles: int) -> tuple[int, bool]:
    """Where the codestream ends, and whether by its marker.

    Each tile is there, and each part of it as long as it says (T.800, A.4.2); decoders fill what is missing. The last
    part may leave open how long it is: it goes up to the end marker, which does not occur in its data (T.800, B.10.1).
    """
    first = position = _check_segments(stream, 2)
    seen: set[bytes] = set()
    while stream[position : position + 2] == _START_OF_TILE and position + _LEAST_TILE_BYTES <= len(stream):
        seen.add(stream[position + 4 : position + 6])
        length = int.from_bytes(stream[position + 6 : position + 10], "big")
        _check_segments(stream, position + 12)
        if length == 0:
            position = stream.find(END_MARKER, position + 12)
            if position < 0:
                raise Refusal(SkipReason.DAMAGED, "the JPEG 2000 stream has no end marker: it is cut off")
            break
        position += max(length, _LEAST_TILE_BYTES)
    if position > len(stream) or len(seen) != tiles:
        raise Refusal(SkipReason.DAMAGED, "the JPEG 2000 stream is cut off: tiles that it announces are missing")
    found = stream.find(END_MARKER, position)
    if found < 0 and (stream[position:].strip(b"\0\xff") or stream.find(END_MARKER, first) >= 0):
        raise Refusal(SkipReason.DAMAGED, "the JPEG 2000 tiles do not end where they say")
    return (found + 2, True) if found >= 0 else (position, False)


def _check_segments(stream: bytes, position: int) -> int:
    """Where the marker segments end, be it with the first tile or with the data of one; quantisation is looked at."""
    while (marker := stream[position : position + 2]) not in _ENDS_OF_SEGMENTS and marker[:1] == b"\xff":
        length = int.from_bytes(stream[position + 2 : position + 4], "big")
        if marker in _QUANTIZATION:
            _check_quantization(stream[position + 4 + _QUANTIZATION[marker] : position + 2 + length])
        position += 2 + max(2, length)
    return position


def _check_quantization(segment: bytes) -> None:
    """Guard bits and exponents make at most 30 bit planes (T.800, E-2): pixels need about 20, 31 crash OpenJPH."""
    if not segment:
        raise Refusal(SkipReason.DAMAGED, "the JPEG 2000 quantisation is damaged")
    steps = segment[1::2] if segment[0] & 31 else segment[1:]  # two bytes a step, or one where there is none
    if (segment[0] >> 5) + max((step >> 3 for step in steps), default=0) - 1 > _MOST_BIT_PLANES:
        raise Refusal(SkipReason.DAMAGED, "the JPEG 2000 quantisation is not possible")


def _codestream(frame: bytes) -> bytes:
    if not frame.startswith(JP2_SIGNATURE):
        return frame
    position = 0
    while position + 8 <= len(frame):
        length = int.from_bytes(frame[position : position + 4], "big")
        kind = frame[position + 4 : position + 8]
        if kind == b"jp2c":
            return frame[position + (16 if length == 1 else 8) :]
        if length < 8:
            break
        position += length
    return b""
