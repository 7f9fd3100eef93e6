"""Tiles of films and views at native scale as a folder of pictures, each with a JSON file and its lesion mask.

`monai-mammo insert`, `remove` and `evaluate edits` take such folders: ``film`` holds tiles of 0.14 mm a pixel with
parts of masses, ``digital`` whole views, ``healthy`` those of the views that show no lesion; ``whole`` the prepared
views, on their grid, whose lesions are outlined or that show none.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.files.png import save_png
from monai_mammo.files.whole import save_text
from monai_mammo.prepare.datalist_items import load_datalist, mask_of, pixels_of
from monai_mammo.prepare.native_crops import VIEW_HEIGHT_MM, native_items


def main() -> None:
    """Write the folders and say how many pictures each holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--native-dir", required=True, help="folder with native_film, native_cc and mammograms")
    parser.add_argument("--datalist", required=True, help="datalist.json of the prepared images")
    parser.add_argument("--split", default="validation", help="default: %(default)s")
    parser.add_argument("--only", choices=("film", "digital", "healthy", "whole"), help="write this folder alone")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the pictures")
    words = parser.parse_args()
    items = [] if words.only == "whole" else native_items(words.native_dir, words.datalist, split=words.split)
    if words.only in (None, "whole"):
        items += [whole(item) for item in load_datalist(words.datalist, split=words.split) if is_known(item)]
    counts = Counter(write(item, Path(words.out)) for item in items if words.only in (None, folder_of(item)))
    print(", ".join(f"{name}: {n}" for name, n in sorted(counts.items())))


def is_known(item: dict[str, Any]) -> bool:
    """Whether the lesions of a prepared view are outlined, or there are none."""
    return item.get("mask_kind") in ("contour", "none")


def whole(item: dict[str, Any]) -> dict[str, Any]:
    """A prepared view in the form of native items, its box left out."""
    image = pixels_of(item)
    conditions = {name: value for name, value in item["conditions"].items() if name != "box"}
    label = mask_of(item, "label", image.shape) if item["mask_kind"] == "contour" else None
    if item.get("is_mirrored"):  # back to how the file hangs
        image, label = image[:, ::-1], None if label is None else label[:, ::-1]
    pixel_mm = VIEW_HEIGHT_MM / image.shape[0]
    return {**item, "image": image, "conditions": conditions, "label": label, "pixel_mm": pixel_mm, "folder": "whole"}


def folder_of(item: dict[str, Any]) -> str:
    """Folder that a picture goes to."""
    kind = item["conditions"]["kind"]
    return item.get("folder") or ("healthy" if item["mask_kind"] == "none" and kind != "film" else kind)


def write(item: dict[str, Any], out: Path) -> str:
    """Write one picture, and name the folder that it went to."""
    label, folder = item.get("label"), folder_of(item)
    path = out / folder / f"{item['image_id'].rpartition('/')[2]}.png"
    sidecar = {**item["conditions"], "person_id": item["person_id"], "pixel_spacing_mm": round(item["pixel_mm"], 5)}
    if label is not None and item["mask_kind"] == "contour":
        mask = path.with_name(f"{path.stem}_mask.png")
        save_png(label, mask, make_folder=True)
        sidecar["lesion_mask"] = mask.name
    save_png(np.rint(pixels_of(item) / 257).astype(np.uint8), path, make_folder=True)
    save_text(json.dumps(sidecar, indent=1) + "\n", path.with_suffix(".json"))
    return folder


if __name__ == "__main__":
    main()
