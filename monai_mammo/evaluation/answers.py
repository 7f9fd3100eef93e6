"""What one examiner answers on each image, beside what is known of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from monai_mammo.attributes import HEADS
from monai_mammo.conditions import Box
from monai_mammo.evaluation.autoencoder_on_images import batches
from monai_mammo.evaluation.detection import ScoredDetections
from monai_mammo.measures.overlap import HIT_IOU, box_iou, dice, meets
from monai_mammo.networks.class_heads import PRESENCE
from monai_mammo.networks.probable_regions import Region, regions
from monai_mammo.prepare.datalist_form import ROUGH_MASK_KINDS
from monai_mammo.prepare.datalist_items import breast_of
from monai_mammo.training.lesion_dataset import LesionDataset

__all__ = ["HIT_IOU", "Answer", "answers_of", "scored_detections"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """One image as an examiner sees it.

    Parameters
    ----------
    kind : str or None
        Acquisition kind.
    person_id : str
        Pseudonym of the person.
    mask_kind : str
        ``contour``, ``box``, ``none`` or ``unknown``: what is known of the lesion.
    boxes : tuple of Box
        Known lesions; empty also where some are there but not known, see `mask_kind`.
    labels : dict of str to int
        Known class by head; `PRESENCE` with them.
    probabilities : dict of str to ndarray, shape (n classes,)
        By head.
    detections : tuple of Region
        Best first.
    dice : float or None
        Of what exceeds the threshold and the outlined lesions; `None` where none is outlined.
    """

    kind: str | None
    person_id: str
    mask_kind: str
    boxes: tuple[Box, ...]
    labels: dict[str, int]
    probabilities: dict[str, np.ndarray]
    detections: tuple[Region, ...]
    dice: float | None


@torch.inference_mode()
def answers_of(network: nn.Module, items: Sequence[dict[str, Any]], *, mask_threshold: float = 0.5) -> list[Answer]:
    """What a network answers on each image.

    Parameters
    ----------
    network : nn.Module
        Gives ``mask`` logits, the `HEADS` and perhaps `PRESENCE`.
    items : sequence of dict
        Of a datalist, or of `items_of_run`, with breast masks.
    mask_threshold : float
        Probability above which a pixel counts as lesion, inside the breast.

    Returns
    -------
    list of Answer, one for each of `items`
    """
    place = next(network.parameters()).device
    data = LesionDataset(items, is_augmented=False)
    out: list[Answer] = []
    for x in batches([data.image(i) for i in range(len(data))], place):
        given = network(x)
        maps = given["mask"][:, 0].float().sigmoid().cpu().numpy()
        heads = {name: given[name].float().softmax(dim=1).cpu().numpy() for name in _heads(given)}
        for row, probability in enumerate(maps):
            named = {name: values[row] for name, values in heads.items()}
            out.append(_answer(data, len(out), probability, named, mask_threshold))
    return out


def scored_detections(answer: Answer) -> ScoredDetections | None:
    """Detections of an image and the lesions they meet.

    Parameters
    ----------
    answer : Answer

    Returns
    -------
    ScoredDetections or None
        `None` where it is not known where the image's lesions are.
    """
    if answer.mask_kind != "none" and not answer.boxes:
        return None
    hits = tuple(_met(detection, answer.boxes) for detection in answer.detections)
    scores = tuple(detection.score for detection in answer.detections)
    return ScoredDetections(scores=scores, hits=hits, n_lesions=len(answer.boxes))


def _heads(given: dict[str, torch.Tensor]) -> list[str]:
    return [name for name in (*HEADS, PRESENCE) if name in given]


def _answer(
    data: LesionDataset, index: int, probability: np.ndarray, named: dict[str, np.ndarray], threshold: float
) -> Answer:
    item, conditions, known = data.data[index], data.conditions[index], data[index]
    breast, outlined = breast_of(item, probability.shape), data.mask(index)
    mask_kind = item.get("mask_kind", "unknown")
    mask_kind = "box" if mask_kind in ROUGH_MASK_KINDS else mask_kind
    labels = dict(zip(HEADS, known["classes"].tolist(), strict=True)) | {PRESENCE: int(known["presence"])}
    overlap = None
    if mask_kind == "contour" and outlined is not None and outlined.any():
        overlap = dice((probability > threshold) & breast, outlined)
    boxes = [Box.parse(b) for b in item.get("boxes") or [conditions.box] if b is not None]
    return Answer(
        kind=conditions.kind,
        person_id=str(item["person_id"]),
        mask_kind=mask_kind,
        boxes=tuple(boxes) if mask_kind in ("box", "contour") else (),
        labels={name: label for name, label in labels.items() if label >= 0},
        probabilities=named,
        detections=tuple(regions(probability, within=breast)),
        dice=overlap,
    )


def _met(detection: Region, boxes: Sequence[Box]) -> int:
    """Lesion that a detection meets, the one it overlaps most; -1 for none."""
    met = [
        (box_iou(detection.box, box), i) for i, box in enumerate(boxes) if meets(detection.box, detection.center, box)
    ]
    return max(met)[1] if met else -1
