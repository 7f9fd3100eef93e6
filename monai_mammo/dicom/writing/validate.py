"""What is missing or contradictory in a written object, in sentences.

No validator at hand compares sides: PatientOrientation, ImageLaterality and view may
disagree and still pass, so this is compared here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydicom.dataset import Dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    SegmentationStorage,
)

from monai_mammo.dicom.orientation import chest_wall_of_orientation, is_orientation, patient_orientation
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.writing.provenance_attributes import edited_source, has_acquired_source, is_synthesizing
from monai_mammo.dicom.writing.segmentation import segment_numbers
from monai_mammo.terms import BREAST_CODE, ChestWall, Laterality, View

__all__ = ["MAY_BE_EMPTY", "NEED_A_VALUE", "complete"]

NEED_A_VALUE = (
    "SOPClassUID SOPInstanceUID Modality PresentationIntentType ImageType StudyInstanceUID SeriesInstanceUID "
    "ImageLaterality PatientOrientation AnatomicRegionSequence ViewCodeSequence PositionerType OrganExposed "
    "ImagerPixelSpacing SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit "
    "PixelRepresentation PixelIntensityRelationship PixelIntensityRelationshipSign RescaleIntercept RescaleSlope "
    "RescaleType PresentationLUTShape LossyImageCompression BurnedInAnnotation PixelData"
).split()
"""Attributes of a mammogram that must hold a value, the window apart."""

MAY_BE_EMPTY = (
    "StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID SeriesNumber InstanceNumber Manufacturer "
    "PatientName PatientID PatientBirthDate PatientSex DetectorType AcquisitionContextSequence"
).split()
"""Attributes of a mammogram that must be there and may be empty (type 2)."""

_SEGMENTATION_NEEDS = (
    "SOPClassUID SOPInstanceUID Modality StudyInstanceUID SeriesInstanceUID SegmentationType SegmentSequence "
    "ReferencedSeriesSequence PerFrameFunctionalGroupsSequence PatientOrientation Rows Columns PixelData"
).split()

_REPORT_NEEDS = (
    "SOPClassUID SOPInstanceUID Modality StudyInstanceUID SeriesInstanceUID ValueType ConceptNameCodeSequence "
    "CompletionFlag VerificationFlag ContentTemplateSequence ContentSequence CurrentRequestedProcedureEvidenceSequence"
).split()

_FIXED_VALUES = {
    "Modality": "MG",
    "OrganExposed": "BREAST",
    "SamplesPerPixel": 1,
    "PixelRepresentation": 0,
    "RescaleIntercept": 0,
    "RescaleSlope": 1,
    "RescaleType": "US",
    "BurnedInAnnotation": "NO",
}
_INTENTS = {
    DigitalMammographyXRayImageStorageForPresentation: "FOR PRESENTATION",
    DigitalMammographyXRayImageStorageForProcessing: "FOR PROCESSING",
}
_GREYS = {("MONOCHROME2", "IDENTITY"), ("MONOCHROME1", "INVERSE")}


@suppress_pydicom_messages()
def complete(dataset: Dataset, *, chest_wall: ChestWall | None = None) -> list[str]:
    """Sentences for what is missing or contradictory in a synthetic or edited mammogram, its masks or its report.

    Parameters
    ----------
    dataset : Dataset
        A Digital Mammography X-Ray Image, a Segmentation or a Comprehensive SR, as written or as read back.
    chest_wall : ChestWall, optional
        Edge of the chest wall by the pixels, to be compared with what the attributes say.

    Returns
    -------
    list of str
        Empty where nothing is wrong.
    """
    sop_class = dataset.get("SOPClassUID", "")
    if sop_class == SegmentationStorage:
        return [*_empty(dataset, _SEGMENTATION_NEEDS), *_segments(dataset), *_synthetic(dataset)]
    if sop_class == ComprehensiveSRStorage:
        return [*_empty(dataset, _REPORT_NEEDS), *_report(dataset), *_synthetic(dataset)]
    if sop_class not in _INTENTS:
        return ["SOPClassUID is neither a digital mammogram nor a segmentation nor a report."]
    sentences = [*_empty(dataset, NEED_A_VALUE), *_absent(dataset, MAY_BE_EMPTY)]
    sentences += _fixed(dataset)
    sentences += _window(dataset)
    sentences += _bits(dataset)
    sentences += _view(dataset)
    sentences += _sides(dataset, chest_wall)
    sentences += _spacing(dataset)
    sentences += _synthetic(dataset)
    return sentences


def _is_empty(dataset: Dataset, keyword: str) -> bool:
    value = dataset.get(keyword)
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


def _empty(dataset: Dataset, keywords: Iterable[str]) -> list[str]:
    return [f"{keyword} has no value." for keyword in keywords if _is_empty(dataset, keyword)]


def _absent(dataset: Dataset, keywords: Iterable[str]) -> list[str]:
    return [f"{keyword} is not there." for keyword in keywords if keyword not in dataset]


def _fixed(dataset: Dataset) -> list[str]:
    sentences = [
        f"{keyword} must be {fixed}."
        for keyword, fixed in _FIXED_VALUES.items()
        if not _is_empty(dataset, keyword) and dataset.get(keyword) != fixed
    ]
    if dataset.get("PresentationIntentType") != _INTENTS[dataset.SOPClassUID]:
        sentences.append("SOPClassUID and PresentationIntentType do not agree.")
    if (dataset.get("PhotometricInterpretation"), dataset.get("PresentationLUTShape")) not in _GREYS:
        sentences.append("PhotometricInterpretation and PresentationLUTShape do not agree.")
    if dataset.get("LossyImageCompression") == "01":
        needed = ("LossyImageCompressionRatio", "LossyImageCompressionMethod")
        sentences += [f"{keyword} is missing beside lossy compression." for keyword in needed if keyword not in dataset]
    return sentences


def _window(dataset: Dataset) -> list[str]:
    has_window = not _is_empty(dataset, "WindowCenter") and not _is_empty(dataset, "WindowWidth")
    has_voi = has_window or not _is_empty(dataset, "VOILUTSequence")
    if dataset.SOPClassUID == DigitalMammographyXRayImageStorageForProcessing:
        return ["A window is not allowed in an image for processing."] if has_voi else []
    return [] if has_voi else ["There is neither a window nor a VOI LUT."]


def _bits(dataset: Dataset) -> list[str]:
    keywords = ("BitsAllocated", "BitsStored", "HighBit", "Rows", "Columns", "PixelData")
    if any(_is_empty(dataset, keyword) for keyword in keywords):
        return []
    sentences = []
    if dataset.BitsAllocated not in (8, 16) or not 1 <= dataset.BitsStored <= dataset.BitsAllocated:
        sentences.append("BitsStored does not fit BitsAllocated of 8 or 16.")
    if dataset.HighBit != dataset.BitsStored - 1:
        sentences.append("HighBit must be BitsStored - 1.")
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is not None and not syntax.is_compressed:
        size = dataset.Rows * dataset.Columns * dataset.BitsAllocated // 8
        if len(dataset.PixelData) != size + size % 2:
            sentences.append("PixelData does not have Rows x Columns pixels.")
    return sentences


def _code_of(dataset: Dataset, keyword: str) -> tuple[object, object]:
    items = dataset.get(keyword) or [Dataset()]
    return items[0].get("CodeValue"), items[0].get("CodingSchemeDesignator")


def _view_of(dataset: Dataset) -> View | None:
    code = _code_of(dataset, "ViewCodeSequence")
    return next((view for view in View if (view.code.value, view.code.scheme) == code), None)


def _view(dataset: Dataset) -> list[str]:
    if _is_empty(dataset, "ViewCodeSequence"):
        return []
    sentences = []
    view = _view_of(dataset)
    if view is None:
        sentences.append(f"ViewCodeSequence holds none of {View.allowed()}.")
    elif dataset.get("ViewPosition", str(view)) != view:
        sentences.append("ViewPosition and ViewCodeSequence name different views.")
    if "ViewModifierCodeSequence" not in dataset.ViewCodeSequence[0]:
        sentences.append("ViewModifierCodeSequence is not there in ViewCodeSequence.")
    if _code_of(dataset, "AnatomicRegionSequence") != (BREAST_CODE.value, BREAST_CODE.scheme):
        sentences.append("AnatomicRegionSequence does not name the breast.")
    return sentences


def _sides(dataset: Dataset, chest_wall: ChestWall | None) -> list[str]:
    sentences = []
    if "Laterality" in dataset:
        sentences.append("Laterality must not stand beside ImageLaterality.")
    laterality = dataset.get("ImageLaterality")
    if laterality not in tuple(Laterality):
        return [*sentences, f"ImageLaterality is not one of {Laterality.allowed()}."]
    orientation = dataset.get("PatientOrientation")
    stated = chest_wall_of_orientation(orientation)
    if not is_orientation(orientation) or stated is None:
        return [*sentences, "PatientOrientation does not say where the chest wall is."]
    view = _view_of(dataset)
    if view is not None and tuple(orientation) != patient_orientation(Laterality(laterality), view, stated):
        sentences.append("PatientOrientation does not fit ImageLaterality and view.")
    if chest_wall is not None and chest_wall is not stated:
        sentences.append(f"PatientOrientation puts the chest wall {stated}, the pixels show it {chest_wall}.")
    return sentences


def _spacing(dataset: Dataset) -> list[str]:
    sentences = []
    if "PixelSpacing" in dataset and "PixelSpacingCalibrationType" not in dataset:
        sentences.append("PixelSpacing stands there without PixelSpacingCalibrationType.")
    if "FrameOfReferenceUID" in dataset:
        sentences.append("FrameOfReferenceUID makes no sense in a single synthetic projection.")
    values = dataset.get("ImagerPixelSpacing") or [1.0]
    if any(not float(value) > 0 for value in values):
        sentences.append("ImagerPixelSpacing must be above 0.")
    return sentences


def _segments(dataset: Dataset) -> list[str]:
    listed = {item.get("SegmentNumber") for item in dataset.get("SegmentSequence") or []}
    sentences = []
    try:
        numbers = segment_numbers(dataset)
    except (AttributeError, IndexError):
        return ["A frame does not say which segment it belongs to."]
    if not listed.issuperset(numbers):
        sentences.append("A frame refers to a segment that SegmentSequence does not list.")
    if dataset.get("NumberOfFrames") != len(numbers):
        sentences.append("NumberOfFrames and PerFrameFunctionalGroupsSequence do not agree.")
    return sentences


def _report(dataset: Dataset) -> list[str]:
    """Whether it follows TID 1500 and each image or mask that an item refers to stands in the evidence."""
    template = (dataset.get("ContentTemplateSequence") or [Dataset()])[0].get("TemplateIdentifier")
    sentences = [] if template == "1500" else ["ContentTemplateSequence does not name TID 1500."]
    evidence = {
        instance.ReferencedSOPInstanceUID
        for study in dataset.get("CurrentRequestedProcedureEvidenceSequence") or []
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    if not set(_referenced(dataset)) <= evidence:
        sentences.append("An item of the report refers to an object that is not in its evidence.")
    return sentences


def _referenced(item: Dataset) -> Iterator[str]:
    for reference in item.get("ReferencedSOPSequence") or []:
        yield reference.ReferencedSOPInstanceUID
    for child in item.get("ContentSequence") or []:
        yield from _referenced(child)


def _synthetic(dataset: Dataset) -> list[str]:
    sentences = []
    if dataset.get("SyntheticData") != "YES":
        sentences.append("SyntheticData must be YES.")
    if "DERIVED" not in (dataset.get("ImageType") or []) and dataset.get("Modality") != "SR":
        sentences.append("ImageType must say DERIVED.")
    if not any(is_synthesizing(item) for item in dataset.get("ContributingEquipmentSequence") or []):
        sentences.append("ContributingEquipmentSequence does not name the synthesizing equipment.")
    if "SYNTHETIC" not in str(dataset.get("SeriesDescription", "")):
        sentences.append("SeriesDescription does not say that the image is synthetic.")
    source = edited_source(dataset)
    if source is not None:
        sentences += _edited(dataset, source)
    return sentences if has_acquired_source(dataset) else [*sentences, *_nobody(dataset)]


def _nobody(dataset: Dataset) -> list[str]:
    """What says that there is no patient behind an object."""
    sentences = []
    if dataset.get("PatientIdentityRemoved") != "YES" or _is_empty(dataset, "DeidentificationMethod"):
        sentences.append("PatientIdentityRemoved must be YES, with a DeidentificationMethod.")
    if "SYNTHETIC" not in str(dataset.get("PatientName", "")):
        sentences.append("PatientName does not say that the image is synthetic.")
    return sentences


def _edited(dataset: Dataset, source: Dataset) -> list[str]:
    """What an edited image of a patient must say of its source."""
    sentences = _empty(dataset, ["DerivationCodeSequence"])
    if source.get("SpatialLocationsPreserved") != "YES":
        sentences.append("SourceImageSequence does not say that locations are preserved.")
    if source.get("ReferencedSOPInstanceUID") in (None, "", dataset.get("SOPInstanceUID")):
        sentences.append("SourceImageSequence does not name another object as source.")
    return sentences
