"""Bytes on disk: whole under their name, or not there at all."""

from __future__ import annotations

import contextlib
import os
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from monai_mammo.dicom.identity import IMPLEMENTATION_UID, IMPLEMENTATION_VERSION
from monai_mammo.errors import MammoError

__all__ = ["dataset_bytes", "file_meta", "save_bytes"]


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
