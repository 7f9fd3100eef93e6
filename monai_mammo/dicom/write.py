"""Synthetic mammograms as DICOM: Digital Mammography X-Ray Image Storage - For Presentation.

What a validator and a reader ask for is written, nothing of physics is invented: no dose, no
tube voltage, no detector type. Everything says that the picture is synthetic.
"""

from __future__ import annotations

import json
import os
from typing import Literal

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, JPEGLSLossless

from monai_mammo.conditions import Conditions
from monai_mammo.dicom.identity import Identity, Provenance, WeightsReference
from monai_mammo.dicom.orientation import patient_orientation
from monai_mammo.dicom.store import dataset_bytes, file_meta, save_bytes
from monai_mammo.errors import MammoError
from monai_mammo.study import Mammogram, Spacing
from monai_mammo.terms import BREAST_CODE, Code

__all__ = ["BITS_STORED", "coded", "is_synthesizing", "mammogram_dataset", "write_mammogram"]

BITS_STORED = (8, 10, 12, 14, 16)
"""Bits a pixel that a mammogram may be written with."""

SYNTHESIZING_EQUIPMENT = Code("109100", "DCM", "Synthesizing Equipment")
"""Purpose of reference of the weights that made an image (PS3.16, CID 7005)."""

CONDITIONS_MARK = "conditions="
"""Stands before the JSON of the requested conditions in DerivationDescription."""

TransferSyntax = Literal["jpeg-ls", "native"]


def write_mammogram(
    mammogram: Mammogram,
    path: str | os.PathLike[str],
    *,
    identity: Identity,
    provenance: Provenance,
    bits_stored: int = 12,
    transfer_syntax: TransferSyntax = "jpeg-ls",
) -> Dataset:
    """Write a synthetic mammogram; equal arguments give equal bytes.

    Parameters
    ----------
    mammogram : Mammogram
        Pixels as they hang for readers, with view, laterality, chest wall and spacing known.
    path : path
        File to write; it appears whole or not at all.
    identity : Identity
        Source of all UIDs.
    provenance : Provenance
        What made the picture.
    bits_stored : int
        One of `BITS_STORED`; brightness 1 becomes ``2**bits_stored - 1``.
    transfer_syntax : {"jpeg-ls", "native"}
        JPEG-LS lossless, or plain little endian.

    Returns
    -------
    pydicom.Dataset
        What was written, with its file meta information.

    Raises
    ------
    MammoError
        View, laterality, chest wall or spacing are not known, `bits_stored` or
        `transfer_syntax` is not allowed, or the file can not be written.
    """
    dataset = mammogram_dataset(mammogram, identity=identity, provenance=provenance, bits_stored=bits_stored)
    if transfer_syntax == "jpeg-ls":
        # without the flag pydicom gives the object a new random SOPInstanceUID
        dataset.compress(JPEGLSLossless, encoding_plugin="pyjpegls", generate_instance_uid=False)
    elif transfer_syntax != "native":
        raise MammoError(f"transfer syntax {transfer_syntax!r} is not one of jpeg-ls, native")
    save_bytes(dataset_bytes(dataset), path)
    return dataset


def mammogram_dataset(
    mammogram: Mammogram, *, identity: Identity, provenance: Provenance, bits_stored: int = 12
) -> Dataset:
    """Dataset of a synthetic mammogram with native pixels; see `write_mammogram`.

    Raises
    ------
    MammoError
        As for `write_mammogram`.
    """
    _check(mammogram, bits_stored)
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    dataset.SOPInstanceUID = identity.uid("instance")
    dataset.file_meta = file_meta(dataset.SOPClassUID, dataset.SOPInstanceUID, ExplicitVRLittleEndian)
    _put_person_and_study(dataset, mammogram.conditions, identity)
    _put_equipment(dataset, provenance)
    _put_breast(dataset, mammogram)
    _put_synthetic_marks(dataset, mammogram, identity, provenance)
    _put_pixels(dataset, mammogram.pixels, bits_stored)
    return dataset


def coded(code: Code) -> Dataset:
    """Item of a code sequence (PS3.3, table 8.8-1)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item


def is_synthesizing(item: Dataset) -> bool:
    """Whether an item of ContributingEquipmentSequence names what synthesised the image."""
    purposes = item.get("PurposeOfReferenceCodeSequence") or []
    return any(purpose.get("CodeValue") == SYNTHESIZING_EQUIPMENT.value for purpose in purposes)


def _check(mammogram: Mammogram, bits_stored: int) -> None:
    if bits_stored not in BITS_STORED:
        raise MammoError(f"bits stored {bits_stored!r} is not one of {', '.join(map(str, BITS_STORED))}")
    wanted = {
        "view": mammogram.conditions.view,
        "laterality": mammogram.conditions.laterality,
        "chest wall side": mammogram.chest_wall,
        "spacing": mammogram.spacing,
    }
    missing = [name for name, value in wanted.items() if value is None]
    if missing:
        raise MammoError(f"a mammogram without {' and '.join(missing)} can not be written as DICOM")


def _put_person_and_study(dataset: Dataset, conditions: Conditions, identity: Identity) -> None:
    dataset.PatientName = f"SYNTHETIC^{identity.person}"[:64]
    dataset.PatientID = f"SYNTHETIC-{identity.person}"[:64]
    dataset.PatientBirthDate = ""
    dataset.PatientSex = ""
    if conditions.age_years is not None:
        dataset.PatientAge = f"{conditions.age_years:03d}Y"
    dataset.StudyInstanceUID = identity.study_uid
    dataset.SeriesInstanceUID = identity.uid("series")
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


def _put_breast(dataset: Dataset, mammogram: Mammogram) -> None:
    view, laterality = mammogram.conditions.view, mammogram.conditions.laterality
    assert view and laterality and mammogram.chest_wall and mammogram.spacing  # _check has looked
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


def _put_synthetic_marks(dataset: Dataset, mammogram: Mammogram, identity: Identity, provenance: Provenance) -> None:
    assert mammogram.spacing
    dataset.SyntheticData = "YES"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.DerivationDescription = _derivation(mammogram.conditions, identity, provenance)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "synthetic image, no patient"
    dataset.ContributingEquipmentSequence = [_contribution(w, provenance) for w in provenance.weights]
    sentences = ["SYNTHETIC image, not acquired from a patient, not for diagnosis.", _spacing_note(mammogram.spacing)]
    dataset.ImageComments = " ".join([*sentences, *provenance.notes])[:10240]


def _derivation(conditions: Conditions, identity: Identity, provenance: Provenance) -> str:
    made = f"Synthetic mammogram, {provenance.method} by {provenance.tool} {provenance.tool_version}"
    # a report would not fit into 1024 characters; it stays in the run's own files
    asked = json.dumps(conditions.replace(text=None).to_dict(), separators=(",", ":"))
    return f"{made}; seed {identity.run_seed}, sample {identity.sample_id}"[:600] + f"; {CONDITIONS_MARK}{asked}"


def _contribution(weights: WeightsReference, provenance: Provenance) -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [coded(SYNTHESIZING_EQUIPMENT)]
    item.Manufacturer = provenance.tool
    item.ManufacturerModelName = weights.name[:64]
    item.SoftwareVersions = [provenance.tool_version]
    hashed = f", weights sha256 {weights.sha256}" if weights.sha256 else ", no weights"
    item.ContributionDescription = f"{weights.name} {weights.version}{hashed}"[:1024]
    return item


def _spacing_note(spacing: Spacing) -> str:
    size = f"{spacing.row_mm:.6g} x {spacing.column_mm:.6g} mm"
    if spacing.source == "nominal":
        return f"The pixel spacing {size} is nominal: the training images have no known spacing, do not measure in it."
    return f"The pixel spacing {size} is of source {spacing.source}."


def _put_pixels(dataset: Dataset, pixels: np.ndarray, bits_stored: int) -> None:
    bits_allocated = 8 if bits_stored == 8 else 16
    top = 2**bits_stored - 1
    stored = np.rint(pixels.astype(np.float64) * top).astype("<u1" if bits_allocated == 8 else "<u2")
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.BitsAllocated = bits_allocated
    dataset.BitsStored = bits_stored
    dataset.HighBit = bits_stored - 1
    dataset.PixelRepresentation = 0
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1  # higher values: less beam at the detector
    dataset.RescaleIntercept = "0"
    dataset.RescaleSlope = "1"
    dataset.RescaleType = "US"
    # centre 2**(b-1) and width 2**b make LINEAR the plain scale from 0 to 2**b - 1
    dataset.WindowCenter = str(2 ** (bits_stored - 1))
    dataset.WindowWidth = str(2**bits_stored)
    dataset.VOILUTFunction = "LINEAR"
    dataset.LossyImageCompression = "00"
    dataset.BurnedInAnnotation = "NO"
    data = stored.tobytes()
    dataset.add_new("PixelData", "OB" if bits_allocated == 8 else "OW", data + b"\0" * (len(data) % 2))
