"""Messages of the reading process: results come back equal, and bytes that are no message make an error."""

from __future__ import annotations

import dataclasses
import json
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom.process.messages import from_message, receive, send, to_message
from monai_mammo.dicom.reading.unrendered import Unrendered
from monai_mammo.dicom.reasons import Failed, Skipped, SkipReason
from monai_mammo.errors import MammoError
from monai_mammo.study import Mammogram, Spacing, StoredImage
from monai_mammo.terms import ChestWall

PIXELS = (np.arange(8 * 12, dtype=np.uint16) * 682).reshape(8, 12)
TABLE = np.sqrt(np.linspace(0, 1, 2**16)).astype(np.float32)
STORED = StoredImage(pixels=PIXELS, brightness_table=TABLE, source="a\udcff.dcm", source_sha256="00")
FIELDS = dict(
    conditions=Conditions(view="MLO", laterality="R", finding="mass", birads=4, box=Box(0.1, 0.2, 0.3, 1), text="ü\n"),
    spacing=Spacing(0.07, 0.1 + 0.2, "imager"),
    chest_wall=ChestWall.RIGHT,
    stated_chest_wall=ChestWall.LEFT,
    person_id="p",
    study_id="s",
    source="a\udcff.dcm",
    source_sha256="00",
    value_range=(4095.0, -0.5),
    notes=("one", "two"),
)
FULL = Unrendered(STORED, FIELDS)


@pytest.fixture
def pipe():
    """Both ends of a pipe, unbuffered."""
    ends = os.pipe()
    reading, writing = FileIO(ends[0], "r"), FileIO(ends[1], "w")
    yield reading, writing
    reading.close()
    writing.close()


def there_and_back(result, pipe):
    with ThreadPoolExecutor(1) as other_end:  # a pipe holds less than a message
        sent = other_end.submit(send, pipe[1], *to_message(result))
        answer = receive(pipe[0], max_pixels=1000)
        sent.result()
    return from_message(*answer, Path("a.dcm"))


def test_each_field_of_a_mammogram_comes_back(pipe):
    other = there_and_back(FULL, pipe)
    assert np.array_equal(other.pixels, TABLE[PIXELS]) and other.pixels.dtype == np.float32
    for field in dataclasses.fields(Mammogram):
        if field.name not in ("pixels", "lesion_mask"):
            one, two = FIELDS[field.name], getattr(other, field.name)
            assert one == two and type(one) is type(two), field.name
            assert one or field.name == "stated_chest_wall", f"{field.name} is not tried"


@pytest.mark.parametrize("kind", ["uint8", "int8", "uint16", "int16"])
def test_pixels_of_each_type_come_back(pipe, kind):
    table = np.linspace(0, 1, 2 ** (8 * np.dtype(kind).itemsize), dtype=np.float32)
    pixels = PIXELS.astype(kind)
    other = there_and_back(StoredImage(pixels=pixels, brightness_table=table, source="s"), pipe)
    assert np.array_equal(other.pixels, pixels) and other.pixels.dtype == kind and other.source == "s"
    assert np.array_equal(other.brightness_table, table)
    index = pixels.astype(int) % 2 ** (8 * pixels.itemsize)
    assert np.array_equal(other.brightness(), table[index])


@pytest.mark.parametrize("view_of", [lambda pixels: pixels, lambda pixels: pixels[2:4].T])
def test_what_is_held_stays_as_it_was(pipe, view_of):
    held = [(n, view_of(there_and_back(image_of(n), pipe).pixels)) for n in range(5)]
    for n, pixels in held:
        assert np.array_equal(pixels, view_of(image_of(n).pixels))


def image_of(n):
    return StoredImage(pixels=PIXELS + np.uint16(n), brightness_table=TABLE)


@pytest.mark.parametrize("kind", [Skipped, Failed])
def test_refusals_come_back(kind, pipe):
    assert there_and_back(kind(Path("other.dcm"), SkipReason.SPOT, "words"), pipe) == kind(
        Path("a.dcm"), SkipReason.SPOT, "words"
    )


def message(head, payload=b""):
    text = json.dumps(head).encode() if not isinstance(head, bytes) else head
    return struct.pack("<IQ", len(text), len(payload)) + text + payload


def announcing(**form):
    """Head of a message with pixels, changed."""
    return {**GOOD, "image": {**GOOD["image"], **form}}


GOOD = {"kind": "mammogram", "fields": {}, "image": {"shape": [8, 12], "type": "uint8"}}
SIZE = 4 * 256 + 8 * 12


def test_the_message_that_the_bad_ones_are_made_of_is_good(pipe):
    pipe[1].write(message(GOOD, bytes(SIZE)))
    assert from_message(*receive(pipe[0], max_pixels=96), Path("a.dcm")).shape == (8, 12)


@pytest.mark.parametrize(
    "data",
    [
        message(b"{"),
        message([1]),
        message(b"[" * 100000),
        struct.pack("<IQ", 2**31, 0),
        struct.pack("<IQ", 2, 2**62) + b"{}",
        message(GOOD, bytes(SIZE - 4)),
        message(GOOD, bytes(SIZE + 4)),
        message({"kind": "mammogram", "fields": {}}, bytes(SIZE)),
        message(announcing(shape=[-8, -12]), bytes(SIZE)),
        message(announcing(shape=[8.0, 12]), bytes(SIZE)),
        message(announcing(shape=[True, 96]), bytes(SIZE)),
        message(announcing(shape="no"), bytes(SIZE)),
        message(announcing(shape=[80, 120]), bytes(4 * 256 + 9600)),
        message(announcing(type="float32"), bytes(SIZE)),
        message(announcing(type="object"), bytes(SIZE)),
        message({**GOOD, "image": None}, bytes(SIZE)),
        message({**GOOD, "fields": {"notes": [1]}}, bytes(SIZE)),
        message({**GOOD, "fields": {"spacing": {"row_mm": -1, "column_mm": 1, "source": ""}}}, bytes(SIZE)),
        message({**GOOD, "fields": {"conditions": {"view": "up"}}}, bytes(SIZE)),
        message({**GOOD, "fields": {"lesion_maks": None}}, bytes(SIZE)),
        message({**GOOD, "fields": {"value_range": [1.0]}}, bytes(SIZE)),
        message({**GOOD, "kind": "failed"}, bytes(SIZE)),
        message(GOOD, b"\xff" * SIZE),
        message(GOOD),
        message({"kind": "failed", "reason": "bored", "detail": ""}),
        message({"kind": "failed", "reason": "damaged", "detail": ["x"]}),
        message({"kind": "great"}),
        message({}),
    ],
)
def test_what_is_no_message_makes_an_error(data, pipe):
    os.set_blocking(pipe[1].fileno(), False)
    pipe[1].write(data[:60000])
    pipe[1].close()
    with pytest.raises((ValueError, TypeError, KeyError, MammoError, RecursionError)):
        answer = receive(pipe[0], max_pixels=1000)
        if answer is None:
            raise ValueError("cut off")
        from_message(*answer, Path("a.dcm"))


@given(st.binary(max_size=60))
def test_noise_makes_an_end_or_an_error(data):
    reading, writing = (FileIO(number, mode) for number, mode in zip(os.pipe(), "rw", strict=True))
    with reading, writing:
        writing.write(data)
        writing.close()
        try:
            answer = receive(reading, max_pixels=1000)
        except Exception as error:
            assert isinstance(error, (ValueError, KeyError, RecursionError, TypeError))
        else:
            assert answer is None or isinstance(answer[0], dict)


def test_a_message_that_is_cut_anywhere_is_an_end(pipe):
    small = StoredImage(pixels=PIXELS.astype(np.uint8), brightness_table=TABLE[:256])
    send(pipe[1], *to_message(small))
    whole = os.read(pipe[0].fileno(), 60000)
    for length in (0, 5, 12, 40, 1000, len(whole) - 1):
        ends = os.pipe()
        with FileIO(ends[0], "r") as reading, FileIO(ends[1], "w") as writing:
            writing.write(whole[:length])
            writing.close()
            assert receive(reading, max_pixels=1000) is None
