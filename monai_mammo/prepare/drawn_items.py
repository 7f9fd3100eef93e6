"""Where a bundle's data come from: a prepared folder, or phantoms drawn on the spot."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.errors import RequestError
from monai_mammo.phantom import draw_study
from monai_mammo.prepare.array import PreparedMammogram, prepare_mammogram
from monai_mammo.prepare.datalist_items import load_datalist
from monai_mammo.prepare.grid import DEFAULT_SHAPE

__all__ = ["FIRST_SEED", "PHANTOM", "drawn_item", "phantom_items", "training_items"]

PHANTOM = "phantom"
"""Name that stands in a config for drawn mammograms in place of a folder."""

FIRST_SEED = {"training": 0, "validation": 100_000, "test": 200_000, "external": 300_000}
"""First seed of the drawn mammograms of each split."""

_LOGGER = logging.getLogger(__name__)


def training_items(
    dataset_dir: str | Path, *, split: str = "training", shape: tuple[int, int] = DEFAULT_SHAPE, n_phantoms: int = 16
) -> list[dict[str, Any]]:
    """Items for a `PreparedDataset`.

    Parameters
    ----------
    dataset_dir : path
        Folder with ``datalist.json`` as ``monai-mammo prepare`` or ``generate`` writes it, or `PHANTOM`.
    split : str
        ``training``, ``validation``, ``test`` or ``external``.
    shape : tuple of int
        Rows and columns of phantoms; prepared folders have a size of their own.
    n_phantoms : int
        Drawn mammograms.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        There is no prepared folder, no such split in it, or no image in the split.
    """
    if str(dataset_dir) != PHANTOM:
        items = load_datalist(Path(dataset_dir) / "datalist.json", split=split)
        if not items:
            raise RequestError(
                f"the {split} part of {dataset_dir} lists no image: a training needs some in training and in validation"
            )
        return items
    _LOGGER.warning("%s data are drawn phantoms: what they teach or measure says nothing of mammograms", split)
    return phantom_items(n_phantoms, split=split, shape=shape)


def phantom_items(n: int, *, split: str = "training", shape: tuple[int, int] = DEFAULT_SHAPE) -> list[dict[str, Any]]:
    """Drawn and prepared mammograms, their arrays in the items in place of file names.

    Parameters
    ----------
    n : int
        At least 1; four are a person's.
    split : str
        Splits share no person.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        `n` is below 1 or there is no such split.
    """
    if n < 1:
        raise RequestError(f"{n} phantoms are not 1 or more")
    if split not in FIRST_SEED:
        raise RequestError(f"split {split!r} is not one of {', '.join(FIRST_SEED)}")
    first = FIRST_SEED[split]
    studies = (draw_study(first + i, shape=(int(shape[0]), int(shape[1]))) for i in range(-(-n // 4)))
    drawn = [mammogram for study in studies for mammogram in study][:n]
    return [drawn_item(prepare_mammogram(mammogram, shape=(int(shape[0]), int(shape[1])))) for mammogram in drawn]


def drawn_item(prepared: PreparedMammogram) -> dict[str, Any]:
    """Item of a drawn and prepared mammogram, its arrays in place of file names.

    Parameters
    ----------
    prepared : PreparedMammogram

    Returns
    -------
    dict
    """
    item = {
        "image": np.round(prepared.image * 65535).astype(np.uint16),
        "breast": prepared.breast,
        "conditions": prepared.conditions.to_dict(),
        "person_id": prepared.person_id,
        "image_id": prepared.source,
        "source": PHANTOM,
        "source_sha256": prepared.source_sha256,
        "trace": prepared.trace.to_dict(),
        "is_mirrored": prepared.trace.is_mirrored,
        "mask_kind": "contour" if prepared.lesion_mask is not None else "none",
    }
    return item if prepared.lesion_mask is None else {**item, "label": prepared.lesion_mask}
