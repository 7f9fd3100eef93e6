"""How much of the thin lines round real lesions points away from them, and how strong the lines are, by margin.

Takes folders that `native_folder.py` wrote (``film``): lesions that a picture cuts, and those without an outline, are
left out.
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
    parser.add_argument("folders", nargs="+", help="folders with pictures, their JSON files and masks")
    words = parser.parse_args()
    found = defaultdict(list)
    for folder in words.folders:
        for path in sorted(Path(folder).glob("*.json")):
            about = json.loads(path.read_text(encoding="utf-8"))
            if "lesion_mask" in about and (measures := measured(path, about)) is not None:
                found[about.get("lesion_margin") or "not stated"].append((about["person_id"], *measures))
    for margin, rows in sorted(found.items()):
        outward, beyond, ratio = (np.nanmedian([row[i] for row in rows]) for i in (1, 2, 3))
        print(
            f"{margin}: {len(rows)} lesions of {len({row[0] for row in rows})} persons; medians: lines that point away "
            f"{outward:.2f}, the same further off {beyond:.2f}; strength near over further off {ratio:.2f}"
        )


def measured(path: Path, about: dict[str, str]) -> tuple[float, float, float] | None:
    """Outward share near the lesion and further off, and the ratio of strengths; `None` for a lesion that is cut."""
    picture = np.asarray(Image.open(path.with_suffix(".png")), dtype=np.float32) / 255
    mask = np.asarray(Image.open(path.with_name(about["lesion_mask"]))) > 0
    if any(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1])) or not mask.any():
        return None
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
