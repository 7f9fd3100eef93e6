"""Compressed frames from their pixels alone.

What a codec tolerates beside the pixels has no end: bytes behind the last code, segments and boxes of any name,
unused bits. A frame that is coded anew from what was decoded has no place for any of it.
"""

from __future__ import annotations

from collections.abc import Callable

import imagecodecs
import numpy as np
from pydicom import uid

from monai_mammo.dicom.reading.codecs import PixelFormat
from monai_mammo.dicom.reading.streams import jpeg2000_header, jpeg_header
from monai_mammo.dicom.reasons import Refusal, SkipReason
from monai_mammo.dicom.writing.encode import jpeg_ls_frame

__all__ = ["bare_pixels", "coded_anew"]

_JPEG_LOSSLESS = (uid.JPEGLossless, uid.JPEGLosslessSV1)
_JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000)
_HTJ2K = (uid.HTJ2KLossless, uid.HTJ2K)
_RLE_OFFSETS = 16
_START_OF_TILE, _COMMENT = b"\xff\x90", b"\xff\x64"


def bare_pixels(pixels: np.ndarray, form: PixelFormat, *, width: int | None = None) -> np.ndarray:
    """Stored values without bits beside them, where overlays used to be.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), unsigned integer
        As stored.
    form : PixelFormat
    width : int, optional
        Bits that a sign is repeated in, above the stored ones; all of the array's type by default.

    Returns
    -------
    ndarray, shape (rows, columns)
        Of the type of `pixels`.
    """
    lowest = form.high_bit + 1 - form.bits_stored
    every = (1 << 8 * pixels.itemsize) - 1  # a stream may have fewer bits than the header says
    bare = pixels & (((1 << (form.high_bit + 1)) - (1 << lowest)) & every)
    if form.is_signed and form.high_bit < 8 * pixels.itemsize:
        above = (1 << (width or 8 * pixels.itemsize)) - (1 << (form.high_bit + 1))
        bare |= np.where(pixels >> form.high_bit & 1, max(0, above), 0).astype(bare.dtype)
    return bare.astype(pixels.dtype, copy=False)


def coded_anew(frame: bytes, pixels: np.ndarray, form: PixelFormat, syntax: str) -> bytes:
    """Frame of decoded pixels without loss, in the transfer syntax that they came in.

    Parameters
    ----------
    frame : bytes
        Compressed frame of the source; it gives the precision, and a sign where the stream carries one.
    pixels : ndarray, shape (rows, columns), integer
        What was decoded from it.
    form : PixelFormat
        What its header announces.
    syntax : str
        UID of its transfer syntax; of those with loss, the ones that allow a frame without: JPEG-LS, JPEG 2000, HTJ2K.

    Returns
    -------
    bytes
        Equal pixels give equal bytes.

    Raises
    ------
    Refusal
        The encoder knows no such pixels.
    """
    if syntax == uid.RLELossless:
        return _rle(bare_pixels(pixels, form))
    is_jpeg = syntax in (*uid.JPEGTransferSyntaxes, *uid.JPEGLSTransferSyntaxes)
    stream = (jpeg_header if is_jpeg else jpeg2000_header)(frame)
    unsigned = bare_pixels(pixels.view(f"u{pixels.itemsize}"), form, width=stream.precision)
    own = _with_sign(unsigned, stream.precision) if stream.is_signed else unsigned & ((1 << stream.precision) - 1)
    try:
        new = bytes(_ENCODERS[uid.UID(syntax)](np.ascontiguousarray(own), stream.precision))
    except Exception as error:  # of a foreign encoder
        detail = f"{uid.UID(syntax).name} cannot be coded anew ({type(error).__name__})"
        raise Refusal(SkipReason.UNSUPPORTED_PIXELS, detail) from None
    return _without_application_data(new) if is_jpeg else _without_comments(new)


def _with_sign(pixels: np.ndarray, precision: int) -> np.ndarray:
    """Values of `precision` bits in two's complement, as numpy's signed type has them."""
    signed = pixels.view(f"i{pixels.itemsize}")
    spare = 8 * pixels.itemsize - precision
    return signed << spare >> spare


def _rle(pixels: np.ndarray) -> bytes:
    """Header and PackBits segments, most significant byte first, each row by itself (PS3.5, annex G)."""
    planes = pixels.astype(f">u{pixels.itemsize}").view(np.uint8).reshape(*pixels.shape, -1)
    segments = [bytes(imagecodecs.packbits_encode(plane)) for plane in np.moveaxis(planes, -1, 0).copy()]
    segments = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    header = np.zeros(_RLE_OFFSETS, "<u4")
    header[0] = len(segments)
    header[1 : len(segments) + 1] = 4 * _RLE_OFFSETS + np.cumsum([0, *map(len, segments[:-1])])
    return header.tobytes() + b"".join(segments)


def _jpeg_2000(pixels: np.ndarray, bits: int) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, bitspersample=bits, codecformat="j2k"))


_ENCODERS: dict[uid.UID, Callable[[np.ndarray, int], bytes | bytearray]] = {
    # predictor 1, the one that both syntaxes allow
    **dict.fromkeys(
        _JPEG_LOSSLESS,
        lambda pixels, bits: imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=bits),
    ),
    **dict.fromkeys(uid.JPEGLSTransferSyntaxes, jpeg_ls_frame),
    **dict.fromkeys(_JPEG_2000, _jpeg_2000),
    **dict.fromkeys(_HTJ2K, lambda pixels, _: imagecodecs.htj2k_encode(pixels, reversible=True)),
    uid.HTJ2KLosslessRPCL: lambda pixels, _: imagecodecs.htj2k_encode(pixels, reversible=True, tlm=True),
}


def _without_application_data(frame: bytes) -> bytes:
    """JPEG or JPEG-LS frame of an encoder of ours, without APP0 to APP15 and comments in front of the picture."""
    position = 2
    while frame[position + 1] in (*range(0xE0, 0xF0), 0xFE):
        position += 2 + int.from_bytes(frame[position + 2 : position + 4], "big")
        if frame[position : position + 2] == b"\xff\xd8":  # SPIFF ends with a second start of the image
            position += 2
    return frame[:2] + frame[position:]


def _without_comments(stream: bytes) -> bytes:
    """JPEG 2000 codestream of an encoder of ours, which signs in the main header."""
    out, position = [stream[:2]], 2
    while stream[position : position + 2] != _START_OF_TILE:
        end = position + 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
        if stream[position : position + 2] != _COMMENT:
            out.append(stream[position:end])
        position = end
    return b"".join([*out, stream[position:]])
