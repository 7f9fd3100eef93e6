"""Messages of the reading process: results come back equal, and bytes that are no message make an error."""

from __future__ import annotations

import dataclasses
import json
import os
import struct
from io import FileIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom.reasons import Failed, Skipped, SkipReason
from monai_mammo.dicom.wire import from_message, receive, send, to_message
from monai_mammo.errors import MammoError
from monai_mammo.study import Mammogram, Spacing
from monai_mammo.terms import ChestWall

PIXELS = np.linspace(0, 1, 8 * 12, dtype=np.float32).reshape(8, 12)
FULL = Mammogram(
    pixels=PIXELS,
    conditions=Conditions(view="MLO", laterality="R", finding="mass", birads=4, box=Box(0.1, 0.2, 0.3, 1), text="ü\n"),
    spacing=Spacing(0.07, 0.1 + 0.2, "imager"),
    chest_wall=ChestWall.RIGHT,
    stated_chest_wall=ChestWall.LEFT,
    person_id="p",
    source="a\udcff.dcm",
    source_sha256="00",
    value_range=(4095.0, -0.5),
    notes=("one", "two"),
)


@pytest.fixture
def pipe():
    """Both ends of a pipe, unbuffered."""
    ends = os.pipe()
    reading, writing = FileIO(ends[0], "r"), FileIO(ends[1], "w")
    yield reading, writing
    reading.close()
    writing.close()


def there_and_back(result, pipe):
    head, pixels = to_message(result)
    send(pipe[1], head, pixels)
    return from_message(*receive(pipe[0], max_pixels=1000), Path("a.dcm"))


def test_each_field_of_a_mammogram_comes_back(pipe):
    other = there_and_back(FULL, pipe)
    assert np.array_equal(other.pixels, PIXELS) and other.pixels.dtype == np.float32
    for field in dataclasses.fields(Mammogram):
        one, two = getattr(FULL, field.name), getattr(other, field.name)
        if field.name not in ("pixels", "lesion_mask"):
            assert one == two and type(one) is type(two), field.name
            assert one or field.name == "stated_chest_wall", f"{field.name} is not tried"


@pytest.mark.parametrize("kind", [Skipped, Failed])
def test_refusals_come_back(kind, pipe):
    assert there_and_back(kind(Path("other.dcm"), SkipReason.SPOT, "words"), pipe) == kind(
        Path("a.dcm"), SkipReason.SPOT, "words"
    )


def message(head, payload=b""):
    text = json.dumps(head).encode() if not isinstance(head, bytes) else head
    return struct.pack("<IQ", len(text), len(payload)) + text + payload


GOOD = {"kind": "mammogram", "shape": [8, 12], "fields": {}}


@pytest.mark.parametrize(
    "data",
    [
        message(b"{"),
        message([1]),
        message(b"[" * 100000),
        struct.pack("<IQ", 2**31, 0),
        struct.pack("<IQ", 2, 2**62) + b"{}",
        message(GOOD, bytes(8 * 12 * 4 - 4)),
        message(GOOD, bytes(8 * 12 * 4 + 4)),
        message({**GOOD, "shape": [-8, -12]}, bytes(8 * 12 * 4)),
        message({**GOOD, "shape": [8.0, 12]}, bytes(8 * 12 * 4)),
        message({**GOOD, "shape": "no"}, bytes(8 * 12 * 4)),
        message({**GOOD, "fields": {"notes": [1]}}, bytes(8 * 12 * 4)),
        message({**GOOD, "fields": {"spacing": {"row_mm": -1, "column_mm": 1, "source": ""}}}, bytes(8 * 12 * 4)),
        message({**GOOD, "fields": {"conditions": {"view": "up"}}}, bytes(8 * 12 * 4)),
        message({**GOOD, "fields": {"lesion_maks": None}}, bytes(8 * 12 * 4)),
        message({**GOOD, "fields": {"value_range": [1.0]}}, bytes(8 * 12 * 4)),
        message(GOOD, b"\xff" * (8 * 12 * 4)),
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
    head, pixels = to_message(FULL)
    send(pipe[1], head, pixels)
    whole = os.read(pipe[0].fileno(), 60000)
    for length in (0, 5, 12, 40, len(whole) - 1):
        ends = os.pipe()
        with FileIO(ends[0], "r") as reading, FileIO(ends[1], "w") as writing:
            writing.write(whole[:length])
            writing.close()
            assert receive(reading, max_pixels=1000) is None
