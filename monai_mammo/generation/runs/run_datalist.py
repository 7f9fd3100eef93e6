"""A run as a datalist in MONAI's form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from monai_mammo.conditions import Conditions
from monai_mammo.generation.runs.manifest import SYNTHETIC, Manifest, sample_name

__all__ = ["DATALIST", "datalist_bytes"]

DATALIST = "datalist.json"


def datalist_bytes(manifest: Manifest, spacing_mm: float) -> bytes:
    """`datalist.json` of a run in MONAI's form, all samples under ``training``.

    Paths are relative to the file. Images hang as readers expect, and so do boxes and masks.

    Parameters
    ----------
    manifest : Manifest
    spacing_mm : float
        Nominal.

    Returns
    -------
    bytes
    """
    items = [_datalist_item(entry) for _, entry in sorted(manifest.samples.items())]
    values = {
        "version": 1,
        "synthetic": SYNTHETIC,
        "shape": manifest.head["shape"],
        "spacing_mm": spacing_mm,
        "spacing_source": "nominal",
        "training": items,
        "validation": [],
        "test": [],
    }
    return (json.dumps(values, indent=1) + "\n").encode()


def _datalist_item(entry: Mapping[str, Any]) -> dict[str, Any]:
    name = sample_name(entry["index"])
    conditions = Conditions.from_dict(entry["conditions"])
    item: dict[str, Any] = {"image": f"{name}/mammogram.png"}
    if conditions.finding is not None:  # where the finding was left open, nothing was labelled
        item["label"] = f"{name}/lesion.png"
    item |= {
        "conditions": conditions.to_dict(),
        "person_id": f"SYNTHETIC_{name}",
        "image_id": name,
        "source": "monai_mammo",
        "source_sha256": entry["files"]["mammogram.png"],
        "is_synthetic": True,
    }
    return item
