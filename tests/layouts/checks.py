"""What the tests of all data sets look at in a prepared tree."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from layouts.pictures import BRIGHT
from scipy import ndimage

from monai_mammo.prepare.datalist import SPLIT_KEYS

SHAPE = (64, 48)


def items_of(out: Path) -> dict[str, dict]:
    """Items of all splits by image, each with its ``split``."""
    content = json.loads((out / "datalist.json").read_text())
    return {item["image_id"]: {**item, "split": key} for key in SPLIT_KEYS.values() for item in content[key]}


def mask_of(out: Path, item: dict) -> np.ndarray:
    """Prepared lesion mask, bool."""
    return np.load(out / item["label"]) > 0


def bright_of(out: Path, item: dict) -> np.ndarray:
    """Where the prepared picture shows the disc, bool."""
    return np.load(out / item["image"]) > BRIGHT * 65535


def assert_mask_is_where_the_disc_is(out: Path, item: dict, *, fills: float) -> None:
    """The mask covers all of the disc, and the disc at least a share of the mask, one pixel of slack each."""
    mask, disc = mask_of(out, item), bright_of(out, item)
    assert disc.sum() >= 4, f"no disc is seen in {item['image_id']}"
    assert not (disc & ~ndimage.binary_dilation(mask)).any(), f"the disc of {item['image_id']} lies outside its mask"
    assert ndimage.binary_dilation(disc)[mask].mean() > fills, f"the mask of {item['image_id']} reaches too far"


def published_folder(*parts: str) -> Path:
    """Folder of a data set that this machine has, or a skip that says how to name it."""
    data = os.environ.get("MONAI_MAMMO_DATA")
    found = Path(data).joinpath(*parts) if data else None
    if found is None or not found.is_dir():
        pytest.skip(f"needs {'/'.join(parts)} in the folder that MONAI_MAMMO_DATA names: its rows may not be passed on")
    return found
