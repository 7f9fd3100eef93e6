"""Nothing of a person comes through, whatever attribute it hides in, and what is kept stays bit for bit."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import dicom_encoders as encoders
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread, uid
from pydicom.datadict import DicomDictionary, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.tag import Tag

from monai_mammo.dicom import Deidentified, deidentify, deidentify_file, read_mammogram
from monai_mammo.dicom.deidentification.dataset import DeidentificationPolicy
from monai_mammo.dicom.deidentification.kept import KEPT
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.reading.codecs import decode, pixel_format
from monai_mammo.dicom.reading.guards import Limits
from monai_mammo.dicom.reasons import Refusal
from monai_mammo.dicom.writing.store import dataset_bytes
from monai_mammo.errors import RequestError
from monai_mammo.study import Mammogram

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "dicom"
SECRET, OTHER_SECRET = b"a secret of the hospital", b"another of 16 bytes"
NAMES = ("SECRETNAME", "MÜLLERSECRET", "山田太郎秘密")
ENCODINGS = ("ascii", "latin-1", "utf-8", "utf-16-le", "utf-16-be", "iso2022_jp", "shift_jis", "euc_jp", "gb18030")
TEXTS = ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT")


@pytest.fixture(autouse=True)
def _no_messages_of_pydicom():
    """What pydicom says of the values that the tests write is no matter here."""
    with suppress_pydicom_messages():
        yield


def _encoded(name):
    for encoding in ENCODINGS:
        try:
            yield name.encode(encoding)
        except UnicodeEncodeError:
            continue


MARKERS = sorted({marker for name in NAMES for marker in _encoded(name)})


def found_in(data):
    """Names, in any encoding, that stand in bytes."""
    return [marker for marker in MARKERS if marker in data]


def raw(tag, representation, value):
    """Element as a parser finds it: no value is checked."""
    value += b"\0" * (len(value) % 2)
    return RawDataElement(Tag(tag), representation, len(value), value, 0, False, True)


def base(**attributes):
    """Captured mammogram with native pixels of 12 bits, as a parser gives it."""
    fields = {"PatientID": "4711", "PatientName": "SECRETNAME^EVA", "StudyInstanceUID": "1.2.3", **attributes}
    return dcmread(BytesIO(encoders.encode(encoders.ramp(12), **fields)))


def deidentified(data, tmp_path, name="new.dcm", **arguments):
    """Bytes of the new file, and its record."""
    source = tmp_path / "source.dcm"
    source.write_bytes(data)
    record = deidentify_file(source, tmp_path / name, **{"secret": SECRET, **arguments})
    assert isinstance(record, Deidentified), record
    return (tmp_path / name).read_bytes(), record


def stored(data):
    """Stored pixel values of a file."""
    dataset = dcmread(BytesIO(data))
    form = pixel_format(dataset, Limits())
    return decode(dataset, form).astype(np.int64) & (2 ** (form.high_bit + 1) - 1)


# what goes


def _needed(tag):
    """Attributes without which there is no file, or no picture, to de-identify."""
    group, keyword = tag >> 16, keyword_for_tag(tag)
    return group in (0, 2, 0xFFFE) or keyword in (
        *("SOPClassUID", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
        *("SamplesPerPixel", "NumberOfFrames", "PixelData", "BurnedInAnnotation"),
        "SpecificCharacterSet",  # the parser looks it up, and cannot write what it does not know
    )


def _stuffed(marker):
    """The base with a name in each attribute of the standard, at the top and in items, and in private ones."""
    dataset, item, kept_item = base(), Dataset(), Dataset()
    for tag, (representation, *_) in DicomDictionary.items():
        if _needed(tag) or representation == "SQ":
            continue
        # the parser cannot write text as a number, but reads text under the tag of one
        dataset[tag] = kept_item[tag] = raw(tag, representation if representation in TEXTS else "LO", marker)
    for tag in (0x00091001, 0x60000022, 0x60003000, 0x50000010, 0x00200001, 0x00100013, 0xFFFCFFFC, 0x00104000):
        item[tag] = dataset[tag] = kept_item[tag] = raw(tag, "UN", marker)
    for tag, (representation, *_) in DicomDictionary.items():
        if representation == "SQ":
            dataset.add_new(tag, "SQ", [kept_item if keyword_for_tag(tag) in KEPT else item])
    return dataset


@pytest.mark.parametrize("marker", [b"SECRETNAME", *(pytest.param(m, marks=pytest.mark.slow) for m in MARKERS[1:])])
def test_a_name_in_every_attribute_of_the_standard_goes(marker, tmp_path):
    data = dataset_bytes(_stuffed(marker)).replace(b"\0" * 128, marker.ljust(128, b"\0"), 1) + marker * 3
    assert data.count(marker) > 10_000, "the test writes the name; the parser strips some endings of it"
    new, record = deidentified(data, tmp_path)
    assert not found_in(new)
    assert not found_in(repr(record).encode())
    assert np.array_equal(stored(new), encoders.ramp(12))
    assert {"private", "overlays and curves", "text", "names", "UIDs", "unknown"} <= set(record.removed)


tags = st.one_of(
    st.sampled_from([tag for tag in DicomDictionary if not _needed(tag) and DicomDictionary[tag][0] != "SQ"]),
    st.sampled_from([int(tag_for_keyword(keyword)) for keyword in KEPT if not _needed(tag_for_keyword(keyword))]),
    st.integers(0x00080000, 0x7FDFFFFF).filter(lambda tag: not _needed(tag)),
)
sequences = st.sampled_from([int(tag_for_keyword(k)) for k in KEPT if dictionary_VR(k) == "SQ"] + [0x00081140])
values = st.tuples(st.sampled_from(MARKERS), st.sampled_from([b"", b"1\\", b"MLO\0", b"YES\\", b"  "]))
attributes = st.lists(st.tuples(tags, st.sampled_from((*TEXTS, "UN", "OB", "OW")), values), max_size=12)
items = st.recursive(attributes, lambda inner: st.tuples(attributes, st.lists(st.tuples(sequences, inner), max_size=3)))


def _fill(dataset, content):
    own, nested = content if isinstance(content, tuple) else (content, [])
    for tag, representation, (marker, before) in own:
        # the parser looks a UN up, and cannot write what its table leaves open, "OB or OW"
        is_open = representation == "UN" and " or " in DicomDictionary.get(tag, ("",))[0]
        dataset[tag] = raw(tag, "OB" if is_open else representation, before + marker)
    for tag, inner in nested:
        item = Dataset()
        _fill(item, inner)
        dataset.add_new(tag, "SQ", [item])


@settings(max_examples=40)
@given(content=items)
def test_no_name_comes_through_wherever_it_stands(content):
    dataset = base()
    _fill(dataset, content)
    new = dataset_bytes(deidentify(dcmread(BytesIO(dataset_bytes(dataset))), secret=SECRET))
    assert not found_in(new)
    assert np.array_equal(stored(new), encoders.ramp(12))
    assert dataset_bytes(deidentify(dcmread(BytesIO(new)), secret=SECRET)) == new


def test_a_name_in_a_look_up_table_or_beside_one_goes(tmp_path):
    dataset, item = base(), Dataset()
    item.LUTDescriptor, item.LUTExplanation = [4, 0, 16], "SECRETNAME"
    item.add_new("LUTData", "OW", b"\0\1\2\3\4\5\6\7SECRETNAME")
    dataset.VOILUTSequence = [item]
    dataset.add_new("LUTData", "OW", b"SECRETNAME")
    assert not found_in(deidentified(dataset_bytes(dataset), tmp_path)[0])


def test_preamble_file_meta_and_trailing_bytes_go(tmp_path):
    dataset = base()
    dataset.preamble = b"SECRETNAME".ljust(128, b"\0")
    dataset.file_meta.SourceApplicationEntityTitle = "SECRETNAME"
    dataset.file_meta.ImplementationVersionName = "SECRETNAME"
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3"
    dataset.file_meta.PrivateInformation = b"SECRETNAME"
    dataset.DataSetTrailingPadding = b"SECRETNAME"
    data = dataset_bytes(dataset) + b"SECRETNAME"
    new, _ = deidentified(data, tmp_path)
    assert not found_in(new)
    meta = dcmread(BytesIO(new)).file_meta
    assert meta.MediaStorageSOPInstanceUID == dcmread(BytesIO(new)).SOPInstanceUID != "2.25.1"


@pytest.mark.parametrize("syntax", [*encoders.LOSSLESS, *encoders.LOSSY_ERRORS], ids=lambda s: uid.UID(s).name)
def test_pixels_stay_in_every_transfer_syntax(syntax, tmp_path):
    bits = 8 if syntax == uid.JPEGBaseline8Bit else 12
    pixels = encoders.ramp(bits) if syntax in encoders.LOSSLESS else encoders.smooth(bits)
    data = encoders.encode(pixels, syntax=syntax, bits=bits, PatientName="SECRETNAME")
    new, _ = deidentified(data, tmp_path)
    assert not found_in(new)
    assert np.array_equal(stored(new), stored(data))
    kept = uid.ExplicitVRLittleEndian if syntax == uid.DeflatedExplicitVRLittleEndian else syntax
    assert dcmread(BytesIO(new)).file_meta.TransferSyntaxUID == kept


WORDS = b"SECRETNAME " * 9
DCT = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit)
JPEG = (*DCT, uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEGLSNearLossless)
JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)


def _segment(*marker):
    return bytes([0xFF, *marker]) + (len(WORDS) + 2).to_bytes(2, "big") + WORDS


def _in_tile_part(frame, words, *, at_end):
    """Frame with bytes in its only tile-part, which is longer then."""
    start = frame.index(b"\xff\x90")
    end = frame.rindex(b"\xff\xd9")
    place = end if at_end else start + 12
    length = (end - start + len(words)).to_bytes(4, "big")
    return frame[: start + 6] + length + frame[start + 10 : place] + words + frame[place:]


def _in_boxes(frame):
    """JP2 file with a name before and behind its codestream, which DICOM does not allow and some devices write."""
    size = frame[12:16] + frame[8:12]  # height and width
    boxes = [
        (b"jP  ", b"\r\n\x87\n"),
        (b"ftyp", b"jp2 \0\0\0\0jp2 "),
        (b"jp2h", (22).to_bytes(4, "big") + b"ihdr" + size + b"\0\1\x0b\7\0\0" + b"\0\0\0\x0fcolr\1\0\0\0\0\0\x11"),
        (b"xml ", WORDS),
        (b"jp2c", frame),
        (b"uuid", WORDS),
    ]
    return b"".join((len(content) + 8).to_bytes(4, "big") + kind + content for kind, content in boxes)


JPEG_PLACES = {
    "comment": lambda frame: frame[:2] + _segment(0xFE) + frame[2:],
    "application data": lambda frame: frame[:2] + _segment(0xE1) + _segment(0xEF) + frame[2:],
    "a segment without a meaning": lambda frame: frame[:2] + _segment(0xF0) + frame[2:],
    "behind the end": lambda frame: frame + WORDS,
}
BEHIND_LAST_CODE = {"behind the last code": lambda frame: frame[: frame.rindex(b"\xff\xd9")] + WORDS + b"\xff\xd9"}
JPEG_2000_PLACES = {
    "comment": lambda frame: frame[:45] + _segment(0x64) + frame[45:],
    "behind the end": lambda frame: frame + WORDS,
    "comment of the tile": lambda frame: _in_tile_part(frame, _segment(0x64), at_end=False),
    "behind the last packet": lambda frame: _in_tile_part(frame, WORDS, at_end=True),
    "boxes": _in_boxes,
}
PLACES = [
    *((syntax, name, place) for syntax in JPEG for name, place in JPEG_PLACES.items()),
    *((syntax, name, place) for syntax in (*DCT, uid.JPEGLossless) for name, place in BEHIND_LAST_CODE.items()),
    *((syntax, name, place) for syntax in JPEG_2000 for name, place in JPEG_2000_PLACES.items()),
]


@pytest.mark.parametrize(("syntax", "name", "place"), PLACES, ids=lambda value: getattr(value, "name", str(value)[:24]))
def test_of_a_compressed_frame_the_pixels_alone_come_through(syntax, name, place, tmp_path):
    bits = 8 if syntax == uid.JPEGBaseline8Bit else 12
    pixels = encoders.ramp(bits) if syntax in encoders.LOSSLESS else encoders.smooth(bits)
    plain = encoders.frame(pixels, syntax=syntax, bits=bits)
    codestream = plain[max(0, plain.find(b"\xff\x4f\xff\x51")) : plain.rindex(b"\xff\xd9") + 2]
    data = encoders.with_frame(encoders.header(bits=bits), place(codestream), syntax=syntax)
    assert found_in(data)
    new, record = deidentified(data, tmp_path)
    assert not found_in(new)
    expected = stored(encoders.with_frame(encoders.header(bits=bits), codestream, syntax=syntax))
    assert np.array_equal(stored(new), expected)
    dataset = dcmread(BytesIO(new))
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert deidentified(new, tmp_path)[0] == new, "a second time changes nothing"
    if name in ("behind the end", "comment", "comment of the tile"):
        sort = "bytes behind the pixels" if name == "behind the end" else "comments in the stream"
        assert record.removed[sort] == 1
    is_rewritten = syntax in (uid.JPEGLSNearLossless, uid.JPEG2000, uid.HTJ2K)
    assert any("coded anew without further loss" in note for note in record.notes) == is_rewritten


def test_the_codes_of_a_lossy_jpeg_frame_stay(tmp_path):
    """What was lost once is not lost again: coefficients are not even decoded."""
    plain = encoders.frame(encoders.smooth(12), syntax=uid.JPEGExtended12Bit)
    data = encoders.with_frame(encoders.header(), JPEG_PLACES["comment"](plain), syntax=uid.JPEGExtended12Bit)
    kept = get_frame(dcmread(BytesIO(deidentified(data, tmp_path)[0])).PixelData, 0, number_of_frames=1).rstrip(b"\0")
    coded = plain[plain.index(b"\xff\xda") + 10 :]
    assert len(coded) > 500
    assert kept.endswith(coded)


def test_restart_intervals_of_a_lossy_jpeg_frame_are_followed():
    from monai_mammo.dicom.deidentification.jpeg_alone import jpeg_alone

    image = Image.fromarray(encoders.smooth(8, shape=(45, 61)).astype(np.uint8))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=90, restart_marker_blocks=5)
    frame = buffer.getvalue()
    first = frame.index(b"\xff\xd0")
    stuffed = frame[:first] + WORDS + frame[first:]
    assert frame.count(b"\xff\xd1") >= 1
    alone = jpeg_alone(stuffed, 45, 61)
    assert not found_in(alone)
    assert np.array_equal(np.asarray(Image.open(BytesIO(alone))), np.asarray(Image.open(BytesIO(frame))))
    with pytest.raises(Refusal, match="different sizes"):
        jpeg_alone(frame, 45, 62)
    with pytest.raises(Refusal, match="end before its pixels"):
        jpeg_alone(frame[:first] + frame[first + 6 :], 45, 61)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    "syntax", [s for s in encoders.LOSSLESS if s not in encoders.NATIVE], ids=lambda s: uid.UID(s).name
)
def test_every_value_of_every_depth_is_coded_anew(syntax, signed, bits, tmp_path):
    pixels = encoders.ramp(bits, signed)
    data = encoders.encode(pixels, syntax=syntax, bits=bits, signed=signed)
    new = deidentified(data, tmp_path)[0]
    assert np.array_equal(stored(new), stored(data))
    assert np.array_equal(stored(new), pixels & (2**bits - 1))


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLossless, uid.JPEGLSLossless, uid.JPEG2000Lossless])
def test_bits_beside_the_pixels_of_a_compressed_frame_go(syntax, tmp_path):
    pixels = encoders.ramp(12)
    overlay = (np.arange(pixels.size).reshape(pixels.shape) % 3 == 0) * 0xA000
    frame = encoders.frame(pixels | overlay, syntax=syntax, bits=16)
    new = deidentified(encoders.with_frame(encoders.header(bits=12), frame, syntax=syntax), tmp_path)[0]
    dataset = dcmread(BytesIO(new))
    assert np.array_equal(decode(dataset, pixel_format(dataset, Limits())), pixels)


@pytest.mark.parametrize("place", ["behind the last segment", "between the segments"])
def test_bytes_behind_and_between_the_segments_of_rle_go(place, tmp_path):
    frame = encoders.frame(encoders.ramp(12), syntax=uid.RLELossless)
    packet = bytes([len(WORDS) - 1]) + WORDS  # one that a decoder would read as pixels
    packet += b"\0" * (len(packet) % 2)
    second = int.from_bytes(frame[8:12], "little")
    if place == "behind the last segment":
        frame += packet
    else:
        frame = frame[:8] + (second + len(packet)).to_bytes(4, "little") + frame[12:second] + packet + frame[second:]
    data = encoders.with_frame(encoders.header(), frame, syntax=uid.RLELossless)
    new, _ = deidentified(data, tmp_path)
    assert found_in(data)
    assert not found_in(new)
    assert np.array_equal(stored(new), encoders.ramp(12))
    assert deidentified(new, tmp_path)[0] == new


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.JPEGLSLossless, uid.JPEG2000Lossless])
def test_bits_that_a_header_denies_and_a_reader_takes_stay(syntax, tmp_path):
    """Values of 12 bits beside BitsStored 10: which of them is right is not decided by clearing bits."""
    pixels = encoders.ramp(12)
    header = encoders.header(bits=10)
    if syntax in encoders.NATIVE:
        data = encoders.with_pixels(header, encoders.native(pixels, 12), syntax=syntax)
    else:
        data = encoders.with_frame(header, encoders.frame(pixels, syntax=syntax, bits=12), syntax=syntax)
    new, record = deidentified(data, tmp_path)
    dataset = dcmread(BytesIO(new))
    assert np.array_equal(decode(dataset, pixel_format(dataset, Limits())), pixels)
    assert dataset.BitsStored == 10
    assert any("contradicts" in note for note in record.notes)
    assert deidentified(new, tmp_path)[0] == new


CASES = ROOT.parent / "shared" / "cases" / "dicom"


@pytest.mark.shared
@pytest.mark.parametrize("path", sorted(CASES.glob("*.dcm")), ids=lambda path: path.stem)
def test_files_with_surplus_or_contradictions_show_the_same_picture(path, tmp_path):
    before = read_mammogram(path)
    record = deidentify_file(path, tmp_path / "new.dcm", secret=SECRET)
    assert isinstance(record, Deidentified), record
    after = read_mammogram(tmp_path / "new.dcm")
    assert type(before) is type(after)
    if isinstance(before, Mammogram):
        assert np.array_equal(before.pixels, after.pixels)


def test_offsets_of_segments_that_a_frame_has_not_go(tmp_path):
    frame = encoders.frame(encoders.ramp(12), syntax=uid.RLELossless)
    frame = frame[:12] + WORDS[:52] + frame[64:]
    data = encoders.with_frame(encoders.header(), frame, syntax=uid.RLELossless)
    new, record = deidentified(data, tmp_path)
    assert found_in(data)
    assert not found_in(new)
    assert record.removed["comments in the stream"] == 1
    assert np.array_equal(stored(new), encoders.ramp(12))
    assert deidentified(new, tmp_path)[0] == new


@pytest.mark.parametrize("syntax", [uid.JPEGLSLossless, uid.JPEG2000Lossless], ids=lambda s: s.name)
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_stream_that_can_not_be_searched_is_refused(syntax, share, tmp_path):
    frame = encoders.frame(encoders.ramp(12), syntax=syntax)
    data = encoders.with_frame(encoders.header(), frame[: int(len(frame) * share)], syntax=syntax)
    (tmp_path / "source.dcm").write_bytes(data)
    assert deidentify_file(tmp_path / "source.dcm", tmp_path / "new.dcm").reason == "damaged"
    assert not (tmp_path / "new.dcm").exists()


@pytest.mark.parametrize("order", [uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian], ids=["little", "big"])
@pytest.mark.parametrize("signed", [False, True])
def test_bits_beside_the_pixels_and_bytes_behind_them_go(order, signed, tmp_path):
    pixels = encoders.ramp(12, signed)
    cells = (pixels & 0x0FFF) | 0xA000
    header = encoders.header(bits=12, signed=signed)
    native = encoders.native(cells, 16, order=">" if order == uid.ExplicitVRBigEndian else "<")
    new, record = deidentified(encoders.with_pixels(header, native + b"SECRETNAME", syntax=order), tmp_path)
    assert not found_in(new)
    assert record.removed["bits beside the pixels"] == record.removed["bytes behind the pixels"] == 1
    kept = np.frombuffer(dcmread(BytesIO(new)).PixelData, "<i2" if order == uid.ExplicitVRLittleEndian else ">i2")
    assert np.array_equal(kept.reshape(pixels.shape), pixels)


@pytest.mark.parametrize(("shape", "bits"), [((48, 64), 12), ((48, 64), 8), ((17, 19), 8)])
@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian], ids=["implicit", "big"])
def test_bytes_behind_sound_pixels_go(shape, bits, syntax, tmp_path):
    pixels = encoders.ramp(bits, shape=shape)
    native = encoders.native(pixels, bits, order=">" if syntax == uid.ExplicitVRBigEndian else "<")
    data = encoders.with_pixels(encoders.header(shape, bits=bits), native + b"SECRETNAME!", syntax=syntax)
    new, record = deidentified(data, tmp_path)
    assert not found_in(new)
    assert record.removed["bytes behind the pixels"] == 1
    assert "bits beside the pixels" not in record.removed
    assert np.array_equal(stored(new), pixels)
    assert len(dcmread(BytesIO(new)).PixelData) == len(native) + len(native) % 2


def test_an_odd_number_of_pixels_in_swapped_words_stays(tmp_path):
    pixels = encoders.ramp(8, shape=(17, 19))
    words = np.append(pixels.ravel(), 0).astype("u1").reshape(-1, 2)[:, ::-1].tobytes()
    header = encoders.header((17, 19), bits=8)
    data = encoders.with_pixels(header, words, syntax=uid.ExplicitVRBigEndian)
    dataset = dcmread(BytesIO(data))
    dataset["PixelData"].VR = "OW"
    new, _ = deidentified(dataset_bytes(dataset), tmp_path)
    assert dcmread(BytesIO(new)).PixelData == words


# what stays


def _sample(keyword):
    """A value that the form of an attribute allows, as bytes of an explicit little-endian file."""
    numbers = {"US": "<u2", "SS": "<i2"}
    representation = dictionary_VR(keyword).split(" or ")[0]
    words = KEPT[keyword].form.words()
    if representation in numbers:
        return representation, np.array([1], numbers[representation]).tobytes()
    if representation in ("DS", "IS"):
        most = re.match(r"up to (\d+)", words)
        one = "+1.50E0" if representation == "DS" else "+01"
        return representation, "\\".join([one] * int(most[1] if most else 1)).encode()
    texts = {
        "PatientOrientation": "A\\FR",
        "ViewPosition": "MLO",
        "Manufacturer": "HOLOGIC, Inc.",
        "ManufacturerModelName": "Senograph Essential ADS_54.10",
    }
    return representation, texts.get(keyword, words.split(", ")[-1].partition(";")[0]).encode()


def _kept_plain():
    return [k for k in KEPT if dictionary_VR(k) != "SQ" and not _needed(tag_for_keyword(k)) and "LUTD" not in k]


@pytest.mark.parametrize("keyword", _kept_plain())
def test_every_kept_attribute_survives_to_the_byte(keyword):
    dataset = base()
    representation, value = _sample(keyword)
    dataset[keyword] = raw(tag_for_keyword(keyword), representation, value)
    source = dcmread(BytesIO(dataset_bytes(dataset)))
    new = dcmread(BytesIO(dataset_bytes(deidentify(source, secret=SECRET))))
    ours, theirs = new.get_item(keyword), dcmread(BytesIO(dataset_bytes(dataset))).get_item(keyword)
    assert (ours.VR, ours.value.rstrip(b" \0")) == (theirs.VR, theirs.value.rstrip(b" \0"))


def test_kept_sequences_survive():
    dataset = base()
    view, modifier, table = Dataset(), Dataset(), Dataset()
    modifier.CodeValue, modifier.CodingSchemeDesignator, modifier.CodeMeaning = "R-102D6", "SRT", "SECRETNAME"
    view.CodeValue, view.CodingSchemeDesignator, view.CodeMeaning = "399368009", "SCT", "SECRETNAME"
    view.ViewModifierCodeSequence = [modifier]
    table.LUTDescriptor = [4, 0, 16]
    table.add_new("LUTData", "OW", bytes(range(8)))
    dataset.ViewCodeSequence, dataset.VOILUTSequence = [view, Dataset()], [table]
    new = dcmread(BytesIO(dataset_bytes(deidentify(dataset, secret=SECRET))))
    (kept,) = new.ViewCodeSequence
    assert (kept.CodeValue, kept.CodeMeaning) == ("399368009", "medio-lateral oblique")
    assert kept.ViewModifierCodeSequence[0].CodeMeaning == "Magnification"
    assert new.VOILUTSequence[0].LUTData == bytes(range(8))
    assert new.VOILUTSequence[0].LUTDescriptor == [4, 0, 16]


def test_table_entries_of_an_implicit_file_survive():
    dataset, table = base(), Dataset()
    table.add_new("LUTDescriptor", "SS", [4, -2, 16])
    table.add_new("LUTData", "US", [0, 1, 60000, 65535])
    dataset.PixelRepresentation, dataset.VOILUTSequence = 1, [table]
    dataset.add_new("PixelPaddingValue", "SS", -5)
    dataset.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian
    source = dcmread(BytesIO(dataset_bytes(dataset)))
    new = dcmread(BytesIO(dataset_bytes(deidentify(source, secret=SECRET))))
    item = new.VOILUTSequence[0]
    assert list(item.LUTDescriptor) == [4, -2, 16]
    data = item.LUTData if isinstance(item.LUTData, bytes) else np.array(item.LUTData, "<u2").tobytes()
    assert data == np.array([0, 1, 60000, 65535], "<u2").tobytes()
    assert new.PixelPaddingValue == -5


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("KVP", b"19560312"), ("KVP", b"29\\30"), ("BodyPartThickness", b"NaN"), ("SeriesNumber", b"4711471")]
    + [("RescaleSlope", b"1_0"), ("ViewPosition", b"MLO EVA"), ("Laterality", b"L\0EVA"), ("Grid", b"NONE\\EVA")]
    + [("PatientOrientation", b"A\\F\\R"), ("Manufacturer", b"GE MEYER"), ("ManufacturerModelName", b"DS ADS_4711")],
)
def test_a_value_of_another_form_goes(keyword, value):
    dataset = base()
    dataset[keyword] = raw(tag_for_keyword(keyword), dictionary_VR(keyword), value)
    new = deidentify(dcmread(BytesIO(dataset_bytes(dataset))), secret=SECRET)
    assert not new.get(keyword)
    assert (keyword in new) == KEPT[keyword].is_demanded


def test_words_of_an_image_type_keep_their_place():
    new = deidentify(base(ImageType=["DERIVED", "PRIMARY", "SECRETNAME", "LOW_ENERGY", "X"]), secret=SECRET)
    assert list(new.ImageType) == ["DERIVED", "PRIMARY", "", "LOW_ENERGY"]


def test_what_a_class_demands_stays_without_a_value():
    values = {"StudyDate": "20240229", "AccessionNumber": "SECRETNAME", "PatientSex": "F", "Manufacturer": "SECRETNAME"}
    new = deidentify(base(**values, AcquisitionContextSequence=[Dataset()]), secret=SECRET)
    assert [new[keyword].value or "" for keyword in values] == [""] * 4
    assert new.AcquisitionContextSequence == []
    assert "PatientAge" not in deidentify(base(PatientAge="055Y"))


# who it is


def test_the_argument_stays_as_it_is():
    dataset = base(KVP="29", WindowCenter=["100", "200"])
    before = dataset_bytes(dataset)
    new = deidentify(dataset, secret=SECRET)
    new.KVP, new.PatientName, new.WindowCenter[0] = "30", "X", "300"
    assert dataset_bytes(dataset) == before


def test_a_study_stays_together_under_one_secret_only():
    left, right = base(SOPInstanceUID="1.2.3.4"), base(SOPInstanceUID="1.2.3.5")
    one, two = deidentify(left, secret=SECRET), deidentify(right, secret=SECRET)
    assert (one.StudyInstanceUID, one.PatientID) == (two.StudyInstanceUID, two.PatientID)
    assert one.SOPInstanceUID != two.SOPInstanceUID
    other = deidentify(left, secret=OTHER_SECRET)
    for keyword in ("StudyInstanceUID", "SOPInstanceUID", "PatientID", "PatientName"):
        assert one.get(keyword) != other.get(keyword)
        assert deidentify(left).get(keyword) != deidentify(left).get(keyword), "random without a secret"


def test_persons_and_uids_can_not_be_had_by_hashing_guesses():
    from monai_mammo.dicom.reading.labels import person_pseudonym

    dataset = base()
    new = deidentify(dataset, secret=SECRET)
    assert person_pseudonym(dataset).removeprefix("person-") not in new.PatientID
    assert deidentify(base(PatientID="4712"), secret=SECRET).PatientID != new.PatientID
    assert deidentify(base(IssuerOfPatientID="B"), secret=SECRET).PatientID != new.PatientID


def test_a_second_time_changes_nothing(tmp_path):
    dataset = base(PixelSpacing=["0.1", "0.1"], PixelSpacingCalibrationType="FIDUCIAL", BodyPartExamined="BREAST")
    once, _ = deidentified(dataset_bytes(dataset), tmp_path)
    twice, record = deidentified(once, tmp_path)
    assert once == twice
    assert record.removed == {}
    assert deidentified(once, tmp_path, secret=OTHER_SECRET)[0] != once


def test_a_forged_pseudonym_is_replaced():
    forged = base(PatientID="person-" + "ab" * 16, SOPInstanceUID="2.25.329800735698586629295641978511506172918")
    new = deidentify(forged, secret=SECRET)
    assert new.PatientID != forged.PatientID
    assert new.SOPInstanceUID != forged.SOPInstanceUID


def test_an_unnamed_person_stays_unnamed():
    new = deidentify(base(PatientID="", PatientName=""), secret=SECRET)
    assert new.PatientID == new.PatientName == ""


def test_a_short_secret_is_refused():
    with pytest.raises(RequestError, match="16"):
        deidentify(base(), secret=b"123")


def test_marks_say_what_was_done():
    new = deidentify(base(DeidentificationMethod="SECRETNAME"), secret=SECRET)
    assert new.PatientIdentityRemoved == "YES"
    assert new.DeidentificationMethod == "monai_mammo kept list 1"
    assert [item.CodeValue for item in new.DeidentificationMethodCodeSequence] == ["113100"]
    assert new.LongitudinalTemporalInformationModified == "REMOVED"


@pytest.mark.parametrize(("age", "band"), [("055Y", "055Y"), ("059Y", "055Y"), ("090Y", "090Y"), ("104Y", "090Y")])
def test_sex_and_age_band_stay_on_request_and_are_named_beside_the_profile(age, band):
    new = deidentify(base(PatientAge=age, PatientSex="F"), policy=DeidentificationPolicy(keep_sex_and_age_band=True))
    assert (new.PatientAge, new.PatientSex) == (band, "F")
    assert [item.CodeValue for item in new.DeidentificationMethodCodeSequence] == ["113100", "SEX_AND_AGE_BAND"]


@pytest.mark.parametrize("age", ["011M", "SECRE", "55"])
def test_an_age_of_another_form_goes(age):
    dataset = base(PatientSex="SECRETNAME")
    dataset["PatientAge"] = raw(tag_for_keyword("PatientAge"), "AS", age.encode())
    new = deidentify(dataset, policy=DeidentificationPolicy(keep_sex_and_age_band=True))
    assert "PatientAge" not in new
    assert not new.PatientSex


def test_text_in_the_picture_is_refused_unless_it_is_asked_for(tmp_path):
    dataset = base(BurnedInAnnotation="YES")
    with pytest.raises(Refusal) as error:
        deidentify(dataset)
    assert error.value.reason == "burned_in"
    _, record = deidentified(dataset_bytes(dataset), tmp_path, policy=DeidentificationPolicy(burned_in="keep"))
    assert record.notes == ("the header says that text is burnt into the picture",)
    assert deidentified(dataset_bytes(base()), tmp_path)[1].notes
    assert not deidentified(dataset_bytes(base(BurnedInAnnotation="NO")), tmp_path)[1].notes
    with pytest.raises(RequestError, match="refuse, keep"):
        DeidentificationPolicy(burned_in="mask")


def test_a_synthetic_picture_stays_marked(make_mammogram, identity, provenance):
    from monai_mammo.dicom.writing.mammogram_object import mammogram_dataset

    new = deidentify(mammogram_dataset(make_mammogram(), identity=identity, provenance=provenance), secret=SECRET)
    assert new.SyntheticData == "YES"
    (purpose,) = new.ContributingEquipmentSequence[0].PurposeOfReferenceCodeSequence
    assert purpose.CodeValue == "109100"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"SOPClassUID": uid.ComprehensiveSRStorage}, "not_mammography"),
        ({"SOPClassUID": "1.2.SECRETNAME"}, "not_mammography"),
        ({"NumberOfFrames": 2}, "multi_frame"),
        ({"SamplesPerPixel": 3}, "color"),
        ({"Rows": 400}, "damaged"),
        ({"BitsAllocated": None}, "damaged"),
    ],
)
def test_what_can_not_be_de_identified_is_refused_with_a_code(change, reason, tmp_path):
    source = tmp_path / "source.dcm"
    dataset = base()
    for keyword, value in change.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    source.write_bytes(dataset_bytes(dataset))
    outcome = deidentify_file(source, tmp_path / "new.dcm")
    assert outcome.reason == reason
    assert not found_in(outcome.detail.encode())
    assert [path.name for path in tmp_path.iterdir()] == ["source.dcm"]
