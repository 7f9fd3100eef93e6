"""Acquired mammograms with what is known of them, as the lesion network and the judge learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from monai_mammo.attributes import class_labels
from monai_mammo.conditions import Box
from monai_mammo.prepare.datalist_items import ROUGH_MASK_KINDS
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.switches import parse_switch
from monai_mammo.training.augment import Augmentation
from monai_mammo.training.data import PreparedDataset

__all__ = ["MASK_KINDS", "LesionDataset"]

MASK_KINDS = ("unknown", "none", "box", "contour")
"""What is known of an image's lesion: nothing, that there is none, a box, an outline."""


class LesionDataset(PreparedDataset):
    """Images with mask, boxes and class labels, changed at random in shape and brightness.

    Parameters
    ----------
    data : sequence of dict
        Items of `load_datalist`.
    is_augmented : bool
    seed : int
    """

    def __init__(self, data: Sequence[dict[str, Any]], *, is_augmented: bool = True, seed: int = 0) -> None:
        super().__init__(data)
        self.is_augmented, self.seed = parse_switch(is_augmented, name="is_augmented"), seed
        self._boxes = [[Box.parse(b) for b in item.get("boxes", [])] for item in self.data]
        for boxes, conditions in zip(self._boxes, self.conditions, strict=True):
            if not boxes and conditions.box is not None:
                boxes.append(conditions.box)
        kinds = [item.get("mask_kind", "unknown") for item in self.data]
        self._kinds = [MASK_KINDS.index("box" if kind in ROUGH_MASK_KINDS else kind) for kind in kinds]

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        change = Augmentation.draw(rng, strength=1.5) if self.is_augmented else Augmentation()
        image, mask, boxes = self.image(index), self.mask(index), self._boxes[index]
        shape = image.shape
        if self.is_augmented:
            image = self._blurred_or_noisy(change.image(image), rng)
            mask = None if mask is None else change.mask(mask)
            boxes = [moved for box in boxes if (moved := change.box(box, shape)) is not None]
        covered = np.zeros(shape, dtype=np.float32)
        core = np.zeros(shape, dtype=np.float32)
        for box in boxes:
            covered = np.maximum(covered, mask_of_box(box, shape))
            core = np.maximum(core, _ellipse(box, shape, 0.5))
        return {
            "image": torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None],
            "label": torch.from_numpy((mask if mask is not None else np.zeros(shape)).astype(np.float32))[None],
            "boxes": torch.from_numpy(covered)[None],
            "core": torch.from_numpy(core)[None],
            "mask_kind": torch.tensor(self._kinds[index]),
            "classes": torch.tensor(class_labels(self.conditions[index])),
            "index": index,
            "name": str(self.data[index].get("image_id", index)),
        }

    def _blurred_or_noisy(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() < 0.3:  # reconstructed and synthetic images are softer than acquired ones
            image = (image + np.roll(image, 1, 0) + np.roll(image, 1, 1) + np.roll(image, (1, 1), (0, 1))) / 4
        if rng.random() < 0.3:
            noise = rng.standard_normal(image.shape, dtype=np.float32)
            image = image + (image > 0) * noise * np.float32(rng.uniform(0, 0.02))
        return np.clip(image, 0, 1)


def _ellipse(box: Box, shape: tuple[int, int], share: float) -> np.ndarray:
    """Ellipse inside a box, its axes `share` of the box's sides; one pixel at least."""
    rows, columns = shape
    x, y = box.center
    a = max(box.width_fraction * share / 2, 0.6 / columns)
    b = max(box.height_fraction * share / 2, 0.6 / rows)
    v = ((np.arange(rows) + 0.5) / rows - y)[:, None] / b
    u = ((np.arange(columns) + 0.5) / columns - x)[None] / a
    return (u * u + v * v <= 1).astype(np.float32)
