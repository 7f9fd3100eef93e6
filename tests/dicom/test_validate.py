"""Each fault that a written object can have is named, and none is invented."""

from __future__ import annotations

import pydicom
import pytest
from pydicom.dataset import Dataset

from monai_mammo.dicom import complete
from monai_mammo.dicom.writing.mammogram_object import mammogram_dataset
from monai_mammo.dicom.writing.validate import MAY_BE_EMPTY, NEED_A_VALUE
from monai_mammo.terms import ChestWall


@pytest.fixture
def dataset(make_mammogram, identity, provenance):
    return mammogram_dataset(make_mammogram("L", "CC"), identity=identity, provenance=provenance)


def test_a_written_mammogram_has_no_fault(dataset):
    assert complete(dataset, chest_wall=ChestWall.LEFT) == []


@pytest.mark.parametrize("keyword", [k for k in NEED_A_VALUE if k != "SOPClassUID"])
def test_each_needed_attribute_is_missed(dataset, keyword):
    del dataset[keyword]
    assert any(keyword in sentence for sentence in complete(dataset))


@pytest.mark.parametrize("keyword", MAY_BE_EMPTY)
def test_each_attribute_that_may_be_empty_must_be_there(dataset, keyword):
    del dataset[keyword]
    assert any(keyword in sentence for sentence in complete(dataset))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ImageLaterality": "R"}, "PatientOrientation does not fit"),
        ({"PatientOrientation": ["A", "L"]}, "PatientOrientation does not fit"),
        ({"PatientOrientation": ["A", "FR"]}, "PatientOrientation does not fit"),
        ({"PatientOrientation": ["P", "R"]}, "the pixels show it left"),
        ({"PatientOrientation": "CC"}, "does not say where"),
        ({"ImageLaterality": "B"}, "ImageLaterality is not one of L, R"),
        ({"Laterality": "L"}, "Laterality must not stand beside"),
        ({"ViewPosition": "MLO"}, "different views"),
        ({"WindowWidth": None}, "neither a window nor"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "do not agree"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "do not agree"),
        ({"HighBit": 15}, "HighBit"),
        ({"Rows": 95}, "Rows x Columns"),
        ({"PixelRepresentation": 1}, "PixelRepresentation must be 0"),
        ({"RescaleSlope": "2"}, "RescaleSlope must be 1"),
        ({"LossyImageCompression": "01"}, "LossyImageCompressionRatio"),
        ({"PixelSpacing": ["0.1", "0.1"]}, "PixelSpacingCalibrationType"),
        ({"SyntheticData": "NO"}, "SyntheticData"),
        ({"ContributingEquipmentSequence": []}, "synthesizing equipment"),
        ({"PatientName": "DOE^JANE"}, "PatientName"),
        ({"DeidentificationMethod": ""}, "DeidentificationMethod"),
    ],
)
def test_contradictions_are_named(dataset, changes, words):
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    sentences = complete(dataset, chest_wall=ChestWall.LEFT)
    assert any(words in sentence for sentence in sentences), sentences
    assert not any("DOE" in sentence for sentence in sentences)


def test_a_window_has_no_place_in_an_image_for_processing(dataset):
    dataset.SOPClassUID = pydicom.uid.DigitalMammographyXRayImageStorageForProcessing
    dataset.PresentationIntentType = "FOR PROCESSING"
    assert complete(dataset) == ["A window is not allowed in an image for processing."]


def test_other_objects_are_not_ours():
    assert complete(Dataset()) == ["SOPClassUID is neither a digital mammogram nor a segmentation nor a report."]
