"""Mammograms and parts of them at their native scale, beside a prepared folder whose labels they share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from monai_mammo.errors import RequestError
from monai_mammo.files.picture import read_brightness
from monai_mammo.prepare.datalist_items import load_datalist
from monai_mammo.prepare.datasets.rows import TableRow, read_rows
from monai_mammo.prepare.drawn_items import PHANTOM, training_items
from monai_mammo.prepare.geometry import resize
from monai_mammo.prepare.grid import DEFAULT_SHAPE

__all__ = ["VIEW_HEIGHT_MM", "native_items", "painter_items"]

VIEW_HEIGHT_MM = 230.4
"""Nominal height of a whole view: 384 prepared rows of a nominal 0.6 mm."""

_TILE_PIXEL_MM = 0.14
_LARGEST_LESION_SHARE = 0.08
_OF_FILES = ("image_id", "file", "split", "height")
_SPLITS = {"train": "training", "val": "validation"}


def painter_items(
    dataset_dir: str | Path,
    native_dir: str | Path | None = None,
    *,
    split: str = "training",
    shape: tuple[int, int] = DEFAULT_SHAPE,
    n_phantoms: int = 16,
) -> list[dict[str, Any]]:
    """Items for a `PainterDataset`: the prepared views, and what there is of them at native scale.

    Parameters
    ----------
    dataset_dir : path
        Prepared folder, or ``phantom``, as `training_items` takes it.
    native_dir : path or None
        Folder as `native_items` takes it; `None` for none.
    split : str
        ``training`` or ``validation``.
    shape : tuple of int
        Rows and columns of phantoms.
    n_phantoms : int
        Drawn mammograms.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        As `training_items` and `native_items` raise it.
    """
    items = training_items(dataset_dir, split=split, shape=shape, n_phantoms=n_phantoms)
    if native_dir is None or str(dataset_dir) == PHANTOM:
        return items
    return items + native_items(native_dir, Path(dataset_dir) / "datalist.json", split=split)


def native_items(native_dir: str | Path, datalist: str | Path, *, split: str = "training") -> list[dict[str, Any]]:
    """Tiles of films and views at native scale, with the conditions that a datalist states for the same images.

    Parameters
    ----------
    native_dir : path
        With ``native_film/metadata.csv`` (tiles with a mask each), ``native_cc/metadata.csv`` (whole views) and
        ``mammograms/masks`` (of those views, by name of the image, on any grid); each may be missing.
    datalist : path
        ``datalist.json`` of the prepared images; what it does not list is left out, so that both share their splits.
    split : str
        ``training`` or ``validation``.

    Returns
    -------
    list of dict
        As `load_datalist` gives them, of any size, with ``pixel_mm``; nominal, as the films and views state none.

    Raises
    ------
    RequestError
        Neither table is there, a table lacks a column, or there is no such split.
    """
    root = Path(native_dir)
    tables = {name: root / name / "metadata.csv" for name in ("native_film", "native_cc")}
    if not any(table.is_file() for table in tables.values()):
        raise RequestError(f"{root} has neither native_film/metadata.csv nor native_cc/metadata.csv")
    listed = {str(item.get("image_id")): item for item in load_datalist(datalist, split=split)}
    items = []
    for name, table in tables.items():
        for row in read_rows(table, _OF_FILES) if table.is_file() else ():
            prepared = listed.get(row["image_id"])
            if prepared is not None and _SPLITS.get(row["split"]) == split:
                items.append(_tile(root / name, row, prepared) if row["mask"] else _view(root, row, prepared))
    return items


def _tile(folder: Path, row: TableRow, prepared: dict[str, Any]) -> dict[str, Any]:
    label = read_brightness(folder / row["mask"]) > 0.5
    return _item(row, prepared, folder / row["file"], _TILE_PIXEL_MM, label)


def _view(root: Path, row: TableRow, prepared: dict[str, Any]) -> dict[str, Any]:
    path = root / row["file"]
    image = read_brightness(path)
    mask_file = root / "mammograms" / "masks" / f"{row['image_id']}.png"
    label = None
    if mask_file.is_file():
        label = resize((read_brightness(mask_file) > 0.5).astype(np.float32), image.shape) > 0.5
    pixel_mm = VIEW_HEIGHT_MM / image.shape[0]
    item = _item(row, prepared, np.round(image * 65535).astype(np.uint16), pixel_mm, label)
    if label is None and prepared.get("mask_kind") not in ("none",):
        item["mask_kind"] = "unknown"
    return item


def _item(
    row: TableRow, prepared: dict[str, Any], image: Path | np.ndarray, pixel_mm: float, label: np.ndarray | None
) -> dict[str, Any]:
    conditions = {name: value for name, value in prepared["conditions"].items() if name != "box"}
    item = {
        "image": str(image) if isinstance(image, Path) else image,
        "conditions": conditions,
        "person_id": prepared["person_id"],
        "image_id": f"{row['image_id']}/{Path(row['file']).stem}",
        "pixel_mm": pixel_mm,
        "mask_kind": "none",
    }
    if label is None or not label.any():
        return item
    return {**item, "label": label, "mask_kind": "contour" if _is_of_lesions(label) else "box"}


def _is_of_lesions(label: np.ndarray) -> bool:
    """Whether all parts of a mask are as small as lesions; thick skin and diffuse change are larger."""
    labels, n = ndimage.label(label)
    areas = ndimage.sum_labels(label, labels, range(1, n + 1)) / label.size
    return n > 0 and (label.shape[0] <= 400 or float(np.max(areas)) <= _LARGEST_LESION_SHARE)
