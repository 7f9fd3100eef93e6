"""Synthetic mammograms as DICOM: Digital Mammography X-Ray Image, For Presentation or For Processing.

What a validator and a reader ask for is written, nothing of physics is invented: no dose, no
tube voltage, no detector type. Everything says that the picture is synthetic.
"""

from __future__ import annotations

import os
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
)

from monai_mammo.conditions import Conditions
from monai_mammo.dicom.identity import Identity, Provenance
from monai_mammo.dicom.orientation import patient_orientation
from monai_mammo.dicom.writing.encode import TransferSyntax, encode
from monai_mammo.dicom.writing.greyscale import BITS_STORED, put_brightness, put_full_window
from monai_mammo.dicom.writing.provenance_attributes import coded, contribution, derivation
from monai_mammo.dicom.writing.store import dataset_bytes, file_meta
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.whole import save_bytes
from monai_mammo.study import Mammogram, Spacing
from monai_mammo.terms import BREAST_CODE

__all__ = ["BITS_STORED", "INTENTS", "mammogram_dataset", "write_mammogram"]

INTENTS: dict[str, tuple[UID, str]] = {
    "presentation": (DigitalMammographyXRayImageStorageForPresentation, "FOR PRESENTATION"),
    "processing": (DigitalMammographyXRayImageStorageForProcessing, "FOR PROCESSING"),
}
"""SOPClassUID and PresentationIntentType, which must agree, of each intent."""

Intent = Literal["presentation", "processing"]

# both images of one sample may lie in one archive
_ROLE_SUFFIX = {"presentation": "", "processing": " for processing"}


def write_mammogram(
    mammogram: Mammogram,
    path: str | os.PathLike[str],
    *,
    identity: Identity,
    provenance: Provenance,
    bits_stored: int = 12,
    transfer_syntax: TransferSyntax = "jpeg-ls",
    intent: Intent = "presentation",
) -> Dataset:
    """Write a synthetic mammogram; equal arguments give equal bytes.

    Parameters
    ----------
    mammogram : Mammogram
        Pixels as readers see them, with view, laterality, chest wall and spacing known.
    path : path
        File to write; it appears whole or not at all.
    identity : Identity
        Source of all UIDs.
    provenance : Provenance
        What made the picture.
    bits_stored : int
        One of `BITS_STORED`; brightness 1 becomes ``2**bits_stored - 1``.
    transfer_syntax : str
        One of `encode.TRANSFER_SYNTAXES`, all lossless; ``native`` is plain little endian.
    intent : {"presentation", "processing"}
        An image for processing has no window: what is done to it before it is shown is left open.

    Returns
    -------
    pydicom.Dataset
        What was written, with its file meta information.

    Raises
    ------
    MammoError
        View, laterality, chest wall or spacing are not known, or the file cannot be written.
    RequestError
        `bits_stored`, `transfer_syntax` or `intent` is not allowed.
    """
    dataset = mammogram_dataset(
        mammogram, identity=identity, provenance=provenance, bits_stored=bits_stored, intent=intent
    )
    encode(dataset, transfer_syntax)
    save_bytes(dataset_bytes(dataset), path)
    return dataset


def mammogram_dataset(
    mammogram: Mammogram,
    *,
    identity: Identity,
    provenance: Provenance,
    bits_stored: int = 12,
    intent: Intent = "presentation",
) -> Dataset:
    """Dataset of a synthetic mammogram with native pixels; see `write_mammogram`.

    Parameters
    ----------
    mammogram, identity, provenance, bits_stored, intent
        As for `write_mammogram`.

    Returns
    -------
    Dataset
        With file meta information, explicit little endian.

    Raises
    ------
    MammoError
        As for `write_mammogram`.
    """
    _check(mammogram, bits_stored, intent)
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.PresentationIntentType = INTENTS[intent]
    dataset.SOPInstanceUID = identity.uid("instance" + _ROLE_SUFFIX[intent])
    dataset.file_meta = file_meta(dataset.SOPClassUID, dataset.SOPInstanceUID, ExplicitVRLittleEndian)
    dataset.SeriesInstanceUID = identity.uid("series" + _ROLE_SUFFIX[intent])
    _put_person_and_study(dataset, mammogram.conditions, identity)
    _put_equipment(dataset, provenance)
    _put_breast(dataset, mammogram)
    _put_provenance(dataset, mammogram, identity, provenance)
    put_brightness(dataset, mammogram.pixels, bits_stored)
    if intent == "presentation":
        put_full_window(dataset, bits_stored)
    return dataset


def _check(mammogram: Mammogram, bits_stored: int, intent: str) -> None:
    if bits_stored not in BITS_STORED:
        raise RequestError(f"bits stored {bits_stored!r} is not one of {', '.join(map(str, BITS_STORED))}")
    if intent not in INTENTS:
        raise RequestError(f"intent {intent!r} is not one of {', '.join(INTENTS)}")
    needed = {
        "view": mammogram.conditions.view,
        "laterality": mammogram.conditions.laterality,
        "chest wall side": mammogram.chest_wall,
        "spacing": mammogram.spacing,
    }
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        raise MammoError(f"a mammogram without {' and '.join(missing)} cannot be written as DICOM")


def _put_person_and_study(dataset: Dataset, conditions: Conditions, identity: Identity) -> None:
    dataset.PatientName = f"SYNTHETIC^{identity.person}"[:64]
    dataset.PatientID = f"SYNTHETIC-{identity.person}"[:64]
    dataset.PatientBirthDate = ""
    dataset.PatientSex = ""
    if conditions.age_years is not None:
        dataset.PatientAge = f"{conditions.age_years:03d}Y"
    dataset.StudyInstanceUID = identity.study_uid
    # no clock: the same request gives the same bytes on any day
    dataset.StudyDate = ""
    dataset.StudyTime = ""
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyID = ""
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.StudyDescription = "SYNTHETIC mammography, not a patient"
    dataset.SeriesDescription = f"SYNTHETIC {conditions.laterality} {conditions.view}"


def _put_equipment(dataset: Dataset, provenance: Provenance) -> None:
    dataset.Modality = "MG"
    dataset.Manufacturer = provenance.tool
    dataset.ManufacturerModelName = provenance.weights[0].name[:64]
    dataset.SoftwareVersions = provenance.tool_version
    dataset.DetectorType = ""
    dataset.PositionerType = "MAMMOGRAPHIC"
    dataset.AcquisitionContextSequence = []
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1  # higher values: less beam at the detector


def _put_breast(dataset: Dataset, mammogram: Mammogram) -> None:
    view, laterality = mammogram.conditions.view, mammogram.conditions.laterality
    assert view and laterality and mammogram.chest_wall and mammogram.spacing  # see _check
    dataset.ImageLaterality = str(laterality)
    dataset.PatientOrientation = list(patient_orientation(laterality, view, mammogram.chest_wall))
    dataset.BodyPartExamined = "BREAST"
    dataset.OrganExposed = "BREAST"
    dataset.AnatomicRegionSequence = [coded(BREAST_CODE)]
    view_item = coded(view.code)
    view_item.ViewModifierCodeSequence = []
    dataset.ViewCodeSequence = [view_item]
    dataset.ViewPosition = str(view)
    spacing = mammogram.spacing
    dataset.ImagerPixelSpacing = [f"{spacing.row_mm:.6g}", f"{spacing.column_mm:.6g}"]


def _put_provenance(dataset: Dataset, mammogram: Mammogram, identity: Identity, provenance: Provenance) -> None:
    assert mammogram.spacing
    dataset.SyntheticData = "YES"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.LossyImageCompression = "00"
    dataset.BurnedInAnnotation = "NO"
    made = f"Synthetic mammogram, {provenance.method} by {provenance.tool} {provenance.tool_version}"
    dataset.DerivationDescription = derivation(made, mammogram.conditions, identity)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "synthetic image, no patient"
    dataset.ContributingEquipmentSequence = [contribution(w, provenance) for w in provenance.weights]
    sentences = ["SYNTHETIC image, not acquired from a patient, not for diagnosis.", _spacing_note(mammogram.spacing)]
    dataset.ImageComments = " ".join([*sentences, *provenance.notes])[:10240]


def _spacing_note(spacing: Spacing) -> str:
    size = f"{spacing.row_mm:.6g} x {spacing.column_mm:.6g} mm"
    if spacing.source == "nominal":
        return f"The pixel spacing {size} is nominal: the training images have no known spacing, do not measure in it."
    return f"The pixel spacing {size} is of source {spacing.source}."
