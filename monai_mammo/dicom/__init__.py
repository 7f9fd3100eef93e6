"""DICOM in and out: mammograms, segmentations, their checks; knows no network."""

from __future__ import annotations

from monai_mammo.dicom.identity import Identity, Provenance, WeightsReference, stable_uid
from monai_mammo.dicom.orientation import chest_wall_of_orientation, patient_orientation
from monai_mammo.dicom.reasons import Failed, SkipReason, Skipped
from monai_mammo.dicom.segmentation import read_segmentation, write_segmentation
from monai_mammo.dicom.validate import complete
from monai_mammo.dicom.write import write_mammogram

__all__ = [
    "Failed",
    "Identity",
    "Provenance",
    "SkipReason",
    "Skipped",
    "WeightsReference",
    "chest_wall_of_orientation",
    "complete",
    "patient_orientation",
    "read_segmentation",
    "stable_uid",
    "write_mammogram",
    "write_segmentation",
]
