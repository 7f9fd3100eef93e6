"""A run of `monai_mammo.generate` as a data set: its images, lesion masks, conditions and parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.digest import file_sha256
from monai_mammo.prepare.datalist import SPLIT_KEYS
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.reading import read_mask
from monai_mammo.terms import Split

__all__ = ["entries", "is_run"]

_MANIFEST, _DATALIST = "manifest.json", "datalist.json"
_IMAGES = ("mammogram.dcm", "mammogram.png")
_LESION, _CONDITIONS = "lesion.png", "conditions.json"


def is_run(source: Path) -> bool:
    """Whether a folder is one that `monai_mammo.generate` wrote.

    Parameters
    ----------
    source : Path
        Any path.

    Returns
    -------
    bool
    """
    return (source / _MANIFEST).is_file() and (source / _DATALIST).is_file()


def entries(source: Path, *, leave_out: Path | None = None) -> list[Entry | Skipped | Failed]:
    """Samples of a run, each with the requested lesion as its mask and in the part that the datalist states.

    Parameters
    ----------
    source : Path
        Folder of the run.
    leave_out : Path, optional
        Of no use here: what else lies in the folder is not listed.

    Returns
    -------
    list of Entry, Skipped and Failed

    Raises
    ------
    RequestError
        The folder holds no run, or its datalist cannot be read.
    """
    if not is_run(source):
        raise RequestError(f"{source} holds no run: {_MANIFEST} and {_DATALIST} are not both there")
    try:
        content = read_json(source / _DATALIST)
        listed = [(split, item) for split, key in SPLIT_KEYS.items() for item in content.get(key, [])]
        named = [(split, item, _folder_of(source, item)) for split, item in listed]
    except (UnreadableFile, ValueError, KeyError, TypeError, AttributeError):
        raise RequestError(f"{_DATALIST} in {source} could not be read as the datalist of a run") from None
    return [_entry(source, folder, split, item) for split, item, folder in sorted(named, key=lambda one: one[2])]


def _folder_of(source: Path, item: dict[str, Any]) -> str:
    """Name of a sample's folder, which lies in that of the run."""
    name, _, _ = str(item["image"]).partition("/")
    if name in ("", ".", "..") or not (source / name).is_dir() or (source / name).is_symlink():
        raise ValueError(name)
    return name


def _entry(source: Path, name: str, split: Split, item: dict[str, Any]) -> Entry | Failed:
    folder = source / name
    path = next((folder / file for file in _IMAGES if (folder / file).is_file()), folder / _IMAGES[-1])
    try:
        shown = Conditions.from_dict(read_json(folder / _CONDITIONS), where=f"{name}/{_CONDITIONS}")
        lesion = read_mask(folder / _LESION) if "label" in item else None
        record = {"datalist": _DATALIST}
        if lesion is not None:
            record["lesion_sha256"] = file_sha256(folder / _LESION)
    except (MammoError, UnreadableFile, TypeError, AttributeError, ValueError) as error:
        return Failed(path, SkipReason.UNREADABLE, f"{name} lacks what it needs: {error}")
    return Entry(
        path=path,
        image_id=name,
        name=path.relative_to(source).as_posix(),
        origin="monai_mammo",
        person_id=str(item.get("person_id") or name),
        split=split,
        conditions=shown,
        lesions=() if shown.box is None else (shown.box,),
        lesion_mask=lesion,
        labels={"is_synthetic": "true"},
        record=record,
    )
