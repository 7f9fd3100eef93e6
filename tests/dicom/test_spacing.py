"""Spacing by the order in which its sources deserve trust; unknown stays unknown."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from monai_mammo.dicom.reading.spacing import find_spacing
from monai_mammo.study import Spacing

IMAGER = {"ImagerPixelSpacing": ["0.07", "0.08"]}


def header(**attributes):
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, None),
        (IMAGER, (0.07, 0.08, "imager")),
        (
            {**IMAGER, "PixelSpacing": ["0.05", "0.06"], "PixelSpacingCalibrationType": "FIDUCIAL"},
            (0.05, 0.06, "calibrated"),
        ),
        (
            {**IMAGER, "PixelSpacing": ["0.05", "0.06"], "PixelSpacingCalibrationType": "GEOMETRY"},
            (0.05, 0.06, "geometry"),
        ),
        ({**IMAGER, "PixelSpacing": ["0.05", "0.06"]}, (0.05, 0.06, "calibrated")),
        ({**IMAGER, "PixelSpacing": ["0.07", "0.08"]}, (0.07, 0.08, "imager")),
        (
            {**IMAGER, "EstimatedRadiographicMagnificationFactor": "1.25"},
            (0.07 / 1.25, 0.08 / 1.25, "imager/magnification"),
        ),
        (
            {**IMAGER, "DistanceSourceToDetector": "660", "DistanceSourceToPatient": "600"},
            (0.07 / 1.1, 0.08 / 1.1, "imager/magnification"),
        ),
        (
            {**IMAGER, "DistanceSourceToDetector": "660", "DistanceSourceToPatient": "0"},
            (0.07, 0.08, "imager"),
        ),
        ({**IMAGER, "EstimatedRadiographicMagnificationFactor": "0"}, (0.07, 0.08, "imager")),
        (
            {
                **IMAGER,
                "EstimatedRadiographicMagnificationFactor": "1.1",
                "DistanceSourceToDetector": "9",
                "DistanceSourceToPatient": "3",
            },
            (0.07 / 1.1, 0.08 / 1.1, "imager/magnification"),
        ),
        ({**IMAGER, "EstimatedRadiographicMagnificationFactor": "0.01"}, (0.07, 0.08, "imager")),
        ({**IMAGER, "EstimatedRadiographicMagnificationFactor": "100"}, (0.07, 0.08, "imager")),
        ({**IMAGER, "NominalScannedPixelSpacing": ["0.05", "0.05"]}, (0.07, 0.08, "imager")),
        ({"PixelSpacing": ["0.05", "0.06"], "PixelSpacingCalibrationType": "FIDUCIAL"}, (0.05, 0.06, "calibrated")),
        ({"PixelSpacing": ["0.05", "0.06"]}, (0.05, 0.06, "uncalibrated")),
        ({"NominalScannedPixelSpacing": ["0.05", "0.05"]}, (0.05, 0.05, "scanned")),
        ({"PixelSpacing": ["1.0", "1.0"], **IMAGER}, (0.07, 0.08, "imager")),
        ({"PixelSpacing": ["0", "0"]}, None),
        ({"ImagerPixelSpacing": ["70", "70"]}, None),
        ({"PixelSpacing": ["0.005", "0.005"]}, None),
        ({"ImagerPixelSpacing": ["0.9", "0.9"]}, None),
        ({"ImagerPixelSpacing": ["0.9", "0.9"], "SyntheticData": "YES"}, (0.9, 0.9, "imager")),
        (
            {"ImagerPixelSpacing": ["0.9", "0.9"], "SyntheticData": "YES", "ImageComments": "it is nominal"},
            (0.9, 0.9, "nominal"),
        ),
    ],
)
def test_order_of_sources(attributes, expected):
    found, _ = find_spacing(header(**attributes))
    if expected is None:
        assert found is None
    else:
        assert isinstance(found, Spacing)
        assert (found.row_mm, found.column_mm) == pytest.approx(expected[:2], rel=1e-9)
        assert found.source == expected[2]


def test_an_impossible_spacing_is_noted_without_its_figures():
    found, notes = find_spacing(header(PixelSpacing=["1.0", "1.0"]))
    assert found is None and notes == ("PixelSpacing is not a spacing that a mammogram can have",)


def test_one_value_is_no_pair():
    dataset = Dataset()
    dataset.ImagerPixelSpacing = "0.07"
    assert find_spacing(dataset)[0] is None


def test_an_impossible_magnification_is_noted():
    found, notes = find_spacing(header(**IMAGER, EstimatedRadiographicMagnificationFactor="0.01"))
    assert found.source == "imager" and notes == ("the magnification is not one that a mammogram can have",)
