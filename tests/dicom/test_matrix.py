"""Every transfer syntax x bits x sign through the reader: lossless ones bit-exact, others within a stated error."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pydicom
import pytest
import SimpleITK
from dicom_encoders import (
    BITS,
    LOSSLESS,
    LOSSY_ERRORS,
    encode,
    frame,
    header,
    pixels_of,
    ramp,
    smooth,
    with_frame,
)
from pydicom import uid

from monai_mammo.dicom.reading.codecs import supported_transfer_syntaxes

SIGNS = pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
NAMED = {"ids": lambda s: uid.UID(s).keyword}


@pytest.fixture
def values_of(stored):
    """Stored values of a file's bytes, by way of the brightness that mode raw gives."""
    return lambda data: stored(data)[0]


@SIGNS
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("syntax", LOSSLESS, **NAMED)
def test_lossless_syntaxes_are_bit_exact(values_of, syntax, bits, signed):
    values = ramp(bits, signed)
    np.testing.assert_array_equal(values_of(encode(values, syntax=syntax, bits=bits, signed=signed)), values)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("syntax", [uid.ExplicitVRBigEndian, uid.JPEGLSLossless], **NAMED)
def test_dark_that_means_high_comes_back_too(values_of, syntax, bits):
    values = ramp(bits)
    data = encode(values, syntax=syntax, bits=bits, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(values_of(data), values)


def test_every_row_of_a_tall_picture_is_looked_up(values_of):
    values = ramp(12, shape=(200, 24))  # the picture is looked up in blocks of rows
    np.testing.assert_array_equal(values_of(encode(values)), values)


def test_a_signed_stream_that_overshoots_is_clipped_not_wrapped(values_of):
    values = np.resize(np.arange(-2200, 2200), (48, 92))  # 12 bits stored hold -2048 ... 2047
    stream = imagecodecs.jpeg2k_encode(values.astype(np.int16), level=0, reversible=True)
    data = with_frame(header(values.shape, signed=True), stream, syntax=uid.JPEG2000)
    np.testing.assert_array_equal(values_of(data), np.clip(values, -2048, 2047))


@pytest.mark.parametrize(
    ("syntax", "bits", "error"),
    [(syntax, bits, error) for syntax, errors in LOSSY_ERRORS.items() for bits, error in errors.items()],
    ids=lambda v: uid.UID(v).keyword if isinstance(v, str) else str(v),
)
def test_lossy_syntaxes_stay_within_a_stated_error(values_of, syntax, bits, error):
    values = smooth(bits)
    found = values_of(encode(values, syntax=syntax, bits=bits))
    assert np.abs(found - values).max() <= error
    assert np.ptp(found) > 0.7 * 2**bits  # the picture is there


def test_every_supported_syntax_is_tried_above():
    assert set(supported_transfer_syntaxes()) == {*LOSSLESS, *LOSSY_ERRORS}


@pytest.mark.parametrize("syntax", [uid.JPEG2000Lossless, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL], **NAMED)
@pytest.mark.parametrize("bits", BITS)
def test_signed_pixels_in_a_stream_without_sign_get_theirs(values_of, syntax, bits):
    """Seen in the field: PixelRepresentation 1 beside a stream that carries no sign."""
    values = ramp(bits, True)
    data = encode(values, syntax=syntax, bits=bits, signed=True, stream_signed=False)
    np.testing.assert_array_equal(values_of(data), values)


def jpeg_2000(precision, container="j2k"):
    pixels = pixels_of(ramp(10), 10)
    return imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, bitspersample=precision, codecformat=container)


@pytest.mark.parametrize(
    ("stream", "syntax", "fragments"),
    [
        (jpeg_2000(10, "jp2"), uid.JPEG2000Lossless, 1),
        (jpeg_2000(12), uid.JPEG2000Lossless, 1),
        (jpeg_2000(16), uid.JPEG2000Lossless, 1),
        (frame(ramp(10), syntax=uid.JPEGLSLossless, bits=10), uid.JPEGLSLossless, 4),
        (imagecodecs.jpegls_encode(pixels_of(ramp(10), 10)), uid.JPEGLSLossless, 1),
        (frame(ramp(10), syntax=uid.JPEGLosslessSV1, bits=16), uid.JPEGLosslessSV1, 1),
        (frame(ramp(10), syntax=uid.JPEGLosslessSV1, bits=10), uid.JPEGLossless, 1),  # predictor 1 is legal there too
        *[
            (
                imagecodecs.jpeg8_encode(pixels_of(ramp(10), 10), lossless=True, predictor=n, bitspersample=10),
                uid.JPEGLossless,
                1,
            )
            for n in range(1, 8)
        ],
    ],
    ids=["jp2", "precision 12", "precision 16", "4 fragments", "JPEG-LS of 16 bits", "JPEG of 16 bits", ".70 as .57"]
    + [f"predictor {n}" for n in range(1, 8)],
)
def test_sound_streams_of_other_forms_are_exact_too(values_of, stream, syntax, fragments):
    data = with_frame(header(bits=10), stream, syntax=syntax, fragments=fragments)
    np.testing.assert_array_equal(values_of(data), ramp(10))


@pytest.mark.parametrize(
    "syntax", [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.HTJ2KLossless], **NAMED
)
def test_the_files_above_mean_the_same_to_pydicom(write, syntax):
    path = write(encode(ramp(12, True), syntax=syntax, bits=12, signed=True))
    np.testing.assert_array_equal(pydicom.dcmread(path).pixel_array, ramp(12, True))


@pytest.mark.parametrize("syntax", [uid.JPEGLossless, uid.JPEGLosslessSV1], **NAMED)
def test_the_lossless_jpeg_files_mean_the_same_to_gdcm(write, syntax):
    path = write(encode(ramp(12), syntax=syntax, bits=12))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))[0], ramp(12))
