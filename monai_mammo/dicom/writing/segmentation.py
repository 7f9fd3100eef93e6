"""Lesion masks as DICOM Segmentation: what was asked for and what the lesion network found.

highdicom costs half a second to import, so it is loaded on the first write only; reading
needs pydicom alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage

from monai_mammo.dicom.identity import Provenance, WeightsReference, stable_uid
from monai_mammo.dicom.orientation import is_orientation
from monai_mammo.dicom.pydicom_messages import suppress_name_warnings, suppress_pydicom_messages
from monai_mammo.dicom.writing.clock import remove_clock_and_chance
from monai_mammo.dicom.writing.provenance_attributes import copy_provenance
from monai_mammo.dicom.writing.store import dataset_bytes, file_meta, read_dataset
from monai_mammo.errors import MammoError
from monai_mammo.files.whole import save_bytes
from monai_mammo.terms import BREAST_CODE, Code, Finding

if TYPE_CHECKING:
    from highdicom.seg import Segmentation, SegmentDescription

__all__ = [
    "ABNORMAL_STRUCTURE",
    "SEGMENT_LABELS",
    "algorithm_family",
    "lesion_tracking",
    "read_segmentation",
    "segment_masks",
    "segment_names",
    "segment_numbers",
    "write_segmentation",
]

SEGMENT_LABELS = {"requested": "Requested lesion", "found": "Lesion found by the network"}
"""SegmentLabel of the masks that a run writes, by their short names."""

ABNORMAL_STRUCTURE = Code("49755003", "SCT", "Morphologically Abnormal Structure")
"""Category of every lesion, in masks and in reports."""

_FAMILIES = {"requested": Code("123104", "DCM", "Morphological Operations")}
_ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")


def write_segmentation(
    mammogram: Dataset | str | os.PathLike[str],
    masks: Mapping[str, np.ndarray],
    path: str | os.PathLike[str],
    *,
    finding: Finding,
    provenance: Provenance,
    algorithms: Mapping[str, WeightsReference] | None = None,
) -> Dataset:
    """Write masks of one mammogram as a binary DICOM SEG; equal arguments give equal bytes.

    Parameters
    ----------
    mammogram : Dataset or path
        The written mammogram that the masks lie on.
    masks : mapping of str to ndarray, shape (rows, columns), bool
        One segment a mask, in this order; names of `SEGMENT_LABELS` get their labels, others
        are labels themselves. Masks may overlap, and may be empty: the segment is then listed
        without a frame.
    path : path
        File to write; it appears whole or not at all.
    finding : Finding
        Gives the property type of the segments.
    provenance : Provenance
        What made the mammogram.
    algorithms : mapping of str to WeightsReference, optional
        What made each mask; the first of ``provenance.weights`` where a name is missing.

    Returns
    -------
    pydicom.Dataset
        What was written.

    Raises
    ------
    MammoError
        There is no mask, a mask does not fit the mammogram, or the file cannot be written.
    """
    source = mammogram if isinstance(mammogram, Dataset) else read_dataset(mammogram)
    stack = _stack(masks, (source.Rows, source.Columns))
    made_by = {name: (algorithms or {}).get(name, provenance.weights[0]) for name in masks}
    segments = [
        _segment(number, name, made_by[name], finding=finding, source_uid=source.SOPInstanceUID)
        for number, name in enumerate(masks, start=1)
    ]
    dataset = _build(source, stack, segments, provenance)
    _copy_from_source(dataset, source)
    remove_clock_and_chance(dataset)
    save_bytes(dataset_bytes(dataset), path)
    return dataset


@suppress_pydicom_messages()
def read_segmentation(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Masks of a DICOM SEG by name.

    Frames are found by ReferencedSegmentNumber: the frame of an empty mask is usually left out.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict of str to ndarray, shape (rows, columns), bool
        By the names of `SEGMENT_LABELS` where a label is one of them, else by the label.

    Raises
    ------
    MammoError
        The file cannot be read, is not a binary segmentation or refers to a segment that it does not list.
    """
    name = Path(path).name
    dataset = read_dataset(path)
    if dataset.get("SOPClassUID") != SegmentationStorage or dataset.get("SegmentationType") != "BINARY":
        raise MammoError(f"{name} is not a binary DICOM segmentation")
    try:
        return segment_masks(dataset)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, NotImplementedError):
        raise MammoError(f"{name} is a damaged DICOM segmentation") from None


def segment_masks(dataset: Dataset) -> dict[str, np.ndarray]:
    """Masks of a binary segmentation by name, as bool of (rows, columns); see `read_segmentation`.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    dict of str to ndarray, shape (rows, columns), bool
    """
    frames = dataset.pixel_array.astype(bool).reshape(-1, dataset.Rows, dataset.Columns)
    names = segment_names(dataset)
    masks = {label: np.zeros(frames.shape[1:], dtype=bool) for label in names.values()}
    for frame, number in zip(frames, segment_numbers(dataset), strict=True):
        masks[names[number]] |= frame
    return masks


def segment_names(dataset: Dataset) -> dict[int, str]:
    """Name of each segment by its number: one of `SEGMENT_LABELS` where its label is, else the label.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    dict of int to str
        By SegmentNumber.
    """
    return {int(item.SegmentNumber): _name_of(item.SegmentLabel) for item in dataset.SegmentSequence}


def segment_numbers(dataset: Dataset) -> list[int]:
    """Number of the segment that each frame belongs to.

    It stands with each frame or, where all frames belong to one segment, once for all.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    list of int
        In the order of the frames.

    Raises
    ------
    AttributeError, IndexError
        A frame does not say.
    """
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    return [
        int(
            (groups if "SegmentIdentificationSequence" in groups else shared)
            .SegmentIdentificationSequence[0]
            .ReferencedSegmentNumber
        )
        for groups in dataset.get("PerFrameFunctionalGroupsSequence") or []
    ]


def lesion_tracking(source_uid: str, name: str) -> tuple[str, str]:
    """Tracking identifier and UID of a lesion, the same in the masks and in the report of a mammogram.

    Parameters
    ----------
    source_uid : str
        SOPInstanceUID of the mammogram.
    name : str
        Short name of the lesion's mask, as in `SEGMENT_LABELS`.

    Returns
    -------
    identifier, uid : str
    """
    return f"{name} lesion", stable_uid(source_uid, name, "tracking")


def algorithm_family(name: str) -> Code:
    """Kind of algorithm (CID 7162) behind a mask: a requested one is a drawn contour that was placed and scaled.

    Parameters
    ----------
    name : str
        Short name of the mask.

    Returns
    -------
    Code
    """
    return _FAMILIES.get(name, _ARTIFICIAL_INTELLIGENCE)


def _stack(masks: Mapping[str, np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    if not masks:
        raise MammoError("a segmentation needs at least one mask")
    for name, mask in masks.items():
        if np.shape(mask) != shape:
            raise MammoError(f"mask {name!r} of shape {np.shape(mask)} does not fit the mammogram of {shape}")
    arrays = [np.asarray(mask).astype(bool) for mask in masks.values()]
    return np.stack(arrays, axis=-1)[np.newaxis]  # (1, rows, columns, segments)


def _name_of(label: str) -> str:
    return next((name for name, text in SEGMENT_LABELS.items() if text == label), str(label))


def _segment(
    number: int, name: str, made_by: WeightsReference, *, finding: Finding, source_uid: str
) -> SegmentDescription:
    import highdicom
    from highdicom.sr import CodedConcept

    tracking_id, tracking_uid = lesion_tracking(source_uid, name)
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=made_by.name,
        family=CodedConcept(*algorithm_family(name)),
        version=made_by.version,
        parameters={"weights sha256": made_by.sha256} if made_by.sha256 else None,
    )
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=SEGMENT_LABELS.get(name, name),
        segmented_property_category=CodedConcept(*ABNORMAL_STRUCTURE),
        segmented_property_type=CodedConcept(*finding.code),
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=tracking_uid,
        tracking_id=tracking_id,
        anatomic_regions=[CodedConcept(*BREAST_CODE)],
    )


@suppress_name_warnings()
def _build(
    source: Dataset, stack: np.ndarray, segments: list[SegmentDescription], provenance: Provenance
) -> Segmentation:
    import highdicom

    dataset = highdicom.seg.Segmentation(
        [source],
        stack,
        "BINARY",
        segments,
        series_instance_uid=stable_uid(source.SOPInstanceUID, "segmentation series"),
        series_number=2,
        sop_instance_uid=stable_uid(source.SOPInstanceUID, "segmentation"),
        instance_number=1,
        manufacturer=provenance.tool,
        manufacturer_model_name=provenance.weights[0].name[:64],
        software_versions=provenance.tool_version,
        device_serial_number="none",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_description="SYNTHETIC lesion masks",
        content_label="LESION",
        omit_empty_frames=bool(stack.any()),  # highdicom complains aloud where all are empty
    )
    dataset.file_meta = file_meta(dataset.SOPClassUID, dataset.SOPInstanceUID, ExplicitVRLittleEndian)
    return dataset


def _copy_from_source(dataset: Dataset, source: Dataset) -> None:
    """Copy what highdicom leaves behind; without PatientOrientation, or with a view in it, the object is not valid."""
    stated = source.get("PatientOrientation")
    dataset.PatientOrientation = stated if is_orientation(stated) else None
    dataset.SeriesDescription = "SYNTHETIC lesion masks"
    copy_provenance(dataset, source)
