"""Kind, age and person of an image, from its header."""

from __future__ import annotations

import hashlib
import re

from pydicom.dataset import Dataset

from monai_mammo.dicom.reading.image_type import image_types
from monai_mammo.terms import AcquisitionKind

__all__ = ["find_age", "find_kind", "person_pseudonym"]

_OF_CONTRAST = ("RECOMBINED", "SUBTRACT", "ADDITION")
_DDSM_PERSON = re.compile(r"(?:Mass|Calc)-(?:Training|Test)_(P_\d+)_(?:LEFT|RIGHT)_")


def find_kind(dataset: Dataset) -> AcquisitionKind | None:
    """How the picture came about.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    AcquisitionKind or None
        `None` for a captured picture that was never on film.
    """
    if any(term in value for value in image_types(dataset) for term in _OF_CONTRAST):
        return AcquisitionKind.CONTRAST
    conversion = dataset.get("ConversionType")
    if conversion in ("DF", "SI") or dataset.get("DetectorType") == "FILM":
        return AcquisitionKind.FILM
    if conversion in ("DI", "DV", "SYN", "DRW"):
        return None
    is_capture = str(dataset.get("SOPClassUID", "")).startswith("1.2.840.10008.5.1.4.1.1.7")
    return AcquisitionKind.FILM if is_capture else AcquisitionKind.DIGITAL


def find_age(dataset: Dataset) -> int | None:
    """Age in years from PatientAge, such as ``055Y``.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    int or None
        `None` where it is absent or of another form.
    """
    match = re.fullmatch(r"(\d{3})Y", str(dataset.get("PatientAge") or ""))
    return int(match[1]) if match and int(match[1]) <= 120 else None


def person_pseudonym(dataset: Dataset) -> str:
    """Pseudonym that splits go by: a hash of PatientID and its issuer, empty where there is none.

    CBIS-DDSM writes a PatientID for each image; its person is taken out of it, or one person's
    four images would fall into several splits. A hash of a short number can be guessed: it
    keeps names out of logs and file names and does not de-identify.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    str
    """
    number = str(dataset.get("PatientID") or "").strip()
    if not number:
        return ""
    match = _DDSM_PERSON.match(number) if dataset.get("StudyID") == "DDSM" else None
    issuer = "" if match else str(dataset.get("IssuerOfPatientID") or "").strip()
    digest = hashlib.sha256(f"{issuer}\x1f{match[1] if match else number}".encode()).hexdigest()
    return f"person-{digest[:16]}"
