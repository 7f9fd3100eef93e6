"""Takes clock and chance out of what highdicom builds, so that equal requests give equal bytes."""

from __future__ import annotations

from pydicom.dataset import Dataset

from monai_mammo.dicom.identity import stable_uid

__all__ = ["remove_clock_and_chance"]

# the standard wants a date here, and a clock would make equal requests differ
_FIXED_DATE, _FIXED_TIME = "20000101", "000000"


def remove_clock_and_chance(dataset: Dataset) -> None:
    """Pin, in place, the times and the random UIDs that highdicom stamps on a segmentation or report.

    ContentDate and ContentTime become a fixed moment, other times go; the UID of the dimensions follows from
    SOPInstanceUID.

    Parameters
    ----------
    dataset : Dataset
        Changed in place.
    """
    for keyword in ("InstanceCreationDate", "InstanceCreationTime"):
        if keyword in dataset:
            del dataset[keyword]
    dataset.ContentDate, dataset.ContentTime = _FIXED_DATE, _FIXED_TIME
    for item in dataset.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in item:
            del item.ContributionDateTime
    organization = stable_uid(dataset.SOPInstanceUID, "dimensions")
    for keyword in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in dataset.get(keyword, []):
            item.DimensionOrganizationUID = organization
