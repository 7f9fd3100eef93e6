"""The prepared folder: its files, and the ``datalist.json`` that training reads."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from monai_mammo.dicom.store import save_bytes
from monai_mammo.errors import RequestError
from monai_mammo.prepare.array import CHAIN_VERSION, PreparedMammogram, chest_wall_side
from monai_mammo.prepare.entry import Entry
from monai_mammo.terms import ChestWall, Split

__all__ = ["FORMAT_VERSION", "PreparedFolder", "SPLIT_KEYS"]

FORMAT_VERSION = 1
"""Version of the layout of a prepared folder."""

SPLIT_KEYS = {
    Split.TRAIN: "training",
    Split.VAL: "validation",
    Split.TEST: "test",
    Split.EXTERNAL: "external",
}
"""Names of the splits in MONAI's form of a datalist."""

_FOLDERS = ("images", "breasts", "masks", "items")


@dataclasses.dataclass(frozen=True, slots=True)
class PreparedFolder:
    """Folder of prepared mammograms of one size.

    ``images/ID.npy`` is uint16 (rows, columns), 0 to 65535 for brightness 0 to 1; ``breasts/ID.png`` and
    ``masks/ID.png`` are 8-bit, 0 or 255; ``items/ID.json`` is written last and marks an image as whole.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        Rows and columns of the prepared grid.
    """

    path: Path
    shape: tuple[int, int]

    def open(self) -> None:
        """Make the folder, or accept one that was prepared on the same grid.

        Raises
        ------
        RequestError
            The folder holds something else, or images of another size.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RequestError(f"{self.path} is a file: name a folder to write to")
        marker = self.path / "settings.json"
        if marker.is_file():
            known = tuple(json.loads(marker.read_text(encoding="utf-8"))["shape"])
            if known != tuple(self.shape):
                raise RequestError(
                    f"{self.path} holds images of {known[0]} x {known[1]}, not {self.shape[0]} x {self.shape[1]}: "
                    "name another folder"
                )
            return
        if self.path.is_dir() and any(self.path.iterdir()):
            raise RequestError(f"{self.path} is neither empty nor a prepared folder: name another folder")
        for name in _FOLDERS:
            (self.path / name).mkdir(parents=True, exist_ok=True)
        self._write_json({"shape": list(self.shape)}, "settings.json")

    def kept(self, image_id: str, fingerprint: str) -> dict[str, Any] | None:
        """Record of an image that is there, whole and made from the same; else `None`."""
        try:
            record = json.loads((self.path / "items" / f"{image_id}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        files = [record["item"][key] for key in ("image", "breast", "label") if key in record["item"]]
        is_same = record["fingerprint"] == self._versioned(fingerprint)
        return record if is_same and all((self.path / name).is_file() for name in files) else None

    def write(self, prepared: PreparedMammogram, entry: Entry, *, mask_kind: str, fingerprint: str) -> dict[str, Any]:
        """Write the files of one image, and return its record.

        Raises
        ------
        MammoError
            The disk is full or not writable.
        """
        item = _item(prepared, entry, mask_kind=mask_kind)
        stored = np.round(prepared.image * np.float32(65535)).astype(np.uint16)
        self._write(_npy(stored), item["image"])
        self._write(_png(prepared.breast), item["breast"])
        if "label" in item and prepared.lesion_mask is not None:
            self._write(_png(prepared.lesion_mask), item["label"])
        record = {
            "fingerprint": self._versioned(fingerprint),
            "item": item,
            "chest_wall_by_pixels": _side_by_pixels(prepared),
            "chest_wall_by_table": entry.chest_wall and str(entry.chest_wall),
            "notes": list(prepared.notes),
        }
        self._write_json(record, f"items/{entry.image_id}.json")
        return record

    def write_datalist(self, items: Iterable[tuple[Split, dict[str, Any]]]) -> None:
        """Write ``datalist.json`` from items and their splits, in the order given."""
        content: dict[str, Any] = {"version": FORMAT_VERSION, "chain": CHAIN_VERSION, "shape": list(self.shape)}
        content |= {key: [] for key in SPLIT_KEYS.values()}
        for split, item in items:
            content[SPLIT_KEYS[split]].append(item)
        self._write_json(content, "datalist.json")

    def write_report(self, content: dict[str, Any]) -> None:
        """Write ``report.json``."""
        self._write_json(content, "report.json")

    def _versioned(self, fingerprint: str) -> str:
        return f"{FORMAT_VERSION}/{CHAIN_VERSION}/{fingerprint}"

    def _write_json(self, content: dict[str, Any], name: str) -> None:
        self._write(json.dumps(content, indent=1).encode(), name)

    def _write(self, data: bytes, name: str) -> None:
        save_bytes(data, self.path / name)


def _item(prepared: PreparedMammogram, entry: Entry, *, mask_kind: str) -> dict[str, Any]:
    name = entry.image_id
    item = {
        "image": f"images/{name}.npy",
        "breast": f"breasts/{name}.png",
        "label": f"masks/{name}.png",
        "conditions": prepared.conditions.to_dict(),
        "boxes": [list(box) for box in map(prepared.trace.forward_box, entry.lesions) if box is not None],
        "diffuse_boxes": [list(box) for box in map(prepared.trace.forward_box, entry.diffuse) if box is not None],
        "person_id": prepared.person_id,
        "image_id": name,
        "source": prepared.source,
        "source_sha256": prepared.source_sha256,
        "trace": prepared.trace.to_dict(),
        "is_mirrored": prepared.contradicts_label,
        "mask_kind": mask_kind,
    }
    if prepared.lesion_mask is None:
        del item["label"]
    if not item["boxes"] and prepared.conditions.box is not None:
        item["boxes"] = [list(prepared.conditions.box)]
    return item


def _side_by_pixels(prepared: PreparedMammogram) -> str | None:
    """Edge of the file's picture at which the prepared breast is cut off; `None` where it does not tell."""
    found = chest_wall_side(prepared.breast)
    if found is None:
        return None
    is_at_left = (found is ChestWall.LEFT) != prepared.trace.is_mirrored
    return str(ChestWall.LEFT if is_at_left else ChestWall.RIGHT)


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _png(mask: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).save(buffer, "PNG")
    return buffer.getvalue()
