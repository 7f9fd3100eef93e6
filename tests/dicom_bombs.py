"""Small files that ask for gigabytes or minutes: one a function, made when a test wants it.

The list is that of the readers' faults that were measured on pydicom, GDCM, SimpleITK and others: each of these
files crashed, hung or swelled at least one of them.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import dicom_encoders
import imagecodecs
import numpy as np
from dicom_corpus import mammogram
from pydicom import uid
from pydicom.dataset import Dataset

HUGE = 60000
COMPRESSED = tuple(syntax for syntax in dicom_encoders.LOSSLESS if syntax not in dicom_encoders.NATIVE)
ITEM = b"\xfe\xff\x00\xe0"


def element(tag, vr, value=b"", length=None):
    """Explicit little endian element with any length that one likes."""
    length = len(value) if length is None else length
    if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return struct.pack("<HH2sHI", *tag, vr, 0, length) + value
    return struct.pack("<HH2sH", *tag, vr, length % 65536) + value


def without_pixels(**attributes):
    """Sound start of a file, up to where the pixels come."""
    data = dicom_encoders.with_pixels(dicom_encoders.header(**attributes), b"", syntax=uid.ExplicitVRLittleEndian)
    return data[: data.rindex(b"\xe0\x7f\x10\x00")]


def pixels():
    return element((0x7FE0, 0x10), b"OW", b"\0" * (48 * 64 * 2))


def deflated(plain_after, shape=(30000, 30000)):
    """Deflated file with more bytes behind its header: the parts of a deflate stream that end flush can be repeated."""
    dataset = dicom_encoders.header(shape)
    data = dicom_encoders.with_pixels(dataset, b"", syntax=uid.DeflatedExplicitVRLittleEndian)
    start = 144 + int.from_bytes(data[140:144], "little")
    header = zlib.decompress(data[start:], -15)[: -12 if shape else None]
    packer = zlib.compressobj(9, wbits=-15)
    first = packer.compress(header + element((0x7FE0, 0x10), b"OW", b"", 2 * shape[0] * shape[1]))
    first += packer.flush(zlib.Z_FULL_FLUSH)
    mebibyte = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return data[:start] + first + mebibyte * (plain_after // 2**20) + b"\x03\x00"


def rle_frame(n_pixels, n_bytes=2):
    segment = b"\x81\x00" * -(-n_pixels // 128)
    header = struct.pack("<16I", n_bytes, *[64 + i * len(segment) for i in range(n_bytes)], *[0] * (15 - n_bytes))
    return header + segment * n_bytes


def resized(stream, rows, columns):
    """A compressed frame whose own header states another size."""
    if stream[:4] == b"\xff\x4f\xff\x51":  # SIZ: extent and tile
        size = struct.pack(">II", columns, rows)
        return stream[:8] + size + stream[16:24] + size + stream[32:]
    for marker in (b"\xff\xf7", b"\xff\xc3"):
        place = stream.find(marker)
        if place >= 0:
            return stream[: place + 5] + struct.pack(">HH", rows, columns) + stream[place + 9 :]
    return stream


def lying_header(syntax, *, header=HUGE, stream=None):
    """Header and compressed frame of which one, or both, state a size that is not there."""
    frame = dicom_encoders.frame(dicom_encoders.ramp(12), syntax=syntax, bits=12)
    shape = (header, header) if header else dicom_encoders.SHAPE
    frame = frame if stream is None else resized(frame, stream, stream)
    return dicom_encoders.with_frame(dicom_encoders.header(shape), frame, syntax=syntax)


def blank(syntax, size=16000):
    """A true image of zeros, of 256 million pixels."""
    pixels = np.zeros((size, size), np.uint8)
    frame = {
        uid.JPEG2000Lossless: lambda: imagecodecs.jpeg2k_encode(pixels, reversible=True),
        uid.JPEGLSLossless: lambda: imagecodecs.jpegls_encode(pixels),
        uid.HTJ2KLossless: lambda: imagecodecs.htj2k_encode(pixels, reversible=True),
        uid.JPEGLossless: lambda: imagecodecs.ljpeg_encode(pixels),
        uid.RLELossless: lambda: rle_frame(size * size, 1),
    }[syntax]()
    return dicom_encoders.with_frame(dicom_encoders.header((size, size), bits=8), frame, syntax=syntax)


def nested(depth, vr=b"SQ"):
    opening = element((0x0040, 0x0555), vr, b"", 0xFFFFFFFF) + ITEM + b"\xff" * 4
    return without_pixels() + opening * depth + pixels()


def items(count, *, tag=(0x0054, 0x0220), length=None, syntax=uid.ExplicitVRLittleEndian):
    """Empty items in the sequence that the view is read from."""
    value = (ITEM + bytes(4)) * count
    end = b"\xfe\xff\xdd\xe0" + bytes(4) if length == 0xFFFFFFFF else b""
    if syntax == uid.ImplicitVRLittleEndian:
        data = dicom_encoders.with_pixels(dicom_encoders.header(), b"", syntax=syntax)
        start = struct.pack("<HHI", *tag, len(value) if length is None else length)
        frame = struct.pack("<HHI", 0x7FE0, 0x10, 48 * 64 * 2) + b"\0" * (48 * 64 * 2)
        return data[: data.rindex(b"\xe0\x7f\x10\x00")] + start + value + end + frame
    return without_pixels() + element(tag, b"SQ", value, length) + end + pixels()


def many_elements(count):
    numbers = np.arange(count)
    rows = np.zeros(count, dtype=[("group", "<u2"), ("number", "<u2"), ("vr", "S2"), ("length", "<u2")])
    rows["group"], rows["number"], rows["vr"] = 0x0031 + 2 * (numbers >> 15), numbers & 0x7FFF, b"LO"
    return without_pixels() + rows.tobytes() + pixels()


def many_fragments(count):
    data = (ITEM + bytes(4)) * (count + 1) + b"\xfe\xff\xdd\xe0" + bytes(4)
    start = dicom_encoders.with_frame(dicom_encoders.header(), b"\xff\xd8", syntax=uid.JPEGLSLossless)
    return start[: start.rindex(b"\xe0\x7f\x10\x00") + 12] + data


def long_text(tag, text, syntax=uid.ImplicitVRLittleEndian):
    """One attribute with millions of values, or digits."""
    data = dicom_encoders.with_pixels(dicom_encoders.header(), b"", syntax=syntax)
    start = data[: data.rindex(b"\xe0\x7f\x10\x00")]
    frame = struct.pack("<HHI", 0x7FE0, 0x10, 48 * 64 * 2) + b"\0" * (48 * 64 * 2)
    return start + struct.pack("<HHI", *tag, len(text)) + text + frame


def mammogram_with(**attributes):
    return dicom_encoders.encode(dicom_encoders.ramp(12), **attributes)


def layers():
    """JPEG 2000 with 65535 quality layers that hold nothing."""
    frame = dicom_encoders.frame(dicom_encoders.ramp(12), syntax=uid.JPEG2000Lossless)
    place = frame.index(b"\xff\x52") + 6
    frame = frame[:place] + b"\xff\xff" + frame[place + 2 :]
    return dicom_encoders.with_frame(dicom_encoders.header(), frame, syntax=uid.JPEG2000Lossless)


def tiles(syntax, size=7996):
    """As many tiles as the standard allows, of which one is there."""
    frame = resized(dicom_encoders.frame(dicom_encoders.ramp(12), syntax=syntax), size, size)
    frame = frame[:24] + struct.pack(">II", 32, 32) + frame[32:] + bytes(14 * (size // 32 + 1) ** 2)
    return dicom_encoders.with_frame(dicom_encoders.header((size, size)), frame, syntax=syntax)


def wide_table():
    """VOI LUT whose descriptor states another length than its data."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [0, 0, 16])
    item.add_new("LUTData", "OW", bytes(2 * 10**7))
    return mammogram_with(VOILUTSequence=[item])


def lying_length(n_bytes):
    """Pixels that are said to have 4 GB."""
    data = mammogram(3)
    return data[: data.rindex(b"\xe0\x7f\x10\x00")] + element((0x7FE0, 0x10), b"OW", data[-n_bytes:], 0xFFFFFFF0)


def with_file_meta_of(n_bytes):
    buffer = BytesIO()
    buffer.write(bytes(128) + b"DICM" + element((2, 0), b"UL", struct.pack("<I", n_bytes)))
    buffer.write(element((2, 1), b"OB", bytes(2)) * (n_bytes // 14))
    return buffer.getvalue()


BOMBS = {
    "deflated 1.8 GB": lambda: deflated(1_800 * 2**20),
    "deflated 150 MB behind a small image": lambda: deflated(150 * 2**20, (48, 64)),
    "RLE 28 MB, 900 million pixels": lambda: dicom_encoders.with_frame(
        dicom_encoders.header((30000, 30000)), rle_frame(30000 * 30000), syntax=uid.RLELossless
    ),
    "RLE of 900 million pixels in a small image": lambda: dicom_encoders.with_frame(
        dicom_encoders.header(), rle_frame(30000 * 30000), syntax=uid.RLELossless
    ),
    "native, header 60000": lambda: dicom_encoders.with_pixels(
        dicom_encoders.header((HUGE, HUGE)), bytes(6144), syntax=uid.ExplicitVRLittleEndian
    ),
    "length 0xFFFFFFF0": lambda: lying_length(6000),
    "length 0xFFFFFFF0, but all pixels": lambda: lying_length(6144),
    "100 nested": lambda: nested(100),
    "500 nested": lambda: nested(500),
    "50,000 nested": lambda: nested(50_000),
    "50,000 nested in UN": lambda: nested(50_000, b"UN"),
    "2 million items": lambda: items(2_000_000),
    "2 million items without length": lambda: items(2_000_000, length=0xFFFFFFFF),
    "2 million items, implicit": lambda: items(2_000_000, syntax=uid.ImplicitVRLittleEndian),
    "2 million items elsewhere": lambda: items(2_000_000, tag=(0x0040, 0x0555), length=0xFFFFFFFF),
    "9,000 items": lambda: items(9_000),
    "1 million elements": lambda: many_elements(1_000_000),
    "2 million fragments": lambda: many_fragments(2_000_000),
    "10 million window centers": lambda: long_text((0x0028, 0x1050), b"1\\" * 10_000_000),
    "number of 20 million digits": lambda: long_text((0x0028, 0x0008), b"1" * 20_000_000),
    "10 million image types": lambda: long_text((0x0008, 0x0008), b"A\\" * 10_000_000),
    "65535 layers": layers,
    "table of 20 MB": wide_table,
    "group 2 of 14 MB": lambda: with_file_meta_of(14_000_000),
    **{f"{s.keyword}, header 60000": lambda s=s: lying_header(s) for s in COMPRESSED},
    **{f"{s.keyword}, stream 60000": lambda s=s: lying_header(s, header=None, stream=HUGE) for s in COMPRESSED},
    **{f"{s.keyword}, both 60000": lambda s=s: lying_header(s, stream=HUGE) for s in COMPRESSED},
    # the largest size that is let through, with a frame that is not there
    **{f"{s.keyword}, both 8000": lambda s=s: lying_header(s, header=8000, stream=8000) for s in COMPRESSED},
    **{f"{s.keyword}, 62,500 tiles": lambda s=s: tiles(s) for s in (uid.JPEG2000Lossless, uid.HTJ2KLossless)},
    **{f"{s.keyword}, 3,969 tiles": lambda s=s: tiles(s, 2016) for s in (uid.JPEG2000Lossless, uid.HTJ2KLossless)},
}

HARMLESS = frozenset(
    {
        "9,000 items",
        "65535 layers",
        "table of 20 MB",
        "length 0xFFFFFFF0, but all pixels",
        "RLELossless, stream 60000",  # RLE states no size
        "RLE of 900 million pixels in a small image",  # unpacked up to its last pixel
        "deflated 150 MB behind a small image",  # below the limit, and nothing of it is a pixel
        "JPEG2000Lossless, 3,969 tiles",
        "HTJ2KLossless, 3,969 tiles",
    }
)
"""What takes no long time and little memory, so that the image may be read."""

BLANKS = (uid.JPEG2000Lossless, uid.JPEGLSLossless, uid.HTJ2KLossless, uid.JPEGLossless, uid.RLELossless)
