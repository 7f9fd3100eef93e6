"""Acquired mammograms with what is known of their lesions, as the lesion network and the judge learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from monai_mammo.attributes import HEADS, UNKNOWN_LABEL, class_labels
from monai_mammo.conditions import Box, Conditions
from monai_mammo.networks.class_heads import PRESENCE
from monai_mammo.prepare.datalist_form import ROUGH_MASK_KINDS
from monai_mammo.prepare.geometry import mask_of_box, resize
from monai_mammo.switches import parse_switch
from monai_mammo.terms import Finding, View
from monai_mammo.training.augment import Augmentation
from monai_mammo.training.data import PreparedDataset
from monai_mammo.training.elastic_deformation import ElasticDeformation, with_bias_field

__all__ = ["MASK_KINDS", "LesionDataset"]

MASK_KINDS = ("unknown", "none", "box", "contour")
"""What is known of an image's lesion: nothing, that there is none, a box, an outline."""

BOX_CERTAINTY = 0.5
"""Weight of a mask that is an ellipse in a box, beside one that was outlined."""

_BAND_SHARE, _BAND_HEIGHT, _BAND_TRIES = 0.35, (0.35, 0.7), 4
_FEW, _MOST = 0.02, 0.7
"""A band shows no lesion where it holds no more than the first share of it, and a lesion from the second on."""


class _Target(NamedTuple):
    """What the mask of one image is to be; planes of shape (rows, columns), float32.

    Parameters
    ----------
    lesion : ndarray
        1 inside an outline, or inside the ellipse of a box that has none.
    weight : ndarray
        0 where nothing is known: on the rim of such an ellipse, in a diffuse change, or everywhere.
    certainty : float
        Of the whole mask.
    """

    lesion: np.ndarray
    weight: np.ndarray
    certainty: float


class LesionDataset(PreparedDataset):
    """Images with target mask, presence and class labels, changed at random in shape and brightness.

    In training a third of the images keep only a band of rows, the rest is air: so that films, each of which shows a
    mass, teach what a breast without a lesion looks like, and a cut edge says nothing of whether there is one.

    Parameters
    ----------
    data : sequence of dict
        Items of `load_datalist`.
    is_augmented : bool
        Whether images are changed at random, as in training.
    shape : sequence of int or None
        Rows and columns to which images and masks are brought once; `None` keeps the prepared ones.
    elastic_strength : float
        How strongly breasts are bent, and lit unevenly, in place of a change of size and shear alone; see
        `ElasticDeformation` and `with_bias_field`.
    seed : int
        Decides all that is drawn by chance.
    """

    def __init__(
        self,
        data: Sequence[dict[str, Any]],
        *,
        is_augmented: bool = True,
        shape: Sequence[int] | None = None,
        elastic_strength: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(data)
        if shape is not None:
            rows, columns = (int(n) for n in shape)
            self._images = [
                np.rint(resize(image.astype(np.float32), (rows, columns))).astype(np.uint16) for image in self._images
            ]
            self._masks = [
                None if mask is None else resize(mask.astype(np.float32), (rows, columns)) >= 0.5
                for mask in self._masks
            ]
        self.is_augmented, self.seed = parse_switch(is_augmented, name="is_augmented"), seed
        self.elastic_strength = elastic_strength
        self._boxes = [[Box.parse(b) for b in item.get("boxes", [])] for item in self.data]
        for boxes, conditions in zip(self._boxes, self.conditions, strict=True):
            if not boxes and conditions.box is not None:
                boxes.append(conditions.box)
        self._diffuse = [[Box.parse(b) for b in item.get("diffuse_boxes", [])] for item in self.data]
        kinds = [item.get("mask_kind", "unknown") for item in self.data]
        self._kinds = ["box" if kind in ROUGH_MASK_KINDS else kind for kind in kinds]

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        image, mask, boxes, diffuse = self.image(index), self.mask(index), self._boxes[index], self._diffuse[index]
        labels = _labels(self.conditions[index])
        if self.is_augmented:
            change: Augmentation | ElasticDeformation
            shape = image.shape
            if self.elastic_strength:
                change = ElasticDeformation.draw(rng, strength=self.elastic_strength)
                gamma = np.exp(self.elastic_strength * rng.uniform(-0.1, 0.1))
                image = with_bias_field(change.array(image), rng, strength=self.elastic_strength) ** np.float32(gamma)
            else:
                change = Augmentation.draw(rng, strength=1.5)
                image = change.image(image)
            image = _blurred_or_noisy(image, rng)
            mask = None if mask is None else change.mask(mask)
            boxes, diffuse = ([m for b in some if (m := change.box(b, shape)) is not None] for some in (boxes, diffuse))
        target = _target(image.shape, mask, boxes, diffuse, self._kinds[index])
        if self.is_augmented:
            if self.conditions[index].view is View.CC and rng.random() < 0.5:
                # a CC view from the other side; an MLO view has its muscle above
                image = np.flip(image, 0)
                mask = None if mask is None else np.flip(mask, 0)
                target = _Target(np.flip(target.lesion, 0), np.flip(target.weight, 0), target.certainty)
            if rng.random() < _BAND_SHARE:
                is_placed = self._kinds[index] in ("none", "box", "contour") and not diffuse
                image, target, labels = _band_of(image, target, labels, rng, is_placed=is_placed)
        presence = labels.pop(PRESENCE)
        return {
            "image": _plane(image),
            "label": _plane(np.zeros(image.shape) if mask is None else mask),
            "lesion": _plane(target.lesion),
            "weight": _plane(target.weight),
            "certainty": torch.tensor(target.certainty),
            "presence": torch.tensor(presence),
            "mask_kind": torch.tensor(MASK_KINDS.index(self._kinds[index])),
            "classes": torch.tensor([labels[name] for name in HEADS]),
            "index": index,
            "name": str(self.data[index].get("image_id", index)),
        }


def _labels(conditions: Conditions) -> dict[str, int]:
    """Known class by head, -1 where unknown; `presence` with them."""
    row = dict(zip(HEADS, class_labels(conditions), strict=True))
    is_there = conditions.finding is not Finding.NONE
    row[PRESENCE] = UNKNOWN_LABEL if conditions.finding is None else int(is_there)
    return row


def _target(
    shape: tuple[int, int], mask: np.ndarray | None, boxes: Sequence[Box], diffuse: Sequence[Box], kind: str
) -> _Target:
    lesion, weight = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    if kind == "unknown" and not diffuse and not boxes:
        return _Target(lesion, np.zeros_like(weight), 0.0)
    for box in diffuse:
        weight[mask_of_box(box, shape) > 0.5] = 0
    outlined = mask if mask is not None and mask.any() else None
    for box in boxes:
        if outlined is not None and outlined[mask_of_box(box, shape) > 0.5].any():
            continue
        lesion = np.maximum(lesion, _ellipse(box, shape, 0.92))
        weight[_ellipse(box, shape, 1.15) > 0] = 0
        weight[_ellipse(box, shape, 0.75) > 0] = 1
    if outlined is not None:
        lesion[outlined], weight[outlined] = 1, 1
    return _Target(lesion, weight, 1.0 if kind in ("contour", "none") else BOX_CERTAINTY)


def _band_of(
    image: np.ndarray, target: _Target, labels: dict[str, int], rng: np.random.Generator, *, is_placed: bool
) -> tuple[np.ndarray, _Target, dict[str, int]]:
    """A band of rows, the rest air, and labels of what it shows; half of them without a lesion where one can be."""
    rows = len(image)
    area, is_to_be_empty = float(target.lesion.sum()), rng.random() < 0.5
    for _ in range(_BAND_TRIES):
        height = int(rows * rng.uniform(*_BAND_HEIGHT))
        start = int(rng.integers(0, rows - height + 1))
        inside = np.zeros((rows, 1), np.float32)
        inside[start : start + height] = 1
        share = float((target.lesion * inside).sum()) / area if area else 0.0
        if not is_to_be_empty or share <= _FEW:
            break
    labels = {**labels, "view": UNKNOWN_LABEL}
    was_there = labels[PRESENCE] == 1
    if was_there and not (is_placed and area):
        labels |= dict.fromkeys((PRESENCE, "finding", "birads", "pathology"), UNKNOWN_LABEL)
    elif was_there and share <= _FEW:
        labels |= {
            PRESENCE: 0,
            "finding": HEADS["finding"].values.index(Finding.NONE),
            "birads": UNKNOWN_LABEL,
            "pathology": UNKNOWN_LABEL,
        }
    elif was_there and share < _MOST:
        labels |= {PRESENCE: UNKNOWN_LABEL, "finding": UNKNOWN_LABEL}
    kept = _Target(target.lesion * inside, target.weight, target.certainty)
    return image * inside, kept, labels


def _blurred_or_noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.3:  # reconstructed and synthetic images are softer than acquired ones
        image = (image + np.roll(image, 1, 0) + np.roll(image, 1, 1) + np.roll(image, (1, 1), (0, 1))) / 4
    if rng.random() < 0.3:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        image = image + (image > 0) * noise * np.float32(rng.uniform(0, 0.02))
    return np.clip(image, 0, 1)


def _ellipse(box: Box, shape: tuple[int, int], share: float) -> np.ndarray:
    """Ellipse in a box, its axes `share` of the box's sides; one pixel at least."""
    rows, columns = shape
    x, y = box.center
    a = max(box.width_fraction * share / 2, 0.6 / columns)
    b = max(box.height_fraction * share / 2, 0.6 / rows)
    v = ((np.arange(rows) + 0.5) / rows - y)[:, None] / b
    u = ((np.arange(columns) + 0.5) / columns - x)[None] / a
    return (u * u + v * v <= 1).astype(np.float32)


def _plane(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))[None]
