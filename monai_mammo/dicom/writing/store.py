"""DICOM files of ours: their group 2, their bytes, and reading them back."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from monai_mammo.dicom.identity import IMPLEMENTATION_UID, IMPLEMENTATION_VERSION
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.reading.guards import Limits, file_bytes, parse
from monai_mammo.dicom.reasons import Refusal
from monai_mammo.errors import MammoError

__all__ = ["dataset_bytes", "file_meta", "read_dataset"]


def file_meta(sop_class: str, sop_instance: str, transfer_syntax: str) -> FileMetaDataset:
    """Group 2 of a file of ours, the same whatever version of pydicom writes it.

    Parameters
    ----------
    sop_class, sop_instance, transfer_syntax : str
        UIDs.

    Returns
    -------
    FileMetaDataset
    """
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    return meta


def dataset_bytes(dataset: Dataset) -> bytes:
    """File of a dataset, with preamble and group 2, as bytes.

    Parameters
    ----------
    dataset : Dataset
        With its file meta information.

    Returns
    -------
    bytes
    """
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@suppress_pydicom_messages()
def read_dataset(path: str | os.PathLike[str]) -> Dataset:
    """Dataset of a file that is said to be ours, parsed with the bounds that foreign files have.

    Parameters
    ----------
    path : path

    Returns
    -------
    Dataset

    Raises
    ------
    MammoError
        The file is out of reach or no DICOM file.
    """
    try:
        dataset = parse(file_bytes(Path(path), Limits()), Limits())
    except Refusal as refusal:
        raise MammoError(f"{Path(path).name} could not be read: {refusal.detail}") from None
    if isinstance(dataset.get("PixelData"), memoryview):
        dataset.PixelData = bytes(dataset.PixelData)
    return dataset
