"""Boxes and outlines in the form of COCO, which detectors read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monai_mammo.conditions import Box
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.terms import Finding

__all__ = ["coco_content", "run_lengths"]

_CATEGORIES = {str(one): number for number, one in enumerate((f for f in Finding if f is not Finding.NONE), start=1)}


def coco_content(images: Sequence[Mapping[str, Any]], *, description: str) -> dict[str, Any]:
    """Images and their lesions as COCO states them.

    Parameters
    ----------
    images : sequence of mapping
        Each with ``file_name``, ``shape`` (rows, columns), ``described``, in words what it is, and ``lesions``, a list
        of mappings with ``box`` (fractions), ``finding`` and, where it is outlined, ``mask``.
    description : str
        What the images are; one that is something else says so by a ``description`` of its own.

    Returns
    -------
    dict
        ``images``, ``annotations`` (``bbox`` as x, y, width, height in pixels; ``segmentation`` in run lengths where
        there is an outline) and ``categories``, the findings. Numbers count from 1.
    """
    listed: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(images, start=1):
        rows, columns = image["shape"]
        own = {} if image["described"] == description else {"description": image["described"]}
        listed.append({"id": number, "file_name": image["file_name"], "height": rows, "width": columns, **own})
        for lesion in image["lesions"]:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": _CATEGORIES[str(lesion["finding"])],
                    **_place(lesion["box"], lesion.get("mask"), (rows, columns)),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": name, "supercategory": "finding"} for name, number in _CATEGORIES.items()]
    return {
        "info": {"description": description},
        "licenses": [],
        "images": listed,
        "annotations": annotations,
        "categories": categories,
    }


def run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """Mask as COCO's uncompressed run lengths: column by column, zeros first.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool

    Returns
    -------
    dict
        ``counts`` and ``size``, rows and columns.
    """
    flat = np.concatenate([[False], mask.ravel(order="F")])
    edges = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]), [mask.size]])
    return {"counts": np.diff(edges).tolist(), "size": list(mask.shape)}


def _place(box: Box, mask: np.ndarray | None, shape: tuple[int, int]) -> dict[str, Any]:
    rows, columns = shape
    x, y = box.x0 * columns, box.y0 * rows
    bbox = [round(v, 2) for v in (x, y, box.width_fraction * columns, box.height_fraction * rows)]
    own = None if mask is None else mask & (mask_of_box(box, shape) > 0)
    if own is None or not own.any():
        return {"bbox": bbox, "area": round(bbox[2] * bbox[3], 2)}
    return {"bbox": bbox, "area": int(own.sum()), "segmentation": run_lengths(own)}
