"""Mammograms that a training set is made from: a file that can be edited, and what its lesions are."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.editing.edit_source import origin_of_file
from monai_mammo.errors import RequestError
from monai_mammo.files.png import png_bytes
from monai_mammo.files.whole import save_bytes
from monai_mammo.prepare.datalist_items import breast_of, load_datalist, mask_of, pixels_of, stated_origin
from monai_mammo.prepare.geometry import box_of_mask, mask_of_box
from monai_mammo.prepare.mammogram_files import image_files
from monai_mammo.prepare.reading import read_any
from monai_mammo.study import Mammogram
from monai_mammo.terms import Finding

__all__ = ["TrainingSource", "training_sources"]

_FILES = "sources"
_UNKNOWN = "its lesions are not known"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSource:
    """A mammogram whose lesions are known.

    Parameters
    ----------
    path : Path
        Of a file that `insert` and `remove` take.
    image_id, person_id : str
        By which it is found again, and whose it is.
    boxes : tuple of Box
        Round its lesions, in fractions of the file's picture; empty where it is known to show none.
    is_outlined : bool
        Whether its lesions are outlined, or it shows none.
    breast : Path or None
        Mask of the breast on the file's grid; `None` where it is to be looked for.
    origin : {"acquired", "generated", "edited"}
        What is stated of it.
    """

    path: Path
    image_id: str
    person_id: str
    boxes: tuple[Box, ...]
    is_outlined: bool
    breast: Path | None
    origin: str = "acquired"


def training_sources(
    folder: str | Path, out: Path, *, split: str
) -> tuple[list[TrainingSource], dict[str, str], tuple[int, int] | None]:
    """Mammograms of a folder, and why others take no part.

    Parameters
    ----------
    folder : str or Path
        Prepared folder, or folder of DICOM files and pictures.
    out : Path
        Where a prepared folder's images go as pictures, into ``sources``; what is there already stays.
    split : str
        Of a prepared folder, such as ``training``.

    Returns
    -------
    sources : list of TrainingSource
    left_out : dict of str to str
        Reason by name of the image.
    shape : tuple of int or None
        Rows and columns of the prepared grid; `None` for files, which may be of any size.

    Raises
    ------
    RequestError
        The folder is not there, has no such split, or holds no mammogram.
    MammoError
        An image cannot be read, or a picture could not be written.
    """
    if (Path(folder) / "datalist.json").is_file():
        return _of_prepared(Path(folder), out, split)
    return *_of_files(Path(folder)), None


def _of_prepared(
    folder: Path, out: Path, split: str
) -> tuple[list[TrainingSource], dict[str, str], tuple[int, int] | None]:
    items = load_datalist(folder / "datalist.json", split=split, needs=("person_id", "image_id", "breast"))
    if not items:
        raise RequestError(f"split {split!r} of {folder} lists no image")
    sources, left_out, shape = [], {}, None
    for item in items:
        name, boxes = str(item["image_id"]), tuple(Box.parse(box) for box in item.get("boxes") or ())
        if item.get("mask_kind", "unknown") != "none" and not boxes:
            left_out[name] = _UNKNOWN
            continue
        path = out / _FILES / f"{name}.png"
        if not path.is_file() or shape is None:
            shape = _write_source(item, boxes, path)
        sources.append(
            TrainingSource(
                path=path,
                image_id=name,
                person_id=str(item["person_id"]),
                boxes=boxes,
                is_outlined=item.get("mask_kind") in ("contour", "none"),
                breast=path.with_name(f"{name}_breast_mask.png"),
                origin=stated_origin(item) or "acquired",
            )
        )
    return sources, left_out, shape


def _of_files(folder: Path) -> tuple[list[TrainingSource], dict[str, str]]:
    sources, left_out = [], {}
    for file in image_files(folder):
        path = Path(file["image"])
        name = path.relative_to(folder).with_suffix("").as_posix().replace("/", "-")
        read = read_any(path)
        if not isinstance(read, Mammogram):
            left_out[name] = read.detail
            continue
        box = read.conditions.box
        if read.lesion_mask is not None and read.lesion_mask.any():
            box = box_of_mask(read.lesion_mask)
        if box is None and read.conditions.finding is not Finding.NONE:
            left_out[name] = _UNKNOWN
            continue
        boxes = () if box is None else (box,)
        person = read.person_id or name
        sources.append(
            TrainingSource(
                path=path,
                image_id=name,
                person_id=person,
                boxes=boxes,
                is_outlined=read.lesion_mask is not None or not boxes,
                breast=None,
                origin=origin_of_file(path),
            )
        )
    return sources, left_out


def _write_source(item: Mapping[str, Any], boxes: tuple[Box, ...], path: Path) -> tuple[int, int]:
    """A prepared image as a picture with its JSON file and masks; the picture comes last and marks all as whole."""
    image = pixels_of(item)
    values = Conditions.from_dict(item["conditions"]).replace(box=None, text=None).to_dict()
    if boxes:
        if item.get("mask_kind") == "contour":
            lesions = mask_of(item, "label", image.shape)
        else:
            lesions = np.logical_or.reduce([mask_of_box(box, image.shape) > 0.5 for box in boxes])
        mask = path.with_name(f"{path.stem}_mask.png")
        save_bytes(png_bytes(lesions), mask, make_folder=True)
        values["lesion_mask"] = mask.name
    values["person_id"] = str(item["person_id"])
    breast = path.with_name(f"{path.stem}_breast_mask.png")
    save_bytes(png_bytes(breast_of(item, image.shape)), breast, make_folder=True)
    save_bytes((json.dumps(values, indent=1) + "\n").encode(), path.with_suffix(".json"))
    save_bytes(png_bytes(image), path)
    return image.shape[0], image.shape[1]
