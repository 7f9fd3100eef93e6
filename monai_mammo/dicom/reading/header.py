"""A few attributes of many files, without their pixels: what the listing of a data set goes by."""

from __future__ import annotations

import os
from pathlib import Path

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.reasons import Failed, Skipped, SkipReason
from monai_mammo.files.bounded import open_regular

__all__ = ["count_private", "read_header"]

_HEAD_BYTES = 256 * 2**10  # headers of mammograms have 2 to 20 KB; nothing in it can be large or many


def read_header(path: str | os.PathLike[str], keywords: tuple[str, ...]) -> dict[str, str] | Skipped | Failed:
    """Text of some attributes of a DICOM file, from its first 256 KiB.

    Parameters
    ----------
    path : path
    keywords : tuple of str
        Attributes of single values, such as ``SeriesInstanceUID``.

    Returns
    -------
    dict of str to str
        By keyword; empty for an attribute that is not there.
    Skipped or Failed
        The file is not a DICOM file, is deflated, out of reach, or its header cannot be parsed.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        return Failed(path, SkipReason.UNREADABLE, f"the file could not be read: {error.strerror or 'unknown'}")
    if head[128:132] != b"DICM":
        return Skipped(path, SkipReason.NOT_DICOM, "the file is not a DICOM file")
    try:
        with suppress_pydicom_messages():
            return _values(head, keywords)
    except NotImplementedError:
        return Skipped(path, SkipReason.UNSUPPORTED_TRANSFER_SYNTAX, "the header of a deflated file is not listed")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a parser met foreign bytes: any failure is the file's
        return Failed(path, SkipReason.DAMAGED, f"the DICOM header cannot be parsed ({type(error).__name__})")


@suppress_pydicom_messages()
def count_private(path: str | os.PathLike[str]) -> int:
    """Number of private attributes at the top level of a DICOM file's first 256 KiB; 0 where it cannot be told.

    Parameters
    ----------
    path : path
        A file that was read before: its header is parsed without further guards.

    Returns
    -------
    int
    """
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES)
        dataset: Dataset = dcmread(DicomBytesIO(head), stop_before_pixels=True, force=True)
        tags = dataset.keys()  # iterating over the dataset would convert its values
        return sum(tag.is_private for tag in tags)
    except Exception:  # a parser met foreign bytes, or a deflated stream that is cut
        return 0


def _values(head: bytes, keywords: tuple[str, ...]) -> dict[str, str]:
    if DeflatedExplicitVRLittleEndian.encode() in head[132:1156]:  # group 2; inflating has no bound here
        raise NotImplementedError
    tags = [tag for tag in map(tag_for_keyword, keywords) if tag is not None]
    dataset: Dataset = dcmread(DicomBytesIO(head), stop_before_pixels=True, specific_tags=list(tags), force=True)
    return {keyword: str(dataset.get(keyword) or "").strip() for keyword in keywords}
