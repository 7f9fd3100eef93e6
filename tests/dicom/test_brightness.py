"""From stored pixels to brightness, against closed forms and the traps that readers fall into."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import uid
from pydicom.dataset import Dataset

from monai_mammo.dicom import read_mammogram
from monai_mammo.dicom.reading.lookup_table import LookupTable
from monai_mammo.dicom.reading.voi import linear, linear_exact, sigmoid

CENTERS = st.floats(-3000, 7000)


def step_linear(x, c, w):
    if x <= c - 0.5 - (w - 1) / 2:
        return 0.0
    if x > c - 0.5 + (w - 1) / 2:
        return 1.0
    return (x - (c - 0.5)) / (w - 1) + 0.5


def step_linear_exact(x, c, w):
    if x <= c - w / 2:
        return 0.0
    return 1.0 if x > c + w / 2 else (x - c) / w + 0.5


X = np.arange(-50, 4200, 7)


@given(CENTERS, st.floats(1, 9000))
def test_linear_is_the_text_of_the_standard(c, w):
    np.testing.assert_allclose(linear(X, c, w), [step_linear(x, c, w) for x in X.tolist()], rtol=0, atol=1e-9)


@given(CENTERS, st.floats(0.01, 9000))
def test_linear_exact_is_the_text_of_the_standard(c, w):
    np.testing.assert_allclose(
        linear_exact(X, c, w), [step_linear_exact(x, c, w) for x in X.tolist()], rtol=0, atol=1e-9
    )


@given(CENTERS, st.floats(1, 9000))
def test_sigmoid_is_the_text_of_the_standard(c, w):
    def closed(x):
        exponent = -4 * (x - c) / w
        return 0.0 if exponent > 700 else 1 / (1 + math.exp(exponent))

    np.testing.assert_allclose(sigmoid(X, c, w), [closed(x) for x in X.tolist()], rtol=0, atol=1e-12)


def test_known_points_of_the_windows():
    assert linear(np.array([0, 2047.5, 4095]), 2048, 4096).tolist() == [0, 0.5, 1]
    assert linear_exact(np.array([0, 2048, 4096]), 2048, 4096).tolist() == [0, 0.5, 1]
    assert sigmoid(np.array([2048.0]), 2048, 4096).tolist() == [0.5]
    assert linear(np.array([9, 10, 11]), 10.5, 1).tolist() == [0, 0, 1]


STORED = np.arange(3072).reshape(48, 64) + 300


def voi_lut(data, first=0, bits=8, entries=4096, vr="US"):
    item = Dataset()
    item.LUTDescriptor = [entries % 65536, first, bits]
    item.add_new("LUTData", vr, data)
    return [item]


def test_a_table_of_65536_entries_says_0_of_them():
    """Their number does not fit into 16 bits (PS3.3, C.11.1.1.1)."""
    (item,) = voi_lut(np.arange(65536)[::-1].tolist(), bits=16, entries=65536)
    table = LookupTable.of(item, is_signed=False, order="<")
    assert table(np.array([0, 1, 65535])).tolist() == [65535, 65534, 0] and table.top == 65535


def top_bits(bits):
    return (np.arange(4096) >> (12 - bits)).astype(np.uint16)


def scaled(x):
    return x / 4095


TRAPS = {
    "plain": ({}, STORED, scaled),
    "MONOCHROME1": ({"PhotometricInterpretation": "MONOCHROME1"}, STORED, lambda x: 1 - x / 4095),
    "MONOCHROME1 that says INVERSE again": (
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
        STORED,
        lambda x: 1 - x / 4095,
    ),
    "MONOCHROME1 with rescale and window": (
        {
            "PhotometricInterpretation": "MONOCHROME1",
            "RescaleSlope": 2,
            "RescaleIntercept": -100,
            "WindowCenter": 3000,
            "WindowWidth": 2000,
        },
        STORED,
        lambda x: 1 - np.clip((2 * x - 100 - 2999.5) / 1999 + 0.5, 0, 1),
    ),
    "rescale before window": (
        {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 3000, "WindowWidth": 2000},
        STORED,
        lambda x: np.clip((2 * x - 100 - 2999.5) / 1999 + 0.5, 0, 1),
    ),
    "rescale alone": ({"RescaleSlope": 2, "RescaleIntercept": -100}, STORED, scaled),
    "LINEAR_EXACT": (
        {"WindowCenter": 2000, "WindowWidth": 1000, "VOILUTFunction": "LINEAR_EXACT"},
        STORED,
        lambda x: np.clip((x - 2000) / 1000 + 0.5, 0, 1),
    ),
    "SIGMOID": (
        {"WindowCenter": 2000, "WindowWidth": 1000, "VOILUTFunction": "SIGMOID"},
        STORED,
        lambda x: 1 / (1 + np.exp(-4 * (x - 2000) / 1000)),
    ),
    "first of two windows": (
        {"WindowCenter": [2000, 9], "WindowWidth": [1000, 9], "VOILUTFunction": "LINEAR_EXACT"},
        STORED,
        lambda x: np.clip((x - 2000) / 1000 + 0.5, 0, 1),
    ),
    "window of no width": ({"WindowCenter": 2000, "WindowWidth": 0}, STORED, scaled),
    "VOI LUT of 8 bits does not wrap at 256": (
        {"VOILUTSequence": voi_lut(top_bits(8).tolist())},
        STORED,
        lambda x: (x >> 4) / 255,
    ),
    "VOI LUT in packed bytes": (
        {"VOILUTSequence": voi_lut(top_bits(8).astype(np.uint8).tobytes(), vr="OW")},
        STORED,
        lambda x: (x >> 4) / 255,
    ),
    "VOI LUT in words": (
        {"VOILUTSequence": voi_lut(top_bits(10).astype("<u2").tobytes(), bits=10, vr="OW")},
        STORED,
        lambda x: (x >> 2) / 1023,
    ),
    "VOI LUT before window, first input above 0": (
        {
            "VOILUTSequence": voi_lut(list(range(0, 4000, 2)), first=1000, bits=12, entries=2000),
            "WindowCenter": 9,
            "WindowWidth": 9,
        },
        STORED,
        lambda x: 2 * np.clip(x - 1000, 0, 1999) / 4095,
    ),
    "padding brighter than tissue": (
        {"PixelPaddingValue": 3000},
        np.where(STORED > 2500, 3000, STORED),
        lambda x: np.where(x == 3000, 0, x / 4095),
    ),
    "padding stays dark when inverted": (
        {"PixelPaddingValue": 300, "PhotometricInterpretation": "MONOCHROME1"},
        STORED,
        lambda x: np.where(x == 300, 0, 1 - x / 4095),
    ),
    "padding range, upper end first": (
        {"PixelPaddingValue": 700, "PixelPaddingRangeLimit": 400},
        STORED,
        lambda x: np.where((x >= 400) & (x <= 700), 0, x / 4095),
    ),
    "padding outside the stored bits": (
        {"PixelPaddingValue": 0xF123},
        np.where(STORED > 2500, 0xF123, STORED),
        lambda x: np.where(x == 0xF123, 0, (x & 4095) / 4095),
    ),
    "padding below junk in unused bits": (
        {"PixelPaddingValue": 700},
        STORED | 0xA000,
        lambda x: np.where(x & 4095 == 700, 0, (x & 4095) / 4095),
    ),
    "unused bits above BitsStored": ({}, STORED | 0xA000, lambda x: (x & 4095) / 4095),
    "high bit at the top": ({"HighBit": 15}, STORED << 4, lambda x: (x >> 4) / 4095),
}


def swapped(item):
    """The same table in a big-endian file, whose bytes pydicom takes as they are."""
    words = np.frombuffer(item.LUTData, dtype="<u2").astype(">u2").tobytes()
    return voi_lut(words, bits=item.LUTDescriptor[2], vr="OW")


@pytest.mark.parametrize("name", TRAPS)
@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian], ids=["little", "big"])
def test_traps(make_dataset, write, name, syntax):
    attributes, pixels, expected = TRAPS[name]
    if syntax == uid.ExplicitVRBigEndian and "VOI LUT in" in name:
        attributes = {"VOILUTSequence": swapped(attributes["VOILUTSequence"][0])}
    found = read_mammogram(write(make_dataset(pixels, bits=12, syntax=syntax, **attributes)))
    np.testing.assert_allclose(found.pixels, expected(pixels), rtol=0, atol=1e-6)  # float32 of a value in [0, 1]


SIGNED = STORED - 2048


@pytest.mark.parametrize(
    ("attributes", "pixels", "expected"),
    [
        ({}, SIGNED, lambda v: (v + 2048) / 4095),
        ({"RescaleIntercept": 2048, "RescaleSlope": 1}, SIGNED, lambda v: (v + 2048) / 4095),
        ({}, SIGNED & 0xFFF, lambda v: (v + 2048) / 4095),  # upper bits not sign-extended
        ({"WindowCenter": -500, "WindowWidth": 1001}, SIGNED, lambda v: np.clip((v + 500.5) / 1000 + 0.5, 0, 1)),
        ({"PixelPaddingValue": -1000}, SIGNED, lambda v: np.where(v == -1000, 0, (v + 2048) / 4095)),
        (
            {"VOILUTSequence": voi_lut(list(range(4096)), first=-2048, bits=12)},
            SIGNED,
            lambda v: (v + 2048) / 4095,
        ),
    ],
    ids=["plain", "rescale", "not extended", "window", "padding", "VOI LUT"],
)
def test_signed_pixels(make_dataset, write, attributes, pixels, expected):
    found = read_mammogram(write(make_dataset(pixels, bits=12, signed=True, **attributes)))
    np.testing.assert_allclose(found.pixels, expected(SIGNED), rtol=0, atol=1e-6)


def test_a_modality_table_comes_before_the_window(make_dataset, write):
    item = voi_lut([3 * x for x in range(4096)], bits=16)[0]
    item.ModalityLUTType = "US"
    attributes = {"ModalityLUTSequence": [item], "WindowCenter": 4500, "WindowWidth": 3001}
    found = read_mammogram(write(make_dataset(STORED, **attributes)))
    np.testing.assert_allclose(found.pixels, np.clip((3 * STORED - 4499.5) / 3000 + 0.5, 0, 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("attributes", "note"),
    [
        ({}, "no VOI"),
        ({"WindowCenter": 1500, "WindowWidth": 2000}, "window LINEAR applied"),
        ({"WindowCenter": [1500, 2], "WindowWidth": [2000, 3]}, "first of 2 windows"),
        ({"WindowCenter": 1, "WindowWidth": 0.5}, "not possible"),
        ({"WindowCenter": 1500, "WindowWidth": 2000, "VOILUTFunction": "CUBIC"}, "not a known one"),
        ({"WindowCenter": ["", 1], "WindowWidth": [2, 3]}, "not possible"),
        ({"WindowCenter": 1}, "no VOI"),
        ({"VOILUTSequence": voi_lut(list(range(4096)), bits=16)}, "declares more bits than it uses"),
        ({"VOILUTSequence": voi_lut(list(range(4096)), bits=10)}, "uses more bits than it declares"),
        ({"VOILUTSequence": 3 * voi_lut(list(range(4096)), bits=12)}, "first of 3 VOI look-up tables"),
        (
            {"VOILUTSequence": voi_lut(list(range(4096)), bits=12), "WindowCenter": 1, "WindowWidth": 2},
            "window beside the VOI LUT is not used",
        ),
        ({"PresentationLUTShape": "INVERSE"}, "contradicts PhotometricInterpretation"),
    ],
)
def test_the_choice_is_noted(make_dataset, write, attributes, note):
    found = read_mammogram(write(make_dataset(STORED, **attributes)))
    assert any(note in x for x in found.notes), found.notes


@pytest.mark.parametrize(
    "attributes",
    [
        {"RescaleSlope": 0},
        {"RescaleSlope": [1, 2]},
        {"RescaleIntercept": "1e300"},
        {"ModalityLUTSequence": voi_lut([5] * 4096)},
        {"VOILUTSequence": voi_lut([1, 2, 3])},
        {"VOILUTSequence": voi_lut(top_bits(8).tolist(), bits=40)},
        {"VOILUTSequence": [Dataset()]},
    ],
)
def test_a_damaged_step_fails_the_file(make_dataset, write, attributes):
    assert read_mammogram(write(make_dataset(STORED, **attributes))).reason == "damaged"


def test_a_table_that_uses_more_bits_than_it_declares_is_scaled_by_those_it_uses(make_dataset, write):
    found = read_mammogram(write(make_dataset(STORED, VOILUTSequence=voi_lut(list(range(4096)), bits=10))))
    np.testing.assert_allclose(found.pixels, STORED / 4095, rtol=0, atol=1e-6)


RESCALED = {"RescaleSlope": -2, "RescaleIntercept": 500}


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("mode", "attributes", "values", "ends"),
    [
        ("raw", {}, STORED, (0, 4095)),
        ("raw", {**RESCALED, "WindowCenter": 2000, "WindowWidth": 10}, STORED, (0, 4095)),
        ("raw", {"RescaleSlope": 0}, STORED, (0, 4095)),  # what is not used may be damaged
        ("modality", {}, STORED, (0, 4095)),
        ("modality", {"RescaleSlope": 0.5, "WindowCenter": 9, "WindowWidth": 9}, STORED / 2, (0, 2047.5)),
        ("modality", RESCALED, 500 - 2 * STORED, (-7690, 500)),
        ("voi", RESCALED, 500 - 2 * STORED, (-7690, 500)),  # no VOI in the file
        ("modality", {"ModalityLUTSequence": voi_lut([7 + 3 * x for x in range(4096)], bits=16)}, 7 + 3 * STORED, None),
    ],
)
def test_the_value_range_gives_the_values_back(make_dataset, write, mode, attributes, values, ends, photometric):
    dataset = make_dataset(STORED, PhotometricInterpretation=photometric, **attributes)
    found = read_mammogram(write(dataset), mode=mode)
    expected = ends or (7, 7 + 3 * 4095)
    assert found.value_range == (expected if photometric == "MONOCHROME2" else expected[::-1])
    dark, bright = found.value_range
    np.testing.assert_allclose(dark + found.pixels * (bright - dark), values, rtol=0, atol=2e-3)


@pytest.mark.parametrize(
    "attributes", [{"WindowCenter": 1500, "WindowWidth": 2000}, {"VOILUTSequence": voi_lut(top_bits(8).tolist())}]
)
def test_behind_a_window_there_is_no_value_range(make_dataset, write, attributes):
    assert read_mammogram(write(make_dataset(STORED, **attributes))).value_range is None


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("padding", [-1, 255])
def test_padding_of_8_bits_may_have_the_wrong_sign(make_dataset, write, padding, signed):
    """255 and -1 are the same pixel, whatever the VR of PixelPaddingValue makes of it."""
    pixels = np.arange(3072).reshape(48, 64) % 256
    dataset = make_dataset(pixels, bits=8, signed=signed)
    dataset.add_new("PixelPaddingValue", "SS", padding)
    found = read_mammogram(write(dataset))
    dark, bright = found.value_range
    values = np.where(pixels > 127, pixels - 256, pixels) if signed else pixels
    expected = np.where(pixels == 255, 0, (values - dark) / (bright - dark))
    np.testing.assert_allclose(found.pixels, expected, rtol=0, atol=1e-6)
