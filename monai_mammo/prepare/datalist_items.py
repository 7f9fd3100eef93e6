"""Items of a prepared folder's ``datalist.json``, as training and evaluation take them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.names import path_inside
from monai_mammo.files.picture import read_brightness

__all__ = [
    "ROUGH_MASK_KINDS",
    "breast_of",
    "half_of_persons",
    "lesion_free_repeated",
    "load_datalist",
    "load_items",
    "outlined_items",
]

ROUGH_MASK_KINDS = ("box", "circle", "point")
"""Kinds of lesion masks that say where a lesion is, but not what its outline is."""


def load_datalist(path: str | Path, *, split: str = "training", kinds: Sequence[str] | None = None) -> list[dict]:
    """Items of one split of a prepared folder, their files with full paths.

    Parameters
    ----------
    path : path
        `datalist.json` as `prepare` writes it.
    split : str
        ``training``, ``validation``, ``test`` or ``external``.
    kinds : sequence of str or None
        Acquisition kinds to keep; all by default.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        The file is not there, has no such split, or an item that lacks what it needs or leaves the folder.
    """
    path = Path(path)
    if not path.is_file():
        raise RequestError(f"datalist {path.name} is not in {path.parent}: run `monai-mammo prepare` first")
    try:
        content = read_json(path)
    except UnreadableFile as error:
        raise RequestError(f"datalist {error.detail}") from None
    if not isinstance(content, dict) or not isinstance(content.get(split), list):
        raise RequestError(f"split {split!r} is not in {path.name}: it has training, validation, test, external")
    items = []
    for place, item in enumerate(content[split], start=1):
        where = f"{path.name} {split} item {place}"
        if not isinstance(item, dict) or not isinstance(item.get("conditions"), dict) or "image" not in item:
            raise RequestError(f"{where} is not an object with an image and conditions")
        if kinds is None or item["conditions"].get("kind") in kinds:
            names = {key: item[key] for key in ("image", "breast", "label") if key in item}
            files = {key: str(path_inside(path.parent, name, where=where)) for key, name in names.items()}
            items.append({**item, **files})
    return items


def load_items(datalist: str | Path, *, split: str = "validation") -> list[dict[str, Any]]:
    """Items of one split of a prepared folder that state their breast mask.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of a prepared folder.
    split : str
        Of the datalist, such as ``validation``.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        There is no such file or split, or the split is empty.
    """
    items = load_datalist(datalist, split=split)
    if not items:
        raise RequestError(f"split {split!r} of {datalist} lists no image")
    return items


def breast_of(item: dict[str, Any]) -> np.ndarray:
    """Breast mask of an item, shape (rows, columns), bool.

    Parameters
    ----------
    item : dict
        Of a datalist, or with its arrays in place of file names.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    MammoError
        The item states none.
    """
    if "breast" not in item:
        raise MammoError(f"{item.get('image_id', 'an item')} has no breast mask: prepare the images anew")
    source = item["breast"]
    return (source if isinstance(source, np.ndarray) else read_brightness(source)) > 0


def outlined_items(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Items whose lesion was outlined, the only ones on which a Dice coefficient means something.

    Parameters
    ----------
    items : sequence of mapping
        Of a datalist.

    Returns
    -------
    list of dict
    """
    return [dict(item) for item in items if item.get("mask_kind") == "contour"]


def half_of_persons(items: Sequence[dict[str, Any]], half: str) -> list[dict[str, Any]]:
    """Items of one half of the persons, told apart by a hash of the person's name.

    Parameters
    ----------
    items : sequence of dict
    half : str
        ``lesion_network`` or ``judge``: the two share no person; ``all`` keeps every item.

    Returns
    -------
    list of dict
    """
    if half == "all":
        return list(items)
    parity = ("lesion_network", "judge").index(half)

    def parity_of(item: dict[str, Any]) -> int:
        return hashlib.sha256(f"half/{item['person_id']}".encode()).digest()[0] % 2

    return [item for item in items if parity_of(item) == parity]


def lesion_free_repeated(items: Sequence[dict[str, Any]], times: int = 2) -> list[dict[str, Any]]:
    """Items, those known to show no lesion `times` times: they are few, and the presence of a lesion rests on them.

    Parameters
    ----------
    items : sequence of dict
    times : int
        How often each lesion-free item stands, 1 or more.

    Returns
    -------
    list of dict
    """
    return [item for item in items for _ in range(times if item.get("mask_kind") == "none" else 1)]
