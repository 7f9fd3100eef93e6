"""Spacing by the order in which its sources deserve trust; unknown stays unknown."""

from __future__ import annotations

from itertools import combinations

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


SOURCES = {
    "fiducial": {"PixelSpacing": ["0.050", "0.060"], "PixelSpacingCalibrationType": "FIDUCIAL"},
    "geometry": {"PixelSpacing": ["0.051", "0.061"], "PixelSpacingCalibrationType": "GEOMETRY"},
    "pixel": {"PixelSpacing": ["0.052", "0.062"]},
    "imager": IMAGER,
    "scanned": {"NominalScannedPixelSpacing": ["0.040", "0.045"]},
    "factor": {"EstimatedRadiographicMagnificationFactor": "1.25"},
    "distances": {"DistanceSourceToDetector": "660", "DistanceSourceToPatient": "600"},
}
FIDUCIAL, GEOMETRY = (0.050, 0.060, "calibrated"), (0.051, 0.061, "geometry")
PIXEL, SCANNED = (0.052, 0.062, "uncalibrated"), (0.040, 0.045, "scanned")
PAIRS = {
    ("fiducial", "imager"): FIDUCIAL,
    ("fiducial", "scanned"): FIDUCIAL,
    ("fiducial", "factor"): FIDUCIAL,  # calibrated in the breast's plane: not divided again
    ("fiducial", "distances"): FIDUCIAL,
    ("geometry", "imager"): GEOMETRY,
    ("geometry", "scanned"): GEOMETRY,
    ("geometry", "factor"): GEOMETRY,
    ("geometry", "distances"): GEOMETRY,
    ("pixel", "imager"): (0.052, 0.062, "calibrated"),  # it differs, so somebody has calibrated it
    ("pixel", "scanned"): PIXEL,
    ("pixel", "factor"): PIXEL,
    ("pixel", "distances"): PIXEL,
    ("imager", "scanned"): (0.07, 0.08, "imager"),
    ("imager", "factor"): (0.07 / 1.25, 0.08 / 1.25, "imager/magnification"),
    ("imager", "distances"): (0.07 / 1.1, 0.08 / 1.1, "imager/magnification"),
    ("scanned", "factor"): SCANNED,
    ("scanned", "distances"): SCANNED,
    ("factor", "distances"): None,  # a magnification of nothing
}
"""Each pair of sources, but those that are one attribute, and which of the two is taken."""


def test_every_pair_is_there():
    one_attribute = {"fiducial", "geometry", "pixel"}
    pairs = [pair for pair in combinations(SOURCES, 2) if not set(pair) <= one_attribute]
    assert pairs == list(PAIRS)


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_every_pair_of_sources(pair):
    for one, other in (pair, pair[::-1]):
        found, notes = find_spacing(header(**SOURCES[one], **SOURCES[other]))
        expected = PAIRS[pair]
        if expected is None:
            assert found is None
        else:
            assert (found.row_mm, found.column_mm) == pytest.approx(expected[:2], rel=1e-9)
            assert found.source == expected[2]
        assert notes == ()


@pytest.mark.parametrize("third", ["fiducial", "geometry", "pixel", "scanned"])
def test_a_magnification_divides_the_detector_alone(third):
    """Imager and factor with each other source: only where the detector's spacing is taken it is divided."""
    found, _ = find_spacing(header(**IMAGER, **SOURCES["factor"], **SOURCES[third]))
    expected = {"scanned": PAIRS["imager", "factor"], "pixel": PAIRS["pixel", "imager"]}
    values = expected.get(third) or PAIRS[third, "imager"]
    assert (found.row_mm, found.column_mm) == pytest.approx(values[:2], rel=1e-9) and found.source == values[2]


def test_magnifications_that_disagree_are_noted():
    far = {"DistanceSourceToDetector": "700", "DistanceSourceToPatient": "500"}
    found, notes = find_spacing(header(**IMAGER, **far, EstimatedRadiographicMagnificationFactor="1.05"))
    assert found.row_mm == pytest.approx(0.07 / 1.05, rel=1e-9)
    words = "contradiction: EstimatedRadiographicMagnificationFactor and the distances disagree about the magnification"
    assert notes == (f"{words}, the first was taken",)
    assert find_spacing(header(**IMAGER, **SOURCES["factor"], **SOURCES["distances"]))[1] == ()


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
