"""Which files a sample of a run has."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["SAMPLE_FILES", "OutputFormat"]


class OutputFormat(StrEnum):
    """Files of a sample: DICOM or NIfTI with PNG previews, or the PNG previews alone."""

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
    ),
    OutputFormat.NIFTI: ("mammogram.nii.gz", "lesion.nii.gz", "mammogram.png", "lesion.png", "conditions.json"),
    OutputFormat.PNG: ("mammogram.png", "lesion.png", "conditions.json"),
}
