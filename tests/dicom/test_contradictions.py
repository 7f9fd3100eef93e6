"""Where stream, header and pixels exclude each other, a rule decides and a note says so."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from dicom_encoders import encode, frame, header, lossless_jpeg, with_frame, with_pixels
from pydicom import uid
from pydicom.dataset import Dataset

from monai_mammo.dicom import read_mammogram
from monai_mammo.study import Mammogram

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases" / "dicom"
SHAPE = (96, 72)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]] / np.array(SHAPE).reshape(2, 1, 1)
BREAST = np.rint(2908 * np.clip(1 - (X / 0.7) ** 2 - ((Y - 0.5) / 0.4) ** 2, 0, 1)).astype(np.int64)  # of 12 bit, air 0
WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}
SHOWN = np.clip((BREAST - 2047.5) / 4095 + 0.5, 0, 1)
BY_BITS = (uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.JPEGLosslessSV1)
ALL = (*BY_BITS, uid.RLELossless, uid.ExplicitVRLittleEndian)
NAMED = {"ids": lambda value: uid.UID(value).keyword if str(value).startswith("1.2") else None}


@pytest.fixture
def read(write):
    """Mammogram of a file's bytes, and the contradictions that it notes."""

    def go(data, **options):
        found = read_mammogram(write(data), **options)
        assert isinstance(found, Mammogram), found
        return found, [note for note in found.notes if note.startswith("contradiction: ")]

    return go


def stream_of(values, syntax, bits):
    """Stream of unsigned values with an honest precision."""
    pixels = values.astype(np.uint16)
    if syntax == uid.JPEGLosslessSV1:
        return lossless_jpeg(pixels, bits)
    if syntax == uid.JPEG2000Lossless:
        return imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, bitspersample=bits)
    return frame(values, syntax=syntax, bits=bits)


def file_of(values, syntax, *, stream_bits=12, **attributes):
    """File whose stream is what it is, and whose header says anything."""
    dataset = header(values.shape, **{"bits": 12, **WINDOW, **attributes})
    if syntax == uid.ExplicitVRLittleEndian:
        return with_pixels(dataset, values.astype("<u2").tobytes(), syntax=syntax)
    return with_frame(dataset, stream_of(values, syntax, stream_bits), syntax=syntax)


@pytest.mark.parametrize("syntax", ALL, **NAMED)
def test_a_file_that_agrees_with_itself_has_no_such_note(read, syntax):
    found, notes = read(file_of(BREAST, syntax))
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert notes == []


@pytest.mark.parametrize("stream_bits", [12, 16])
@pytest.mark.parametrize("syntax", ALL, **NAMED)
def test_values_above_bits_stored_are_values(read, syntax, stream_bits):
    found, notes = read(file_of(BREAST, syntax, stream_bits=stream_bits, BitsStored=10, HighBit=9))
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert len(notes) == 1 and "BitsStored says 10" in notes[0]


@pytest.mark.parametrize("syntax", ALL, **NAMED)
def test_unused_bits_that_count_nothing_are_masked_and_said(read, syntax):
    junk = BREAST | np.where(X > 0.5, 0x8000, 0)
    found, notes = read(file_of(junk, syntax, stream_bits=16))
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert notes == ["contradiction: pixels have bits above HighBit 11, which were masked"]


def test_an_overlay_in_unused_bits_is_what_they_are_for(read):
    dataset = header(SHAPE, **WINDOW)
    dataset.add_new((0x6000, 0x0102), "US", 12)
    data = with_pixels(dataset, (BREAST | np.where(X > 0.5, 0x1000, 0)).astype("<u2").tobytes(), syntax=ALL[-1])
    found, notes = read(data)
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert notes == []


@pytest.mark.parametrize("syntax", ALL, **NAMED)
def test_a_high_bit_where_no_value_lies(read, syntax):
    found, notes = read(file_of(BREAST, syntax, HighBit=15))
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert len(notes) == 1 and "HighBit is 15" in notes[0]


@pytest.mark.parametrize("syntax", ALL, **NAMED)
def test_a_high_bit_where_the_values_lie_is_believed(read, syntax):
    found, notes = read(file_of(BREAST << 4, syntax, stream_bits=16, HighBit=15))
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert notes == []


SIGNED = {"WindowCenter": 0, "WindowWidth": 4096, "PixelRepresentation": 1}


@pytest.mark.parametrize("syntax", BY_BITS, **NAMED)
def test_the_sign_lies_in_the_highest_bit_of_the_stream(read, syntax):
    """12 bits of two's complement in a stream without a sign, beside 13 bits stored."""
    data = file_of((BREAST - 2048) & 0xFFF, syntax, **SIGNED, BitsStored=13, HighBit=12)
    found, notes = read(data)
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert len(notes) == 1 and "sign was taken from bit 11" in notes[0]


@pytest.mark.parametrize("syntax", BY_BITS, **NAMED)
def test_no_sign_is_made_up_where_the_voi_shows_none(read, syntax):
    """Unsigned 12 bits, called signed ones of 13: a legal, if odd, way to keep them."""
    found, notes = read(file_of(BREAST, syntax, PixelRepresentation=1, BitsStored=13, HighBit=12))
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert len(notes) == 1 and "12 bits" in notes[0]


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless, uid.JPEGLSLossless], **NAMED)
def test_unsigned_pixels_that_are_called_signed(read, syntax):
    found, notes = read(file_of(BREAST, syntax, PixelRepresentation=1))
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert len(notes) == 1 and "VOI shows unsigned values" in notes[0]


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless, uid.JPEGLSLossless], **NAMED)
def test_a_sign_that_nothing_shows_is_said(read, syntax):
    """Without a VOI nobody knows whether the highest bit is a sign: the header is believed, and it is said."""
    no_window = {"WindowCenter": None, "WindowWidth": None}
    _, notes = read(file_of(BREAST, syntax, PixelRepresentation=1, **no_window))
    assert len(notes) == 1 and "nothing shows it: the sign was taken from bit 11" in notes[0]
    _, notes = read(file_of(BREAST // 2, syntax, PixelRepresentation=1, **no_window))
    assert notes == []


@pytest.mark.parametrize(
    ("window", "taken"), [(WINDOW, "its bits as unsigned ones"), (SIGNED, "the signed values")], ids=["bits", "values"]
)
def test_a_signed_stream_under_an_unsigned_header(read, window, taken):
    """The bits of unsigned values in a signed stream, or signed values whose header does not say so."""
    values = np.where(BREAST > 2047, BREAST - 4096, BREAST) if window is WINDOW else BREAST - 2048
    stream = imagecodecs.jpeg2k_encode(values.astype(np.int16), level=0, reversible=True, bitspersample=12)
    dataset = header(SHAPE, **{**window, "PixelRepresentation": 0})
    found, notes = read(with_frame(dataset, stream, syntax=uid.JPEG2000Lossless))
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert len(notes) == 1 and taken in notes[0]


def test_signed_values_of_more_bits_than_stated(read):
    stream = imagecodecs.jpeg2k_encode((BREAST - 2048).astype(np.int16), level=0, reversible=True, bitspersample=12)
    dataset = header(SHAPE, **SIGNED, BitsStored=10, HighBit=9)
    found, notes = read(with_frame(dataset, stream, syntax=uid.JPEG2000Lossless))
    np.testing.assert_allclose(found.pixels, SHOWN, rtol=0, atol=1e-6)
    assert len(notes) == 1 and "more than the 10 bits" in notes[0]


def test_a_stream_of_fewer_bits_is_said(read):
    stream = stream_of(BREAST // 4, uid.JPEG2000Lossless, 10)
    dataset = header(SHAPE, WindowCenter=512, WindowWidth=1024)
    found, notes = read(with_frame(dataset, stream, syntax=uid.JPEG2000Lossless))
    np.testing.assert_allclose(found.pixels, np.clip((BREAST // 4 - 511.5) / 1023 + 0.5, 0, 1), rtol=0, atol=1e-6)
    assert notes == ["contradiction: the stream has 10 bits, BitsStored says 12: the values were taken as they are"]


TABLE = Dataset()
TABLE.LUTDescriptor = [4096, 0, 12]
TABLE.add_new("LUTData", "US", [0] * 4095 + [4095])


@pytest.mark.parametrize(
    ("attributes", "expected", "name"),
    [
        ({"WindowCenter": 9000, "WindowWidth": 100}, BREAST / 4095, "window"),  # all black
        ({"WindowCenter": -900, "WindowWidth": 100}, BREAST / 4095, "window"),  # all white
        ({"WindowCenter": 3, "WindowWidth": 2}, BREAST / 4095, "window"),  # black and white
        ({"WindowCenter": [9000, 2048], "WindowWidth": [100, 4096]}, SHOWN, "window"),
        ({"VOILUTSequence": [TABLE], **WINDOW}, SHOWN, "VOI look-up table"),
        ({"VOILUTSequence": [TABLE]}, BREAST / 4095, "VOI look-up table"),
    ],
    ids=["black", "white", "binary", "second window", "table beside a window", "table alone"],
)
@pytest.mark.parametrize("is_inverted", [False, True], ids=["MONOCHROME2", "MONOCHROME1"])
def test_a_voi_that_shows_nothing_is_passed_over(read, attributes, expected, name, is_inverted):
    how = {"PhotometricInterpretation": "MONOCHROME1" if is_inverted else "MONOCHROME2"}
    found, notes = read(encode(BREAST, **attributes, **how))
    np.testing.assert_allclose(found.pixels, 1 - expected if is_inverted else expected, rtol=0, atol=1e-6)
    assert f"contradiction: the {name} leaves nothing of the picture but black and white, and was passed over" in notes


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"WindowCenter": 0, "WindowWidth": 4096, "PixelPaddingValue": 0}, None),
        ({"WindowCenter": 30000, "WindowWidth": 60000}, "nearly black"),
        ({"PhotometricInterpretation": "MONOCHROME1", **WINDOW}, "more than half of it is white"),
        (WINDOW, None),
    ],
    ids=["padding", "black", "negative", "good"],
)
def test_a_picture_that_is_mostly_white_or_nearly_black_is_said(read, attributes, words):
    found, notes = read(encode(BREAST, **attributes))
    assert (words is None and notes == []) or any(words in note for note in notes), notes
    raw, notes = read(encode(BREAST, **attributes), mode="raw")
    assert notes == [] and raw.shape == found.shape


def test_blank_pictures_are_shown_as_they_are(read):
    found, notes = read(encode(np.full(SHAPE, 7), WindowCenter=9000, WindowWidth=100))
    assert not found.pixels.any() and notes == []


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    ["j2k_unsigned_stream_signed_header", "jls_12bit_stream_bitsstored_10", "jls_bitsstored_12_highbit_15"],
)
def test_known_files_that_contradict_themselves(read, name):
    """All three hold one picture, which is 2908 at its brightest; each kind is made above as well."""
    path = CASES / f"{name}.dcm"
    if not path.exists():
        pytest.skip("the cases are not here")
    found, notes = read(path.read_bytes())
    assert found.pixels.mean() == pytest.approx(0.17245626, abs=1e-6) and len(notes) == 1
    assert found.pixels.max() == pytest.approx((2908 - 2047.5) / 4095 + 0.5, abs=1e-6)
