"""Pixels in place: the parser's own copy is what they are compared with."""

from __future__ import annotations

import hashlib
import threading

import dicom_corpus
import numpy as np
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate, get_frame

from monai_mammo.dicom import Limits
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.reading import guards
from monai_mammo.dicom.reading.fragments import fragments, frame
from monai_mammo.dicom.reasons import Refusal

FRAME = bytes(range(256)) * 4
COMPRESSED = (uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.HTJ2KLossless, uid.JPEGLosslessSV1)
NATIVE = (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.DeflatedExplicitVRLittleEndian)


@pytest.mark.parametrize("n_fragments", [1, 2, 5])
@pytest.mark.parametrize("has_bot", [False, True])
def test_a_frame_is_what_the_parser_joins(n_fragments, has_bot):
    value = encapsulate([FRAME], fragments_per_frame=n_fragments, has_bot=has_bot)
    assert bytes(frame(value)) == get_frame(value, 0, number_of_frames=1) == FRAME


def test_one_fragment_is_not_copied():
    value = encapsulate([FRAME])
    assert frame(value).obj is value


def test_a_frame_whose_offset_is_not_zero_is_left_to_the_parser():
    first, second = (b"\xfe\xff\x00\xe0\x08\0\0\0" + content * 8 for content in (b"a", b"b"))
    value = b"\xfe\xff\x00\xe0\x04\0\0\0\x10\0\0\0" + first + second
    assert bytes(frame(value)) == b"b" * 8


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\x09\0\0\0abcdefgh", "an item ends behind the data"),
        (b"\xfe\xff\x00\xe0\0\0", "a length is cut"),
        (b"\xfe\xff\x01\xe0\0\0\0\0", "a tag is none"),
        (b"\xfe\xff\x00\xe0\0\0\0\0" * 5, "there are five"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_forms_are_not_taken(value, why):
    assert fragments(memoryview(value), most=4) is None


def test_items_end_at_the_delimiter():
    value = b"xx" + encapsulate([FRAME]) + b"\xfe\xff\xdd\xe0\0\0\0\0" + b"\xfe\xff\x00\xe0\0\0\0\0"
    items, end = fragments(memoryview(value), 2)
    assert [len(item) for item in items] == [4, 1024] and value[end : end + 4] == b"\xfe\xff\xdd\xe0"


@pytest.mark.parametrize("syntax", [*COMPRESSED, *NATIVE, uid.ExplicitVRBigEndian], ids=lambda syntax: syntax.keyword)
def test_pixels_at_the_end_of_a_file_stay_where_they_are(syntax):
    data = dicom_corpus.mammogram(1, syntax=syntax)
    dataset = guards.parse(data, Limits())
    value = dataset.PixelData
    assert isinstance(value, memoryview)
    assert value.obj is data or syntax == uid.DeflatedExplicitVRLittleEndian
    assert bytes(value) == copied(data).PixelData
    assert dataset["PixelData"].VR == copied(data)["PixelData"].VR


def test_what_comes_behind_the_pixels_is_read_as_well():
    data = dicom_corpus.mammogram(1, syntax=uid.RLELossless) + b"\xfc\xff\xfc\xffOB\0\0\x04\0\0\0abcd"
    dataset = guards.parse(data, Limits())
    assert dataset.DataSetTrailingPadding == b"abcd" and isinstance(dataset.PixelData, bytes)


def test_pixels_that_call_themselves_a_sequence_are_left_to_the_parser():
    data = dicom_corpus.mammogram(1, syntax=uid.RLELossless).replace(b"\xe0\x7f\x10\0OB", b"\xe0\x7f\x10\0SQ")
    with pytest.raises(Refusal):
        guards.parse(data, Limits())


@pytest.mark.parametrize("shard", range(4))
def test_damaged_files_give_what_the_parser_gives(shard, monkeypatch):
    """Elements, values and refusals are those of a parser that copies, whatever the damage before and in the pixels."""
    n_in_place = 0
    for number in range(shard * 100, shard * 100 + 100):
        data = dicom_corpus.mutant(number)[2]
        here = outcome(data)
        with monkeypatch.context() as patch:
            patch.setattr(guards, "_with_pixels_in_place", lambda *_, **__: None)
            there = outcome(data)
        if here[:2] != there[:2]:  # whole pixels with damage behind them, which the parser takes for elements
            assert here[0] == "parsed" and here[2] and set(here[1]) <= {*there[1], 0x7FE00010}, number
        n_in_place += here[2]
    assert n_in_place > 20


def copied(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guards, "_with_pixels_in_place", lambda *_, **__: None)
        return guards.parse(data, Limits())


def outcome(data):
    try:
        with suppress_pydicom_messages():
            dataset = guards.parse(data, Limits())
    except Refusal as refusal:
        return str(refusal.reason), refusal.detail, False
    raw = {int(tag): element for tag, element in dataset.items()}
    values = {tag: (element.VR, plain(element.value)) for tag, element in raw.items()}
    return "parsed", values, isinstance(raw.get(0x7FE00010) and raw[0x7FE00010].value, memoryview)


def plain(value):
    return bytes(value) if isinstance(value, memoryview) else repr(value) if not isinstance(value, bytes) else value


@pytest.mark.parametrize("size", [10, 3 * 2**20])
def test_bytes_are_hashed_beside_other_work(size, monkeypatch):
    data = np.random.default_rng(size).bytes(size)
    known = hashlib.sha256(data).hexdigest()
    n_before = threading.active_count()
    value = guards.sha256_beside(data)
    assert value() == value() == known
    assert threading.active_count() == n_before
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    assert guards.sha256_beside(data)() == known


def no_thread(self):
    raise RuntimeError("can't start new thread")
