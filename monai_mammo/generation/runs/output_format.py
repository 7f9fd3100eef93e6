"""Which files a sample of a run has."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["PREPARED_BREAST", "PREPARED_IMAGE", "PREPARED_LESION", "SAMPLE_FILES", "OutputFormat"]

PREPARED_IMAGE, PREPARED_LESION, PREPARED_BREAST = "prepared.npy", "prepared_lesion.npy", "prepared_breast.png"
"""Image, requested lesion and breast on the prepared grid, in the form of a prepared folder."""

_PREPARED = (PREPARED_IMAGE, PREPARED_LESION, PREPARED_BREAST)


class OutputFormat(StrEnum):
    """Files of a sample: DICOM or NIfTI with PNG previews, or the previews alone; with any, what a training reads."""

    DICOM = "dicom"
    NIFTI = "nifti"
    PNG = "png"


SAMPLE_FILES = {
    OutputFormat.DICOM: (
        "mammogram.dcm",
        "lesion.seg.dcm",
        "report.dcm",
        "mammogram.png",
        "lesion.png",
        "conditions.json",
        *_PREPARED,
    ),
    OutputFormat.NIFTI: (
        "mammogram.nii.gz",
        "lesion.nii.gz",
        "mammogram.png",
        "lesion.png",
        "conditions.json",
        *_PREPARED,
    ),
    OutputFormat.PNG: ("mammogram.png", "lesion.png", "conditions.json", *_PREPARED),
}
