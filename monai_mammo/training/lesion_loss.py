"""Loss of the lesion network and of the judge: mask and class heads, each where its label is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.attributes import HEADS, UNKNOWN_LABEL
from monai_mammo.training.lesion_dataset import MASK_KINDS

__all__ = ["LesionLoss", "soft_dice"]


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
        """Terms for a batch of `LesionDataset`.

        Parameters
        ----------
        call : callable
        batch : dict

        Returns
        -------
        dict of str to Tensor
        """
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
    """Dice coefficient of each item, over all but the first dimension, with 1 added above and below.

    Parameters
    ----------
    probability, target : Tensor, shape (B, …)

    Returns
    -------
    Tensor, shape (B,)
    """
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
    for column, name in enumerate(HEADS):
        known = classes[:, column] != UNKNOWN_LABEL
        if known.any():
            losses.append(functional.cross_entropy(out[name][known].float(), classes[known, column]))
    return torch.stack(losses).sum() if losses else out["mask"].sum() * 0
