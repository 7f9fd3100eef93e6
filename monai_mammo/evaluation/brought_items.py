"""Files of any size brought to the prepared grid, in the form of prepared images: DICOM files, and what edits wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom import Skipped
from monai_mammo.dicom.reading.read import SYNTHETIC_NOTE
from monai_mammo.errors import MammoError
from monai_mammo.files.picture import read_brightness
from monai_mammo.generation.runs.manifest import Manifest, sample_name
from monai_mammo.prepare.array import PreparedMammogram, prepare_mammogram
from monai_mammo.prepare.breast import chest_wall_side
from monai_mammo.prepare.geometry import mirror, mirror_box
from monai_mammo.prepare.reading import read_any
from monai_mammo.study import Mammogram
from monai_mammo.terms import ChestWall, Finding

__all__ = ["items_of_dicom", "items_of_edited_run"]

_BreastOf = Callable[[np.ndarray], np.ndarray]


def items_of_dicom(paths: Iterable[Path], *, shape: tuple[int, int]) -> list[dict[str, Any]]:
    """Mammograms of DICOM files on the prepared grid; files of other things, such as masks, are left out.

    Parameters
    ----------
    paths : iterable of Path
    shape : tuple of int
        Rows and columns of the grid.

    Returns
    -------
    list of dict
        Conditions are those that a file states; a file that names no person is of one of its own.

    Raises
    ------
    MammoError
        A file cannot be read, or shows no breast.
    """
    items = []
    for path in paths:
        read = read_any(path)
        if isinstance(read, Skipped):
            continue
        if not isinstance(read, Mammogram):
            raise MammoError(f"{path} cannot be read: {read.detail}")
        item = _item(prepare_mammogram(read, shape=shape), path.name, read.person_id or path.name)
        items.append({**item, "is_synthetic": SYNTHETIC_NOTE in read.notes})
    return items


def items_of_edited_run(manifest: Manifest, *, shape: tuple[int, int], breast_of: _BreastOf) -> list[dict[str, Any]]:
    """Edited mammograms of a run on the prepared grid, with what was drawn.

    Parameters
    ----------
    manifest : Manifest
        Of a run of edits.
    shape : tuple of int
        Rows and columns of the grid; a picture of that size stays as it is.
    breast_of : callable
        Where the breast is in pixels (uint16).

    Returns
    -------
    list of dict
        Each is of the person of its source, as far as a file names one.

    Raises
    ------
    MammoError
        A file cannot be read, or shows no breast.
    """
    return [
        {**_edited_item(manifest, index, shape, breast_of), "is_edited": True} for index in sorted(manifest.samples)
    ]


def _edited_item(manifest: Manifest, index: int, shape: tuple[int, int], breast_of: _BreastOf) -> dict[str, Any]:
    folder, entry = manifest.folder / sample_name(index), manifest.samples[index]
    path = next((p for p in (folder / "edited.dcm", folder / "edited.png") if p.is_file()), folder / "edited.dcm")
    read = read_any(path)
    if not isinstance(read, Mammogram):
        raise MammoError(f"{path} cannot be read: {read.detail}")
    conditions, mask = Conditions.from_dict(entry["conditions"]), None
    if manifest.head["command"] != "remove":
        mask = read_brightness(folder / "requested.png") > 0.5
        if entry.get("box"):
            conditions = conditions.replace(box=Box.parse(entry["box"]))
    mammogram = read.replace(conditions=conditions, lesion_mask=mask)
    person = read.person_id or f"source-{entry['source']['sha256'][:16]}"
    if mammogram.pixels.shape == tuple(shape):
        return _item_as_it_is(mammogram, sample_name(index), person, breast_of)
    return _item(prepare_mammogram(mammogram, shape=shape), sample_name(index), person)


def _item(prepared: PreparedMammogram, name: str, person: str) -> dict[str, Any]:
    pixels = np.rint(prepared.image * 65535).astype(np.uint16)
    mask = None if prepared.lesion_mask is None else prepared.lesion_mask > 0.5
    return _stated(pixels, prepared.breast, mask, prepared.conditions, name, person)


def _item_as_it_is(mammogram: Mammogram, name: str, person: str, breast_of: _BreastOf) -> dict[str, Any]:
    pixels = np.rint(mammogram.pixels * 65535).astype(np.uint16)
    breast, mask, conditions = breast_of(pixels), mammogram.lesion_mask, mammogram.conditions
    if chest_wall_side(breast) is ChestWall.RIGHT:
        pixels, breast = (np.ascontiguousarray(mirror(array)) for array in (pixels, breast))
        mask = None if mask is None else np.ascontiguousarray(mirror(mask))
        if conditions.box is not None:
            conditions = conditions.replace(box=mirror_box(conditions.box))
    return _stated(pixels, breast, mask, conditions, name, person)


def _stated(
    pixels: np.ndarray, breast: np.ndarray, mask: np.ndarray | None, conditions: Conditions, name: str, person: str
) -> dict[str, Any]:
    label = np.zeros(pixels.shape, dtype=bool) if mask is None else mask
    is_clear = conditions.finding is Finding.NONE
    return {
        "image": pixels,
        "breast": breast,
        "label": label,
        "mask_kind": "contour" if label.any() else ("none" if is_clear else "unknown"),
        "boxes": [] if conditions.box is None else [list(conditions.box)],
        "conditions": conditions.to_dict(),
        "person_id": person,
        "image_id": name,
        "source": "files",
    }
