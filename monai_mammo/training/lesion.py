"""Real mammograms with what is known of them, and the loss of the lesion network and the judge."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.conditions import Box, Conditions
from monai_mammo.networks.lesion_network import CLASS_HEADS
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.terms import BIRADS_CATEGORIES, Density, Finding, Pathology, View
from monai_mammo.training.augment import Augmentation
from monai_mammo.training.data import ROUGH_MASK_KINDS, PreparedDataset

__all__ = ["LesionDataset", "LesionLoss", "half_of_persons", "soft_dice"]

MASK_KINDS = ("unknown", "none", "box", "contour")
"""What is known of an image's lesion: nothing, that there is none, a box, an outline."""

_LABELS: dict[str, tuple] = {
    "finding": tuple(Finding),
    "birads": BIRADS_CATEGORIES,
    "density": tuple(Density),
    "view": tuple(View),
    "pathology": tuple(Pathology),
}


def half_of_persons(items: Sequence[dict[str, Any]], half: str) -> list[dict[str, Any]]:
    """Items of one half of the persons, told apart by a hash of the person's name.

    Parameters
    ----------
    items : sequence of dict
    half : str
        ``lesion_network`` or ``judge``: the two share no person; ``all`` keeps every item.
    """
    if half == "all":
        return list(items)
    parity = ("lesion_network", "judge").index(half)

    def parity_of(item: dict[str, Any]) -> int:
        return hashlib.sha256(f"half/{item['person_id']}".encode()).digest()[0] % 2

    return [item for item in items if parity_of(item) == parity]


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
        self.is_augmented, self.seed = is_augmented, seed
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
            "classes": torch.tensor(_class_labels(self.conditions[index])),
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


class LesionLoss(nn.Module):
    """Loss of mask and class heads, each counted only where its label is known.

    An outlined lesion is learnt by soft Dice and cross entropy. Where only boxes are known the
    loss is weak: what lies outside every box is background; the inner ellipse, half as wide and
    high as its box, is lesion; and the mask's projections on both axes fill those of the boxes
    (Tian et al. 2021, BoxInst), and as little as may be of the mask's area lies outside. An image
    without lesion is background throughout.

    Parameters
    ----------
    mask, weak, classes : float
        Weights of the three parts.
    """

    def __init__(self, *, mask: float = 1.0, weak: float = 0.5, classes: float = 0.2) -> None:
        super().__init__()
        self.mask, self.weak, self.classes = mask, weak, classes

    def forward(self, call: Callable[..., dict[str, Tensor]], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Terms for a batch of `LesionDataset`."""
        out = call(batch["image"])
        logits, kind = out["mask"].float(), batch["mask_kind"]
        terms = {
            "mask": _outlined(logits, batch["label"], kind),
            "weak": _weak(logits, batch["boxes"], batch["core"], kind == MASK_KINDS.index("box")),
            "classes": _class_loss(out, batch["classes"]),
        }
        total = self.mask * terms["mask"] + self.weak * terms["weak"] + self.classes * terms["classes"]
        return {"loss": total, **{name: term.detach() for name, term in terms.items()}}


def soft_dice(probability: Tensor, target: Tensor) -> Tensor:
    """Dice coefficient of each item, over all but the first dimension, with 1 added above and below."""
    dims = tuple(range(1, probability.ndim))
    overlap = (probability * target).sum(dims)
    return (2 * overlap + 1) / (probability.sum(dims) + target.sum(dims) + 1)


def _outlined(logits: Tensor, label: Tensor, kind: Tensor) -> Tensor:
    is_outlined, is_empty = kind == MASK_KINDS.index("contour"), kind == MASK_KINDS.index("none")
    known = is_outlined | is_empty
    if not known.any():
        return logits.sum() * 0
    weight = torch.where(label > 0, 3.0, 1.0)
    entropy = functional.binary_cross_entropy_with_logits(logits[known], label[known], weight[known])
    if not is_outlined.any():
        return entropy
    return entropy + (1 - soft_dice(logits[is_outlined].sigmoid(), label[is_outlined])).mean()


def _weak(logits: Tensor, boxes: Tensor, core: Tensor, is_boxed: Tensor) -> Tensor:
    if not is_boxed.any():
        return logits.sum() * 0
    logits, boxes, core = logits[is_boxed], boxes[is_boxed], core[is_boxed]
    outside, inside = (boxes < 0.5).float(), core
    entropy = functional.binary_cross_entropy_with_logits(logits, inside, reduction="none")
    weighted = (entropy * outside).sum() / outside.sum() + (entropy * inside).sum() / inside.sum().clamp_min(1)
    probability, filled = logits.sigmoid(), (boxes >= 0.5).float()
    projections = sum(1 - soft_dice(probability.amax(dim), filled.amax(dim)).mean() for dim in (2, 3))
    inside_share = ((probability * filled).sum((1, 2, 3)) + 1) / (probability.sum((1, 2, 3)) + 1)
    return weighted + 0.5 * projections + (1 - inside_share).mean()


def _class_loss(out: dict[str, Tensor], classes: Tensor) -> Tensor:
    losses = []
    for column, name in enumerate(CLASS_HEADS):
        known = classes[:, column] >= 0
        if known.any():
            losses.append(functional.cross_entropy(out[name][known].float(), classes[known, column]))
    return torch.stack(losses).sum() if losses else out["mask"].sum() * 0


def _class_labels(conditions: Conditions) -> list[int]:
    row = []
    for name in CLASS_HEADS:
        value = getattr(conditions, name)
        row.append(-1 if value is None else _LABELS[name].index(value))
    return row


def _ellipse(box: Box, shape: tuple[int, int], share: float) -> np.ndarray:
    """Ellipse inside a box, its axes `share` of the box's sides; one pixel at least."""
    rows, columns = shape
    x, y = box.center
    a = max(box.width_fraction * share / 2, 0.6 / columns)
    b = max(box.height_fraction * share / 2, 0.6 / rows)
    v = ((np.arange(rows) + 0.5) / rows - y)[:, None] / b
    u = ((np.arange(columns) + 0.5) / columns - x)[None] / a
    return (u * u + v * v <= 1).astype(np.float32)
