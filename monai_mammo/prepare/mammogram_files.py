"""Mammogram files of a folder, in the form of a MONAI datalist."""

from __future__ import annotations

from pathlib import Path

from monai_mammo.errors import RequestError
from monai_mammo.files.picture import PICTURE_SUFFIXES

__all__ = ["image_files"]

_SUFFIXES = PICTURE_SUFFIXES | {".dcm"}
_MASK_ENDING = "_mask"


def image_files(dataset_dir: str | Path) -> list[dict[str, str]]:
    """Mammogram files of a folder, DICOM and pictures, in the form of a MONAI datalist.

    Parameters
    ----------
    dataset_dir : path
        Looked through with its folders; hidden files and pictures named ``…_mask`` are left out.

    Returns
    -------
    list of dict of str to str

    Raises
    ------
    RequestError
        The folder is not there, or holds no such file.
    """
    folder = Path(dataset_dir)
    if not folder.is_dir():
        raise RequestError(f"{folder} is not a folder of mammograms")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_image(path)]
    if not files:
        raise RequestError(f"{folder} holds no file ending in {', '.join(sorted(_SUFFIXES))}")
    return [{"image": str(path), "name": path.stem} for path in files]


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and not path.stem.endswith(_MASK_ENDING)
