"""What says that an object is synthetic, and what made it: shared by images, masks and reports."""

from __future__ import annotations

import json

from pydicom.dataset import Dataset

from monai_mammo.conditions import Conditions
from monai_mammo.dicom.identity import Identity, Provenance, WeightsReference
from monai_mammo.terms import Code

__all__ = ["CONDITIONS_MARK", "SYNTHESIZING_EQUIPMENT", "coded", "contribution", "derivation", "is_synthesizing"]

SYNTHESIZING_EQUIPMENT = Code("109100", "DCM", "Synthesizing Equipment")
"""Purpose of reference of the weights that made an image (PS3.16, CID 7005)."""

CONDITIONS_MARK = "conditions="
"""Stands before the JSON of the requested conditions in DerivationDescription."""


def coded(code: Code) -> Dataset:
    """Item of a code sequence (PS3.3, table 8.8-1)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item


def is_synthesizing(item: Dataset) -> bool:
    """Whether an item of ContributingEquipmentSequence names what synthesised the image."""
    purposes = item.get("PurposeOfReferenceCodeSequence") or []
    return any(purpose.get("CodeValue") == SYNTHESIZING_EQUIPMENT.value for purpose in purposes)


def derivation(conditions: Conditions, identity: Identity, provenance: Provenance) -> str:
    """DerivationDescription of a generated image, with its conditions as JSON behind `CONDITIONS_MARK`."""
    made = f"Synthetic mammogram, {provenance.method} by {provenance.tool} {provenance.tool_version}"
    # a report would not fit into 1024 characters; it stays in the run's own files
    asked = json.dumps(conditions.replace(text=None).to_dict(), separators=(",", ":"))
    return f"{made}; seed {identity.run_seed}, sample {identity.sample_id}"[:600] + f"; {CONDITIONS_MARK}{asked}"


def contribution(weights: WeightsReference, provenance: Provenance) -> Dataset:
    """Item of ContributingEquipmentSequence for weights that took part."""
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [coded(SYNTHESIZING_EQUIPMENT)]
    item.Manufacturer = provenance.tool
    item.ManufacturerModelName = weights.name[:64]
    item.SoftwareVersions = [provenance.tool_version]
    hashed = f", weights sha256 {weights.sha256}" if weights.sha256 else ", no weights"
    item.ContributionDescription = f"{weights.name} {weights.version}{hashed}"[:1024]
    return item
