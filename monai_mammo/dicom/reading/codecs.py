"""Stored pixel values of a dataset, by the fastest good decoder of each transfer syntax.

pydicom's own order picks the slowest decoder where several are installed, so each one is named
here; all are imagecodecs', RLE apart, whose ready-made decoders crash on damaged offsets. The
package is loaded when the first compressed frame comes, so that native files are read without it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset

from monai_mammo.dicom.notes import surplus
from monai_mammo.dicom.reading.fragments import frame as frame_of
from monai_mammo.dicom.reading.pixel_format import PixelFormat, pixel_format
from monai_mammo.dicom.reading.rle import decode_rle
from monai_mammo.dicom.reading.streams import END_MARKER, StreamHeader, jpeg2000_header, jpeg_header
from monai_mammo.dicom.reasons import Refusal, SkipReason

__all__ = ["Decoded", "PixelFormat", "decode", "decode_frame", "pixel_format", "supported_transfer_syntaxes"]

_NATIVE = {
    uid.ImplicitVRLittleEndian: "<",
    uid.ExplicitVRLittleEndian: "<",
    uid.DeflatedExplicitVRLittleEndian: "<",
    uid.ExplicitVRBigEndian: ">",
}


_IMAGECODECS = "2026.1.1"  # the first with HTJ2K; lossless JPEG of any precision came before


class Decoded(NamedTuple):
    """Pixels of a frame, and what was noticed on the way to them.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), integer
        In the processor's byte order; unsigned, but for a JPEG 2000 stream that carries a sign of its own.
    precision : int or None
        Bits of a value by the compressed stream; `None` where it does not say, as RLE and native pixels.
    notes : tuple of str
        Bytes that were left out.
    """

    pixels: np.ndarray
    precision: int | None = None
    notes: tuple[str, ...] = ()


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

_OVERSHOOT = 16  # of the range, what a lossy codec may add at edges
_LOSSY = frozenset({uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless, uid.JPEG2000, uid.HTJ2K})


def supported_transfer_syntaxes() -> tuple[str, ...]:
    """UIDs of the transfer syntaxes that `decode` reads.

    Returns
    -------
    tuple of str
    """
    return (*_NATIVE, uid.RLELossless, *_CODECS)


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
        As from `decode_frame`.
    """
    return decode_frame(dataset, form).pixels


def decode_frame(dataset: Dataset, form: PixelFormat) -> Decoded:
    """Pixels of the first frame, and what was noticed; what lies behind them is left out.

    Parameters
    ----------
    dataset : Dataset
    form : PixelFormat

    Returns
    -------
    Decoded

    Raises
    ------
    Refusal
        The transfer syntax has no decoder here, or frame and header do not fit, or pixels are missing, or the decoder
        fails.
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


def _native(dataset: Dataset, form: PixelFormat, *, order: str) -> Decoded:
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
    notes = (surplus("bytes behind the last pixel are left out"),) if len(element.value) > size + size % 2 else ()
    return Decoded(pixels.reshape(form.rows, form.columns), notes=notes)


def _compressed(dataset: Dataset, form: PixelFormat, syntax: str, decoder: Callable[..., Any]) -> Decoded:
    in_place = frame_of(dataset.PixelData)
    if syntax == uid.RLELossless:
        pixels, has_surplus = decode_rle(in_place, (form.rows, form.columns), form.bits_allocated // 8, decoder)
        return Decoded(pixels, notes=(surplus("an RLE segment goes on behind the last pixel"),) if has_surplus else ())
    codec, frame = _CODECS[syntax], bytes(in_place)
    stream = codec.header(frame)
    _check_stream(stream, codec.processes, form)
    frame, notes = _trimmed(frame, stream)
    kind = np.dtype(f"{'i' if stream.is_signed else 'u'}{1 if stream.precision <= 8 else 2}")
    options = {} if codec.threads is None else {"numthreads": codec.threads}
    target = np.empty((form.rows, form.columns), kind)
    pixels = decoder(frame, out=target, **options)  # another size or type is an error
    if syntax in _LOSSY and not (stream.is_signed or form.is_signed):
        _clip_overshoot(pixels, form)
    return Decoded(pixels, stream.precision, notes)


def _trimmed(frame: bytes, stream: StreamHeader) -> tuple[bytes, tuple[str, ...]]:
    """Frame that ends with its end marker, and a note where it did not."""
    if not stream.has_end_marker:  # all tiles are whole
        return frame[: stream.end] + END_MARKER, ("the compressed frame has no end marker, all its tiles are there",)
    if frame[stream.end :].strip(b"\0"):
        return frame[: stream.end], (surplus("bytes behind the end of the compressed frame are left out"),)
    return frame, ()


def _clip_overshoot(pixels: np.ndarray, form: PixelFormat) -> None:
    """Clip what lossy coding has raised above the highest stored bit: masking would turn the brightest pixels black.

    Much larger values are no overshoot; see `monai_mammo.dicom.reading.bit_layout`.
    """
    top = 2 ** min(form.high_bit + 1, 8 * pixels.itemsize) - 1
    if int(pixels.max()) <= top + top // _OVERSHOOT:
        np.minimum(pixels, top, out=pixels)


def _check_stream(stream: StreamHeader, processes: tuple[int, ...], form: PixelFormat) -> None:
    if stream.process not in processes:
        raise Refusal(SkipReason.DAMAGED, "the compressed frame is not of the stated transfer syntax")
    if (stream.rows, stream.columns) != (form.rows, form.columns):
        raise Refusal(SkipReason.DAMAGED, "the compressed frame and the header state different sizes")
    if stream.components != 1:
        raise Refusal(SkipReason.DAMAGED, "the compressed frame does not have one component, as grey pixels do")
    # good files state a precision of 16 beside 12 bits stored, so equality is not asked for
    if not 2 <= stream.precision <= form.bits_allocated:
        words = f"the compressed frame has {stream.precision} bits, BitsAllocated says {form.bits_allocated}"
        raise Refusal(SkipReason.DAMAGED, words)
    if not stream.is_conforming:
        raise Refusal(
            SkipReason.NONCONFORMING_STREAM,
            f"the lossy JPEG stream of {stream.precision} bit has a scan header that sequential JPEG does not allow",
        )


def _guarded(work: Callable[[], Decoded], syntax_name: str) -> Decoded:
    """Result of a foreign decoder; whatever it throws, panics of Rust included, becomes a reason.

    imagecodecs' HTJ2K decoder has a part that cannot raise: an error there goes to Python's hook for such errors,
    and the picture comes back half filled with what lay in the memory.
    """
    unraised: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, unraised.append
    try:
        decoded = work()
        if unraised:
            raise Refusal(SkipReason.DAMAGED, f"decoding {syntax_name} failed half-way")
        return decoded
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
