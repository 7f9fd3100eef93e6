"""What a network gives for each image, beside what is known of the image."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from monai_mammo.attributes import HEADS, UNKNOWN_LABEL
from monai_mammo.conditions import Box
from monai_mammo.evaluation.autoencoder_on_images import batches
from monai_mammo.networks import PyramidJudge
from monai_mammo.networks.class_heads import PRESENCE
from monai_mammo.prepare.datalist_items import breast_of
from monai_mammo.training.lesion_dataset import LesionDataset

__all__ = ["ExaminedImage", "examined_images"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExaminedImage:
    """One image as a network examines it.

    Parameters
    ----------
    kind : str or None
        Acquisition kind.
    person_id : str
        Pseudonym of the person.
    mask_kind : str
        ``contour``, ``box``, ``none``, ``unknown`` or another of a datalist: what is known of the lesion.
    boxes : tuple of Box
        Known lesions.
    outlined : ndarray, shape (rows, columns), bool, or None
        Known lesions, where they are outlined.
    labels : dict of str to int
        Known class by head, `PRESENCE` among them; heads whose class is not known are left out.
    lesion_probability : ndarray, shape (rows, columns)
        Of the network, at each pixel.
    breast : ndarray, shape (rows, columns), bool
    probabilities : dict of str to ndarray, shape (n classes,)
        Of the network, by head.
    features : ndarray, shape (d,), float64, or None
        Deep features, where they are asked for.
    """

    kind: str | None
    person_id: str
    mask_kind: str
    boxes: tuple[Box, ...]
    outlined: np.ndarray | None
    labels: dict[str, int]
    lesion_probability: np.ndarray
    breast: np.ndarray
    probabilities: dict[str, np.ndarray]
    features: np.ndarray | None = None

    def found(self, threshold: float) -> np.ndarray:
        """Lesion that the network finds inside the breast.

        Parameters
        ----------
        threshold : float
            Probability above which a pixel counts.

        Returns
        -------
        ndarray, shape (rows, columns), bool
        """
        return (self.lesion_probability > threshold) & self.breast


def examined_images(
    network: nn.Module, items: Sequence[dict[str, Any]], *, has_features: bool = False
) -> Iterator[ExaminedImage]:
    """What a network gives for each image, in their order.

    Parameters
    ----------
    network : nn.Module
        Gives ``mask`` logits, the `HEADS` and perhaps `PRESENCE`.
    items : sequence of dict
        Of a datalist, or of `items_of_run`, with breast masks.
    has_features : bool
        Whether its deep features are given too; only a `PyramidJudge` has them.

    Yields
    ------
    ExaminedImage
    """
    place = next(network.parameters()).device
    data = LesionDataset(items, is_augmented=False)
    index = 0
    for x in batches([data.image(i) for i in range(len(data))], place):
        with torch.inference_mode():
            given: dict[str, Tensor]
            given, pooled = cast(PyramidJudge, network).with_features(x) if has_features else (network(x), None)
            maps = given["mask"][:, 0].float().sigmoid().cpu().numpy()
            named = [name for name in (*HEADS, PRESENCE) if name in given]
            heads = {name: given[name].float().softmax(dim=1).cpu().numpy() for name in named}
            features = None if pooled is None else pooled.double().cpu().numpy()
        for row, probability in enumerate(maps):
            of_heads = {name: values[row] for name, values in heads.items()}
            yield _examined(data, index, probability, of_heads, None if features is None else features[row])
            index += 1


def _examined(
    data: LesionDataset,
    index: int,
    probability: np.ndarray,
    heads: dict[str, np.ndarray],
    features: np.ndarray | None,
) -> ExaminedImage:
    item, conditions, known = data.data[index], data.conditions[index], data[index]
    labels = dict(zip(HEADS, known["classes"].tolist(), strict=True)) | {PRESENCE: int(known["presence"])}
    boxes = [Box.parse(box) for box in item.get("boxes") or [conditions.box] if box is not None]
    return ExaminedImage(
        kind=conditions.kind,
        person_id=str(item["person_id"]),
        mask_kind=item.get("mask_kind", "unknown"),
        boxes=tuple(boxes),
        outlined=data.mask(index),
        labels={name: label for name, label in labels.items() if label != UNKNOWN_LABEL},
        lesion_probability=probability,
        breast=breast_of(item, probability.shape),
        probabilities=heads,
        features=features,
    )
