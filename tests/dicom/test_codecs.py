"""Frames that do not fit their header, are cut off or have no decoder end with a code; sound ones: test_matrix."""

from __future__ import annotations

import sys

import imagecodecs
import numpy as np
import pytest
from dicom_encoders import LOSSLESS, LOSSY_ERRORS, NATIVE, encode, frame, header, pixels_of, ramp, smooth, with_frame
from pydicom import uid

from monai_mammo.dicom import read_mammogram
from monai_mammo.dicom.reading.codecs import decode, pixel_format
from monai_mammo.dicom.reading.guards import Limits, parse
from monai_mammo.dicom.reasons import Failed, Refusal, SkipReason
from monai_mammo.dicom.writing.store import dataset_bytes
from monai_mammo.study import Mammogram

COMPRESSED = [syntax for syntax in (*LOSSLESS, *LOSSY_ERRORS) if syntax not in NATIVE]
NAMED = {"ids": lambda s: uid.UID(s).keyword}


def compressed(stream, syntax, *, bits=12, shape=(48, 64)):
    return parse(with_frame(header(shape, bits=bits), stream, syntax=syntax), Limits())


def test_a_lossy_stream_that_overshoots_is_clipped_not_wrapped():
    pixels = np.full((48, 64), 4100, dtype=np.uint16)  # 12 bits stored hold 4095
    dataset = compressed(imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True), uid.JPEG2000)
    assert (decode(dataset, pixel_format(dataset, Limits())) == 4095).all()


def refusal(dataset):
    with pytest.raises(Refusal) as caught:
        decode(dataset, pixel_format(dataset, Limits()))
    return caught.value.reason


def big(frame, offset, value=60000):
    return frame[:offset] + value.to_bytes(2, "big") + frame[offset + 2 :]


def test_streams_that_contradict_the_header_reach_no_decoder():
    values = pixels_of(ramp(12), 12)
    j2k = imagecodecs.jpeg2k_encode(values, level=0, reversible=True, bitspersample=12)
    jls = imagecodecs.jpegls_encode(values)
    ljpeg = frame(ramp(12), syntax=uid.JPEGLosslessSV1)
    siz = j2k.index(b"\xff\x51")

    def changed(field, value):
        at = siz + 6 + 4 * field
        return j2k[:at] + value.to_bytes(4, "big") + j2k[at + 4 :]

    streams = {
        "j2k columns": (changed(0, 60000), uid.JPEG2000Lossless),
        "j2k offset": (changed(2, 0xFFFFFF7F), uid.HTJ2KLossless),
        "j2k tile of no width": (changed(4, 0), uid.JPEG2000Lossless),
        "j2k components": (j2k[: siz + 38] + b"\0\3" + j2k[siz + 40 :], uid.JPEG2000Lossless),
        "jls rows": (big(jls, jls.index(b"\xff\xf7") + 5), uid.JPEGLSLossless),
        "ljpeg rows": (big(ljpeg, ljpeg.index(b"\xff\xc3") + 5), uid.JPEGLosslessSV1),
        "ljpeg under the name of JPEG-LS": (ljpeg, uid.JPEGLSLossless),
        "no stream at all": (b"\0" * 64, uid.JPEG2000Lossless),
        "half a header": (jls[:9], uid.JPEGLSLossless),
    }
    for name, (stream, syntax) in streams.items():
        assert refusal(compressed(stream, syntax)) is SkipReason.DAMAGED, name


def rle(*segments, offsets=None, count=None):
    starts, position = [], 64
    for segment in segments:
        starts.append(position)
        position += len(segment)
    starts = offsets or starts
    fields = [len(segments) if count is None else count, *starts, *[0] * (15 - len(starts))]
    return np.array(fields, dtype="<u4").tobytes() + b"".join(segments)


def test_rle_is_checked_before_and_while_it_is_unpacked():
    plane = imagecodecs.packbits_encode(bytes(48 * 64))
    bomb = b"\x81\x00" * 100000  # 2 bytes for 128, four thousand times the frame
    frames = {
        "too few segments": rle(plane),
        "segment count": rle(plane, plane, count=3),
        "offset past the end": rle(plane, plane, offsets=[64, 10**6]),
        "offsets that fall": rle(plane, plane, offsets=[64, 64]),
        "offset into the header": rle(plane, plane, offsets=[8, 64 + len(plane)]),
        "too short": rle(plane, plane[:10]),
        "header cut off": rle(plane, plane)[:40],
    }
    for name, stream in frames.items():
        assert refusal(compressed(stream, uid.RLELossless)) is SkipReason.DAMAGED, name
    for segment in (plane, bomb):  # what a segment holds behind the last pixel is not unpacked
        good = compressed(rle(plane, segment), uid.RLELossless)
        assert not decode(good, pixel_format(good, Limits())).any()


def test_a_scan_header_that_sequential_jpeg_forbids_is_refused_by_policy():
    """As in MG1_JPLY: one scan that claims to end at coefficient 0."""
    sound = imagecodecs.jpeg8_encode(np.zeros((48, 64), dtype=np.uint8))
    scan = sound.index(b"\xff\xda")
    length = int.from_bytes(sound[scan + 2 : scan + 4], "big")
    end = scan + 2 + length
    assert sound[end - 3 : end] == b"\x00\x3f\x00"
    broken = sound[: end - 2] + b"\x00" + sound[end - 1 :]
    assert refusal(compressed(broken, uid.JPEGBaseline8Bit, bits=8)) is SkipReason.NONCONFORMING_STREAM
    good = compressed(sound, uid.JPEGBaseline8Bit, bits=8)
    assert decode(good, pixel_format(good, Limits())).max() <= 1


def test_unknown_syntax_and_impossible_pixels_have_their_codes(make_dataset):
    video = compressed(b"\0" * 64, uid.MPEG2MPML)
    assert refusal(video) is SkipReason.UNSUPPORTED_TRANSFER_SYNTAX
    pixels = np.zeros((48, 64), dtype=np.int64)
    cases = [
        ({"Rows": 60000, "Columns": 60000}, SkipReason.TOO_LARGE),
        ({"Rows": 49}, SkipReason.DAMAGED),
        ({"Rows": 0}, SkipReason.DAMAGED),
        ({"Columns": None}, SkipReason.DAMAGED),
        ({"BitsAllocated": 32}, SkipReason.UNSUPPORTED_PIXELS),
        ({"BitsStored": 17}, SkipReason.UNSUPPORTED_PIXELS),
        ({"HighBit": 3}, SkipReason.UNSUPPORTED_PIXELS),
        ({"Rows": 4}, SkipReason.UNSUPPORTED_PIXELS),
    ]
    for attributes, reason in cases:
        dataset = parse(dataset_bytes(make_dataset(pixels, **attributes)), Limits())
        assert refusal(dataset) is reason, attributes


@pytest.mark.parametrize("syntax", COMPRESSED, **NAMED)
def test_a_frame_that_is_cut_off_never_becomes_half_a_picture(write, syntax):
    """libjpeg and OpenJPEG would fill the rest with grey, CharLS would read on for minutes."""
    bits = 8 if syntax == uid.JPEGBaseline8Bit else 12
    stream = frame(smooth(bits), syntax=syntax, bits=bits)
    assert isinstance(read_mammogram(write(with_frame(header(bits=bits), stream, syntax=syntax))), Mammogram)
    for end in (len(stream) // 2, len(stream) * 9 // 10, len(stream) - 4):
        found = read_mammogram(write(with_frame(header(bits=bits), stream[:end], syntax=syntax)))
        assert isinstance(found, Failed) and found.reason is SkipReason.DAMAGED, (end, found)


@pytest.mark.parametrize("blocked", ["imagecodecs", "imagecodecs.{}"], ids=["no package", "a build without it"])
@pytest.mark.parametrize("syntax", COMPRESSED, **NAMED)
def test_a_missing_codec_names_its_package(monkeypatch, write, syntax, blocked):
    bits = 8 if syntax == uid.JPEGBaseline8Bit else 12
    path = write(encode(smooth(bits), syntax=syntax, bits=bits))
    extensions = {
        uid.RLELossless: "_imcd",
        uid.JPEGLSLossless: "_jpegls",
        uid.JPEGLSNearLossless: "_jpegls",
        uid.JPEG2000Lossless: "_jpeg2k",
        uid.JPEG2000: "_jpeg2k",
        uid.HTJ2KLossless: "_htj2k",
        uid.HTJ2KLosslessRPCL: "_htj2k",
        uid.HTJ2K: "_htj2k",
    }
    for name in [name for name in sys.modules if name.split(".")[0] == "imagecodecs"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, blocked.format(extensions.get(syntax, "_jpeg8")), None)
    found = read_mammogram(path)
    assert isinstance(found, Failed) and found.reason is SkipReason.MISSING_CODEC, found
    assert uid.UID(syntax).name[:20] in found.detail and "package imagecodecs, 2026" in found.detail


def test_native_files_need_no_codec(monkeypatch, write):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    for syntax in NATIVE:
        assert isinstance(read_mammogram(write(encode(smooth(12), syntax=syntax))), Mammogram)
