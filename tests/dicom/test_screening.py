"""What is left out, by all the attributes that say it; and what the same attributes leave in."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_encoders import encode
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from monai_mammo.dicom import Skipped, read_mammogram
from monai_mammo.dicom.reading.image_type import sort_of_image
from monai_mammo.dicom.writing.store import dataset_bytes
from monai_mammo.study import Mammogram

PIXELS = np.arange(48 * 64).reshape(48, 64) + 300
DIGITAL = "1.2.840.10008.5.1.4.1.1.1.2"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
PARTIAL = Dataset()
PARTIAL.CodeValue, PARTIAL.CodingSchemeDesignator, PARTIAL.CodeMeaning = "255561001", "SCT", "Medial"

LEFT_OUT = [
    # geometry
    ({"DistanceSourceToDetector": 650, "DistanceSourceToPatient": 361}, "magnification"),
    (
        {
            "DistanceSourceToDetector": 650,
            "DistanceSourceToPatient": 361,
            "EstimatedRadiographicMagnificationFactor": 1.0,
        },
        "magnification",
    ),
    ({"EstimatedRadiographicMagnificationFactor": 1.8}, "magnification"),
    ({"PaddleDescription": "10CM MAG"}, "magnification"),
    ({"PaddleDescription": "SPOT CONTACT"}, "spot"),
    ({"SeriesDescription": "L CC MAG"}, "magnification"),
    ({"SeriesDescription": "R_MLO_SPOT"}, "spot"),
    # parts of a breast
    ({"PartialView": "YES"}, "partial_view"),
    ({"PartialView": "YES", "PartialViewCodeSequence": [PARTIAL]}, "partial_view"),
    ({"PartialViewCodeSequence": [PARTIAL]}, "partial_view"),
    # PS3.3, tables C.8-74a to e and C.8.21.6-1a
    *[
        ({"ImageType": ["ORIGINAL", "PRIMARY", term]}, "biopsy")
        for term in (
            *("STEREO_SCOUT", "STEREO_MINUS", "STEREO_PLUS", "PREFIRE_MINUS", "PREFIRE_PLUS", "POSTFIRE_MINUS"),
            *("POSTFIRE_PLUS", "POSTBIOPSY", "POSTBIOPSY_MINUS", "POSTMARKER", "TOMO_SCOUT", "PREFIRE", "POSTFIRE"),
        )
    ],
    ({"ImageType": ["DERIVED", "PRIMARY", "POSTFIRE_PLUS", "GENERATED_2D"]}, "biopsy"),
    ({"ViewPosition": "CCPRF"}, "biopsy"),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "TOMO_PROJ"]}, "projection"),
    ({"ImageType": ["DERIVED", "PRIMARY", "TOMOSYNTHESIS"]}, "synthetic_2d"),
    ({"ImageType": ["DERIVED", "PRIMARY", "TOMO_2D"]}, "synthetic_2d"),
    ({"ImageType": ["DERIVED", "PRIMARY", "", "GENERATED_2D"]}, "synthetic_2d"),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "", "", "HIGH_ENERGY"]}, "high_energy"),
    # vendors' words
    *[
        ({keyword: words}, "synthetic_2d")
        for keyword, words in (
            *(("SeriesDescription", "L CC C-View"), ("SeriesDescription", "RMLO_C_VIEW"), ("ProtocolName", "Cview")),
            *(("SeriesDescription", "Intelligent 2D L MLO"), ("SeriesDescription", "R CC I2D")),
            *(("SeriesDescription", "Insight 2D"), ("AcquisitionDeviceProcessingDescription", "INSIGHT 3D")),
            *(("SeriesDescription", "V-Preview LCC"), ("SeriesDescription", "S-View"), ("SeriesDescription", "G-View")),
            *(("SeriesDescription", "Synthesized 2D"), ("DerivationDescription", "Synthesised from 15 projections")),
            *(("SeriesDescription", "SYNTH_2D"), ("SeriesDescription", "Synthetic 2D CC")),
        )
    ],
    ({"ImageType": ["DERIVED", "PRIMARY", "C-VIEW"]}, "synthetic_2d"),
    # quality control
    ({"CalibrationImage": "YES"}, "quality_control"),
]


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
@pytest.mark.parametrize(("attributes", "reason"), LEFT_OUT, ids=lambda value: str(value)[:60])
def test_what_an_attribute_says_is_heeded(write, attributes, reason):
    found = read_mammogram(write(encode(PIXELS, SOPClassUID=DIGITAL, **attributes)))
    assert isinstance(found, Skipped) and found.reason == reason, found


@pytest.mark.parametrize(
    "attributes",
    [
        {"DistanceSourceToDetector": 700, "DistanceSourceToPatient": 675},  # a contact view
        {"DistanceSourceToDetector": 700, "DistanceSourceToPatient": 67.5},  # another unit
        {"DistanceSourceToDetector": 700},
        {"PartialView": "NO"},
        {"PartialView": "NO", "PartialViewCodeSequence": []},
        {"PaddleDescription": "24CM X 29CM SCREENING"},
        {"ImageType": ["ORIGINAL", "PRIMARY"]},
        {"ImageType": ["DERIVED", "PRIMARY", "", "", "LOW_ENERGY"]},
        {"SeriesDescription": "R CC, viewed"},
        {"SeriesDescription": "IMAGES OF A SCREENING", "ProtocolName": "CC VIEW"},
    ],
    ids=str,
)
def test_plain_views_pass(write, attributes):
    found = read_mammogram(write(encode(PIXELS, SOPClassUID=DIGITAL, **attributes)))
    assert isinstance(found, Mammogram), found


def test_what_is_accepted_by_distances_and_part_passes_with_notes(write):
    attributes = {"DistanceSourceToDetector": 650, "DistanceSourceToPatient": 361, "PartialView": "YES"}
    path = write(encode(PIXELS, SOPClassUID=DIGITAL, **attributes))
    assert read_mammogram(path, accept=["magnification"]).reason == "partial_view"
    notes = " ".join(read_mammogram(path, accept=["magnification", "partial_view"]).notes)
    assert "DistanceSourceToDetector" in notes and "PartialView" in notes


def test_a_synthetic_image_of_ours_is_not_one_of_a_tomosynthesis():
    dataset = Dataset()
    dataset.SeriesDescription, dataset.SyntheticData = "SYNTHETIC 2D mammogram", "YES"
    assert sort_of_image(dataset) is None
    dataset.ImageType = ["DERIVED", "PRIMARY", "TOMOSYNTHESIS", "GENERATED_2D"]
    assert sort_of_image(dataset)[0] == "synthetic_2d"


def private(
    *, group=0x7E01, creator="HOLOGIC, Inc.", sop_class=CAPTURE, with_pixels=True, with_sequence=False, size=2**17
):
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = sop_class, "2.25.1", "MG"
    dataset.Rows, dataset.Columns, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 48, 64, 16, 12, 11
    dataset.SamplesPerPixel, dataset.PixelRepresentation, dataset.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    holder = Dataset() if with_sequence else dataset
    holder.private_block(group, creator, create=True).add_new(0x12, "OB", bytes(size))
    if with_sequence:
        dataset.private_block(group, creator, create=True).add_new(0x10, "SQ", [holder])
    if with_pixels:
        data = b"" if with_pixels == "empty" else PIXELS.astype("<u2").tobytes()
        dataset.add_new("PixelData", "OW", data)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


@pytest.mark.parametrize(
    ("how", "reason", "words"),
    [
        ({}, "unsupported_pixels", "private attributes"),
        ({"with_pixels": False}, "unsupported_pixels", "private attributes"),
        ({"group": 0x7FE1, "creator": "SPI-P Release 1", "with_pixels": False}, "unsupported_pixels", "private"),
        ({"sop_class": DIGITAL, "with_pixels": False}, "unsupported_pixels", "private attributes"),
        ({"sop_class": DIGITAL, "with_pixels": "empty"}, "unsupported_pixels", "private attributes"),
        ({"sop_class": DIGITAL, "with_pixels": "empty", "size": 20}, "damaged", "fewer pixels"),
        ({"sop_class": DIGITAL, "with_pixels": False, "size": 20}, "no_pixels", "has none"),
        ({"with_sequence": True}, "unsupported_pixels", "private attributes"),  # as Hologic's tomosynthesis lies
        ({"with_sequence": True, "sop_class": DIGITAL, "with_pixels": False}, "unsupported_pixels", "private"),
    ],
)
def test_pixels_in_private_attributes_are_named_as_the_cause(write, how, reason, words):
    found = read_mammogram(write(dataset_bytes(private(**how))))
    assert found.reason == reason and words in found.detail, found


def test_private_attributes_beside_pixels_are_not_looked_at(write):
    assert isinstance(read_mammogram(write(dataset_bytes(private(group=0x0029)))), Mammogram)


@pytest.mark.parametrize("syntax", ["1.2.840.113619.5.2", "1.3.46.670589.33.1.4"])  # of GE and of Philips
def test_a_private_transfer_syntax_is_named_as_the_cause(write, syntax):
    file = encode(PIXELS, SOPClassUID=DIGITAL)
    assert file.count(b"1.2.840.10008.1.2.1\0") == 1
    found = read_mammogram(write(file.replace(b"1.2.840.10008.1.2.1\0", syntax.ljust(20, "\0").encode())))
    assert found.reason == "unsupported_transfer_syntax", found


@pytest.mark.parametrize(
    ("attributes", "is_mammogram"),
    [
        ({"AcquisitionDeviceProcessingDescription": "MAMMO,R-MLO"}, True),
        ({"BodyPartExamined": "BREAST"}, True),
        ({"ViewPosition": "LCC"}, True),
        ({"AcquisitionDeviceProcessingDescription": "CHEST,PA"}, False),
        ({"SeriesDescription": "MAMMO R-MLO"}, False),  # free text is not evidence
    ],
)
def test_computed_radiography_is_of_a_breast_where_device_or_attributes_say_so(write, attributes, is_mammogram):
    how = {"Modality": "CR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "BodyPartExamined": None} | attributes
    found = read_mammogram(write(encode(PIXELS, **{"ViewPosition": None, "ViewCodeSequence": None} | how)))
    assert isinstance(found, Mammogram) if is_mammogram else found.reason == "not_mammography", found


@pytest.mark.parametrize(
    ("keyword", "vr", "words"),
    [("FloatPixelData", "OF", "floating-point"), ("PixelDataProviderURL", "UR", "on a server")],
)
def test_other_places_of_pixels_are_named(write, keyword, vr, words):
    dataset = private(group=0x0029, with_pixels=False, size=20)
    dataset.add_new(keyword, vr, bytes(8) if vr == "OF" else "http://archive/1")
    found = read_mammogram(write(dataset_bytes(dataset)))
    assert words in found.detail and isinstance(found, Skipped) == (vr == "OF"), found
