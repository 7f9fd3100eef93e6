"""A run as a datalist in MONAI's form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from monai_mammo.conditions import Conditions
from monai_mammo.generation.runs.manifest import SYNTHETIC, Manifest, is_passed, sample_name
from monai_mammo.generation.runs.output_format import PREPARED_BREAST, PREPARED_IMAGE, PREPARED_LESION
from monai_mammo.prepare.geometry import mirror_box
from monai_mammo.terms import Finding, Laterality

__all__ = ["DATALIST", "PASSED_DATALIST", "datalist_bytes"]

DATALIST = "datalist.json"
PASSED_DATALIST = "datalist_passed.json"


def datalist_bytes(manifest: Manifest, spacing_mm: float, *, only_passed: bool = False) -> bytes:
    """`datalist.json` of a run in the form of a prepared folder's, which is MONAI's.

    Paths are relative to the file. Images, masks and boxes are those of the prepared grid, chest wall left. Every
    fourth breast is for validation, so that a training can choose its weights and a longer run keeps its parts.

    Parameters
    ----------
    manifest : Manifest
    spacing_mm : float
        Nominal.
    only_passed : bool
        Whether samples that failed a criterion are left out.

    Returns
    -------
    bytes
    """
    kept = [entry for _, entry in sorted(manifest.samples.items()) if is_passed(entry) or not only_passed]
    items: dict[int, list[dict[str, Any]]] = {entry.get("breast", entry["index"]): [] for entry in kept}
    for entry in kept:
        items[entry.get("breast", entry["index"])].append(_datalist_item(entry))
    values = {
        "version": 1,
        "synthetic": SYNTHETIC,
        "shape": manifest.head["shape"],
        "spacing_mm": spacing_mm,
        "spacing_source": "nominal",
        "training": [item for index, some in items.items() if not _is_validation(index) for item in some],
        "validation": [item for index, some in items.items() if _is_validation(index) for item in some],
        "test": [],
        "external": [],
    }
    return (json.dumps(values, indent=1) + "\n").encode()


def _is_validation(index: int) -> bool:
    return index % 4 == 3


def _datalist_item(entry: Mapping[str, Any]) -> dict[str, Any]:
    name = sample_name(entry["index"])
    conditions = Conditions.from_dict(entry["conditions"])
    box = conditions.box
    if box is not None and conditions.laterality is Laterality.R:
        box = mirror_box(box)
    has_lesion = conditions.finding not in (None, Finding.NONE)  # where it was left open, nothing was labelled
    item: dict[str, Any] = {"image": f"{name}/{PREPARED_IMAGE}", "breast": f"{name}/{PREPARED_BREAST}"}
    if has_lesion:
        item["label"] = f"{name}/{PREPARED_LESION}"
    item |= {
        "preview": f"{name}/mammogram.png",
        "conditions": conditions.replace(box=box).to_dict(),
        "boxes": [] if box is None else [list(box)],
        "mask_kind": "contour" if has_lesion else "unknown" if conditions.finding is None else "none",
        "person_id": f"SYNTHETIC_{sample_name(entry.get('breast', entry['index']))}",
        "image_id": f"SYNTHETIC_{name}",  # a name that is no path: MONAI takes any text that is one for a file
        "source": "monai_mammo",
        "source_sha256": entry["files"]["mammogram.png"],
        "is_synthetic": True,
        "is_passed": is_passed(entry),
        "criterion": None if is_passed(entry) else entry["outcome"],  # not "", which MONAI takes for its own folder
    }
    return item
