"""Study of an image, from its header."""

from __future__ import annotations

import hashlib

from pydicom.dataset import Dataset

__all__ = ["study_pseudonym"]


def study_pseudonym(dataset: Dataset) -> str:
    """Pseudonym of the study: a hash of StudyInstanceUID, empty where there is none.

    It stands for the person where the header has no PatientID, and tells how many studies one PatientID has.

    Parameters
    ----------
    dataset : Dataset
        Header of the image.

    Returns
    -------
    str
    """
    uid = str(dataset.get("StudyInstanceUID") or "").strip()
    return f"study-{hashlib.sha256(uid.encode()).hexdigest()[:16]}" if uid else ""
