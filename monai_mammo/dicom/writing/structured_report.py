"""Findings of one mammogram as a DICOM structured report: Comprehensive SR by template TID 1500.

highdicom costs half a second to import, so it is loaded on the first write only; reading needs pydicom alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian

from monai_mammo.dicom.identity import Provenance, stable_uid
from monai_mammo.dicom.pydicom_messages import suppress_name_warnings
from monai_mammo.dicom.writing.clock import remove_clock_and_chance
from monai_mammo.dicom.writing.findings import ReportedFinding, breast_group, concept, finding_group
from monai_mammo.dicom.writing.mammogram_object import INTENTS
from monai_mammo.dicom.writing.provenance_attributes import copy_provenance
from monai_mammo.dicom.writing.store import dataset_bytes, file_meta, read_dataset
from monai_mammo.errors import RequestError
from monai_mammo.files.whole import save_bytes
from monai_mammo.terms import Code, Density, Laterality, View

if TYPE_CHECKING:
    from highdicom.sr import ComprehensiveSR, MeasurementReport

__all__ = ["write_report"]

_IMAGE_VIEW = Code("111031", "DCM", "Image View")
_IMAGE_LATERALITY = Code("111027", "DCM", "Image Laterality")
_PROCEDURE = Code("71651007", "SCT", "Mammography")


def write_report(
    mammogram: Dataset | str | os.PathLike[str],
    segmentation: Dataset | str | os.PathLike[str] | None,
    findings: Sequence[ReportedFinding],
    path: str | os.PathLike[str],
    *,
    provenance: Provenance,
    density: Density | None = None,
    birads: int | None = None,
    outcome: str = "",
) -> Dataset:
    """Write what is known of a mammogram as a structured report; equal arguments give equal bytes.

    The breast has a measurement group of its own with density and overall assessment. Each finding has
    one with category, site and side, assessment, algorithm, and where it lies: its segment, where the
    segmentation has one of its name that is not empty, else its longest outline, else its box.

    Parameters
    ----------
    mammogram : Dataset or path
        The written mammogram; patient, study, side and view come from it.
    segmentation : Dataset or path, optional
        Masks of this mammogram by `write_segmentation`.
    findings : sequence of ReportedFinding
        May be empty. One of category ``none`` states that nothing abnormal was seen.
    path : path
        File to write; it appears whole or not at all.
    provenance : Provenance
        What made the mammogram; it is the observer of the report.
    density : Density, optional
        BI-RADS composition of the breast.
    birads : int, optional
        Overall assessment of the breast.
    outcome : str
        Whether the image passed its checks, in 64 characters; stands as CompletionFlagDescription.

    Returns
    -------
    pydicom.Dataset
        What was written.

    Raises
    ------
    RequestError
        Two findings share a name, an assessment does not exist, or the masks are of another mammogram.
    MammoError
        A file cannot be read or written.
    """
    source = mammogram if isinstance(mammogram, Dataset) else read_dataset(mammogram)
    masks = segmentation if segmentation is None or isinstance(segmentation, Dataset) else read_dataset(segmentation)
    _check(source, masks, findings)
    groups = [breast_group(source, density=density, birads=birads)]
    groups += [finding_group(source, masks, finding) for finding in findings]
    dataset = _build(source, masks, groups, provenance)
    _state_synthetic(dataset, source, provenance)
    if outcome:
        dataset.CompletionFlagDescription = outcome[:64]
    remove_clock_and_chance(dataset)
    save_bytes(dataset_bytes(dataset), path)
    return dataset


def _check(source: Dataset, masks: Dataset | None, findings: Sequence[ReportedFinding]) -> None:
    names = [finding.name for finding in findings]
    if len(set(names)) != len(names):
        raise RequestError("two findings of a report have the same name")
    if masks is not None:
        referenced = masks.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
        if referenced != source.SOPInstanceUID:
            raise RequestError("the segmentation belongs to another mammogram than the report")


def _library(source: Dataset) -> list[Dataset]:
    """Images for the library of the report: those whose class it can describe."""
    is_mammogram = source.SOPClassUID in [sop_class for sop_class, _ in INTENTS.values()]
    return [source] if is_mammogram and "ImagerPixelSpacing" in source and "PatientOrientation" in source else []


def _describe_image(report: MeasurementReport, source: Dataset) -> None:
    """Add side and view, which highdicom leaves out, to the entry of the image library (TID 1602)."""
    from highdicom.sr import CodeContentItem

    (library,) = [item for item in report[0].ContentSequence if item.name.value == "111028"]
    entry = library.ContentSequence[0].ContentSequence[0]
    described = {}
    if source.get("ImageLaterality") in tuple(Laterality):
        described[_IMAGE_LATERALITY] = Laterality(source.ImageLaterality).code
    for view in View:
        if source.ViewCodeSequence and source.ViewCodeSequence[0].CodeValue == view.code.value:
            described[_IMAGE_VIEW] = view.code
    for name, value in described.items():
        entry.ContentSequence.append(CodeContentItem(concept(name), concept(value), "HAS ACQ CONTEXT"))


@suppress_name_warnings()
def _build(source: Dataset, masks: Dataset | None, groups: list[Any], provenance: Provenance) -> ComprehensiveSR:
    from highdicom import sr

    observer = sr.DeviceObserverIdentifyingAttributes(
        uid=stable_uid(provenance.tool, provenance.tool_version, "observer"),
        name=f"{provenance.tool} {provenance.tool_version}, SYNTHETIC image",
        manufacturer_name=provenance.tool,
        model_name=provenance.weights[0].name,
    )
    device = sr.CodedConcept("121007", "DCM", "Device")
    context = sr.ObservationContext(sr.ObserverContext(device, observer))
    library = _library(source)
    report = sr.MeasurementReport(context, concept(_PROCEDURE), groups, referenced_images=library or None)
    if library:
        _describe_image(report, source)
    dataset = sr.ComprehensiveSR(
        [source] if masks is None else [source, masks],
        report[0],
        series_instance_uid=stable_uid(source.SOPInstanceUID, "report series"),
        series_number=3,
        sop_instance_uid=stable_uid(source.SOPInstanceUID, "report"),
        instance_number=1,
        manufacturer=provenance.tool,
        is_complete=True,
        is_final=False,
    )
    dataset.file_meta = file_meta(ComprehensiveSRStorage, dataset.SOPInstanceUID, ExplicitVRLittleEndian)
    return dataset


def _state_synthetic(dataset: Dataset, source: Dataset, provenance: Provenance) -> None:
    dataset.SeriesDescription = "SYNTHETIC findings, not a diagnosis"
    dataset.ManufacturerModelName = provenance.weights[0].name[:64]
    dataset.SoftwareVersions = provenance.tool_version
    copy_provenance(dataset, source)
