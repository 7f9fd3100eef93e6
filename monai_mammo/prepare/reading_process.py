"""The process in which files of any format are read; see `monai_mammo.dicom.process.worker_process`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_mammo.dicom import Failed, Limits, Skipped
from monai_mammo.dicom.process.worker_process import main as serve
from monai_mammo.dicom.process.worker_process import read_dicom
from monai_mammo.dicom.reading.unrendered import Unrendered
from monai_mammo.files.picture import is_picture
from monai_mammo.prepare.picture_decoding import read_mask_picture, read_picture
from monai_mammo.study import StoredImage

__all__ = ["main", "read_file"]


def main() -> None:
    """Serve until standard input ends."""
    serve(read_file)


def read_file(
    path: Path, *, limits: Limits, as_stored: bool = False, as_mask: bool = False, **options: Any
) -> Unrendered | StoredImage | Skipped | Failed:
    """Picture or DICOM file, by the ending of its name; options are those of `read_dicom`.

    Parameters
    ----------
    path : Path
    limits : Limits
    as_stored : bool
        Whether the pixels are wanted as they are stored, whatever they show.
    as_mask : bool
        Whether the file is a picture of a mask.
    **options

    Returns
    -------
    Unrendered, StoredImage, Skipped or Failed
    """
    if as_mask:
        return read_mask_picture(path, limits=limits)
    if not is_picture(path):
        return read_dicom(path, limits=limits, as_stored=as_stored, **options)
    picture = read_picture(path, limits=limits)
    if as_stored or not isinstance(picture, StoredImage):
        return picture
    return Unrendered(picture, {"source": picture.source, "source_sha256": picture.source_sha256})
