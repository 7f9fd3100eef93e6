"""Tiles of films and views at native scale as a folder of pictures, each with a JSON file and its lesion mask.

`monai-mammo insert`, `remove` and `evaluate edits` take such folders: ``film`` holds tiles of 0.14 mm a pixel with
parts of masses, ``digital`` whole views, ``healthy`` those of the views that show no lesion.
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
from monai_mammo.prepare.datalist_items import pixels_of
from monai_mammo.prepare.native_crops import native_items


def main() -> None:
    """Write the folders and say how many pictures each holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--native-dir", required=True, help="folder with native_film, native_cc and mammograms")
    parser.add_argument("--datalist", required=True, help="datalist.json of the prepared images")
    parser.add_argument("--split", default="validation", help="default: %(default)s")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the pictures")
    words = parser.parse_args()
    counts = Counter(
        write(item, Path(words.out)) for item in native_items(words.native_dir, words.datalist, split=words.split)
    )
    print(", ".join(f"{name}: {n}" for name, n in sorted(counts.items())))


def write(item: dict[str, Any], out: Path) -> str:
    """Write one picture, and name the folder that it went to."""
    kind, label = item["conditions"]["kind"], item.get("label")
    folder = "healthy" if item["mask_kind"] == "none" and kind != "film" else kind
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
