"""What says that an object is synthetic, and what made it: shared by images, masks and reports."""

from __future__ import annotations

import json

from pydicom.dataset import Dataset

from monai_mammo.conditions import Conditions
from monai_mammo.dicom.identity import CONDITIONS_PREFIX, Identity, Provenance, WeightsReference
from monai_mammo.terms import Code

__all__ = [
    "ACQUISITION_EQUIPMENT",
    "SOURCE_OF_PROCESSING",
    "SYNTHESIZING_EQUIPMENT",
    "coded",
    "contribution",
    "copy_provenance",
    "derivation",
    "edited_source",
    "has_acquired_source",
    "is_synthesizing",
]

SYNTHESIZING_EQUIPMENT = Code("109100", "DCM", "Synthesizing Equipment")
"""Purpose of reference of the weights that made an image (PS3.16, CID 7005)."""

SOURCE_OF_PROCESSING = Code("121322", "DCM", "Source image for image processing operation")
"""Purpose of reference of the acquired image that an edited one was made from (PS3.16, CID 7202)."""

ACQUISITION_EQUIPMENT = Code("109101", "DCM", "Acquisition Equipment")
"""Purpose of reference of what acquired an image (PS3.16, CID 7005)."""


def coded(code: Code) -> Dataset:
    """Item of a code sequence (PS3.3, table 8.8-1).

    Parameters
    ----------
    code : Code

    Returns
    -------
    Dataset
    """
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item


def is_synthesizing(item: Dataset) -> bool:
    """Whether an item of ContributingEquipmentSequence names what synthesised the image.

    Parameters
    ----------
    item : Dataset

    Returns
    -------
    bool
    """
    return _has_purpose(item, SYNTHESIZING_EQUIPMENT.value)


def has_acquired_source(dataset: Dataset) -> bool:
    """Whether an edited image, or masks or a report of one, stand for a person of whom something was acquired.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    bool
    """
    equipment = dataset.get("ContributingEquipmentSequence") or []
    return edited_source(dataset) is not None or any(
        _has_purpose(item, ACQUISITION_EQUIPMENT.value) for item in equipment
    )


def _has_purpose(item: Dataset, code_value: str) -> bool:
    purposes = item.get("PurposeOfReferenceCodeSequence") or []
    return any(purpose.get("CodeValue") == code_value for purpose in purposes)


def edited_source(dataset: Dataset) -> Dataset | None:
    """Reference to the acquired image that this one was edited from; `None` for an image made from nothing.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    Dataset or None
        Item of SourceImageSequence.
    """
    items = dataset.get("SourceImageSequence") or []
    return next((item for item in items if _has_purpose(item, SOURCE_OF_PROCESSING.value)), None)


def copy_provenance(dataset: Dataset, source: Dataset) -> None:
    """Mark masks or a report, in place, as those of a synthetic image; highdicom does not copy these marks.

    What highdicom says of the source's acquisition equipment stays only where something was acquired.

    Parameters
    ----------
    dataset : Dataset
        Changed in place.
    source : Dataset
        The mammogram that it belongs to.
    """
    for keyword in ("SyntheticData", "StudyDescription", "PatientIdentityRemoved", "DeidentificationMethod"):
        if keyword in source:
            dataset[keyword] = source[keyword]
    kept = list(dataset.get("ContributingEquipmentSequence") or [])
    if edited_source(source) is None:
        kept = [item for item in kept if not _has_purpose(item, ACQUISITION_EQUIPMENT.value)]
    elif not any(_has_purpose(item, ACQUISITION_EQUIPMENT.value) for item in kept):
        kept.append(_unnamed_equipment())  # highdicom states none where the source names no manufacturer
    made_by = [item for item in source.get("ContributingEquipmentSequence") or [] if is_synthesizing(item)]
    dataset.ContributingEquipmentSequence = [*kept, *made_by]


def _unnamed_equipment() -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [coded(ACQUISITION_EQUIPMENT)]
    item.Manufacturer = "unknown"
    return item


def derivation(made: str, conditions: Conditions | None, identity: Identity) -> str:
    """DerivationDescription: how it was made, seed and sample, and conditions as JSON behind `CONDITIONS_PREFIX`.

    Parameters
    ----------
    made : str
        How it was made.
    conditions : Conditions or None
        What was requested, or what the picture shows now.
    identity : Identity

    Returns
    -------
    str
    """
    said = f"{made}; seed {identity.run_seed}, sample {identity.sample_id}"[:600]
    if conditions is None:
        return said
    # a report would not fit into 1024 characters; it stays in the run's own files
    shown = json.dumps(conditions.replace(text=None).to_dict(), separators=(",", ":"))
    return f"{said}; {CONDITIONS_PREFIX}{shown}"


def contribution(weights: WeightsReference, provenance: Provenance) -> Dataset:
    """Item of ContributingEquipmentSequence for weights that took part.

    Parameters
    ----------
    weights : WeightsReference
    provenance : Provenance

    Returns
    -------
    Dataset
    """
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [coded(SYNTHESIZING_EQUIPMENT)]
    item.Manufacturer = provenance.tool
    item.ManufacturerModelName = weights.name[:64]
    item.SoftwareVersions = [provenance.tool_version]
    hashed = f", weights sha256 {weights.sha256}" if weights.sha256 else ", no weights"
    item.ContributionDescription = f"{weights.name} {weights.version}{hashed}"[:1024]
    return item
