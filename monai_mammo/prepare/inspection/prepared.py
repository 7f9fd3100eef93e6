"""A prepared folder as a data set: what its datalist says, to be looked at like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom import Failed, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.names import path_inside
from monai_mammo.prepare.datalist import SPLIT_KEYS
from monai_mammo.prepare.entry import Entry
from monai_mammo.terms import Split

__all__ = ["DATALIST", "is_prepared_folder", "prepared_entries"]

DATALIST = "datalist.json"


def is_prepared_folder(source: Path) -> bool:
    """Whether a folder holds a datalist and the settings that `prepare` leaves.

    Parameters
    ----------
    source : Path

    Returns
    -------
    bool
    """
    return (source / DATALIST).is_file() and (source / "settings.json").is_file()


def prepared_entries(folder: Path) -> list[Entry | Failed]:
    """Entries of all items of a datalist, in its order; a bad item is a `Failed` of its own.

    Parameters
    ----------
    folder : Path
        As `prepare` wrote it.

    Returns
    -------
    list of Entry and Failed

    Raises
    ------
    RequestError
        The datalist cannot be read.
    """
    try:
        content = read_json(folder / DATALIST)
        listed = [(split, item) for split, key in SPLIT_KEYS.items() for item in content.get(key, [])]
    except (UnreadableFile, AttributeError, TypeError):
        raise RequestError(f"{DATALIST} in {folder} could not be read as JSON") from None
    return [_entry(folder, split, item, place) for place, (split, item) in enumerate(listed, start=1)]


def _entry(folder: Path, split: Split, item: Any, place: int) -> Entry | Failed:
    where = f"{DATALIST} item {place}"
    try:
        return Entry(
            path=path_inside(folder, item["image"], where=where),
            image_id=item["image_id"],
            name=item["image"],
            person_id=item["person_id"],
            split=split,
            conditions=Conditions.from_dict(item["conditions"], where=where).replace(box=None),
            lesions=tuple(map(Box.parse, item.get("boxes", []))),
            diffuse=tuple(map(Box.parse, item.get("diffuse_boxes", []))),
            mask_path=path_inside(folder, item["label"], where=where) if "label" in item else None,
            sha256=item.get("source_sha256", ""),
            labels=dict(item.get("labels", {})),
            record=dict(item.get("record", {})),
        )
    except (RequestError, KeyError, TypeError, AttributeError, ValueError) as error:
        words = str(error) if isinstance(error, RequestError) else "an item of the datalist lacks what it needs"
        return Failed(folder / where, SkipReason.UNREADABLE, words)
