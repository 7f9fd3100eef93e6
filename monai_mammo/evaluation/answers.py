"""What one examiner answers on each image, beside what is known of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from monai_mammo.conditions import Box
from monai_mammo.evaluation.detection import ScoredDetections
from monai_mammo.evaluation.examined_images import ExaminedImage, examined_images
from monai_mammo.measures.overlap import HIT_IOU, box_iou, dice, meets
from monai_mammo.networks.probable_regions import Region, regions
from monai_mammo.prepare.datalist_form import ROUGH_MASK_KINDS

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
    return [_answer(image, mask_threshold) for image in examined_images(network, items)]


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


def _answer(image: ExaminedImage, threshold: float) -> Answer:
    mask_kind = "box" if image.mask_kind in ROUGH_MASK_KINDS else image.mask_kind
    overlap = None
    if mask_kind == "contour" and image.outlined is not None and image.outlined.any():
        overlap = dice(image.found(threshold), image.outlined)
    return Answer(
        kind=image.kind,
        person_id=image.person_id,
        mask_kind=mask_kind,
        boxes=image.boxes if mask_kind in ("box", "contour") else (),
        labels=image.labels,
        probabilities=image.probabilities,
        detections=tuple(regions(image.lesion_probability, within=image.breast)),
        dice=overlap,
    )


def _met(detection: Region, boxes: Sequence[Box]) -> int:
    """Lesion that a detection meets, the one it overlaps most; -1 for none."""
    met = [
        (box_iou(detection.box, box), i) for i, box in enumerate(boxes) if meets(detection.box, detection.center, box)
    ]
    return max(met)[1] if met else -1
