"""Every lossless transfer syntax x bits x sign comes back bit-exact."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate

from monai_mammo.dicom.brightness import stored_values
from monai_mammo.dicom.codecs import decode, pixel_format, supported_transfer_syntaxes
from monai_mammo.dicom.guards import Limits, parse
from monai_mammo.dicom.reasons import Refusal, SkipReason
from monai_mammo.dicom.store import dataset_bytes

BITS = (8, 10, 12, 14, 16)


def ramp(bits, signed, shape=(48, 64)):
    """All corners of the range, a ramp over it, and a noisy part."""
    low = -(2 ** (bits - 1)) if signed else 0
    values = np.linspace(0, 2**bits - 1, shape[0] * shape[1]).astype(np.int64).reshape(shape)
    values[8:16] = np.random.default_rng(bits).integers(0, 2**bits, (8, shape[1]))
    values[0, 0], values[-1, -1], values[0, -1], values[-1, 0] = 2**bits - 1, 0, 0, 2**bits - 1
    return values + low


def lossless_jpeg(values, bits):
    """JPEG Lossless with predictor 1 (ITU-T T.81, annex H), written from the text of the standard."""
    rows, columns = values.shape
    left = np.zeros_like(values)
    left[:, 1:] = values[:, :-1]
    left[1:, 0] = values[:-1, 0]
    left[0, 0] = 2 ** (bits - 1)
    stream = []
    for difference in ((values - left + 32768) % 65536 - 32768).ravel().tolist():
        size = 16 if difference == -32768 else abs(difference).bit_length()
        stream.append(f"{size:05b}")  # category, by a code of five bits for each
        if 0 < size < 16:
            stream.append(f"{difference if difference > 0 else difference + 2**size - 1:0{size}b}")
    text = "".join(stream)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00")
    tables = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])  # 17 categories, all of five bits
    frame = bytes([bits, rows >> 8, rows & 255, columns >> 8, columns & 255, 1, 1, 0x11, 0])
    segments = ((0xC3, frame), (0xC4, tables), (0xDA, bytes([1, 1, 0, 1, 0, 0])))
    header = b"".join(bytes([0xFF, m]) + (len(s) + 2).to_bytes(2, "big") + s for m, s in segments)
    return b"\xff\xd8" + header + data + b"\xff\xd9"


def cells_of(values, bits):
    return (values & (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def encode(values, bits, signed, syntax):
    cells = cells_of(values, bits)
    signed_cells = values.astype(np.int8 if bits == 8 else np.int16) if signed else cells
    return {
        uid.JPEGLossless: lambda: imagecodecs.ljpeg_encode(cells, bitspersample=bits),
        uid.JPEGLosslessSV1: lambda: lossless_jpeg(cells.astype(np.int64), bits),
        uid.HTJ2KLossless: lambda: imagecodecs.htj2k_encode(signed_cells, reversible=True),
        uid.HTJ2KLosslessRPCL: lambda: imagecodecs.htj2k_encode(signed_cells, reversible=True, tlm=True),
    }[syntax]()


BY_PYDICOM = (uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless)
NATIVE = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
)
BY_IMAGECODECS = (uid.JPEGLossless, uid.JPEGLosslessSV1, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL)


@pytest.fixture(scope="session")
def file_of(make_dataset):
    def build(values, bits, signed, syntax):
        start = syntax if syntax in NATIVE else uid.ExplicitVRLittleEndian
        dataset = make_dataset(cells_of(values, bits), bits=bits, signed=signed, syntax=start)
        if syntax in BY_PYDICOM:
            dataset.PixelData = values.astype(f"<i{dataset.BitsAllocated // 8}").tobytes()
            dataset.compress(syntax, generate_instance_uid=False)
        elif syntax in BY_IMAGECODECS:
            dataset.PixelData = encapsulate([encode(values, bits, signed, syntax)])
            dataset["PixelData"].VR = "OB"
            dataset["PixelData"].is_undefined_length = True
            dataset.file_meta.TransferSyntaxUID = syntax
        return dataset_bytes(dataset)

    return build


@pytest.mark.parametrize("syntax", [*NATIVE, *BY_PYDICOM, *BY_IMAGECODECS], ids=lambda s: uid.UID(s).keyword)
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_lossless_syntaxes_are_bit_exact(file_of, syntax, signed):
    for bits in BITS:
        values = ramp(bits, signed)
        dataset = parse(file_of(values, bits, signed, syntax), Limits())
        form = pixel_format(dataset, Limits())
        assert (form.bits_stored, form.is_signed) == (bits, signed)
        np.testing.assert_array_equal(stored_values(decode(dataset, form), form), values, err_msg=f"{bits} bits")


def test_every_supported_syntax_is_tried_above_or_lossy():
    lossy = {uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless, uid.JPEG2000, uid.HTJ2K}
    assert set(supported_transfer_syntaxes()) == {*NATIVE, *BY_PYDICOM, *BY_IMAGECODECS} | lossy


def compressed(make_dataset, frame, syntax, *, bits=12, shape=(48, 64), signed=False):
    dataset = make_dataset(np.zeros(shape, dtype=np.int64), bits=bits, signed=signed)
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    return parse(dataset_bytes(dataset), Limits())


def test_lossy_syntaxes_stay_within_a_stated_error(make_dataset):
    smooth = np.linspace(0, 4095, 64)[None] * np.ones((48, 1))
    cells = smooth.astype(np.uint16)
    cases = {
        uid.JPEG2000: (imagecodecs.jpeg2k_encode(cells, level=60, reversible=False, bitspersample=12), 12, 16),
        uid.JPEGLSNearLossless: (imagecodecs.jpegls_encode(cells, level=3), 12, 3),  # NEAR is the largest error
        uid.JPEGBaseline8Bit: (imagecodecs.jpeg8_encode((cells >> 4).astype(np.uint8), level=95), 8, 4),
    }
    for syntax, (frame, bits, error) in cases.items():
        dataset = compressed(make_dataset, frame, syntax, bits=bits)
        form = pixel_format(dataset, Limits())
        found = stored_values(decode(dataset, form), form)
        assert np.abs(found - (cells >> (12 - bits)).astype(int)).max() <= error, uid.UID(syntax).name


def test_an_unsigned_stream_of_signed_pixels_gets_its_sign(make_dataset):
    """Seen in the field: PixelRepresentation 1 beside a JPEG 2000 stream without sign."""
    values = ramp(12, True)
    frame = imagecodecs.jpeg2k_encode(cells_of(values, 12), level=0, reversible=True, bitspersample=12)
    dataset = compressed(make_dataset, frame, uid.JPEG2000Lossless, signed=True)
    form = pixel_format(dataset, Limits())
    np.testing.assert_array_equal(stored_values(decode(dataset, form), form), values)


def test_a_stream_of_more_bits_and_in_boxes_is_read(make_dataset):
    values = ramp(12, False)
    for options in ({"bitspersample": 16}, {"bitspersample": 12, "codecformat": "jp2"}):
        frame = imagecodecs.jpeg2k_encode(values.astype(np.uint16), level=0, reversible=True, **options)
        dataset = compressed(make_dataset, frame, uid.JPEG2000Lossless)
        np.testing.assert_array_equal(decode(dataset, pixel_format(dataset, Limits())), values)


def test_a_lossy_stream_that_overshoots_is_clipped_not_wrapped(make_dataset):
    cells = np.full((48, 64), 4100, dtype=np.uint16)  # 12 bits stored hold 4095
    frame = imagecodecs.jpeg2k_encode(cells, level=0, reversible=True)
    dataset = compressed(make_dataset, frame, uid.JPEG2000)
    form = pixel_format(dataset, Limits())
    assert (stored_values(decode(dataset, form), form) == 4095).all()


def refusal(dataset):
    with pytest.raises(Refusal) as caught:
        decode(dataset, pixel_format(dataset, Limits()))
    return caught.value.reason


def big(frame, offset, value=60000):
    return frame[:offset] + value.to_bytes(2, "big") + frame[offset + 2 :]


def test_streams_that_contradict_the_header_reach_no_decoder(make_dataset):
    values = ramp(12, False).astype(np.uint16)
    j2k = imagecodecs.jpeg2k_encode(values, level=0, reversible=True, bitspersample=12)
    jls = imagecodecs.jpegls_encode(values)
    ljpeg = lossless_jpeg(values.astype(np.int64), 12)
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
    for name, (frame, syntax) in streams.items():
        assert refusal(compressed(make_dataset, frame, syntax)) is SkipReason.DAMAGED, name


def rle(*segments, offsets=None, count=None):
    starts, position = [], 64
    for segment in segments:
        starts.append(position)
        position += len(segment)
    starts = offsets or starts
    fields = [len(segments) if count is None else count, *starts, *[0] * (15 - len(starts))]
    return np.array(fields, dtype="<u4").tobytes() + b"".join(segments)


def test_rle_is_checked_before_and_while_it_is_unpacked(make_dataset):
    plane = imagecodecs.packbits_encode(bytes(48 * 64))
    bomb = b"\x81\x00" * 100000  # 2 bytes for 128, four thousand times the frame
    frames = {
        "too few segments": rle(plane),
        "segment count": rle(plane, plane, count=3),
        "offset past the end": rle(plane, plane, offsets=[64, 10**6]),
        "offsets that fall": rle(plane, plane, offsets=[64, 64]),
        "offset into the header": rle(plane, plane, offsets=[8, 64 + len(plane)]),
        "too short": rle(plane, plane[:10]),
        "bomb": rle(plane, bomb),
        "header cut off": rle(plane, plane)[:40],
    }
    for name, frame in frames.items():
        assert refusal(compressed(make_dataset, frame, uid.RLELossless)) is SkipReason.DAMAGED, name
    good = compressed(make_dataset, rle(plane, plane), uid.RLELossless)
    assert not decode(good, pixel_format(good, Limits())).any()


def test_a_scan_header_that_sequential_jpeg_forbids_is_refused_by_policy(make_dataset):
    """As in MG1_JPLY: one scan that claims to end at coefficient 0."""
    frame = imagecodecs.jpeg8_encode(np.zeros((48, 64), dtype=np.uint8))
    scan = frame.index(b"\xff\xda")
    length = int.from_bytes(frame[scan + 2 : scan + 4], "big")
    end = scan + 2 + length
    assert frame[end - 3 : end] == b"\x00\x3f\x00"
    broken = frame[: end - 2] + b"\x00" + frame[end - 1 :]
    assert refusal(compressed(make_dataset, broken, uid.JPEGBaseline8Bit, bits=8)) is SkipReason.NONCONFORMING_STREAM
    good = compressed(make_dataset, frame, uid.JPEGBaseline8Bit, bits=8)
    assert decode(good, pixel_format(good, Limits())).max() <= 1


def test_unknown_syntax_and_impossible_pixels_have_their_codes(make_dataset):
    video = compressed(make_dataset, b"\0" * 64, uid.MPEG2MPML)
    assert refusal(video) is SkipReason.UNSUPPORTED_TRANSFER_SYNTAX
    cells = np.zeros((48, 64), dtype=np.int64)
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
        dataset = parse(dataset_bytes(make_dataset(cells, **attributes)), Limits())
        assert refusal(dataset) is reason, attributes
