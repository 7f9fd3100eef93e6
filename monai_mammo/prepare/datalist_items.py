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
from monai_mammo.files.stored_array import read_array
from monai_mammo.prepare.cache import stored
from monai_mammo.prepare.datalist_form import check_item

__all__ = [
    "ORIGIN_KEYS",
    "breast_of",
    "half_of_persons",
    "lesion_free_repeated",
    "load_datalist",
    "load_items",
    "mask_of",
    "outlined_items",
    "pixels_of",
    "stated_origin",
]

ORIGIN_KEYS = {"acquired": "is_acquired", "generated": "is_synthetic", "edited": "is_edited"}
"""Key of an item that is true where an image is what the name says."""

_HALVES = ("lesion_network", "judge")


def load_datalist(
    path: str | Path, *, split: str = "training", kinds: Sequence[str] | None = None, needs: Sequence[str] = ()
) -> list[dict]:
    """Items of one split of a prepared folder, their files with full paths.

    Parameters
    ----------
    path : path
        `datalist.json` as `prepare` writes it.
    split : str
        ``training``, ``validation``, ``test`` or ``external``.
    kinds : sequence of str or None
        Acquisition kinds to keep; all by default.
    needs : sequence of str
        Names that each item must state beside image and conditions.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        The file is not there, has no such split, or an item that is not of the form, lacks what it needs or leaves the
        folder.
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
        check_item(item, where=where)
        missing = next((name for name in needs if name not in item), None)
        if missing is not None:
            raise RequestError(f"{where} does not state {missing}: prepare the images anew")
        if kinds is None or item["conditions"].get("kind") in kinds:
            names = {key: item[key] for key in ("image", "breast", "label") if key in item}
            files = {key: str(path_inside(path.parent, name, where=where)) for key, name in names.items()}
            items.append({**item, **files})
    return items


def load_items(datalist: str | Path, *, split: str = "validation", needs: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Items of one split of a prepared folder that state their person, their name and their breast mask.

    Parameters
    ----------
    datalist : path
        `datalist.json` as `prepare` writes it.
    split : str
        Of the datalist, such as ``validation``.
    needs : sequence of str
        Names that each item must state beside these.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        There is no such file or split, the split is empty, or an item lacks what it needs.
    """
    items = load_datalist(datalist, split=split, needs=("person_id", "image_id", "breast", *needs))
    if not items:
        raise RequestError(f"split {split!r} of {datalist} lists no image")
    return items


def pixels_of(item: Mapping[str, Any]) -> np.ndarray:
    """Image of an item over the full range of 16 bits, shape (rows, columns), uint16, whatever its file has.

    Parameters
    ----------
    item : mapping
        With ``image``: a file with its full path, or its values as whole numbers of 8 or 16 bits.

    Returns
    -------
    ndarray, shape (rows, columns), uint16

    Raises
    ------
    RequestError
        The image is not 8 or 16 bit grey.
    MammoError
        The file is out of reach, damaged, or too large.
    """
    source = item["image"]
    if isinstance(source, str) and not source.endswith(".npy"):
        return stored(read_brightness(source))
    array = source if isinstance(source, np.ndarray) else read_array(source)
    if array.ndim == 2 and array.dtype == np.uint8:
        return array.astype(np.uint16) * np.uint16(257)
    if array.ndim != 2 or array.dtype != np.uint16:
        what = f"{array.dtype} of shape {array.shape}"
        where = "an image" if isinstance(source, np.ndarray) else source
        raise RequestError(f"{where} holds {what}: an image to train on is 8 or 16 bit grey")
    return array


def mask_of(item: Mapping[str, Any], key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Mask of an item, shape (rows, columns), bool.

    Parameters
    ----------
    item : mapping
        Of a datalist, or with its arrays in place of file names.
    key : str
        ``label`` or ``breast``, a file with its full path or an array.
    shape : tuple of int
        Rows and columns of the image, which the mask must have too.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    MammoError
        The file is out of reach, damaged, too large, or of another size than the image.
    """
    source = item[key]
    if not isinstance(source, np.ndarray):
        source = read_array(source) if source.endswith(".npy") else read_brightness(source)
    if source.shape != tuple(shape):
        name, words = item.get("image_id", "an item"), " x ".join(map(str, source.shape))
        raise MammoError(f"{key} of {name} is of {words}, and its image of {' x '.join(map(str, shape))}")
    return source > 0


def breast_of(item: Mapping[str, Any], shape: tuple[int, ...]) -> np.ndarray:
    """Breast mask of an item, shape (rows, columns), bool.

    Parameters
    ----------
    item : mapping
        Of a datalist, or with its arrays in place of file names.
    shape : tuple of int
        Rows and columns of its image.

    Returns
    -------
    ndarray, shape (rows, columns), bool

    Raises
    ------
    MammoError
        The item states none, or one that is damaged or of another size.
    """
    if "breast" not in item:
        raise MammoError(f"{item.get('image_id', 'an item')} has no breast mask: prepare the images anew")
    return mask_of(item, "breast", shape)


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

    Raises
    ------
    RequestError
        There is no such half, no image of its persons, or an item does not say whose it is.
    """
    if half == "all":
        return list(items)
    if half not in _HALVES:
        raise RequestError(f"half {half!r} of the persons is not one of {', '.join(_HALVES)}, all")
    if any("person_id" not in item for item in items):
        raise RequestError("an item does not state person_id, by which the halves of the persons are told apart")

    def parity_of(item: dict[str, Any]) -> int:
        return hashlib.sha256(f"half/{item['person_id']}".encode()).digest()[0] % 2

    some = [item for item in items if parity_of(item) == _HALVES.index(half)]
    if not some:
        n_persons = len({item["person_id"] for item in items})
        persons = "the one person" if n_persons == 1 else f"the {n_persons} persons"
        raise RequestError(f"none of {persons} of these images is in the half of the {half}: take more, or half 'all'")
    return some


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


def stated_origin(item: Mapping[str, Any]) -> str | None:
    """What an image is, as its item states it.

    Parameters
    ----------
    item : mapping
        Of a datalist, of a run, or of files.

    Returns
    -------
    {"edited", "generated", "acquired", None}
        `None` where nothing is stated, as of what was prepared from a data set; an edited image is edited, whatever it
        was before.
    """
    if item.get(ORIGIN_KEYS["edited"]):
        return "edited"
    if item.get(ORIGIN_KEYS["generated"]) or (item.get("labels") or {}).get("is_synthetic") == "true":
        return "generated"
    return "acquired" if item.get(ORIGIN_KEYS["acquired"]) else None
