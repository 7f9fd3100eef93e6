"""DICOM in and out: mammograms, segmentations, their checks; knows no network."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "DeidentificationPolicy": "deidentification",
    "DeidentificationReport": "deidentification_folder",
    "Deidentified": "deidentification",
    "Failed": "reasons",
    "GuardedReader": "worker",
    "Identity": "identity",
    "Limits": "guards",
    "Provenance": "identity",
    "ReportedFinding": "findings",
    "SkipReason": "reasons",
    "Skipped": "reasons",
    "WeightsReference": "identity",
    "chest_wall_of_orientation": "orientation",
    "complete": "validate",
    "deidentify": "deidentification",
    "deidentify_file": "deidentification",
    "deidentify_folder": "deidentification_folder",
    "patient_orientation": "orientation",
    "read_guarded": "worker",
    "read_mammogram": "read",
    "read_nifti": "nifti",
    "read_segmentation": "segmentation",
    "stable_uid": "identity",
    "write_edited": "edited",
    "write_mammogram": "write",
    "write_nifti": "nifti",
    "write_report": "report",
    "write_segmentation": "segmentation",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
