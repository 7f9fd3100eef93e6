"""The process in which files of any format are read; see `monai_mammo.dicom.worker_process`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_mammo.dicom import Failed, Limits, Skipped, read_mammogram
from monai_mammo.dicom.cells import read_cells
from monai_mammo.dicom.worker_process import main as serve
from monai_mammo.prepare.reading import is_picture, read_picture
from monai_mammo.study import Mammogram

__all__ = ["main", "read_file"]


def main() -> None:
    """Serve until standard input ends."""
    serve(read_file)


def read_file(
    path: Path, *, limits: Limits, as_stored: bool = False, **options: Any
) -> Mammogram | Skipped | Failed:
    """Picture or DICOM file, by the ending of its name; other options are those of `monai_mammo.dicom.read_mammogram`.

    ``as_stored`` takes any DICOM image, mammogram or not, without rendering.
    """
    if is_picture(path):
        return read_picture(path, limits=limits)
    if as_stored:
        return read_cells(path, limits=limits)
    return read_mammogram(path, limits=limits, **options)
