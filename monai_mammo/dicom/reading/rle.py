"""RLE frames of DICOM (PS3.5, annex G): offsets checked, segments unpacked as far as pixels need them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["decode_rle"]

_HEADER_BYTES = 64
_PIXELS_AT_ONCE = 2**16
_KEPT = threading.local()
_KEPT_BYTES = 2**25


def decode_rle(
    frame: memoryview, shape: tuple[int, int], n_bytes: int, unpack: Callable[..., bytes]
) -> tuple[np.ndarray, bool]:
    """Pixels of an RLE frame, and whether bytes of it were left out.

    Parameters
    ----------
    frame : memoryview of bytes
        Header and PackBits segments, the most significant byte of all pixels first.
    shape : tuple of int
        Rows and columns.
    n_bytes : int
        Of a pixel, 1 or 2.
    unpack : callable
        PackBits decoder, ``unpack(segment, out=buffer)``.

    Returns
    -------
    pixels : ndarray, shape (rows, columns), uint8 or uint16
    has_surplus : bool
        Whether a segment goes on behind the last pixel.

    Raises
    ------
    Refusal
        The header does not fit the pixels, a segment holds fewer bytes than there are pixels, or its packets are out of
        step with them.
    """
    ends = _segments(frame, n_bytes)
    pixels = np.empty(shape, np.dtype(f"u{n_bytes}"))
    flat = pixels.reshape(-1)
    # the high bytes lie in the second half of the pixels, which the join reaches when it has read them
    planes = [flat.view(np.uint8)[-flat.size :], *(_scratch(flat.size) for _ in range(n_bytes - 1))]
    has_surplus = False
    for plane, start, end in zip(planes, ends, ends[1:], strict=False):
        count, is_more = _unpack(frame[start:end], plane, unpack)
        has_surplus |= is_more
        if count != plane.size:
            raise Refusal(SkipReason.DAMAGED, "an RLE segment holds fewer pixels than Rows x Columns")
    if n_bytes == 2:
        _join(flat, *planes)
    return pixels, has_surplus


def _segments(frame: memoryview, n_bytes: int) -> list[int]:
    """Where the segments start, and where the last one ends."""
    header = np.frombuffer(frame[:_HEADER_BYTES], dtype="<u4")
    if header.size != 16:
        raise Refusal(SkipReason.DAMAGED, "the RLE header is cut off")
    if header[0] != n_bytes:
        words = f"the RLE header states another number of segments than the {n_bytes} that BitsAllocated asks for"
        raise Refusal(SkipReason.DAMAGED, words)
    ends = [*(int(offset) for offset in header[1 : n_bytes + 1]), len(frame)]
    if ends[0] < _HEADER_BYTES or any(start >= end for start, end in zip(ends, ends[1:], strict=False)):
        raise Refusal(SkipReason.DAMAGED, "the RLE offsets do not rise inside the frame")
    return ends


def _unpack(segment: memoryview, plane: np.ndarray, unpack: Callable[..., bytes]) -> tuple[int, bool]:
    """Fill a plane from a segment; how many bytes came, and whether the segment held more of them."""
    try:
        return len(unpack(segment, out=plane.data)), False  # a buffer of the right size keeps a bomb from growing
    except (MemoryError, ImportError):
        raise
    except Exception:  # more bytes than the plane has, or the last packet is cut off
        return _unpack_by_packets(bytes(segment), plane)


def _unpack_by_packets(segment: bytes, plane: np.ndarray) -> tuple[int, bool]:
    """The same packet by packet, until the plane is full or the segment ends.

    Surplus begins with a packet of its own, or is one value by which the last one is too long. Where a packet reaches
    over the last pixel, bytes are missing before it: packets were read out of step.
    """
    out, position, count = plane.data, 0, 0
    while count < plane.size and position < len(segment):
        control = segment[position]
        position += 1
        if control == 128:  # no operation
            continue
        if control < 128:
            packet = segment[position : position + control + 1]
            position += control + 1
        else:
            packet = segment[position : position + 1] * (257 - control)
            position += 1
        over = len(packet) - (plane.size - count)
        if over > 1 or (over == 1 and len(segment) - position > 1):
            raise Refusal(SkipReason.DAMAGED, "an RLE packet reaches over the last pixel: bytes before it are missing")
        packet = packet[: plane.size - count]
        out[count : count + len(packet)] = packet
        count += len(packet)
    return count, count == plane.size


def _scratch(size: int) -> np.ndarray:
    """Bytes with anything in them, kept for the next image: fresh memory costs as much as what is unpacked into it."""
    kept = getattr(_KEPT, "plane", None)
    if kept is None or len(kept) < size:
        kept = np.empty(size, np.uint8)
        if size <= _KEPT_BYTES:
            _KEPT.plane = kept
    return kept[:size]


def _join(pixels: np.ndarray, high: np.ndarray, low: np.ndarray) -> None:
    """Set pixels of two bytes from a plane of each."""
    for start in range(0, pixels.size, _PIXELS_AT_ONCE):  # what fits the processor's cache takes half the time
        block = slice(start, start + _PIXELS_AT_ONCE)
        pixels[block] = high[block]
        pixels[block] <<= 8
        pixels[block] |= low[block]
