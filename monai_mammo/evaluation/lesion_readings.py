"""What the lesion network and the judge see on images whose lesions and labels are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from monai_mammo import bundle
from monai_mammo.attributes import HEADS
from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.evaluation.examined_images import ExaminedImage, examined_images
from monai_mammo.evaluation.examiners import JUDGE, examiners
from monai_mammo.evaluation.intervals import summary
from monai_mammo.evaluation.stated import about_bundle, about_datalist, figures_name, kind_groups
from monai_mammo.measures.overlap import box_area, box_iou, box_of_largest, dice
from monai_mammo.networks import PyramidJudge
from monai_mammo.prepare.datalist_form import ROUGH_MASK_KINDS
from monai_mammo.prepare.datalist_items import load_items

__all__ = [
    "MASK_MEASURES",
    "THRESHOLD",
    "Reading",
    "lesion_figures",
    "measured",
    "read_items",
    "read_with_features",
    "summarised",
]

THRESHOLD = 0.5
"""Probability above which a pixel counts as lesion, inside the breast."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one network saw on one image, beside what is known of it.

    Parameters
    ----------
    kind : str or None
        Acquisition kind.
    person_id : str
        Pseudonym of the person.
    mask_kind : str
        ``contour``, ``box``, ``none`` or ``unknown``: what is known of the lesion.
    dice : float or None
        Of the found and the outlined lesion; `None` where none is outlined.
    iou : float or None
        Of the box of the largest found component and the largest known box; 0 where nothing was found.
    is_clear : bool
        Whether nothing was found.
    labels, found : dict of str to int
        Known and most probable class by head, for heads whose label is known.
    """

    kind: str | None
    person_id: str
    mask_kind: str
    dice: float | None
    iou: float | None
    is_clear: bool
    labels: dict[str, int]
    found: dict[str, int]


def lesion_figures(
    datalist: str | Path, *, split: str = "validation", lesion_network: str = DEFAULT_BUNDLES[2], device: str = "auto"
) -> dict[str, Any]:
    """Dice, box IoU and accuracy of the lesion network and the judge on one split, by acquisition kind.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of a prepared folder.
    split : str
        Of the datalist, such as ``validation``.
    lesion_network : str
        Name or path of the bundle that holds both.
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    dict
        ``rows``: for each network, kind and measure the mean with 95 % interval, number of images
        and of persons; for class heads the share of the most frequent class beside it.

    Raises
    ------
    RequestError
        There is no such datalist, split, bundle or device.
    MammoError
        Weights are missing or damaged.
    """
    items = load_items(datalist, split=split)
    home = bundle.find(lesion_network)
    rows = []
    for name, network in examiners(home, device).items():
        for (kind, measure), values in measured(read_items(network, items)).items():
            rows.append({"network": name, "kind": kind, "measure": measure, **summarised(values, measure)})
    return {
        "name": figures_name("lesions", split),
        "command": "lesions",
        "data": about_datalist(datalist, items, split),
        "bundles": [about_bundle(home), about_bundle(home, JUDGE[0])],
        "settings": {"threshold": THRESHOLD},
        "rows": rows,
    }


def read_items(network: nn.Module, items: Sequence[dict[str, Any]]) -> list[Reading]:
    """What a network sees on each image.

    Parameters
    ----------
    network : nn.Module
        Gives ``mask`` logits and the `HEADS`.
    items : sequence of dict
        Of a datalist, or of `items_of_run`.

    Returns
    -------
    list of Reading
    """
    return [_reading(image) for image in examined_images(network, items)]


def read_with_features(judge: PyramidJudge, items: Sequence[dict[str, Any]]) -> tuple[list[Reading], list[np.ndarray]]:
    """What the judge sees on each image, and its deep features, which cost nothing more.

    Parameters
    ----------
    judge : PyramidJudge
    items : sequence of dict
        Of a datalist, or of `items_of_run`.

    Returns
    -------
    readings : list of Reading
        As `read_items` gives them.
    features : list of ndarray, shape (d,), float64
    """
    readings, features = [], []
    for image in examined_images(judge, items, has_features=True):
        readings.append(_reading(image))
        if image.features is not None:
            features.append(image.features)
    return readings, features


def measured(readings: Sequence[Reading]) -> dict[tuple[str, str], list[tuple[Reading, float]]]:
    """Readings that each kind and measure allows, with their values; what no image allows is left out.

    Measures are `MASK_MEASURES`, and for each class head whether the most probable class is right.

    Parameters
    ----------
    readings : sequence of Reading

    Returns
    -------
    dict of pair of str to list of tuple
    """
    out: dict[tuple[str, str], list[tuple[Reading, float]]] = {}
    for kind, members in kind_groups([r.kind for r in readings]).items():
        some = [readings[i] for i in members]
        for measure, value_of in MASK_MEASURES.items():
            values = [(r, value_of(r)) for r in some]
            out[kind, measure] = [(r, float(value)) for r, value in values if value is not None]
        for head in HEADS:
            out[kind, head] = [(r, float(r.labels[head] == r.found[head])) for r in some if head in r.labels]
    return {key: values for key, values in out.items() if values}


def summarised(values: Sequence[tuple[Reading, float]], measure: str) -> dict[str, Any]:
    """Mean of a measure with interval, number of images and of persons.

    For a class head ``most_frequent`` is the share of its most frequent class: what naming that
    class for every image would get right.

    Parameters
    ----------
    values : sequence of tuple
    measure : str
        Name of the figure.

    Returns
    -------
    dict
    """
    persons = [r.person_id for r, _ in values]
    out = {**(summary([v for _, v in values], persons=persons) or {}), "n_persons": len(set(persons))}
    if measure in HEADS:
        counts = np.bincount([r.labels[measure] for r, _ in values])
        out["most_frequent"] = round(float(counts.max() / counts.sum()), 4)
    return out


MASK_MEASURES: dict[str, Callable[[Reading], float | None]] = {
    "Dice": lambda r: r.dice,
    "box IoU": lambda r: r.iou,
    "box IoU, no outline known": lambda r: r.iou if r.mask_kind in ROUGH_MASK_KINDS else None,
    "nothing found, no lesion there": lambda r: float(r.is_clear) if r.mask_kind == "none" else None,
}
"""Value of a reading by measure; `None` where the image does not allow it."""


def _reading(image: ExaminedImage) -> Reading:
    found = image.found(THRESHOLD)
    outlined = image.outlined if image.mask_kind == "contour" else None
    labels = {head: image.labels[head] for head in HEADS if head in image.labels}
    return Reading(
        kind=image.kind,
        person_id=image.person_id,
        mask_kind=image.mask_kind,
        dice=None if outlined is None else dice(found, outlined),
        iou=box_iou(box_of_largest(found), max(image.boxes, key=box_area)) if image.boxes else None,
        is_clear=not found.any(),
        labels=labels,
        found={head: int(image.probabilities[head].argmax()) for head in labels},
    )
