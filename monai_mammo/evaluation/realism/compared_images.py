"""Images to be compared, from a run, a prepared folder or a folder of pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.dicom import Failed, Skipped
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation.brought_items import items_of_dicom, items_of_edited_run
from monai_mammo.evaluation.found_breast import breast_in_pixels
from monai_mammo.evaluation.realism.image_set import ImageSet
from monai_mammo.evaluation.run_items import items_of_run, load_run
from monai_mammo.files.picture import is_picture
from monai_mammo.generation.runs.edited_form import is_edited_run
from monai_mammo.prepare.breast import chest_wall_side
from monai_mammo.prepare.datalist_items import load_datalist, pixels_of, stated_origin
from monai_mammo.prepare.geometry import mirror
from monai_mammo.prepare.picture_decoding import read_picture
from monai_mammo.terms import AcquisitionKind, ChestWall

__all__ = [
    "acquired_images",
    "acquired_items",
    "grid_of",
    "images_of_items",
    "shape_of_items",
    "synthetic_images",
    "synthetic_items",
]

_UNIT = np.float32(65535)


def synthetic_images(folder: str | Path, *, kind: str | None = None, split: str = "training") -> ImageSet:
    """Images of a run, of a prepared folder, or of a folder of pictures.

    Parameters
    ----------
    folder : str or Path
        With ``manifest.json``, as `generate` writes it; with ``datalist.json``, as `prepare` does; or with PNG, JPG,
        WebP or PGM files on the grid of the reference, of either side.
    kind : str or None
        Acquisition kind of pictures that state none.
    split : str
        Of a prepared folder.

    Returns
    -------
    ImageSet
        Chest wall left; images of a run and pictures are persons of their own.

    Raises
    ------
    RequestError
        There is no image in the folder, or `kind` is not an acquisition kind.
    MammoError
        A file cannot be read.
    """
    return images_of_items(synthetic_items(folder, kind=kind, split=split))


def synthetic_items(
    folder: str | Path,
    *,
    kind: str | None = None,
    split: str = "training",
    shape: tuple[int, int] | None = None,
    breast_of: Callable[[np.ndarray], np.ndarray] = breast_in_pixels,
) -> list[dict[str, Any]]:
    """Images of a run, of a prepared folder, or of a folder of files, in the form of prepared images.

    Parameters
    ----------
    folder : str or Path
        As `synthetic_images` takes it; or a run of edits, or a folder with DICOM files, of which pictures beside them
        are taken for previews; where it has no picture itself also below it.
    kind : str or None
        Acquisition kind of images that state none.
    split : str
        Of a prepared folder.
    shape : tuple of int, optional
        Rows and columns of the grid to which DICOM files and edited ones are brought; without it they are refused.
    breast_of : callable
        As `items_of_run` takes it.

    Returns
    -------
    list of dict
        Of a prepared folder the files, whose pixels are not read yet, without those that it states to be acquired, as
        `augment` does of the images that it edited. A picture states no more than its kind, and each is a person of
        its own.

    Raises
    ------
    RequestError
        There is no image in the folder, `kind` is not an acquisition kind, or files are to be brought to a grid that is
        not named.
    MammoError
        A file cannot be read.
    """
    folder = Path(folder)
    stated = None if kind is None else str(AcquisitionKind.parse(kind, where="--kind"))
    if (folder / "manifest.json").is_file():
        manifest = load_run(folder)
        if is_edited_run(manifest.head):
            grid = _grid(shape, f"{folder} is a run of edits")
            return _with_kind(items_of_edited_run(manifest, shape=grid, breast_of=breast_of), stated)
        return _with_kind(items_of_run(folder, breast_of=breast_of), stated)
    if (folder / "datalist.json").is_file():
        items = [item for item in acquired_items(folder, split=split) if stated_origin(item) != "acquired"]
        return _with_kind(items, stated)
    if not folder.is_dir():
        raise RequestError(f"{folder} is not a run, a prepared folder or a folder of pictures")
    paths = sorted(path for path in folder.iterdir() if path.is_file() and is_picture(path))
    below = folder.iterdir() if paths else folder.rglob("*")
    scanned = sorted(path for path in below if path.is_file() and path.suffix.lower() == ".dcm")
    if scanned:  # pictures beside them are their previews
        grid = _grid(shape, f"{folder} holds DICOM files")
        items = items_of_dicom(scanned, shape=grid)
        if not items:
            raise RequestError(f"{folder} holds no DICOM file of a mammogram")
        return _with_kind(items, stated)
    if not paths:
        raise RequestError(f"{folder} holds no run, no datalist.json, no DICOM file and no picture")
    return _with_kind([_picture(path, breast_of) for path in paths], stated)


def acquired_items(folder: str | Path, *, split: str = "validation") -> list[dict[str, Any]]:
    """Items of one split of a prepared folder, whose files are not read yet.

    Parameters
    ----------
    folder : str or Path
        The folder, or its ``datalist.json``.
    split : str
        Of the datalist, such as ``validation``.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        There is no such folder or split.
    """
    path = Path(folder)
    return load_datalist(path / "datalist.json" if path.is_dir() else path, split=split, needs=("person_id",))


def acquired_images(items: Sequence[dict[str, Any]]) -> ImageSet:
    """Images of items of a prepared folder.

    Parameters
    ----------
    items : sequence of dict
        As `acquired_items` gives them; one or more.

    Returns
    -------
    ImageSet
    """
    return images_of_items(items)


def images_of_items(
    items: Sequence[dict[str, Any]], *, breast_of: Callable[[np.ndarray], np.ndarray] = breast_in_pixels
) -> ImageSet:
    """Set of the images of items, breasts found in their pixels by one rule.

    Parameters
    ----------
    items : sequence of dict
        Of a datalist, or with their pixels; one or more.
    breast_of : callable
        As `items_of_run` takes it.

    Returns
    -------
    ImageSet
    """
    pixels = [pixels_of(item) for item in items]
    return ImageSet.of(
        [one.astype(np.float32) / _UNIT for one in pixels],
        breasts=[breast_of(one) for one in pixels],
        kinds=[item["conditions"].get("kind") for item in items],
        views=[item["conditions"].get("view") for item in items],
        persons=[str(item["person_id"]) for item in items],
        names=[str(item.get("image_id", i)) for i, item in enumerate(items)],
    )


def shape_of_items(items: Sequence[dict[str, Any]]) -> tuple[int, ...]:
    """Rows and columns that the images of items have.

    Parameters
    ----------
    items : sequence of dict
        With their pixels; one or more.

    Returns
    -------
    tuple of int

    Raises
    ------
    RequestError
        They are of several sizes.
    """
    shapes = {pixels_of(item).shape for item in items}
    if len(shapes) != 1:
        raise RequestError(f"images of a set have one size, these have {', '.join(map(str, sorted(shapes)))}")
    return shapes.pop()


def grid_of(folder: str | Path, *, split: str = "validation") -> tuple[int, int] | None:
    """Rows and columns of the images of a prepared folder.

    Parameters
    ----------
    folder : str or Path
    split : str
        Of its datalist, whose first image is looked at.

    Returns
    -------
    tuple of int, or None
        `None` where the split is empty.

    Raises
    ------
    RequestError
        There is no such folder or split.
    """
    items = acquired_items(folder, split=split)
    if not items:
        return None
    rows, columns = pixels_of(items[0]).shape
    return rows, columns


def _grid(shape: tuple[int, int] | None, what: str) -> tuple[int, int]:
    if shape is None:
        raise RequestError(f"{what}: bring them to the grid of what they are compared with by `monai-mammo prepare`")
    return shape


def _with_kind(items: Sequence[dict[str, Any]], kind: str | None) -> list[dict[str, Any]]:
    """Items, those that state no acquisition kind with one that is stated for all of them."""
    if kind is None:
        return list(items)
    return [
        item if item["conditions"].get("kind") else {**item, "conditions": {**item["conditions"], "kind": kind}}
        for item in items
    ]


def _picture(path: Path, breast_of: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    read = read_picture(path)
    if isinstance(read, Skipped | Failed):
        raise MammoError(f"{path} cannot be read as a picture: {read.detail}")
    pixels = np.rint(read.brightness_table[read.pixels] * _UNIT).astype(np.uint16)
    is_mirrored = chest_wall_side(breast_of(pixels)) is ChestWall.RIGHT
    return {
        "image": np.ascontiguousarray(mirror(pixels) if is_mirrored else pixels),
        "mask_kind": "unknown",
        "boxes": [],
        "conditions": {},
        "person_id": path.name,
        "image_id": path.name,
        "source": "pictures",
    }
