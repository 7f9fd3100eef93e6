"""Findings as a structured report by TID 1500."""

from __future__ import annotations

import copy
import dataclasses
import functools
import time

import highdicom
import numpy as np
import pydicom
import pytest
from dicom_tools import errors_between, errors_of, lines_of

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom import (
    ReportedFinding,
    WeightsReference,
    complete,
    write_mammogram,
    write_report,
    write_segmentation,
)
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.study import Annotation
from monai_mammo.terms import Density, Finding, FindingCategory, birads_code

SHAPE = (96, 64)
OUTLINER = WeightsReference("lesion outlines", "1")
NETWORK = WeightsReference("mammo_lesion_segmentation", "0.1.0", "ef" * 32)
MASK = np.zeros(SHAPE, dtype=bool)
MASK[40:50, 20:31] = True
EMPTY = np.zeros(SHAPE, dtype=bool)


def finding(name="requested", *, categories=(FindingCategory.MASS,), made_by=OUTLINER, **annotation):
    return ReportedFinding(name=name, annotation=Annotation(categories=categories, **annotation), made_by=made_by)


@pytest.fixture(scope="module")
def study(tmp_path_factory, make_mammogram, identity, provenance):
    """Paths of a mammogram and its masks, the requested one drawn, the found one empty."""

    @functools.cache
    def write(laterality="L", view="MLO"):
        folder = tmp_path_factory.mktemp("study")
        mammogram, segmentation = folder / "mammogram.dcm", folder / "lesion.seg.dcm"
        picture = make_mammogram(laterality, view, shape=SHAPE)
        write_mammogram(picture, mammogram, identity=identity, provenance=provenance)
        masks = {"requested": MASK, "found": EMPTY}
        algorithms = {"requested": OUTLINER, "found": NETWORK}
        options = {"finding": Finding.MASS, "provenance": provenance, "algorithms": algorithms}
        write_segmentation(mammogram, masks, segmentation, **options)
        return mammogram, segmentation

    return write


@pytest.fixture
def report(study, tmp_path, provenance):
    """Write a report on the study; gives its path and its content as highdicom reads it."""

    def write(*findings, laterality="L", view="MLO", name="report.dcm", masks=True, **options):
        mammogram, segmentation = study(laterality, view)
        path = tmp_path / name
        write_report(mammogram, segmentation if masks else None, findings, path, provenance=provenance, **options)
        return path, highdicom.sr.srread(path).content

    return write


def evaluations(group):
    return {e.name.meaning: e.value.value for e in group.get_qualitative_evaluations()}


@pytest.mark.parametrize(("laterality", "view"), [("L", "MLO"), ("R", "CC")])
def test_validators_accept_mammogram_masks_and_report_as_one_study(report, study, laterality, view):
    findings = (
        finding(birads=4, birads_letter="b", box=Box(0.2, 0.4, 0.5, 0.6), mask_kind="contour"),
        finding("found", made_by=NETWORK, box=Box(0.1, 0.2, 0.3, 0.4), mask_kind="box"),
        finding("second reading", categories=(FindingCategory.NONE,), made_by=NETWORK),
    )
    path, _ = report(*findings, laterality=laterality, view=view, density=Density.C, birads=5)
    assert errors_of(path, kind="ComprehensiveSR") == []
    assert errors_between(*study(laterality, view), path) == []
    assert complete(pydicom.dcmread(path)) == []
    assert not [line for line in lines_of(["dsrdump", path]) if line.startswith("E:")]


def test_the_breast_has_density_and_assessment_and_each_finding_its_own(report):
    categories = (FindingCategory.CALCIFICATION, FindingCategory.SKIN_THICKENING)
    path, content = report(finding(birads=3), finding("found", categories=categories), density=Density.D, birads=0)
    (breast,) = [g for g in content.get_image_measurement_groups() if g.tracking_identifier == "breast"]
    assert evaluations(breast) == {
        "Breast composition": Density.D.code.value,
        "Assessment Category": birads_code(0).value,
    }
    (requested,) = content.get_planar_roi_measurement_groups()
    assert requested.finding_type.value == "4147007" and requested.finding_category.value == "49755003"
    assert evaluations(requested)["Assessment Category"] == birads_code(3).value
    (found,) = [g for g in content.get_image_measurement_groups() if g.tracking_identifier == "found lesion"]
    assert found.finding_type.value == "129769006"
    assert evaluations(found)["Associated finding"] == "129797000"
    assert "Assessment Category" not in evaluations(found)


@pytest.mark.parametrize(("category", "letter"), [*[(c, "") for c in range(7)], (4, "a"), (4, "b"), (4, "c")])
def test_each_assessment_has_its_code_and_is_valid(report, category, letter):
    path, content = report(finding(birads=category, birads_letter=letter))
    (group,) = content.get_planar_roi_measurement_groups()
    assert evaluations(group)["Assessment Category"] == birads_code(category, letter).value
    assert errors_of(path, kind="ComprehensiveSR") == []


@pytest.mark.parametrize(("laterality", "code"), [("L", "7771000"), ("R", "24028007")])
def test_side_and_view_are_those_of_the_mammogram(report, laterality, code):
    path, content = report(finding(), laterality=laterality, view="CC")
    groups = [*content.get_planar_roi_measurement_groups(), *content.get_image_measurement_groups()]
    assert len(groups) == 2
    for group in groups:
        (site,) = group.finding_sites
        assert (site.value.value, site.laterality.value) == ("76752008", code)
    text = str(pydicom.dcmread(path))
    assert "Image Laterality" in text and "cranio-caudal" in text and "medio-lateral" not in text


def test_a_finding_lies_in_its_segment_and_shares_its_tracking_with_it(report, study):
    _, content = report(finding(box=Box(0.2, 0.4, 0.5, 0.6), mask_kind="box"))
    (group,) = content.get_planar_roi_measurement_groups()
    mammogram, masks = map(pydicom.dcmread, study())
    (reference, image) = group.referenced_segmentation_frame
    assert reference.referenced_sop_instance_uid == masks.SOPInstanceUID
    assert reference.referenced_segment_numbers == [1]
    assert image.referenced_sop_instance_uid == mammogram.SOPInstanceUID
    segment = masks.SegmentSequence[0]
    assert (group.tracking_uid, group.tracking_identifier) == (segment.TrackingUID, segment.TrackingID)


def test_each_finding_lies_in_the_segment_of_its_own_number(study, tmp_path, provenance):
    """Segments are numbered in the order of the masks, and an empty one has a number but no frame."""
    mammogram, _ = study("R")
    shifted = np.roll(MASK, 20, axis=0)
    masks = {"other": EMPTY, "found": shifted, "third reader": MASK, "requested": MASK}
    segmentation, path = tmp_path / "lesion.seg.dcm", tmp_path / "report.dcm"
    write_segmentation(mammogram, masks, segmentation, finding=Finding.MASS, provenance=provenance)
    names = ("requested", "found", "third reader")
    write_report(mammogram, segmentation, [finding(name) for name in names], path, provenance=provenance)
    groups = highdicom.sr.srread(path).content.get_planar_roi_measurement_groups()
    numbers = {
        group.tracking_identifier: group.referenced_segmentation_frame[0].referenced_segment_numbers for group in groups
    }
    assert numbers == {"requested lesion": [4], "found lesion": [2], "third reader lesion": [3]}
    written = pydicom.dcmread(segmentation)
    labels = {int(item.SegmentNumber): item.TrackingID for item in written.SegmentSequence}
    assert all(labels[number] == name for name, (number,) in numbers.items())
    assert errors_of(path, kind="ComprehensiveSR") == []


@pytest.mark.parametrize("laterality", ["L", "R"])
@pytest.mark.parametrize("masks", [True, False])
def test_a_finding_without_pixels_lies_in_its_box(report, masks, laterality):
    """The found mask is empty; fractions become columns and rows from the top left corner, whatever the side."""
    box = Box(0.125, 0.5, 0.5, 1.0)
    _, content = report(finding("found", box=box, mask_kind="box"), masks=masks, laterality=laterality)
    (group,) = content.get_planar_roi_measurement_groups()
    corners = [(8, 48), (32, 48), (32, 96), (8, 96), (8, 48)]  # 64 columns, 96 rows
    np.testing.assert_allclose(group.roi.value, corners)
    assert group.roi.graphic_type.value == "POLYLINE"


def test_an_outline_is_closer_than_a_box_and_the_longest_one_is_taken(report):
    short = np.array([(0.1, 0.1), (0.2, 0.1), (0.1, 0.2)])
    long = np.array([(0.5, 0.25), (1, 0.5), (0.5, 0.75), (0, 0.5)])
    _, content = report(finding(outlines=(short, long), box=Box(0, 0, 1, 1), mask_kind="contour"), masks=False)
    (group,) = content.get_planar_roi_measurement_groups()
    np.testing.assert_allclose(group.roi.value, [(32, 24), (64, 48), (32, 72), (0, 48), (32, 24)])


def test_who_says_so_stands_with_each_finding(report):
    _, content = report(finding(), finding("found", made_by=NETWORK))
    groups = [*content.get_planar_roi_measurement_groups(), *content.get_image_measurement_groups()]
    texts = {g.tracking_identifier: [item.get("TextValue") for item in g[0].ContentSequence] for g in groups}
    assert {"mammo_lesion_segmentation", "0.1.0", f"weights sha256 {'ef' * 32}"} <= set(texts["found lesion"])
    assert {"lesion outlines", "1"} <= set(texts["requested lesion"])
    assert "mammo_lesion_segmentation" not in texts["requested lesion"]


def test_nothing_abnormal_is_said_only_where_it_was_seen(report):
    _, content = report(finding("found", categories=(FindingCategory.NONE,)))
    (group,) = [g for g in content.get_image_measurement_groups() if g.tracking_identifier == "found lesion"]
    assert (group.finding_type.value, group.finding_category) == ("111286", None)
    _, content = report(name="empty.dcm")
    (group,) = content.get_image_measurement_groups()
    assert group.tracking_identifier == "breast" and group.finding_type is None


def test_the_report_says_that_it_is_synthetic_and_claims_no_scanner(report, study):
    path, _ = report(finding())
    dataset = pydicom.dcmread(path)
    assert (dataset.SyntheticData, dataset.PatientIdentityRemoved) == ("YES", "YES")
    for keyword in ("PatientName", "StudyDescription", "SeriesDescription"):
        assert "SYNTHETIC" in str(dataset.get(keyword))
    assert any("SYNTHETIC" in str(item.get("TextValue")) for item in dataset.ContentSequence)  # the observer
    assert (dataset.VerificationFlag, dataset.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    for written in (path, study()[1]):
        equipment = pydicom.dcmread(written).ContributingEquipmentSequence
        purposes = [item.PurposeOfReferenceCodeSequence[0].CodeValue for item in equipment]
        assert "109100" in purposes  # synthesizing
        assert "109101" not in purposes  # acquisition: nothing was acquired


def test_equal_requests_give_equal_bytes_whatever_the_clock(report):
    first = report(finding(birads=4))[0].read_bytes()
    time.sleep(1.05)
    assert report(finding(birads=4), name="again.dcm")[0].read_bytes() == first
    assert report(finding(birads=5), name="other.dcm")[0].read_bytes() != first


def test_faults_of_a_report_are_named(report):
    sound = pydicom.dcmread(report(finding())[0])
    unrelated, template, unmarked = (copy.deepcopy(sound) for _ in range(3))
    evidence = unrelated.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    del evidence[1]
    assert complete(unrelated) == ["An item of the report refers to an object that is not in its evidence."]
    template.ContentTemplateSequence[0].TemplateIdentifier = "4000"
    assert complete(template) == ["ContentTemplateSequence does not name TID 1500."]
    del unmarked.SyntheticData
    unmarked.PatientName = "DOE^JANE"
    assert len(complete(unmarked)) == 2 and "DOE" not in str(complete(unmarked))


def test_wrong_requests_are_one_sentence(report, study, tmp_path, provenance):
    with pytest.raises(RequestError, match="same name"):
        report(finding(), finding())
    with pytest.raises(RequestError, match="birads assessment '3A' is not one of"):
        report(finding(birads=3, birads_letter="a"))
    with pytest.raises(RequestError, match="1 to 50 characters"):
        finding("x" * 51)
    mammogram, segmentation = study()
    other = pydicom.dcmread(mammogram)
    other.SOPInstanceUID = "2.25.1"
    with pytest.raises(RequestError, match="belongs to another mammogram"):
        write_report(other, segmentation, [], tmp_path / "no.dcm", provenance=provenance)
    with pytest.raises(MammoError, match="could not be read"):
        write_report(tmp_path / "absent.dcm", None, [], tmp_path / "no.dcm", provenance=provenance)
    assert not (tmp_path / "no.dcm").exists()


def test_shape_margin_and_calcifications_are_stated_by_their_codes(report):
    """CID 6004, 6006, 6010 and 6012 of PS3.16."""
    described = {"lesion_shape": "oval", "lesion_margin": "spiculated", "calc_type": "fine_pleomorphic"}
    stated = dataclasses.replace(finding(), conditions=Conditions(**described, calc_distribution="segmental"))
    path, content = report(stated)
    group = content.get_planar_roi_measurement_groups()[0]
    values = {e.name.meaning: (e.value.value, e.value.scheme_designator) for e in group.get_qualitative_evaluations()}
    assert {name: values[name] for name in values if name not in ("Algorithm Family", "Finding category")} == {
        "Shape": ("84360004", "SCT"),
        "Margins": ("129742005", "SCT"),
        "Calcification Type": ("111344", "DCM"),
        "Calcification Distribution": ("129768003", "SCT"),
    }
    assert errors_of(path, kind="ComprehensiveSR") == []
