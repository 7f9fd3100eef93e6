"""How much of the thin lines round real lesions points away from them, and how strong the lines are, by margin.

Takes folders that `native_folder.py` wrote (``film``): lesions that a picture cuts, and those without an outline, are
left out. Of a run of ``insert`` it measures the windows of its samples before and after.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from monai_mammo.lesions.lines_round_lesion import fibre_contrast, line_width_px, outward_lines, without_rays

_TISSUE = 0.1
_LEAST_PX = 200


def main() -> None:
    """Print a row for each margin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", help="folders with pictures, their JSON files and masks, or runs")
    words = parser.parse_args()
    found = defaultdict(list)
    for folder in words.folders:
        if (Path(folder) / "manifest.json").is_file():
            for when, rows in of_run(Path(folder)).items():
                found[f"{Path(folder).name}, {when}"] = rows
            continue
        for path in sorted(Path(folder).glob("*.json")):
            about = json.loads(path.read_text(encoding="utf-8"))
            if "lesion_mask" not in about:
                continue
            picture, mask = read(path.with_suffix(".png")), read(path.with_name(about["lesion_mask"])) > 0
            is_cut = any(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
            if not is_cut and mask.any() and (measures := measured(picture, mask)) is not None:
                found[about.get("lesion_margin") or "not stated"].append((about["person_id"], *measures))
    for margin, rows in sorted(found.items()):
        outward, beyond, ratio = (np.nanmedian([row[i] for row in rows]) for i in (1, 2, 3))
        n_persons = len({row[0] for row in rows})
        print(
            f"{margin}: {len(rows)} lesions of {n_persons} persons (of a run, files); medians: lines that point away "
            f"{outward:.2f}, the same further off {beyond:.2f}; strength near over further off {ratio:.2f}"
        )


def of_run(folder: Path) -> dict[str, list[tuple[str, float, float, float]]]:
    """Measures of the inserted lesions of a run, and of their places before."""
    out = defaultdict(list)
    for sample in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["samples"]:
        row0, column0, row1, column1 = sample["window"]
        mask = read(folder / sample["id"] / "requested.png")[row0:row1, column0:column1] > 0
        for when in ("before", "after"):
            if (measures := measured(read(folder / sample["id"] / f"{when}.png"), mask)) is not None:
                out[when].append((sample["source"]["sha256"], *measures))
    return out


def read(path: Path) -> np.ndarray:
    """Picture in [0, 1]."""
    values = np.asarray(Image.open(path))
    return values.astype(np.float32) / (65535 if values.max() > 255 else 255)


def measured(picture: np.ndarray, mask: np.ndarray) -> tuple[float, float, float] | None:
    """Outward share near a lesion and further off, and the ratio of strengths; `None` where there is little tissue."""
    tissue = ndimage.binary_erosion(ndimage.gaussian_filter(picture, 3) > _TISSUE, iterations=8)
    body = without_rays(mask)
    diameter = 2 * np.sqrt(body.sum() / np.pi)
    distance = ndimage.distance_transform_edt(~body)
    near = (distance > 0.08 * diameter) & (distance < 0.5 * diameter) & tissue
    off = (distance > 0.6 * diameter) & tissue
    outward = outward_lines(picture, mask, tissue)
    if outward is None or off.sum() < _LEAST_PX:
        return None
    wide = ndimage.distance_transform_edt(~body) < 0.6 * diameter
    beyond = outward_lines(picture, wide, tissue)
    near_strength, off_strength = (
        fibre_contrast(picture, part, width_px=line_width_px(diameter)) for part in (near, off)
    )
    return outward, float("nan") if beyond is None else beyond, near_strength / max(off_strength, 1e-6)


if __name__ == "__main__":
    main()
