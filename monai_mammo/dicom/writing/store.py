"""Bytes on disk: whole under their name, or not there at all."""

from __future__ import annotations

import contextlib
import os
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from monai_mammo.dicom.identity import IMPLEMENTATION_UID, IMPLEMENTATION_VERSION
from monai_mammo.dicom.quiet import quiet
from monai_mammo.errors import MammoError

__all__ = ["dataset_bytes", "file_meta", "read_dataset", "save_bytes"]


def file_meta(sop_class: str, sop_instance: str, transfer_syntax: str) -> FileMetaDataset:
    """Group 2 of a file of ours, the same whatever version of pydicom writes it."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    return meta


def dataset_bytes(dataset: Dataset) -> bytes:
    """File of a dataset, with preamble and group 2, as bytes."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@quiet()
def read_dataset(path: str | os.PathLike[str]) -> Dataset:
    """Dataset of a file of ours; files of others are read through `guards`.

    Raises
    ------
    MammoError
        The file is out of reach or no DICOM file.
    """
    try:
        return dcmread(BytesIO(Path(path).read_bytes()))
    except OSError as error:
        raise MammoError(f"{path} could not be read: {error.strerror or error}") from None
    except (InvalidDicomError, EOFError, ValueError, AttributeError):
        raise MammoError(f"{Path(path).name} is no DICOM file") from None


def save_bytes(data: bytes, path: str | os.PathLike[str]) -> None:
    """Write a file under a temporary name beside it and rename it once it is on disk.

    Raises
    ------
    MammoError
        The disk is full, the folder is missing or not writable; nothing is left behind.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise MammoError(f"{target} could not be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
