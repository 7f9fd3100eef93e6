"""Real lesions and healthy places of acquired mammograms, which edits are held against."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Box
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation.edits.measured_place import Place, measured_place
from monai_mammo.evaluation.edits.seen_picture import SeenPicture
from monai_mammo.prepare.array import locate_breast
from monai_mammo.prepare.datalist_items import load_datalist, mask_of
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.prepare.mammogram_files import image_files
from monai_mammo.prepare.reading import read_any
from monai_mammo.prepare.sidecar import Sidecar, sidecar_path
from monai_mammo.study import Mammogram
from monai_mammo.terms import Finding

__all__ = ["ReferencePicture", "healthy_places", "is_prepared", "persons_of", "reference_pictures"]

_LEAST_PX = 40
_TRIES = 40
_COARSE = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferencePicture:
    """An acquired mammogram whose lesions are known.

    Parameters
    ----------
    picture : SeenPicture
    of : mapping
        ``name``, ``person``, ``kind`` and ``density``.
    lesions : ndarray, shape of the picture's pixels, bool
        Outlined or boxed; empty where it is known to show none.
    is_outlined : bool
        Whether lesions are outlined.
    """

    picture: SeenPicture
    of: Mapping[str, Any]
    lesions: np.ndarray
    is_outlined: bool

    def places(self) -> list[Place]:
        """Lesions that lie wholly in the picture, the whole of each.

        Returns
        -------
        list of Place
        """
        labels, n = ndimage.label(self.lesions, structure=np.ones((3, 3)))
        areas = ndimage.sum_labels(self.lesions, labels, range(1, n + 1))
        out = []
        for number in 1 + np.flatnonzero(np.asarray(areas) >= _LEAST_PX):
            mask = labels == number
            if not (mask[[0, -1]].any() or mask[:, [0, -1]].any()) or self.picture.is_whole:
                out.append(
                    measured_place(
                        self.picture, mask, of=self.of, is_outlined=self.is_outlined, beside=self.lesions & ~mask
                    )
                )
        return out


def is_prepared(reference: str | Path) -> bool:
    """Whether a reference is a prepared folder, or its datalist.

    Parameters
    ----------
    reference : str or Path

    Returns
    -------
    bool
    """
    path = Path(reference)
    return path.name == "datalist.json" or (path / "datalist.json").is_file()


def persons_of(reference: str | Path, *, split: str) -> dict[str, str]:
    """Whose the pictures of a reference are, by name without ending.

    Parameters
    ----------
    reference : str or Path
        Prepared folder, or folder of files.
    split : str
        Of a prepared folder.

    Returns
    -------
    dict of str to str

    Raises
    ------
    RequestError
        There is no such folder or split, or no mammogram in it.
    """
    if is_prepared(reference):
        items = load_datalist(_datalist(reference), split=split, needs=("person_id", "image_id"))
        return {str(item["image_id"]): str(item["person_id"]) for item in items}
    out = {}
    for file in image_files(reference):
        beside = sidecar_path(Path(file["image"]))
        if beside.is_file() and (person := Sidecar.read(beside).person_id):
            out[Path(file["image"]).stem] = person
    return out


def reference_pictures(
    reference: str | Path, *, split: str, shape: tuple[int, int]
) -> Iterator[ReferencePicture | str]:
    """Acquired mammograms one after the other; the name of one that cannot be read stands in its place.

    Parameters
    ----------
    reference : str or Path
        Prepared folder, or folder of files with JSON files beside them.
    split : str
        Of a prepared folder.
    shape : tuple of int
        Rows and columns of the prepared grid.

    Yields
    ------
    ReferencePicture or str

    Raises
    ------
    RequestError
        There is no such folder or split, or no mammogram in it.
    """
    if is_prepared(reference):
        items = load_datalist(_datalist(reference), split=split, needs=("person_id", "image_id", "breast"))
        if not items:
            raise RequestError(f"split {split!r} of {reference} lists no image")
        yield from map(_of_item, items)
        return
    for file in image_files(reference):
        yield _of_file(Path(file["image"]), shape)


def healthy_places(known: ReferencePicture, outlines: Sequence[np.ndarray], *, n: int, seed: int) -> list[Place]:
    """Places of an acquired mammogram without a lesion, of the outlines of edits.

    Parameters
    ----------
    known : ReferencePicture
    outlines : sequence of ndarray, shape (rows, columns), bool
        Cut to their boxes; one is drawn for each place.
    n : int
        Places at most.
    seed : int
        Decides with the picture's name what is drawn.

    Returns
    -------
    list of Place
    """
    digest = hashlib.sha256(f"healthy/{known.of['name']}".encode()).digest()
    rng = np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])
    room = known.picture.breast & ~ndimage.binary_dilation(known.lesions, iterations=8)
    middles = np.argwhere(room[::_COARSE, ::_COARSE]) * _COARSE
    found: list[Place] = []
    for _ in range(_TRIES if len(outlines) and len(middles) else 0):
        outline = outlines[int(rng.integers(len(outlines)))]
        middle = middles[int(rng.integers(len(middles)))]
        top, left = (int(at - length // 2) for at, length in zip(middle, outline.shape, strict=True))
        bottom, right = top + outline.shape[0], left + outline.shape[1]
        if min(top, left) < 0 or bottom > room.shape[0] or right > room.shape[1]:
            continue
        if (outline & ~room[top:bottom, left:right]).any():
            continue
        mask = np.zeros(room.shape, dtype=bool)
        mask[top:bottom, left:right] = outline
        found.append(measured_place(known.picture, mask, of=known.of, beside=known.lesions))
        if len(found) == n:
            break
    return found


def _datalist(reference: str | Path) -> Path:
    path = Path(reference)
    return path if path.name == "datalist.json" else path / "datalist.json"


def _of_item(item: Mapping[str, Any]) -> ReferencePicture | str:
    name = str(item["image_id"])
    try:
        picture = SeenPicture.of_item(item)
        kind, conditions = item.get("mask_kind", "unknown"), item["conditions"]
        rows, columns = picture.pixels.shape
        lesions = np.zeros((rows, columns), dtype=bool)
        if kind == "contour":
            lesions = mask_of(item, "label", (rows, columns))
        else:
            for box in item.get("boxes") or ():
                lesions |= mask_of_box(Box.parse(box), (rows, columns)) > 0.5
    except MammoError:
        return name
    if not lesions.any() and kind != "none":
        return name
    of = {"name": name, "person": str(item["person_id"])} | {k: conditions.get(k) for k in ("kind", "density")}
    return ReferencePicture(picture=picture, of=of, lesions=lesions, is_outlined=kind == "contour")


def _of_file(path: Path, shape: tuple[int, int]) -> ReferencePicture | str:
    read = read_any(path)
    if not isinstance(read, Mammogram):
        return path.stem
    conditions = read.conditions
    lesions = np.zeros(read.shape, dtype=bool)
    if read.lesion_mask is not None and read.lesion_mask.shape == read.shape:
        lesions |= read.lesion_mask
    elif conditions.box is not None:
        lesions |= mask_of_box(conditions.box, read.shape) > 0.5
    if not lesions.any() and conditions.finding is not Finding.NONE:
        return path.stem
    try:
        picture = SeenPicture.of_located(locate_breast(read), shape)
    except MammoError:
        return path.stem
    stated = {name: getattr(conditions, name) for name in ("kind", "density")}
    of: dict[str, Any] = {"name": path.stem, "person": read.person_id or path.stem}
    of |= {name: None if value is None else str(value) for name, value in stated.items()}
    return ReferencePicture(picture=picture, of=of, lesions=lesions, is_outlined=read.lesion_mask is not None)
