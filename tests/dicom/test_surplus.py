"""Bytes that no pixel needs are left out with a note; a file is refused for pixels that are missing, and says so."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from dicom_encoders import LOSSLESS, NATIVE, encode, frame, header, ramp, with_frame, with_pixels
from pydicom import uid

from monai_mammo.dicom import Failed, read_mammogram
from monai_mammo.dicom.reading.rle import decode_rle
from monai_mammo.dicom.reasons import Refusal
from monai_mammo.study import Mammogram

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases" / "dicom"
COMPRESSED = [syntax for syntax in LOSSLESS if syntax not in NATIVE]
NAMED = {"ids": lambda value: uid.UID(value).keyword if str(value).startswith("1.2") else None}


def is_trimmed(notes):
    return any(note.startswith("surplus: ") for note in notes)


@pytest.mark.parametrize("behind", [b"\xff", b"\x01", b"garbage behind", b"\xff\xd9", b"\xff\xd8\xff" * 50])
@pytest.mark.parametrize("syntax", [syntax for syntax in COMPRESSED if syntax != uid.RLELossless], **NAMED)
def test_bytes_behind_the_end_of_a_stream_are_left_out(stored, syntax, behind):
    data = with_frame(header(), frame(ramp(12), syntax=syntax) + behind, syntax=syntax)
    values, notes = stored(data)
    np.testing.assert_array_equal(values, ramp(12))
    assert is_trimmed(notes)


@pytest.mark.parametrize("syntax", COMPRESSED, **NAMED)
def test_padding_to_an_even_length_is_not_worth_a_note(stored, syntax):
    stream = frame(ramp(12), syntax=syntax)
    values, notes = stored(with_frame(header(), stream + b"\0" * (len(stream) % 2), syntax=syntax))
    np.testing.assert_array_equal(values, ramp(12))
    assert not is_trimmed(notes)


def rle_of(*planes, surplus=(b"", b"")):
    segments = [imagecodecs.packbits_encode(plane) + more for plane, more in zip(planes, surplus, strict=True)]
    starts = [64 + sum(map(len, segments[:i])) for i in range(len(segments))]
    head = np.array([len(segments), *starts, *[0] * (15 - len(starts))], dtype="<u4").tobytes()
    return head + b"".join(segments)


@pytest.mark.parametrize(
    "surplus",
    [(b"", b"\x00\x07"), (b"\x00\x07", b""), (b"", b"\x81\x00" * 1000), (b"\x03abcd", b"\x7f" + bytes(128))],
    ids=["one value", "one value in the first segment", "128,000 values", "both"],
)
def test_an_rle_segment_that_goes_on_is_cut_behind_its_last_pixel(stored, surplus):
    values = ramp(12)
    planes = (values >> 8).astype(np.uint8).tobytes(), (values & 255).astype(np.uint8).tobytes()
    found, notes = stored(with_frame(header(), rle_of(*planes, surplus=surplus), syntax=uid.RLELossless))
    np.testing.assert_array_equal(found, values)
    assert is_trimmed(notes)


def test_surplus_begins_behind_a_packet():
    """A run of 128 and a literal of 100, after a control byte that means nothing."""
    segment = b"\x80" + b"\x81\x05" + bytes([99]) + bytes(range(100))
    head = np.array([1, 64, *[0] * 14], dtype="<u4").tobytes()

    def decode(n_rows, n_columns, behind=b""):
        frame = memoryview(head + segment + behind)
        return decode_rle(frame, (n_rows, n_columns), 1, imagecodecs.packbits_decode)

    pixels, has_surplus = decode(19, 12, b"\x05garbage")
    assert pixels.ravel().tolist() == [5] * 128 + list(range(100)) and has_surplus
    assert decode(8, 16)[1]
    pixels, has_surplus = decode(227, 1)  # one value too long
    assert pixels.ravel().tolist() == [5] * 128 + list(range(99)) and has_surplus
    with pytest.raises(Refusal, match="reaches over the last pixel"):
        decode(20, 10)
    with pytest.raises(Refusal, match="reaches over the last pixel"):
        decode(227, 1, b"more")
    with pytest.raises(Refusal, match="fewer pixels"):
        decode(20, 12)


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian], **NAMED)
def test_native_pixels_may_be_followed_by_more(stored, syntax):
    values, notes = stored(with_pixels(header(), ramp(12).astype("<u2").tobytes() + b"more", syntax=syntax))
    np.testing.assert_array_equal(values, ramp(12))
    assert is_trimmed(notes)
    assert not is_trimmed(stored(encode(ramp(12), syntax=syntax))[1])


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless, uid.JPEG2000Lossless], **NAMED)
def test_a_file_may_go_on_with_what_is_no_element(stored, syntax):
    values, notes = stored(encode(ramp(12), syntax=syntax) + b"\x10\0\x20\0OB\0\0\xff\xff\0\0 not there")
    np.testing.assert_array_equal(values, ramp(12))
    assert is_trimmed(notes)


@pytest.mark.parametrize("syntax", COMPRESSED, **NAMED)
def test_a_sequence_of_fragments_may_lack_its_end(stored, syntax):
    values, notes = stored(encode(ramp(12), syntax=syntax)[:-8])
    np.testing.assert_array_equal(values, ramp(12))
    assert is_trimmed(notes)


@pytest.mark.parametrize("syntax", [uid.JPEG2000Lossless, uid.HTJ2KLossless], **NAMED)
def test_a_stream_whose_tiles_are_whole_needs_no_end_marker(stored, syntax):
    stream = frame(ramp(12), syntax=syntax)
    assert stream[-2:] == b"\xff\xd9"
    values, notes = stored(with_frame(header(), stream[:-2], syntax=syntax))
    np.testing.assert_array_equal(values, ramp(12))
    assert any("no end marker" in note for note in notes)


@pytest.mark.parametrize("syntax", [uid.JPEG2000Lossless, uid.HTJ2KLossless], **NAMED)
@pytest.mark.parametrize("behind", [b"", b"more"], ids=["two bytes less", "a part that says less than it has"])
def test_tiles_that_end_elsewhere_than_they_say_are_damage(write, syntax, behind):
    stream = bytearray(frame(ramp(12), syntax=syntax))
    if behind:  # the part claims to be shorter, and there is no end marker to tell
        place = stream.index(b"\xff\x90") + 6
        length = int.from_bytes(stream[place : place + 4], "big") - 20
        stream[place : place + 4] = length.to_bytes(4, "big")
        del stream[-2:]
    else:  # the end marker moves into the part
        del stream[-30:-28]
    found = read_mammogram(write(with_frame(header(), bytes(stream), syntax=syntax)))
    assert isinstance(found, Failed) and "do not end where they say" in found.detail, found


def test_a_last_tile_part_of_open_length_ends_with_the_marker(stored):
    stream = bytearray(frame(ramp(12), syntax=uid.JPEG2000Lossless))
    start = stream.index(b"\xff\x90")
    stream[start + 6 : start + 10] = bytes(4)
    values, notes = stored(with_frame(header(), bytes(stream) + b"behind", syntax=uid.JPEG2000Lossless))
    np.testing.assert_array_equal(values, ramp(12))
    assert is_trimmed(notes)


@pytest.mark.parametrize(
    ("syntax", "cut", "cause"),
    [
        (uid.JPEGLSLossless, -2, "no end marker: it is cut off"),
        (uid.JPEGLosslessSV1, -2, "no end marker: it is cut off"),
        (uid.JPEG2000Lossless, -40, "cut off"),
        (uid.RLELossless, -40, "fewer pixels than Rows x Columns"),
        (uid.JPEGLosslessSV1, 120, "shorter than its size can be"),
    ],
    ids=lambda value: uid.UID(value).keyword if str(value).startswith("1.2") else str(value),
)
def test_missing_pixels_are_the_cause_that_is_named(write, syntax, cut, cause):
    found = read_mammogram(write(with_frame(header(), frame(ramp(12), syntax=syntax)[:cut], syntax=syntax)))
    assert isinstance(found, Failed) and found.reason == "damaged" and cause in found.detail, found


@pytest.mark.parametrize(
    ("attributes", "cause"),
    [
        ({"BitsAllocated": 32}, "BitsAllocated 32 is not one of 8, 16"),
        ({"BitsStored": 17}, "BitsStored 17 is above BitsAllocated 16"),
        ({"HighBit": 3}, "HighBit 3 is not one of 11 to 15"),
        ({"Rows": 47}, "state different sizes"),
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, "has 12 bits, BitsAllocated says 8"),
    ],
)
def test_what_does_not_fit_is_named(write, attributes, cause):
    stream = frame(ramp(12), syntax=uid.JPEGLSLossless)
    found = read_mammogram(write(with_frame(header(**attributes), stream, syntax=uid.JPEGLSLossless)))
    assert not isinstance(found, Mammogram) and cause in found.detail, found


def test_rle_segments_that_do_not_fit_the_bits_are_named(write):
    stream = frame(ramp(8), syntax=uid.RLELossless, bits=8)
    found = read_mammogram(write(with_frame(header(bits=12), stream, syntax=uid.RLELossless)))
    assert "another number of segments than the 2 that BitsAllocated asks for" in found.detail


@pytest.mark.shared
@pytest.mark.parametrize("name", ["j2k_bytes_behind_the_end", "rle_segment_one_value_long"])
def test_known_files_with_surplus_are_read(name):
    """The cases where they are; each kind is made above as well."""
    path = CASES / f"{name}.dcm"
    if not path.exists():
        pytest.skip("the cases are not here")
    found = read_mammogram(path)
    assert isinstance(found, Mammogram) and is_trimmed(found.notes)
    assert found.pixels.max() == pytest.approx((2908 - 2047.5) / 4095 + 0.5, abs=1e-6)
    assert found.pixels.mean() == pytest.approx(0.17245626, abs=1e-6)  # all of its pixels, by its stored values
