"""Measurement groups of a report: the breast as a whole, and each finding with its place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset

from monai_mammo.conditions import Conditions
from monai_mammo.dicom.identity import WeightsReference, stable_uid
from monai_mammo.dicom.writing.segmentation import (
    ABNORMAL_STRUCTURE,
    algorithm_family,
    lesion_tracking,
    segment_masks,
    segment_names,
)
from monai_mammo.errors import RequestError
from monai_mammo.study import Annotation
from monai_mammo.terms import BREAST_CODE, Code, Density, FindingCategory, Laterality, birads_code

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept, FindingSite, ImageRegion, QualitativeEvaluation, ReferencedSegmentationFrame

__all__ = [
    "ASSESSMENT_CATEGORY",
    "BREAST_COMPOSITION",
    "DESCRIPTORS",
    "ReportedFinding",
    "breast_group",
    "concept",
    "finding_group",
]

ASSESSMENT_CATEGORY = Code("111005", "DCM", "Assessment Category")
"""Concept name of a BI-RADS assessment."""

BREAST_COMPOSITION = Code("111006", "DCM", "Breast composition")
"""Concept name of the breast's density."""

_NO_ABNORMALITY = Code("111286", "DCM", "No abnormality")
DESCRIPTORS = {
    "lesion_shape": Code("300842002", "SCT", "Shape"),
    "lesion_margin": Code("111037", "DCM", "Margins"),
    "calc_type": Code("111009", "DCM", "Calcification Type"),
    "calc_distribution": Code("111008", "DCM", "Calcification Distribution"),
}
"""Concept under which a report states a descriptor of a finding."""

_ASSOCIATED_FINDING = Code("246090004", "SCT", "Associated finding")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportedFinding:
    """One finding as a report states it, with who says so.

    Parameters
    ----------
    name : str
        Short name, unique in the report; that of its mask, such as ``requested`` or ``found``, where it has one.
    annotation : Annotation
        What it is, its BI-RADS assessment and its box or outline.
    made_by : WeightsReference
        What found it, or placed it.
    conditions : Conditions
        Of which shape, margin, and type and distribution of calcifications are stated.
    """

    name: str
    annotation: Annotation
    made_by: WeightsReference
    conditions: Conditions = Conditions()

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= 50:
            raise RequestError(f"name {self.name[:60]!r} of a finding has not 1 to 50 characters")


def concept(code: Code) -> CodedConcept:
    """Concept of highdicom; codes of ACR's own scheme carry its version, as CID 6027 does.

    Parameters
    ----------
    code : Code

    Returns
    -------
    CodedConcept
    """
    from highdicom.sr import CodedConcept

    return CodedConcept(*code, scheme_version="4.0" if code.scheme == "BI" else None)


def _evaluation(name: Code, value: Code) -> QualitativeEvaluation:
    from highdicom.sr import QualitativeEvaluation

    return QualitativeEvaluation(concept(name), concept(value))


def _site(source: Dataset) -> FindingSite:
    from highdicom.sr import FindingSite

    side = source.get("ImageLaterality")
    laterality = concept(Laterality(side).code) if side in tuple(Laterality) else None
    return FindingSite(concept(BREAST_CODE), laterality=laterality)


def breast_group(source: Dataset, *, density: Density | None, birads: int | None) -> Any:
    """Group (TID 1501) of the whole breast: its composition and overall assessment.

    Parameters
    ----------
    source : Dataset
        The mammogram.
    density : Density or None
    birads : int or None
        BI-RADS category, 0 to 6; `None` where it is not known.

    Returns
    -------
    MeasurementsAndQualitativeEvaluations
    """
    from highdicom.sr import MeasurementsAndQualitativeEvaluations, SourceImageForMeasurementGroup, TrackingIdentifier

    evaluations = []
    if density is not None:
        evaluations.append(_evaluation(BREAST_COMPOSITION, density.code))
    if birads is not None:
        evaluations.append(_evaluation(ASSESSMENT_CATEGORY, birads_code(birads)))
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(stable_uid(source.SOPInstanceUID, "breast", "tracking"), "breast"),
        finding_sites=[_site(source)],
        qualitative_evaluations=evaluations,
        source_images=[SourceImageForMeasurementGroup.from_source_image(source)],
    )


def finding_group(source: Dataset, masks: Dataset | None, finding: ReportedFinding) -> Any:
    """Group of one finding: with a place (TID 1410), or without (TID 1501) where none is known.

    Parameters
    ----------
    source : Dataset
        The mammogram.
    masks : Dataset or None
        Its segmentation.
    finding : ReportedFinding

    Returns
    -------
    PlanarROIMeasurementsAndQualitativeEvaluations or MeasurementsAndQualitativeEvaluations
    """
    from highdicom.sr import (
        MeasurementsAndQualitativeEvaluations,
        PlanarROIMeasurementsAndQualitativeEvaluations,
        SourceImageForMeasurementGroup,
    )

    content = _finding_content(source, finding)
    segment = _referenced_segment(source, masks, finding.name)
    if segment is not None:
        return PlanarROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **content)
    region = _region(source, finding.annotation)
    if region is not None:
        return PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **content)
    images = [SourceImageForMeasurementGroup.from_source_image(source)]
    return MeasurementsAndQualitativeEvaluations(source_images=images, **content)


def _finding_content(source: Dataset, finding: ReportedFinding) -> dict[str, Any]:
    from highdicom.sr import AlgorithmIdentification, TrackingIdentifier

    annotation, made_by = finding.annotation, finding.made_by
    codes = list(dict.fromkeys(_code(category) for category in annotation.categories))
    evaluations = [_evaluation(_ASSOCIATED_FINDING, code) for code in codes[1:]]
    if annotation.birads is not None:
        assessment = birads_code(annotation.birads, annotation.birads_letter)
        evaluations.append(_evaluation(ASSESSMENT_CATEGORY, assessment))
    for name, concept_name in DESCRIPTORS.items():
        value = getattr(finding.conditions, name)
        if value is not None:
            evaluations.append(_evaluation(concept_name, value.code))
    tracking_id, tracking_uid = lesion_tracking(source.SOPInstanceUID, finding.name)
    is_abnormal = annotation.categories != (FindingCategory.NONE,)
    return {
        "tracking_identifier": TrackingIdentifier(tracking_uid, tracking_id),
        "finding_category": concept(ABNORMAL_STRUCTURE) if is_abnormal else None,
        "finding_type": concept(codes[0]) if codes else None,
        "finding_sites": [_site(source)],
        "algorithm_id": AlgorithmIdentification(
            name=made_by.name,
            version=made_by.version,
            parameters=[f"weights sha256 {made_by.sha256}"] if made_by.sha256 else None,
            family=concept(algorithm_family(finding.name)),
        ),
        "qualitative_evaluations": evaluations,
    }


def _code(category: FindingCategory) -> Code:
    return _NO_ABNORMALITY if category is FindingCategory.NONE else category.code


def _referenced_segment(source: Dataset, masks: Dataset | None, name: str) -> ReferencedSegmentationFrame | None:
    from highdicom.sr import ReferencedSegmentationFrame, SourceImageForSegmentation

    if masks is None or not segment_masks(masks).get(name, np.zeros(1)).any():
        return None
    number = next(number for number, label in segment_names(masks).items() if label == name)
    reference = ReferencedSegmentationFrame(
        masks.SOPClassUID,
        masks.SOPInstanceUID,
        frame_number=1,
        segment_number=number,
        source_image=SourceImageForSegmentation(source.SOPClassUID, source.SOPInstanceUID),
    )
    # frame and segment exclude each other (PS3.3, table 10-3); the frame's number changes with what is left out
    del reference[0].ReferencedSOPSequence[0].ReferencedFrameNumber
    return reference


def _region(source: Dataset, annotation: Annotation) -> ImageRegion | None:
    """Outline or box as a closed polyline of columns and rows; the top left corner of the picture is 0, 0."""
    from highdicom.sr import ImageRegion, SourceImageForRegion

    if annotation.outlines:
        corners = max(annotation.outlines, key=len)
    elif annotation.box is not None:
        x0, y0, x1, y1 = annotation.box
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    else:
        return None
    closed = np.concatenate([corners, corners[:1]]) * (source.Columns, source.Rows)
    image = SourceImageForRegion(source.SOPClassUID, source.SOPInstanceUID)
    return ImageRegion("POLYLINE", closed, image)
