"""DICOM files for the tests, in every transfer syntax, from encoders that need no licence but our own.

Frames come from imagecodecs and pydicom; JPEG Lossless with predictor 1 is written from the text of
the standard, so that one encoder shares no code with any decoder.
"""

from __future__ import annotations

from io import BytesIO

import imagecodecs
import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import JPEG2000LosslessEncoder, JPEGLSLosslessEncoder, RLELosslessEncoder

BITS = (8, 10, 12, 14, 16)
NATIVE = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
)
LOSSLESS = (
    *NATIVE,
    uid.RLELossless,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
)
LOSSY_ERRORS = {
    # syntax: {bits: largest error over `smooth`, in stored values}
    uid.JPEGBaseline8Bit: {8: 4},  # quality 95: coefficients in steps of 2 to 12
    uid.JPEGExtended12Bit: {8: 4, 12: 8},
    uid.JPEGLSNearLossless: dict.fromkeys(BITS, 3),  # NEAR is the largest error
    uid.JPEG2000: {bits: 2**bits // 100 + 1 for bits in BITS},  # 60 dB: a mean error of 1 / 1000 of the range
    uid.HTJ2K: {8: 1, **dict.fromkeys(BITS[1:], 13)},  # steps of 1e-4 of the pixels' range
}
"""Lossy transfer syntaxes with the bits that each can hold and the error that is allowed."""

SHAPE = (48, 64)


def ramp(bits, signed=False, shape=SHAPE):
    """Stored values, int64: all corners of the range, a ramp over it, and a noisy part."""
    low = -(2 ** (bits - 1)) if signed else 0
    values = np.linspace(0, 2**bits - 1, shape[0] * shape[1]).astype(np.int64).reshape(shape)
    values[8:16] = np.random.default_rng(bits).integers(0, 2**bits, (8, shape[1]))
    values[0, 0], values[-1, -1], values[0, -1], values[-1, 0] = 2**bits - 1, 0, 0, 2**bits - 1
    return values + low


def smooth(bits, signed=False, shape=SHAPE):
    """Stored values, int64: one slow wave that keeps away from both ends, for codecs with loss."""
    y, x = np.mgrid[: shape[0], : shape[1]] / np.array(shape).reshape(2, 1, 1)
    wave = 0.5 + 0.4 * np.sin(3 * x + 2 * y)
    return np.rint(wave * (2**bits - 1)).astype(np.int64) - (2 ** (bits - 1) if signed else 0)


def header(shape=SHAPE, *, bits=12, signed=False, **attributes):
    """Dataset of a captured mammogram without pixels; the class allows signed ones.

    An attribute of `None` is left out.
    """
    dataset = Dataset()
    fields = {
        "SOPClassUID": uid.SecondaryCaptureImageStorage,
        "SOPInstanceUID": "2.25.1",
        "Modality": "MG",
        "Rows": shape[0],
        "Columns": shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 8 if bits == 8 else 16,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(signed),
        **attributes,
    }
    for keyword, value in fields.items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def encode(pixels, *, syntax=uid.ExplicitVRLittleEndian, bits=12, signed=False, stream_signed=None, **attributes):
    """DICOM file, as bytes, of stored values in any of `LOSSLESS` and `LOSSY_ERRORS`.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), integer
        Stored values; negative ones with ``signed``.
    syntax : UID
    bits : int
        BitsStored; 8 are allocated as 8, others as 16.
    signed : bool
        PixelRepresentation 1.
    stream_signed : bool, optional
        Whether a JPEG 2000 or HTJ2K stream carries a sign; by default as the pixels.
    attributes
        Header attributes to set, or, with `None`, to leave out.
    """
    dataset = header(pixels.shape, bits=bits, signed=signed, **attributes)
    if syntax in NATIVE:
        data = native(pixels, bits, order=">" if syntax == uid.ExplicitVRBigEndian else "<")
        return with_pixels(dataset, data, syntax=syntax)
    stream_signed = signed if stream_signed is None else stream_signed
    return with_frame(dataset, frame(pixels, syntax=syntax, bits=bits, signed=stream_signed), syntax=syntax)


def with_frame(dataset, stream, *, syntax, fragments=1):
    """DICOM file, as bytes, of a header and one compressed frame, sound or not."""
    return with_pixels(dataset, encapsulate([stream], fragments_per_frame=fragments), syntax=syntax)


def with_pixels(dataset, data, *, syntax):
    """DICOM file, as bytes, of a header and the value of PixelData."""
    is_native = syntax in NATIVE
    is_wide = is_native and dataset.get("BitsAllocated") != 8
    dataset.add_new("PixelData", "OW" if is_wide else "OB", data + b"\0" * (len(data) % 2))
    dataset["PixelData"].is_undefined_length = not is_native
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def native(pixels, bits, *, order="<"):
    """Value of a native PixelData: unused bits of signed pixels are the sign, as in most files."""
    return (pixels & 0xFFFF).astype(np.int64).astype("u1" if bits == 8 else f"{order}u2").tobytes()


def pixels_of(pixels, bits, *, signed=False):
    """Pixels of stored values: without sign, unused bits 0; or with their sign, as numpy has it."""
    if signed:
        return pixels.astype(np.int8 if bits == 8 else np.int16)
    return (pixels & (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def frame(pixels, *, syntax, bits=12, signed=False):
    """Compressed frame of stored values, as bytes."""
    plain, own = pixels_of(pixels, bits), pixels_of(pixels, bits, signed=signed)
    encoders = {
        uid.RLELossless: lambda: _by_pydicom(RLELosslessEncoder, plain, bits, False),
        uid.JPEGLSLossless: lambda: _by_pydicom(JPEGLSLosslessEncoder, own, bits, signed),
        uid.JPEG2000Lossless: lambda: _by_pydicom(JPEG2000LosslessEncoder, own, bits, signed),
        uid.JPEGLossless: lambda: imagecodecs.ljpeg_encode(plain, bitspersample=bits),  # predictor 6
        uid.JPEGLosslessSV1: lambda: lossless_jpeg(plain, bits),
        uid.HTJ2KLossless: lambda: imagecodecs.htj2k_encode(own, reversible=True),
        uid.HTJ2KLosslessRPCL: lambda: imagecodecs.htj2k_encode(own, reversible=True, tlm=True),
        uid.JPEGBaseline8Bit: lambda: imagecodecs.jpeg8_encode(plain, level=95),
        uid.JPEGExtended12Bit: lambda: _extended_jpeg(plain, bits),
        uid.JPEGLSNearLossless: lambda: imagecodecs.jpegls_encode(plain, level=3),
        uid.JPEG2000: lambda: imagecodecs.jpeg2k_encode(own, level=60, reversible=False, bitspersample=bits),
        uid.HTJ2K: lambda: imagecodecs.htj2k_encode(own, level=1e-4, reversible=False),
    }
    return encoders[syntax]()


def lossless_jpeg(pixels, bits, *, predictor=1):
    """JPEG Lossless frame with predictor 1 (ITU-T T.81, annex H), written from the text of the standard."""
    assert predictor == 1
    rows, columns = pixels.shape
    values = pixels.astype(np.int64)
    left = np.zeros_like(values)
    left[:, 1:] = values[:, :-1]
    left[1:, 0] = values[:-1, 0]
    left[0, 0] = 2 ** (bits - 1)
    data = _huffman((values - left + 32768) % 65536 - 32768)
    tables = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])  # 17 categories, all of five bits
    size = bytes([bits, rows >> 8, rows & 255, columns >> 8, columns & 255, 1, 1, 0x11, 0])
    segments = ((0xC3, size), (0xC4, tables), (0xDA, bytes([1, 1, 0, predictor, 0, 0])))
    start = b"".join(bytes([0xFF, m]) + (len(s) + 2).to_bytes(2, "big") + s for m, s in segments)
    return b"\xff\xd8" + start + data + b"\xff\xd9"


def _huffman(differences):
    """Entropy-coded segment: for each difference its category in five bits, then as many bits as the category."""
    flat = differences.ravel()
    category = np.where(flat == 0, 0, np.floor(np.log2(np.maximum(np.abs(flat), 1))).astype(np.int64) + 1)
    extra = np.where(category == 16, 0, category)  # -32768 needs no further bits
    rest = np.where(flat > 0, flat, flat + 2**category - 1) & (2**extra - 1)
    codes, lengths = category << extra | rest, 5 + extra
    owner = np.repeat(np.arange(flat.size), lengths)
    place = np.arange(owner.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    bits = (codes[owner] >> (lengths[owner] - 1 - place)) & 1
    padded = np.concatenate([bits, np.ones(-bits.size % 8, dtype=np.int64)])  # T.81, F.1.2.3: filled with ones
    return np.packbits(padded.astype(np.uint8)).tobytes().replace(b"\xff", b"\xff\x00")


def _extended_jpeg(pixels, bits):
    stream = imagecodecs.jpeg8_encode(pixels, level=95, bitspersample=bits)
    return stream.replace(b"\xff\xc0", b"\xff\xc1", 1)  # 8 bits in the extended process


def _by_pydicom(encoder, pixels, bits, signed):
    return encoder.encode(
        pixels,
        rows=pixels.shape[0],
        columns=pixels.shape[1],
        samples_per_pixel=1,
        number_of_frames=1,
        bits_allocated=pixels.dtype.itemsize * 8,
        bits_stored=bits,
        pixel_representation=int(signed),
        photometric_interpretation="MONOCHROME2",
    )
