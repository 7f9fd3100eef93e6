"""DICOM in and out: mammograms, segmentations, their checks; knows no network."""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "DeidentificationPolicy": "deidentification.dataset",
    "DeidentificationReport": "deidentification.deidentified_folder",
    "Deidentified": "deidentification.dataset",
    "Failed": "reasons",
    "GuardedReader": "process.worker",
    "Identity": "identity",
    "Limits": "reading.guards",
    "Provenance": "identity",
    "ReportedFinding": "writing.findings",
    "SkipReason": "reasons",
    "Skipped": "reasons",
    "WeightsReference": "identity",
    "chest_wall_of_orientation": "orientation",
    "complete": "writing.validate",
    "deidentify": "deidentification.dataset",
    "deidentify_file": "deidentification.guarded",
    "deidentify_folder": "deidentification.deidentified_folder",
    "patient_orientation": "orientation",
    "read_guarded": "process.worker",
    "read_mammogram": "reading.read",
    "read_nifti": "writing.nifti",
    "read_stored_guarded": "process.worker",
    "read_segmentation": "writing.segmentation",
    "stable_uid": "identity",
    "write_edited": "writing.edited",
    "write_mammogram": "writing.mammogram_object",
    "write_nifti": "writing.nifti",
    "write_report": "writing.structured_report",
    "write_segmentation": "writing.segmentation",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
