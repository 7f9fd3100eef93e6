"""What other readers get wrong, a test for each: one made file, and what PS3.3 asks to be read out of it.

The files and the wrong answers of MONAI, SimpleITK, torchio, dicomsdl and highdicom were measured
before this reader was written; the names of the tests say what goes wrong elsewhere.
"""

from __future__ import annotations

import numpy as np
import pytest
from dicom_encoders import encode
from pydicom import uid
from pydicom.dataset import Dataset

from monai_mammo.dicom import Failed, SkipReason, read_mammogram
from monai_mammo.study import Mammogram

MAMMOGRAPHY = uid.DigitalMammographyXRayImageStorageForPresentation
SHAPE = (40, 52)
BRIGHT = np.linspace(0, 3566, SHAPE[0] * SHAPE[1]).astype(np.int64).reshape(SHAPE)  # 0 ... 3566, as measured
IMAGER = {"ImagerPixelSpacing": [0.07, 0.07]}


@pytest.fixture
def read(write):
    """Mammogram of made pixels, and the modality values that its brightness stands for."""

    def go(pixels=BRIGHT, *, mode="voi", accept=(), **how):
        found = read_mammogram(write(encode(pixels, **{"SOPClassUID": MAMMOGRAPHY, **how})), mode=mode, accept=accept)
        assert isinstance(found, Mammogram), found
        return found

    return go


def values_of(found):
    dark, bright = found.value_range
    return np.rint(dark + found.pixels.astype(np.float64) * (bright - dark)).astype(int)


@pytest.mark.parametrize(
    ("attributes", "spacing"),
    [
        (IMAGER, (0.07, 0.07, "imager")),
        (
            {**IMAGER, "PixelSpacing": [0.05, 0.06], "PixelSpacingCalibrationType": "FIDUCIAL"},
            (0.05, 0.06, "calibrated"),
        ),
        ({**IMAGER, "EstimatedRadiographicMagnificationFactor": 1.8}, (0.07 / 1.8, 0.07 / 1.8, "imager/magnification")),
        ({**IMAGER, "SOPClassUID": uid.SecondaryCaptureImageStorage}, (0.07, 0.07, "imager")),
        ({}, None),
    ],
    ids=["imager spacing", "calibration", "magnification", "old film", "no spacing at all"],
)
def test_spacing(read, attributes, spacing):
    found = read(accept=[SkipReason.MAGNIFICATION], **attributes).spacing
    if spacing is None:
        assert found is None
    else:
        assert (found.row_mm, found.column_mm) == pytest.approx(spacing[:2], rel=1e-9)
        assert found.source == spacing[2]


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.JPEGLSLossless], ids=["native", "JPEG-LS"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_a_negative_is_inverted_once(read, bits, syntax):
    top = 2**bits - 1
    bright = BRIGHT * top // 4095
    how = {"bits": bits, "syntax": syntax, "PhotometricInterpretation": "MONOCHROME1"}
    for more in ({}, {"PresentationLUTShape": "INVERSE"}):
        np.testing.assert_allclose(read(top - bright, **how, **more).pixels, bright / top, rtol=0, atol=1e-6)


def test_a_negative_with_rescale_is_inverted_after_the_window(read):
    how = {"PhotometricInterpretation": "MONOCHROME1", "RescaleSlope": 2, "RescaleIntercept": -100}
    stored = 4095 - BRIGHT
    modality = read(stored, mode="modality", **how)
    np.testing.assert_array_equal(values_of(modality), 2 * stored - 100)
    assert (values_of(modality).min(), values_of(modality).max()) == (958, 8090)
    assert modality.value_range == (8090, -100)  # dark means high
    shown = read(stored, WindowCenter=4000, WindowWidth=3001, **how)
    ramp = np.clip((2 * stored - 100 - 3999.5) / 3000 + 0.5, 0, 1)
    np.testing.assert_allclose(shown.pixels, 1 - ramp, rtol=0, atol=1e-6)


TABLE = Dataset()
TABLE.LUTDescriptor = [4096, 0, 8]
TABLE.add_new("LUTData", "US", (np.arange(4096) >> 4).tolist())


@pytest.mark.parametrize(
    ("attributes", "expected", "note"),
    [
        ({}, lambda x: np.clip((x - 1999.5) / 999 + 0.5, 0, 1), "LINEAR "),
        ({"VOILUTFunction": "LINEAR_EXACT"}, lambda x: np.clip((x - 2000) / 1000 + 0.5, 0, 1), "LINEAR_EXACT"),
        ({"VOILUTFunction": "SIGMOID"}, lambda x: 1 / (1 + np.exp(-4 * (x - 2000) / 1000)), "SIGMOID"),
        ({"VOILUTSequence": [TABLE]}, lambda x: (x >> 4) / 255, "VOI LUT"),
    ],
    ids=["LINEAR", "LINEAR_EXACT", "SIGMOID", "table"],
)
def test_the_voi_is_applied_and_said(read, attributes, expected, note):
    found = read(WindowCenter=2000, WindowWidth=1000, **attributes)
    np.testing.assert_allclose(found.pixels, expected(BRIGHT), rtol=0, atol=1e-6)
    assert any(note in text for text in found.notes) and found.value_range is None


def test_the_window_is_placed_on_rescaled_values(read):
    how = {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 3000, "WindowWidth": 2000}
    expected = np.clip((2 * BRIGHT - 100 - 2999.5) / 1999 + 0.5, 0, 1)
    np.testing.assert_allclose(read(**how).pixels, expected, rtol=0, atol=1e-6)


def test_a_table_of_8_bits_does_not_wrap(read):
    inputs = np.resize([0, 255, 256, 1000, 2048, 4095], SHAPE)
    found = read(inputs, VOILUTSequence=[TABLE])
    assert np.rint(found.pixels[0, :6] * 255).tolist() == [0, 15, 16, 62, 128, 255]


@pytest.mark.parametrize("mode", ["voi", "modality", "raw"])
def test_padding_is_no_tissue(read, mode):
    padded = BRIGHT.copy()
    padded[:, 26:] = 4000
    found = read(padded, mode=mode, PixelPaddingValue=4000)
    assert not found.pixels[:, 26:].any()
    np.testing.assert_allclose(found.pixels[:, :26], BRIGHT[:, :26] / 4095, rtol=0, atol=1e-6)


def test_unused_bits_are_masked(read):
    assert (BRIGHT | 0xA000).max() == 44526
    np.testing.assert_array_equal(values_of(read(BRIGHT | 0xA000, mode="raw")), BRIGHT)


def test_signs_that_are_not_extended(read):
    how = {"signed": True, "SOPClassUID": uid.SecondaryCaptureImageStorage, "RescaleIntercept": 2048, "RescaleSlope": 1}
    pixels = (BRIGHT - 2048) & 0xFFF
    assert (values_of(read(pixels, mode="raw", **how)).min(), values_of(read(pixels, mode="raw", **how)).max()) == (
        -2048,
        1518,
    )
    np.testing.assert_array_equal(values_of(read(pixels, mode="modality", **how)), BRIGHT)
    np.testing.assert_array_equal(values_of(read(BRIGHT - 2048, mode="modality", **how)), BRIGHT)  # extended


def test_a_legal_signed_file_has_one_answer(read):
    how = {"signed": True, "SOPClassUID": uid.SecondaryCaptureImageStorage, "RescaleIntercept": 2048, "RescaleSlope": 1}
    found = read(BRIGHT - 2048, **how, **IMAGER)
    assert found.shape == SHAPE and found.spacing.row_mm == 0.07
    np.testing.assert_array_equal(values_of(found), BRIGHT)


@pytest.mark.parametrize("series", [1, 4], ids=["one series", "four series"])
@pytest.mark.parametrize("widths", [(52, 52, 52, 52), (52, 48, 52, 44)], ids=["equal widths", "unequal widths"])
def test_four_views_in_a_folder_are_four_images(tmp_path, series, widths):
    views = [(side, view) for side in "LR" for view in ("CC", "MLO")]
    for n, ((side, view), width) in enumerate(zip(views, widths, strict=True)):
        how = {"ImageLaterality": side, "ViewPosition": view, "SeriesInstanceUID": f"2.25.{n % series + 7}"}
        data = encode(BRIGHT[:, :width] + n, SOPClassUID=MAMMOGRAPHY, SOPInstanceUID=f"2.25.{n + 90}", **how)
        (tmp_path / f"{n}.dcm").write_bytes(data)
    found = [read_mammogram(path) for path in sorted(tmp_path.iterdir())]
    assert [(m.conditions.laterality, m.conditions.view) for m in found] == views
    assert [m.shape for m in found] == [(40, width) for width in widths]
    assert [round(m.pixels.min() * 4095) for m in found] == [0, 1, 2, 3]


def test_files_cut_off_have_one_code(write):
    whole = encode(BRIGHT, SOPClassUID=MAMMOGRAPHY)
    pixels = whole.index(b"\xe0\x7f\x10\x00")
    for data, reason in ((whole[: len(whole) // 2], SkipReason.DAMAGED), (whole[:pixels], SkipReason.NO_PIXELS)):
        found = read_mammogram(write(data))
        assert isinstance(found, Failed) and found.reason is reason, found


def test_arrays_are_rows_by_columns(read):
    found = read(np.arange(40 * 52).reshape(SHAPE))
    assert found.shape == (40, 52)
    assert found.pixels[0, 1] * 4095 == pytest.approx(1) and found.pixels[1, 0] * 4095 == pytest.approx(52)
