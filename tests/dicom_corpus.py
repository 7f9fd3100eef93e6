"""Hostile DICOM files, made by script: sound seeds, mutants by number, folders with bad files among good ones.

A number always stands for the same bytes, so that a figure can be made again and a file that failed found again.
"""

from __future__ import annotations

import random
import struct
import zlib
from functools import cache
from typing import NamedTuple

import dicom_encoders
import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset

VIEW = {"MLO": ("399368009", "medio-lateral oblique"), "CC": ("399162004", "cranio-caudal")}
LONG_VRS = {b"OB", b"OW", b"OD", b"OF", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
VRS = [b"OB", b"OW", b"SQ", b"UN", b"UT", b"US", b"SS", b"UL", b"FD", b"DS", b"IS", b"CS", b"UI", b"PN", b"AT", b"ZZ"]
LENGTHS = (0xFFFFFFFF, 0xFFFFFFF0, 0x80000000, 0x7FFFFFFF, 0x10000, 0xFFFF, 0xFFFE, 1, 0)


class Seed(NamedTuple):
    """A sound file that mutants come from."""

    name: str
    data: bytes
    syntax: str


def code_item(value, meaning, **attributes):
    """Item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    for keyword, content in attributes.items():
        setattr(item, keyword, content)
    return item


def table_item(bits):
    """Item of a VOI LUT sequence: a rising table over all inputs of so many bits, at most 12."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [2 ** min(bits, 12), 0, 16])
    item.add_new("LUTData", "OW", np.linspace(0, 65535, 2 ** min(bits, 12)).astype("<u2").tobytes())
    return item


def mammogram(number, *, syntax=uid.ExplicitVRLittleEndian, bits=12, signed=False, shape=(48, 64)):
    """Sound file, as bytes, of a noisy half ellipse; the number decides side, view, header and noise."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[: shape[0], : shape[1]] / np.array(shape).reshape(2, 1, 1)
    tissue = np.clip(1 - (x / 0.8) ** 2 - ((y - 0.5) / 0.45) ** 2, 0, 1)
    pixels = np.rint((2**bits - 1) * np.clip(tissue + 0.05 * rng.standard_normal(shape) * (tissue > 0), 0, 1))
    pixels = pixels.astype(np.int64) - (2 ** (bits - 1) if signed else 0)
    side, view = "LR"[number % 2], ("MLO", "CC")[number // 2 % 2]
    value, meaning = VIEW[view]
    attributes = {
        "SOPInstanceUID": f"2.25.{number + 1}",
        "ImageLaterality": side,
        "ViewPosition": view,
        "ViewCodeSequence": [code_item(value, meaning, ViewModifierCodeSequence=[])],
        "AnatomicRegionSequence": [code_item("76752008", "Breast")],
        "PatientName": "DOE^JANE",
        "PatientID": f"{number:04d}",
        "PatientAge": f"{40 + number % 40:03d}Y",
        "PatientOrientation": ["A", "R"],
        "ImagerPixelSpacing": ["0.07", "0.07"],
        "StudyInstanceUID": f"2.25.9{number}",
        "SpecificCharacterSet": "ISO_IR 192",
    }
    if number % 3 == 0 and not signed:
        attributes["VOILUTSequence"] = [table_item(bits)]
    else:
        attributes["WindowCenter"], attributes["WindowWidth"] = ["2000", "900"], ["3000", "800"]
        attributes["VOILUTFunction"] = ("LINEAR", "SIGMOID", "LINEAR_EXACT")[number % 3]
    if number % 4 == 0:
        attributes["RescaleSlope"], attributes["RescaleIntercept"] = "2", "-100"
    if number % 5 == 0:
        attributes["PhotometricInterpretation"] = "MONOCHROME1"
    return dicom_encoders.encode(pixels, syntax=syntax, bits=bits, signed=signed, **attributes)


@cache
def seeds():
    """Every transfer syntax that is read, with bits and signs in turn."""
    lossless = [(syntax, (12, 16, 10, 8, 14)[i % 5], i % 4 == 1) for i, syntax in enumerate(dicom_encoders.LOSSLESS)]
    lossy = [(syntax, max(errors), False) for syntax, errors in dicom_encoders.LOSSY_ERRORS.items()]
    return tuple(
        Seed(f"{syntax.keyword}/{bits}", mammogram(i, syntax=syntax, bits=bits, signed=signed), syntax)
        for i, (syntax, bits, signed) in enumerate([*lossless, *lossy])
    )


def mutant(number):
    """Name of the seed, name of the mutation, and the mutant's bytes."""
    rng = random.Random(number)
    seed = seeds()[number % len(seeds())]
    name = rng.choice(list(MUTATIONS))
    if seed.syntax == uid.DeflatedExplicitVRLittleEndian and rng.random() < 0.7:  # behind the compression
        start = end_of_meta(seed.data)
        data = seed.data[:start] + zlib.decompress(seed.data[start:], -zlib.MAX_WBITS)
        changed = MUTATIONS[name](data, rng, b"\0\0")
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return seed.name, name, changed[:start] + packer.compress(changed[start:]) + packer.flush()
    return seed.name, name, MUTATIONS[name](seed.data, rng, seed.syntax)


def end_of_meta(data):
    """Where group 2 ends."""
    return 132 + 12 + int.from_bytes(data[140:144], "little")


class Place(NamedTuple):
    """Where an element, the field of its length, and its value start, and where it ends."""

    start: int
    length: int
    value: int
    end: int


def elements(data, syntax):
    """Places of the elements outside sequences, group 2 included; of deflated files group 2 only."""
    places, position, n_meta = [], 132, end_of_meta(data)
    is_implicit, order = syntax == uid.ImplicitVRLittleEndian, "big" if syntax == uid.ExplicitVRBigEndian else "little"
    stop = n_meta if syntax == uid.DeflatedExplicitVRLittleEndian else len(data)
    while position + 12 <= stop:
        is_meta = position < n_meta
        if is_implicit and not is_meta:
            field, width = position + 4, 4
        elif data[position + 4 : position + 6] in LONG_VRS:
            field, width = position + 8, 4
        else:
            field, width = position + 6, 2
        length = int.from_bytes(data[field : field + width], "little" if is_meta else order)
        value = field + width
        end = value + length
        if length == 0xFFFFFFFF:  # a sequence ends at its delimiter, the pixels at the end of the file
            mark = struct.pack("<HHI" if order == "little" else ">HHI", 0xFFFE, 0xE0DD, 0)
            end = (data.rindex(mark) if data[position : position + 2] == b"\xe0\x7f" else data.index(mark, value)) + 8
        places.append(Place(position, field, value, end))
        position = end
    return places


def cut(data, rng, _):
    return data[: rng.randrange(len(data))]


def flip_bits(data, rng, _):
    return _flip(data, rng, 0, len(data))


def flip_bits_of_the_header(data, rng, syntax):
    return _flip(data, rng, 132, elements(data, syntax)[-1].value)


def flip_bits_of_the_stream(data, rng, syntax):
    """In the first bytes of the pixels, where a compressed frame has its own header."""
    start = elements(data, syntax)[-1].value
    return _flip(data, rng, start, min(start + 160, len(data)))


def _flip(data, rng, start, stop):
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        changed[rng.randrange(start, stop)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(data, rng, _):
    """A run of bytes becomes noise, zeros or ones."""
    start, n_bytes = rng.randrange(len(data)), rng.choice((1, 2, 4, 4, 64, 1024))
    run = rng.choice((rng.randbytes(n_bytes), b"\0" * n_bytes, b"\xff" * n_bytes))
    return (data[:start] + run + data[start + n_bytes :])[: len(data)]


def overwrite_the_stream(data, rng, syntax):
    start = elements(data, syntax)[-1].value
    place = rng.randrange(start, min(start + 160, len(data)))
    run = rng.choice((rng.randbytes(4), b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\xff\xff"))
    return data[:place] + run + data[place + len(run) :]


def insert(data, rng, _):
    place = rng.randrange(len(data))
    return data[:place] + rng.randbytes(rng.choice((1, 2, 8, 512))) + data[place:]


def drop_bytes(data, rng, _):
    place = rng.randrange(len(data))
    return data[:place] + data[place + rng.choice((1, 2, 8, 512)) :]


def delete_tags(data, rng, syntax):
    for _ in range(rng.choice((1, 1, 2, 5))):
        places = elements(data, syntax)
        if len(places) > 1:
            place = rng.choice(places)
            data = data[: place.start] + data[place.end :]
            if place.start < 160:  # without the length of group 2 there is nothing more to find
                break
    return data


def duplicate_tag(data, rng, syntax):
    places = elements(data, syntax)
    place, target = rng.choice(places), rng.choice(places)
    return data[: target.start] + data[place.start : place.end] * rng.choice((1, 1, 50)) + data[target.start :]


def wrong_vr(data, rng, syntax):
    place = rng.choice(elements(data, syntax)).start + 4
    return data[:place] + rng.choice(VRS) + data[place + 2 :]


def wrong_length(data, rng, syntax):
    place = rng.choice(elements(data, syntax))
    width = place.value - place.length
    order = "big" if syntax == uid.ExplicitVRBigEndian and place.start > 400 else "little"
    length = rng.choice((*LENGTHS, place.end - place.value + rng.choice((-2, -1, 1, 2)))) % 256**width
    return data[: place.length] + length.to_bytes(width, order) + data[place.value :]


def wrong_value(data, rng, syntax):
    """The value of an element, but for the pixels, becomes noise of the same length, digits or extremes."""
    place = rng.choice(elements(data, syntax)[:-1] or elements(data, syntax))
    n_bytes = place.end - place.value
    fill = rng.choice((rng.randbytes(n_bytes), b"\0" * n_bytes, b"\xff" * n_bytes, b"9" * n_bytes, b"\\" * n_bytes))
    return data[: place.value] + fill + data[place.end :]


def splice(data, rng, _):
    """The start of one seed, the end of another."""
    other = rng.choice(seeds()).data
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


MUTATIONS = {
    mutation.__name__: mutation
    for mutation in (
        cut, flip_bits, flip_bits_of_the_header, flip_bits_of_the_stream, overwrite, overwrite_the_stream, insert,
        drop_bytes, delete_tags, duplicate_tag, wrong_vr, wrong_length, wrong_value, splice,
    )
}  # fmt: skip


def write_folder(folder, n_good=400, n_bad=100, seed=0, *, shape=(96, 64)):
    """Good mammograms of two persons each, and bad files among them.

    Parameters
    ----------
    folder : Path
    n_good, n_bad : int
    seed : int
        Decides the mutants.
    shape : tuple of int
        Rows and columns of the good ones.

    Returns
    -------
    good, bad : list of Path
        Bad ones are files that `bad_file` made; whether a reader finds a mammogram in one, none does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    every = max(1, (n_good + n_bad) // max(1, n_bad))
    syntaxes = dicom_encoders.LOSSLESS
    good, bad = [], []
    for number in range(n_good + n_bad):
        is_bad = len(bad) < n_bad and (number % every == every - 1 or len(good) == n_good)
        path = folder / f"{number:05d}.dcm"
        if is_bad:
            path.write_bytes(bad_file(seed + len(bad)))
        else:
            path.write_bytes(mammogram(len(good), syntax=syntaxes[number % len(syntaxes)], shape=shape))
        (bad if is_bad else good).append(path)
    return good, bad


def bad_file(number):
    """Bytes that no reader takes for a mammogram: cut off in header or pixels, without needed tags, or a bomb."""
    seed = seeds()[number % len(seeds())]
    places = elements(seed.data, seed.syntax)
    kinds = (
        lambda: seed.data[: 132 + (len(seed.data) - 132) * (number % 7) // 10],
        lambda: b"\0" * 200 + seed.data[200:],
        lambda: dicom_encoders.with_frame(
            dicom_encoders.header((60000, 60000)), b"\xff\xd8", syntax=uid.JPEGLSLossless
        ),
        lambda: seed.data[: places[-1].value] if len(places) > 3 else b"",
        lambda: b"",
        lambda: dicom_encoders.with_pixels(
            dicom_encoders.header((9000, 9000)), b"\0\0", syntax=uid.ExplicitVRLittleEndian
        ),
        lambda: dicom_encoders.with_frame(
            dicom_encoders.header(), b"\xff\x4f\xff\x51" + bytes(range(100)), syntax=uid.HTJ2KLossless
        ),
        lambda: random.Random(number).randbytes(5000),
    )
    return kinds[number % len(kinds)]()
