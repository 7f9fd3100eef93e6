"""Lesion masks as DICOM SEG."""

from __future__ import annotations

import time

import highdicom
import numpy as np
import pydicom
import pytest
from dicom_tools import errors_between, errors_of

from monai_mammo.dicom import (
    WeightsReference,
    complete,
    read_segmentation,
    write_mammogram,
    write_segmentation,
)
from monai_mammo.dicom.writing import segmentation
from monai_mammo.errors import MammoError
from monai_mammo.terms import Finding

SHAPE = (96, 64)
NETWORK = WeightsReference("mammo_lesion_segmentation", "0.1.0", "ef" * 32)


def block(rows, columns):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[rows, columns] = True
    return mask


REQUESTED = block(slice(40, 50), slice(20, 31))
FOUND = block(slice(45, 55), slice(22, 35))  # overlaps the requested one
EMPTY = np.zeros(SHAPE, dtype=bool)


@pytest.fixture
def source(tmp_path, make_mammogram, identity, provenance):
    path = tmp_path / "mammogram.dcm"
    write_mammogram(make_mammogram(shape=SHAPE), path, identity=identity, provenance=provenance)
    return path


@pytest.fixture
def segment(source, provenance, tmp_path):
    def write(requested, found, *, finding=Finding.MASS, name="lesion.seg.dcm"):
        masks = {"requested": requested, "found": found}
        path = tmp_path / name
        write_segmentation(source, masks, path, finding=finding, provenance=provenance, algorithms={"found": NETWORK})
        return path

    return write


@pytest.mark.parametrize(
    ("requested", "found"), [(REQUESTED, FOUND), (REQUESTED, EMPTY), (EMPTY, FOUND), (EMPTY, EMPTY)]
)
def test_masks_come_back_and_validators_agree(segment, source, requested, found):
    path = segment(requested, found)
    masks = read_segmentation(path)
    assert list(masks) == ["requested", "found"]
    np.testing.assert_array_equal(masks["requested"], requested)
    np.testing.assert_array_equal(masks["found"], found)
    assert complete(pydicom.dcmread(path)) == []
    assert errors_of(path, kind="Segmentation") == []
    assert errors_between(source, path) == []


@pytest.mark.parametrize("finding", list(Finding))
def test_property_type_is_the_finding(segment, finding):
    items = pydicom.dcmread(segment(REQUESTED, FOUND, finding=finding)).SegmentSequence
    for item in items:
        assert item.SegmentedPropertyTypeCodeSequence[0].CodeValue == finding.code.value
        assert item.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "49755003"
    assert [item.SegmentAlgorithmName for item in items] == ["mammo_diffusion", "mammo_lesion_segmentation"]


def test_equal_masks_give_equal_bytes_whatever_the_clock_and_chance(segment):
    """highdicom stamps the second of writing and draws a UID: both must be gone, which one second shows."""
    first = segment(REQUESTED, FOUND).read_bytes()
    time.sleep(1.05)
    assert segment(REQUESTED, FOUND, name="again.seg.dcm").read_bytes() == first
    assert segment(REQUESTED, EMPTY, name="other.seg.dcm").read_bytes() != first


def test_sides_and_marks_are_copied_and_the_mammogram_is_referenced(segment, source):
    mammogram, dataset = pydicom.dcmread(source), pydicom.dcmread(segment(REQUESTED, FOUND))
    assert dataset.PatientOrientation == mammogram.PatientOrientation
    assert dataset.SyntheticData == "YES"
    assert dataset.StudyInstanceUID == mammogram.StudyInstanceUID
    assert dataset.SeriesInstanceUID != mammogram.SeriesInstanceUID
    instance = dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    assert instance.ReferencedSOPInstanceUID == mammogram.SOPInstanceUID


@pytest.mark.parametrize("stated", ["CC", None])
def test_masks_are_valid_where_the_mammogram_states_no_orientation_and_an_odd_name(
    source, provenance, tmp_path, stated
):
    dataset = pydicom.dcmread(source)
    dataset.PatientOrientation = stated  # CBIS-DDSM writes the view there, and a word as name
    dataset.PatientName = "Mass-Test_P_00001_LEFT_CC"
    path = tmp_path / "lesion.seg.dcm"
    written = write_segmentation(dataset, {"found": FOUND}, path, finding=Finding.MASS, provenance=provenance)
    assert not written.PatientOrientation and "PatientOrientation" in written
    assert errors_of(path, kind="Segmentation") == []


def test_frames_are_found_by_number_not_by_place(segment, tmp_path):
    dataset = pydicom.dcmread(segment(REQUESTED, FOUND))
    frames = dataset.PerFrameFunctionalGroupsSequence
    half = len(dataset.PixelData) // 2
    dataset.PixelData = dataset.PixelData[half:] + dataset.PixelData[:half]
    dataset.PerFrameFunctionalGroupsSequence = [frames[1], frames[0]]
    dataset.save_as(tmp_path / "swapped.dcm")
    masks = read_segmentation(tmp_path / "swapped.dcm")
    np.testing.assert_array_equal(masks["found"], FOUND)


def test_a_segment_in_several_frames_is_all_of_them(segment, tmp_path):
    dataset = pydicom.dcmread(segment(REQUESTED, FOUND))
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber = 2
    dataset.save_as(tmp_path / "parts.dcm")
    masks = read_segmentation(tmp_path / "parts.dcm")
    np.testing.assert_array_equal(masks["found"], REQUESTED | FOUND)
    assert not masks["requested"].any()


def test_highdicom_reads_what_we_wrote(segment):
    found = highdicom.seg.segread(segment(REQUESTED, FOUND))
    assert found.number_of_segments == 2
    assert found.get_tracking_ids() and found.segmentation_type.value == "BINARY"


def test_masks_of_another_name_keep_it_as_label(source, provenance, tmp_path):
    """With one segment alone its number stands in the shared functional groups."""
    path = tmp_path / "s.dcm"
    write_segmentation(source, {"pectoral muscle": FOUND}, path, finding=Finding.NONE, provenance=provenance)
    masks = read_segmentation(path)
    assert list(masks) == ["pectoral muscle"]
    np.testing.assert_array_equal(masks["pectoral muscle"], FOUND)
    assert complete(pydicom.dcmread(path)) == []


def test_wrong_masks_and_files_are_one_sentence(source, provenance, tmp_path):
    arguments = {"finding": Finding.MASS, "provenance": provenance}
    with pytest.raises(MammoError, match="does not fit"):
        write_segmentation(source, {"found": FOUND.T}, tmp_path / "s.dcm", **arguments)
    with pytest.raises(MammoError, match="at least one mask"):
        write_segmentation(source, {}, tmp_path / "s.dcm", **arguments)
    with pytest.raises(MammoError, match="could not be read"):
        read_segmentation(tmp_path / "absent.dcm")
    with pytest.raises(MammoError, match="is not a binary DICOM segmentation"):
        read_segmentation(source)
    text = tmp_path / "note.txt"
    text.write_text("no DICOM at all")
    with pytest.raises(MammoError, match="is not a DICOM file"):
        read_segmentation(text)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mammogram.dcm", "note.txt"]


def test_a_frame_of_an_unlisted_segment_is_damage(segment, tmp_path):
    dataset = pydicom.dcmread(segment(REQUESTED, FOUND))
    dataset.PerFrameFunctionalGroupsSequence[1].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 9
    dataset.save_as(tmp_path / "bad.dcm")
    assert any("does not list" in sentence for sentence in complete(dataset))
    with pytest.raises(MammoError, match="damaged"):
        read_segmentation(tmp_path / "bad.dcm")


def test_labels_are_distinct():
    assert len(set(segmentation.SEGMENT_LABELS.values())) == len(segmentation.SEGMENT_LABELS)
