"""Bounds that hold before anything large is allocated."""

from __future__ import annotations

import os
import struct
import time
from io import BytesIO

import dicom_bombs
import dicom_corpus
import dicom_encoders
import numpy as np
import pytest
from PIL import Image
from pydicom import uid

from monai_mammo.dicom import Limits, SkipReason, read_mammogram
from monai_mammo.dicom.reading.guards import file_bytes, parse
from monai_mammo.dicom.reading.streams import jpeg2000_header, jpeg_header
from monai_mammo.dicom.reasons import Refusal

SOUND = dicom_corpus.mammogram(1)


def refused(work, *arguments):
    with pytest.raises(Refusal) as caught:
        work(*arguments)
    return caught.value.reason, caught.value.detail


def test_a_file_is_read_up_to_its_limit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert file_bytes(path, Limits(file_bytes=5)) == b"12345"
    assert refused(file_bytes, path, Limits(file_bytes=4)) == (
        SkipReason.TOO_LARGE,
        "the file has more than 4 bytes",
    )


def test_only_regular_files_are_opened(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # opening it would wait for a writer, for ever
    for path in (pipe, tmp_path, tmp_path / "absent", tmp_path / ("x" * 300), tmp_path / "nul\0"):
        assert refused(file_bytes, path, Limits())[0] is SkipReason.UNREADABLE
    link = tmp_path / "link"
    link.symlink_to(link)
    assert refused(file_bytes, link, Limits())[0] is SkipReason.UNREADABLE


@pytest.mark.parametrize("syntax", dicom_encoders.NATIVE, ids=lambda syntax: syntax.keyword)
def test_sound_files_pass_with_their_elements(syntax):
    dataset = parse(dicom_corpus.mammogram(1, syntax=syntax), Limits())
    assert dataset.Rows == 48 and dataset.ViewCodeSequence[0].CodeMeaning == "medio-lateral oblique"


def test_elements_are_counted_wherever_they_stand():
    limits = Limits(elements=300)
    for elements in (50, 250):
        assert parse(dicom_bombs.many_elements(elements), limits).Rows == 48
    reason, words = refused(parse, dicom_bombs.many_elements(1000), limits)
    assert (reason, words) == (SkipReason.TOO_LARGE, "the header has more elements than are read")
    assert parse(dicom_bombs.items(200), limits).Rows == 48
    for bomb in (
        dicom_bombs.items(1001, length=0xFFFFFFFF),
        dicom_bombs.items(1001),
        dicom_bombs.items(1001, syntax=uid.ImplicitVRLittleEndian),
        dicom_bombs.many_fragments(1001),
        dicom_bombs.with_file_meta_of(14 * 1001),
    ):
        assert refused(parse, bomb, limits)[0] is SkipReason.TOO_LARGE


def test_items_are_counted_in_both_byte_orders():
    value = b"\xff\xfe\xe0\x00" + bytes(4)
    data = dicom_encoders.with_pixels(dicom_encoders.header(), b"", syntax=uid.ExplicitVRBigEndian)
    start = data[: data.rindex(b"\x7f\xe0\x00\x10")]
    data = start + struct.pack(">HH2sHI", 0x54, 0x220, b"SQ", 0, 8 * 1001) + value * 1001
    assert refused(parse, data, Limits(elements=300))[0] is SkipReason.TOO_LARGE


def test_long_texts_are_refused_before_they_are_split():
    for tag in ((0x0028, 0x1050), (0x0008, 0x0008), (0x0028, 0x0008)):
        data = dicom_bombs.long_text(tag, b"1\\" * 40_000)
        start = time.process_time()
        reason, words = refused(parse, data, Limits())
        assert reason is SkipReason.TOO_LARGE and "more than 65536 bytes" in words
        assert time.process_time() - start < 1
        assert parse(dicom_bombs.long_text(tag, b"1\\" * 30_000), Limits()).Rows == 48
    # long values that nobody splits: the pixels, private bytes
    private = dicom_bombs.long_text((0x0031, 0x1010), b"1\\" * 40_000)
    assert parse(private, Limits()).Rows == 48


def test_nesting_ends_with_a_code_and_in_time():
    start = time.process_time()
    for depth in (500, 50_000):
        for vr in (b"SQ", b"UN"):
            assert refused(parse, dicom_bombs.nested(depth, vr), Limits())[0] is SkipReason.DAMAGED
    assert time.process_time() - start < 5


def test_deflated_files_are_inflated_up_to_the_limit():
    sound = dicom_corpus.mammogram(1, syntax=uid.DeflatedExplicitVRLittleEndian)
    assert parse(sound, Limits()).Rows == 48
    for data, limits, reason in (
        (sound, Limits(inflated_bytes=5000), SkipReason.TOO_LARGE),
        (sound[:-40], Limits(), SkipReason.DAMAGED),
        (sound[:300] + b"\xff\xff" + sound[302:], Limits(), SkipReason.DAMAGED),
        (dicom_bombs.deflated(8 * 2**20), Limits(inflated_bytes=2**20), SkipReason.TOO_LARGE),
    ):
        assert refused(parse, data, limits)[0] is reason


def test_a_frame_shorter_than_its_size_can_be():
    for syntax, check in (
        (uid.JPEGLossless, jpeg_header),
        (uid.JPEGLosslessSV1, jpeg_header),
        (uid.JPEGLSLossless, jpeg_header),
        (uid.JPEG2000Lossless, jpeg2000_header),
        (uid.HTJ2KLossless, jpeg2000_header),
    ):
        frame = dicom_encoders.frame(dicom_encoders.ramp(12), syntax=syntax)
        assert (check(frame).rows, check(frame).columns) == (48, 64)
        if check is jpeg_header:
            lying = dicom_bombs.resized(frame, 60000, 60000)
            assert "shorter than its size can be" in refused(check, lying)[1]
        else:
            assert "cut off" in refused(check, frame[: len(frame) // 2])[1]


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_the_smallest_true_frames_pass(bits):
    """Blank images, which compress best, are not taken for frames that are cut off."""
    blank = dicom_encoders.ramp(bits, shape=(512, 384)) * 0
    for syntax in dicom_bombs.COMPRESSED:
        if syntax == uid.RLELossless:
            continue
        check = jpeg2000_header if "2" in syntax.keyword else jpeg_header
        assert check(dicom_encoders.frame(blank, syntax=syntax, bits=bits)).rows == 512
    assert jpeg_header(dicom_encoders.frame(blank, syntax=uid.JPEGBaseline8Bit, bits=8)).rows == 512


def test_tiles_are_all_there(write):
    for size, words in ((7996, "not possible"), (2016, "cut off")):
        stream = dicom_bombs.tiles(uid.JPEG2000Lossless, size)
        frame = stream[stream.index(b"\xff\x4f\xff\x51") :]
        assert words in refused(jpeg2000_header, frame)[1]
    values = dicom_encoders.ramp(8)
    buffer = BytesIO()
    picture = Image.fromarray(values.astype(np.uint8))
    picture.save(buffer, "JPEG2000", tile_size=(16, 16), no_jp2=True)
    tiled = buffer.getvalue()
    assert tiled.count(b"\xff\x90") >= 12
    data = dicom_encoders.with_frame(dicom_encoders.header(bits=8), tiled, syntax=uid.JPEG2000Lossless)
    assert np.array_equal(read_mammogram(write(data)).pixels, (values / 255).astype(np.float32))
    last = tiled.rindex(b"\xff\x90")
    assert "cut off" in refused(jpeg2000_header, tiled[:last] + b"\xff\xd9")[1]


@pytest.mark.parametrize("syntax", [uid.JPEG2000, uid.HTJ2K, uid.HTJ2KLossless], ids=lambda syntax: syntax.keyword)
def test_no_more_bit_planes_than_decoders_bear(syntax):
    """OpenJPH crashes on 31 bit planes."""
    frame = dicom_encoders.frame(dicom_encoders.ramp(16), syntax=syntax, bits=16)
    place = frame.index(b"\xff\x5c")
    n_bytes, guard_bits = int.from_bytes(frame[place + 2 : place + 4], "big"), frame[place + 4] >> 5
    for step in range(place + 5, place + 2 + n_bytes, 2 if frame[place + 4] & 31 else 1):
        for exponent in range(32):
            changed = frame[:step] + bytes([exponent << 3 | frame[step] & 7]) + frame[step + 1 :]
            if guard_bits + exponent - 1 > 30:
                assert "quantisation" in refused(jpeg2000_header, changed)[1]
            else:
                assert jpeg2000_header(changed).rows == 48
    # the same segment before the data of a tile
    tile = frame.index(b"\xff\x90")
    own = b"\xff\x5c\x00\x04\x20\xf8"
    length = int.from_bytes(frame[tile + 6 : tile + 10], "big") + len(own)
    changed = frame[: tile + 6] + length.to_bytes(4, "big") + frame[tile + 10 : tile + 12] + own + frame[tile + 12 :]
    assert "quantisation" in refused(jpeg2000_header, changed)[1]
    assert jpeg2000_header(changed.replace(own, own[:-1] + b"\xf0")).rows == 48
