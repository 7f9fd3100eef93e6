"""The prepared folder: its files, and the ``datalist.json`` that training reads."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.names import path_inside
from monai_mammo.files.output_folder import contents
from monai_mammo.files.png import png_bytes
from monai_mammo.files.whole import is_partial, save_bytes
from monai_mammo.prepare.array import CHAIN_VERSION, PreparedMammogram
from monai_mammo.prepare.breast import chest_wall_side
from monai_mammo.prepare.cache import full_files, full_item, npy_bytes, stored
from monai_mammo.prepare.datalist_form import check_item
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.geometry import Trace
from monai_mammo.study import Annotation
from monai_mammo.terms import ChestWall, Split

__all__ = ["FORMAT_VERSION", "PreparedFolder", "SPLIT_KEYS"]

FORMAT_VERSION = 2
"""Version of the layout of a prepared folder."""

SPLIT_KEYS = {
    Split.TRAIN: "training",
    Split.VAL: "validation",
    Split.TEST: "test",
    Split.EXTERNAL: "external",
}
"""Names of the splits in MONAI's form of a datalist."""

_FOLDERS = ("images", "breasts", "masks", "items", "full")
_SUFFIXES = (".npy", ".png", ".json")
_SETTINGS = "settings.json"
_RECORD = ("fingerprint", "item", "chest_wall_by_pixels", "chest_wall_by_table", "notes")
_ITEM = tuple(
    "image breast conditions boxes person_id image_id source source_sha256 trace is_mirrored mask_kind labels record "
    "findings".split()
)


@dataclasses.dataclass(frozen=True, slots=True)
class PreparedFolder:
    """Folder of prepared mammograms of one size.

    ``images/ID.npy`` is uint16 (rows, columns), 0 to 65535 for brightness 0 to 1; ``breasts/ID.png`` is
    8-bit, 0 or 255; ``masks/ID.npy`` is uint8, 0 or 1; ``full/`` is as `monai_mammo.prepare.cache` says;
    ``items/ID.json`` is written last and marks an image as whole.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        Rows and columns of the prepared grid.
    full_size : bool
        Whether each image is there with the pixels of its file too.
    """

    path: Path
    shape: tuple[int, int]
    full_size: bool = False

    def check(self) -> None:
        """Accept a folder that is not there, is empty, or was prepared on the same grid; nothing is made.

        Raises
        ------
        RequestError
            The folder holds something else, images of another size, or full-size images that are not asked for.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RequestError(f"{self.path} is a file: name a folder to write to")
        marker = self.path / _SETTINGS
        if marker.is_file():
            self._check_settings(marker)
        elif self.path.is_dir() and contents(self.path):
            raise RequestError(f"{self.path} is neither empty nor a prepared folder: name another folder")

    def open(self) -> None:
        """Make the folder, or accept one as `check` does.

        Raises
        ------
        RequestError
            As `check` raises it.
        """
        self.check()
        self.path.mkdir(parents=True, exist_ok=True)
        settings = {"version": FORMAT_VERSION, "shape": list(self.shape), "full_size": self.full_size}
        self._write_json(settings, _SETTINGS)
        for name in self._folders:
            (self.path / name).mkdir(exist_ok=True)

    def sweep(self, items: Iterable[dict[str, Any]]) -> None:
        """Take away what belongs to no item, and what processes that were killed before `open` left half-written.

        A source that was removed leaves nothing: what shows a person must not outlive the wish to remove it.

        Parameters
        ----------
        items : iterable of dict
            All lines of the datalist.
        """
        kept = {name for item in items for name in (f"items/{item['image_id']}.json", *_files_of(item))}
        for name in sorted(_FOLDERS, key=lambda name: name != "items"):  # without its record an image is not whole
            for path in (self.path / name).glob("*"):
                if f"{name}/{path.name}" not in kept and path.suffix in _SUFFIXES and not is_partial(path):
                    path.unlink(missing_ok=True)
        opened = (self.path / _SETTINGS).stat().st_mtime_ns
        for name in (".", *self._folders):
            for path in (self.path / name).iterdir():
                if is_partial(path) and path.stat().st_mtime_ns < opened:
                    path.unlink(missing_ok=True)

    def record(self, image_id: str) -> dict[str, Any] | None:
        """Record of an image that is there and whole, whatever it was made from; else `None`.

        Parameters
        ----------
        image_id : str
            Name in the prepared folder.

        Returns
        -------
        dict or None
        """
        try:
            record = read_json(self.path / "items" / f"{image_id}.json")
            is_there = all(path.is_file() for path in self._stated_files(record, image_id))
        except (MammoError, LookupError, TypeError, ValueError, OSError):  # one that was changed is as good as none
            return None
        return record if is_there and ("full" in record["item"]) is self.full_size else None

    def _stated_files(self, record: Any, image_id: str) -> list[Path]:
        """Files that a record states, if all of it is as `write` makes it; a `MammoError` or one of `LookupError`,
        `TypeError` and `ValueError` where it is not."""
        item = record["item"]
        check_item(item, where=image_id)
        if [name for name in _ITEM if name not in item] or [name for name in _RECORD if name not in record]:
            raise ValueError(image_id)
        if item["image_id"] != image_id or not isinstance(record["notes"], list):
            raise ValueError(image_id)
        if not all(isinstance(item.get(name, ""), str) for name in ("person_id", "study_id")):
            raise ValueError(image_id)
        Trace.from_dict(item["trace"])
        return [path_inside(self.path, name, where=image_id) for name in _files_of(item)]

    def write(
        self,
        prepared: PreparedMammogram,
        entry: Entry,
        *,
        mask_kind: str,
        fingerprint: str,
        full: PreparedMammogram | None = None,
    ) -> dict[str, Any]:
        """Write the files of one image, and return its record.

        Parameters
        ----------
        prepared : PreparedMammogram
        entry : Entry
        mask_kind : str
            What stands behind the lesion mask.
        fingerprint : str
            Hash of what the image was made from.
        full : PreparedMammogram, optional
            The same with the pixels of the file.

        Returns
        -------
        dict

        Raises
        ------
        MammoError
            The disk is full or not writable.
        """
        item = _item(prepared, entry, mask_kind=mask_kind)
        self._write(npy_bytes(stored(prepared.image)), item["image"])
        self._write(png_bytes(prepared.breast), item["breast"])
        if "label" in item and prepared.lesion_mask is not None:
            self._write(npy_bytes(prepared.lesion_mask.astype(np.uint8)), item["label"])
        if full is not None:
            item["full"] = full_item(full, entry.image_id)
            for name, data in full_files(full, item["full"]):
                self._write(data, name)
        record = {
            "fingerprint": fingerprint,
            "item": item,
            "chest_wall_by_pixels": _side_by_pixels(prepared),
            "chest_wall_by_table": entry.chest_wall and str(entry.chest_wall),
            "notes": list(prepared.notes),
        }
        self._write_json(record, f"items/{entry.image_id}.json")
        return record

    def write_datalist(self, items: Iterable[tuple[Split, dict[str, Any]]]) -> None:
        """Write ``datalist.json`` from items and their splits, in the order given.

        Parameters
        ----------
        items : iterable of (Split, dict)
            Split and line of each image.
        """
        content: dict[str, Any] = {"version": FORMAT_VERSION, "chain": CHAIN_VERSION, "shape": list(self.shape)}
        content |= {key: [] for key in SPLIT_KEYS.values()}
        for split, item in items:
            content[SPLIT_KEYS[split]].append(item)
        self._write_json(content, "datalist.json")

    def write_report(self, content: dict[str, Any]) -> None:
        """Write ``report.json``.

        Parameters
        ----------
        content : dict
            Plain JSON values.
        """
        self._write_json(content, "report.json")

    @property
    def _folders(self) -> tuple[str, ...]:
        return _FOLDERS if self.full_size else _FOLDERS[:-1]

    def _check_settings(self, marker: Path) -> None:
        try:
            known = read_json(marker)
            rows, columns = (int(n) for n in known["shape"])
        except (UnreadableFile, LookupError, TypeError, ValueError):
            raise RequestError(f"{marker} is not as `prepare` writes it: name another folder") from None
        if (rows, columns) != tuple(self.shape):
            requested = f"{self.shape[0]} x {self.shape[1]}"
            raise RequestError(f"{self.path} holds images of {rows} x {columns}, not {requested}: name another folder")
        if known.get("version", 1) != FORMAT_VERSION:
            raise RequestError(f"{self.path} was prepared by another version of this program: name another folder")
        if known.get("full_size") and not self.full_size:
            raise RequestError(f"{self.path} holds full-size images too: ask for them, or name another folder")

    def _write_json(self, content: dict[str, Any], name: str) -> None:
        self._write(json.dumps(content, indent=1).encode(), name)

    def _write(self, data: bytes, name: str) -> None:
        save_bytes(data, self.path / name)


def _item(prepared: PreparedMammogram, entry: Entry, *, mask_kind: str) -> dict[str, Any]:
    name = entry.image_id
    item = {
        "image": f"images/{name}.npy",
        "breast": f"breasts/{name}.png",
        "label": f"masks/{name}.npy",
        "conditions": prepared.conditions.to_dict(),
        "boxes": [list(box) for box in map(prepared.trace.forward_box, entry.lesions) if box is not None],
        "diffuse_boxes": [list(box) for box in map(prepared.trace.forward_box, entry.diffuse) if box is not None],
        "findings": [_finding(annotation, prepared.trace) for annotation in entry.annotations],
        "labels": dict(entry.labels),
        "record": dict(entry.record),
        "person_id": prepared.person_id,
        "study_id": prepared.study_id,
        "image_id": name,
        "source": prepared.source,
        "source_sha256": prepared.source_sha256,
        "trace": prepared.trace.to_dict(),
        "is_mirrored": prepared.contradicts_label,
        "mask_kind": mask_kind,
    }
    if not prepared.study_id:
        del item["study_id"]
    if prepared.lesion_mask is None:
        del item["label"]
    if not item["boxes"] and prepared.conditions.box is not None:
        item["boxes"] = [list(prepared.conditions.box)]
    return item


def _finding(annotation: Annotation, trace: Trace) -> dict[str, Any]:
    """What is known of a finding, its box on the prepared grid; no box where that is left outside."""
    values = annotation.to_dict()
    values.pop("box", None)
    box = None if annotation.box is None else trace.forward_box(annotation.box)
    return values if box is None else {**values, "box": list(box)}


def _files_of(item: dict[str, Any]) -> list[str]:
    """Files of an image, relative to the prepared folder."""
    files = [item[key] for key in ("image", "breast", "label") if key in item]
    return files + [item["full"][key] for key in ("image", "mask") if key in item.get("full", {})]


def _side_by_pixels(prepared: PreparedMammogram) -> str | None:
    """Edge of the file's picture at which the prepared breast is cut off; `None` where it does not tell."""
    found = chest_wall_side(prepared.breast)
    if found is None:
        return None
    is_at_left = (found is ChestWall.LEFT) != prepared.trace.is_mirrored
    return str(ChestWall.LEFT if is_at_left else ChestWall.RIGHT)
