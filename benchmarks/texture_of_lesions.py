"""How deep the texture of real lesions is beside that of the tissue round them, by acquisition kind.

Takes folders that `native_folder.py` wrote; lesions that a picture cuts are left out. `insert` holds its lesions to the
95th percentile (`monai_mammo.painting.lesion_texture.DEEPEST`). Of a run of ``insert`` it measures the windows of its
samples before and after.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from lines_round_lesions import read

from monai_mammo.errors import RequestError
from monai_mammo.painting.lesion_texture import depth_beside_surround
from monai_mammo.painting.local_edit import region_in_picture, window_round

PERCENTILES = (5, 50, 95, 100)
_TISSUE = 0.04


def main() -> None:
    """Print a row for each kind, and for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", help="folders with pictures, their JSON files and masks, or runs")
    words = parser.parse_args()
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for folder in map(Path, words.folders):
        is_run = (folder / "manifest.json").is_file()
        for name, person, depth in of_run(folder) if is_run else of_lesions(folder):
            for group in (name,) if is_run else (name, "all kinds"):
                found[group] += [] if depth is None else [(person, depth)]
    print(f"lesions, persons (of a run, files); percentiles {PERCENTILES}")
    for name, rows in found.items():
        values = ", ".join(f"{value:.2f}" for value in np.percentile([depth for _, depth in rows], PERCENTILES))
        n_persons = len({person for person, _ in rows})
        print(f"{name}: {len(rows)}, {n_persons}; {values}")


def of_lesions(folder: Path) -> list[tuple[str, str, float | None]]:
    """Kind, person and depth of the outlined lesions of a folder."""
    out = []
    for path in sorted(folder.glob("*.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        if "lesion_mask" not in about:
            continue
        picture, mask = read(path.with_suffix(".png")), read(path.with_name(about["lesion_mask"])) > 0
        is_cut = any(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
        if is_cut or not mask.any():
            continue
        try:
            window = window_round(region_in_picture(mask))
        except RequestError:  # larger than the painter allows
            continue
        depth = depth_beside_surround(picture[window], mask[window], picture[window] > _TISSUE)
        out.append((str(about.get("kind")), about["person_id"], depth))
    return out


def of_run(folder: Path) -> list[tuple[str, str, float | None]]:
    """The same of the places of a run, before and after."""
    out = []
    for sample in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["samples"]:
        row0, column0, row1, column1 = sample["window"]
        mask = read(folder / sample["id"] / "requested.png")[row0:row1, column0:column1] > 0
        for when in ("before", "after"):
            picture = read(folder / sample["id"] / f"{when}.png")
            depth = depth_beside_surround(picture, mask, picture > _TISSUE)
            out.append((f"{folder.name}, {when}", sample["source"]["sha256"], depth))
    return out


if __name__ == "__main__":
    main()
