"""Labels of a prepared folder made anew from its table, its images as they are."""

from __future__ import annotations

import json
from pathlib import Path

from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.whole import save_bytes
from monai_mammo.prepare.datalist import SPLIT_KEYS
from monai_mammo.prepare.datasets import table
from monai_mammo.prepare.entry import Entry

__all__ = ["relabel"]


def relabel(datalist: str | Path, source: str | Path, *, out: str | Path) -> int:
    """Write a copy of a prepared folder's datalist whose conditions are those that its table states now.

    For labels that were added to a table, or that a newer version of this program reads, without preparing the images
    anew: box and place come with the pixels and stay as they are.

    Parameters
    ----------
    datalist : path
        ``datalist.json`` of the prepared folder.
    source : path
        Its table, or the folder that holds ``metadata.csv``; pictures need not be there.
    out : path
        File to write, which may be `datalist` itself.

    Returns
    -------
    int
        Number of images whose conditions changed.

    Raises
    ------
    RequestError
        The datalist is not there or not one, or the table cannot be read.
    """
    try:
        content = read_json(Path(datalist))
    except UnreadableFile as error:
        raise RequestError(f"datalist {error.detail}") from None
    if not isinstance(content, dict):
        raise RequestError(f"datalist {Path(datalist).name} is not a JSON object")
    entries = {entry.image_id: entry for entry in table.entries(Path(source)) if isinstance(entry, Entry)}
    n_changed = 0
    for split in SPLIT_KEYS.values():
        for item in content.get(split, []):
            entry = entries.get(item.get("image_id"))
            if entry is None or entry.conditions is None:
                continue
            kept = {name: item["conditions"][name] for name in ("box",) if name in item["conditions"]}
            conditions = {**entry.conditions.to_dict(), **kept}
            n_changed += conditions != item["conditions"]
            item["conditions"] = conditions
    save_bytes(json.dumps(content, indent=1).encode(), Path(out))
    return n_changed
