"""Stored pixel values of a dataset, by the fastest good decoder of each transfer syntax.

pydicom's own order picks the slowest decoder where several are installed, so each one is named
here; all are imagecodecs', RLE apart, whose ready-made decoders crash on damaged offsets. The
package is loaded when the first compressed frame comes, so that native files are read without it.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset

from monai_mammo.dicom.reading.fragments import frame as frame_of
from monai_mammo.dicom.reading.guards import Limits
from monai_mammo.dicom.reading.streams import JP2_SIGNATURE, StreamHeader, jpeg2000_header, jpeg_header
from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["PixelFormat", "decode", "pixel_format", "supported_transfer_syntaxes"]

_NATIVE = {
    uid.ImplicitVRLittleEndian: "<",
    uid.ExplicitVRLittleEndian: "<",
    uid.DeflatedExplicitVRLittleEndian: "<",
    uid.ExplicitVRBigEndian: ">",
}


_IMAGECODECS = "2026.1.1"  # the first with HTJ2K; lossless JPEG of any precision came before


@dataclasses.dataclass(frozen=True, slots=True)
class PixelFormat:
    """Rows, columns and bits of a single grey frame, as its header states them.

    Parameters
    ----------
    rows, columns : int
    bits_allocated : int
        8 or 16.
    bits_stored, high_bit : int
    is_signed : bool
        PixelRepresentation 1.
    """

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool


class _Codec(NamedTuple):
    header: Callable[[bytes], StreamHeader]
    processes: tuple[int, ...]
    decoder: str
    """Function of imagecodecs."""
    threads: int | None = None
    """How many it may use, where it can use several."""


def _cores() -> int:
    """Processor cores for one image, at most 4: the slowest decoder takes half the time on two of them."""
    try:
        return min(4, len(os.sched_getaffinity(0)))
    except AttributeError:  # other than Linux
        return min(4, os.cpu_count() or 1)


# libjpeg-turbo is as fast as the dedicated decoders of lossless JPEG or faster, and damaged streams do not crash it
_LOSSLESS_JPEG = _Codec(jpeg_header, (0xC3,), "jpeg8_decode")
_LOSSY_JPEG = _Codec(jpeg_header, (0xC0, 0xC1), "jpeg8_decode")
_JPEG_LS = _Codec(jpeg_header, (0xF7,), "jpegls_decode")
_JPEG_2000 = _Codec(jpeg2000_header, (0x51,), "jpeg2k_decode", threads=_cores())
_HTJ2K = _Codec(jpeg2000_header, (0x51,), "htj2k_decode")

_CODECS: dict[str, _Codec] = {
    uid.JPEGBaseline8Bit: _LOSSY_JPEG,
    uid.JPEGExtended12Bit: _LOSSY_JPEG,
    uid.JPEGLossless: _LOSSLESS_JPEG,
    uid.JPEGLosslessSV1: _LOSSLESS_JPEG,
    uid.JPEGLSLossless: _JPEG_LS,
    uid.JPEGLSNearLossless: _JPEG_LS,
    uid.JPEG2000Lossless: _JPEG_2000,
    uid.JPEG2000: _JPEG_2000,
    uid.HTJ2KLossless: _HTJ2K,
    uid.HTJ2KLosslessRPCL: _HTJ2K,
    uid.HTJ2K: _HTJ2K,
}

_PIXELS_AT_ONCE = 2**16
_KEPT = threading.local()
_KEPT_BYTES = 2**25

_LOSSY = frozenset({uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless, uid.JPEG2000, uid.HTJ2K})


def supported_transfer_syntaxes() -> tuple[str, ...]:
    """UIDs of the transfer syntaxes that `decode` reads."""
    return (*_NATIVE, uid.RLELossless, *_CODECS)


def pixel_format(dataset: Dataset, limits: Limits) -> PixelFormat:
    """Format of the frame that the header announces.

    Raises
    ------
    Refusal
        An attribute is missing or not possible, the bits are of a sort that is not read, or there are
        more pixels than the limit.
    """
    keywords = ("Rows", "Columns", "BitsAllocated", "BitsStored")
    values = [dataset.get(keyword) for keyword in keywords]
    if not all(isinstance(value, int) and value > 0 for value in values):
        raise Refusal(SkipReason.DAMAGED, f"one of {', '.join(keywords)} is missing or not above 0")
    rows, columns, allocated, stored = (int(value) for value in values)
    high_bit = dataset.get("HighBit")
    high_bit = high_bit if isinstance(high_bit, int) else stored - 1
    if rows * columns > limits.pixels:
        raise Refusal(SkipReason.TOO_LARGE, f"the image has more than {limits.pixels} pixels")
    if min(rows, columns) < 8:
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, "the image has fewer than 8 rows or columns")
    if allocated not in (8, 16) or not stored - 1 <= high_bit < allocated:
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, "the pixels are not of 8 or 16 bits allocated")
    return PixelFormat(rows, columns, allocated, stored, high_bit, dataset.get("PixelRepresentation") == 1)


def decode(dataset: Dataset, form: PixelFormat) -> np.ndarray:
    """Pixels of the first frame, as stored: unused bits and missing signs are the caller's.

    Parameters
    ----------
    dataset : Dataset
    form : PixelFormat

    Returns
    -------
    ndarray, shape (rows, columns), integer
        In the processor's byte order; unsigned, but for a JPEG 2000 stream that carries a sign of its own.

    Raises
    ------
    Refusal
        The transfer syntax has no decoder here, or frame and header do not fit, or the decoder fails.
    """
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if syntax is None:
        syntax = uid.ImplicitVRLittleEndian if dataset.original_encoding[0] else uid.ExplicitVRLittleEndian
    if syntax in _NATIVE:
        return _native(dataset, form, order=_NATIVE[syntax])
    if syntax != uid.RLELossless and syntax not in _CODECS:
        raise Refusal(SkipReason.UNSUPPORTED_TRANSFER_SYNTAX, f"transfer syntax {_name(syntax)} is not read")
    decoder = _decoder("packbits_decode" if syntax == uid.RLELossless else _CODECS[syntax].decoder, _name(syntax))
    return _guarded(lambda: _compressed(dataset, form, syntax, decoder), _name(syntax))


def _name(syntax: str) -> str:
    name = uid.UID(syntax).name
    return "that no standard names" if name == syntax else name  # whatever stands there is not repeated


def _decoder(function: str, syntax_name: str) -> Callable[..., Any]:
    """Function of imagecodecs, which may be absent or too old for it."""
    try:
        return getattr(import_module("imagecodecs"), function)
    except (ImportError, AttributeError):
        raise _missing(syntax_name) from None


def _missing(syntax_name: str) -> Refusal:
    return Refusal(
        SkipReason.MISSING_CODEC, f"{syntax_name} needs the package imagecodecs, {_IMAGECODECS} or later, as on PyPI"
    )


def _native(dataset: Dataset, form: PixelFormat, *, order: str) -> np.ndarray:
    element = dataset["PixelData"]
    size = form.rows * form.columns * form.bits_allocated // 8
    if not isinstance(element.value, bytes | memoryview) or len(element.value) < size:
        raise Refusal(SkipReason.DAMAGED, "there are fewer pixels than Rows x Columns")
    if form.bits_allocated == 16:
        pixels = np.frombuffer(element.value, dtype=f"{order}u2", count=size // 2)
        pixels = pixels.astype(np.uint16, copy=False)
    else:
        pixels = np.frombuffer(element.value, dtype=np.uint8)
        if order == ">" and element.VR == "OW":  # 8-bit pixels swap places within big-endian words
            pixels = pixels[: pixels.size // 2 * 2].reshape(-1, 2)[:, ::-1].reshape(-1)
        pixels = pixels[:size]
    return pixels.reshape(form.rows, form.columns)


def _compressed(dataset: Dataset, form: PixelFormat, syntax: str, decoder: Callable[..., Any]) -> np.ndarray:
    in_place = frame_of(dataset.PixelData)
    if syntax == uid.RLELossless:
        return _rle(in_place, form, decoder)
    codec, frame = _CODECS[syntax], bytes(in_place)
    stream = codec.header(frame)
    _check_stream(stream, codec.processes, form)
    _check_end(frame)
    kind = np.dtype(f"{'i' if stream.is_signed else 'u'}{1 if stream.precision <= 8 else 2}")
    options = {} if codec.threads is None else {"numthreads": codec.threads}
    target = np.empty((form.rows, form.columns), kind)
    pixels = decoder(frame, out=target, **options)  # another size or type is an error
    if syntax in _LOSSY and not (stream.is_signed or form.is_signed):
        # a stream of 16 bit may overshoot 12 stored ones; masking would turn the brightest pixels black
        np.minimum(pixels, 2 ** min(form.high_bit + 1, 8 * kind.itemsize) - 1, out=pixels)
    return pixels


def _check_stream(stream: StreamHeader, processes: tuple[int, ...], form: PixelFormat) -> None:
    if stream.process not in processes:
        raise Refusal(SkipReason.DAMAGED, "the compressed frame is not of the stated transfer syntax")
    # good files state a precision of 16 beside 12 bits stored, so equality is not asked for
    is_same = (stream.rows, stream.columns, stream.components) == (form.rows, form.columns, 1)
    if not is_same or not 2 <= stream.precision <= form.bits_allocated:
        raise Refusal(SkipReason.DAMAGED, "the compressed frame and the header state different sizes")
    if not stream.is_conforming:
        raise Refusal(
            SkipReason.NONCONFORMING_STREAM,
            f"the lossy JPEG stream of {stream.precision} bit has a scan header that sequential JPEG does not allow",
        )


def _check_end(frame: bytes) -> None:
    """All codestreams end with the same marker, which occurs nowhere else in their data.

    Without it libjpeg fills what is missing with grey and says nothing, and CharLS reads on for minutes.
    """
    end = frame.rfind(b"\xff\xd9")
    if end < 0 or (frame[end + 2 :].strip(b"\0") and not frame.startswith(JP2_SIGNATURE)):
        raise Refusal(SkipReason.DAMAGED, "the compressed frame is cut off")


def _rle(frame: memoryview, form: PixelFormat, unpack: Callable[..., bytes]) -> np.ndarray:
    """Pixels from PackBits segments, most significant byte first (PS3.5, annex G); offsets checked first."""
    width = form.bits_allocated // 8
    header = np.frombuffer(frame[:64], dtype="<u4")
    if header.size != 16 or header[0] != width or header[1] != 64:
        raise Refusal(SkipReason.DAMAGED, "the RLE header is damaged")
    ends = [*(int(offset) for offset in header[1 : width + 1]), len(frame)]
    if any(start >= end for start, end in zip(ends, ends[1:], strict=False)):
        raise Refusal(SkipReason.DAMAGED, "the RLE offsets do not rise inside the frame")
    pixels = np.empty((form.rows, form.columns), np.dtype(f"u{width}"))
    flat = pixels.reshape(-1)
    # the high bytes lie in the second half of the pixels, which the join reaches when it has read them
    planes = [flat.view(np.uint8)[-flat.size :], *(_scratch(flat.size) for _ in range(width - 1))]
    for plane, start, end in zip(planes, ends, ends[1:], strict=False):
        # a buffer of the right size keeps a bomb from growing: too much data is an error
        if len(unpack(frame[start:end], out=plane.data)) != plane.size:
            raise Refusal(SkipReason.DAMAGED, "an RLE segment holds fewer pixels than Rows x Columns")
    if width == 2:
        _join(flat, *planes)
    return pixels


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


def _guarded(work: Callable[[], np.ndarray], syntax_name: str) -> np.ndarray:
    """Result of a foreign decoder; whatever it throws, panics of Rust included, becomes a reason.

    imagecodecs' HTJ2K decoder has a part that cannot raise: an error there goes to Python's hook for such errors,
    and the picture comes back half filled with what lay in the memory.
    """
    unraised: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, unraised.append
    try:
        pixels = work()
        if unraised:
            raise Refusal(SkipReason.DAMAGED, f"decoding {syntax_name} failed half-way")
        return pixels
    except (KeyboardInterrupt, SystemExit, Refusal):
        raise
    except ImportError:  # a build without this codec
        raise _missing(syntax_name) from None
    except MemoryError:
        raise Refusal(SkipReason.TOO_LARGE, f"decoding {syntax_name} ran out of memory") from None
    except BaseException as error:
        raise Refusal(SkipReason.DAMAGED, f"decoding {syntax_name} failed ({type(error).__name__})") from None
    finally:
        sys.unraisablehook = before
