"""Loss of the lesion network and the judge: mask, presence of a lesion and classes, each where it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.attributes import HEADS
from monai_mammo.networks.class_heads import ORDINAL_HEADS, PRESENCE

__all__ = ["HEAD_WEIGHTS", "LesionLoss", "mask_disagreement", "soft_dice"]

HEAD_WEIGHTS: dict[str, float] = {
    PRESENCE: 1.0,
    "density": 1.0,
    "pathology": 0.7,
    "birads": 0.5,
    "finding": 0.4,
    "view": 0.2,
}
"""Weight of each head within the part `classes` of the loss."""

_LESION_WEIGHT = 3.0
"""Weight of a pixel of lesion in the cross entropy, beside one outside."""

_ENTROPY_SCALE = 5.0
"""Lesions cover one pixel in fifty: brings the mean cross entropy of all pixels to the order of a Dice loss."""


class LesionLoss(nn.Module):
    """Loss of mask, presence and class heads, each counted only where its label is known.

    The mask learns by cross entropy and soft Dice from the plane ``lesion`` of `LesionDataset`: outlines, and where
    there are only boxes the ellipses in them, which a mass fills well, with no say on their rim and with half the
    weight. An image without lesion is background throughout.

    Parameters
    ----------
    mask, classes : float
        Weights of the two parts.
    heads : mapping of str to float, optional
        Weight of each head within ``classes``; `HEAD_WEIGHTS` by default.
    """

    def __init__(self, *, mask: float = 1.0, classes: float = 0.3, heads: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.mask, self.classes = mask, classes
        self.heads = {**HEAD_WEIGHTS, **(heads or {})}

    def forward(self, call: Callable[..., dict[str, Tensor]], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Terms for a batch of `LesionDataset`.

        Parameters
        ----------
        call : callable
        batch : dict
            Of `LesionDataset`.

        Returns
        -------
        dict of str to Tensor, each of shape ()
            ``loss`` and its terms.
        """
        out = call(batch["image"])
        terms = {"mask": _mask_loss(out["mask"].float(), batch), **self._head_losses(out, batch)}
        total = self.mask * terms["mask"]
        for name, weight in self.heads.items():
            total = total + self.classes * weight * terms[name]
        return {"loss": total, **{name: term.detach() for name, term in terms.items()}}

    def _head_losses(self, out: dict[str, Tensor], batch: dict[str, Any]) -> dict[str, Tensor]:
        labels = {name: batch["classes"][:, column] for column, name in enumerate(HEADS)}
        return {name: _entropy(out[name].float(), label, name) for name, label in labels.items()} | {
            PRESENCE: _entropy(out[PRESENCE].float(), batch["presence"], PRESENCE)
        }


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


def mask_disagreement(logits: Tensor, lesion: Tensor, weight: Tensor) -> Tensor:
    """Cross entropy of a mask, and beside it 1 - Dice where there is a lesion.

    Parameters
    ----------
    logits, lesion, weight : Tensor, shape (B, 1, H, W)
        What is found, what is to be found, in [0, 1], and how far each place counts.

    Returns
    -------
    Tensor, shape (B,)
    """
    pixels = weight * (1 + (_LESION_WEIGHT - 1) * lesion)
    entropy = functional.binary_cross_entropy_with_logits(logits, lesion, pixels, reduction="none").mean((1, 2, 3))
    # the Dice of an ellipse counts its rim, the cross entropy does not
    known = torch.maximum(weight, lesion)
    has_lesion = (lesion.amax((1, 2, 3)) > 0).float()
    return _ENTROPY_SCALE * entropy + (1 - soft_dice(logits.sigmoid() * known, lesion)) * has_lesion


def _mask_loss(logits: Tensor, batch: dict[str, Any]) -> Tensor:
    apart = mask_disagreement(logits, batch["lesion"], batch["weight"])
    return (batch["certainty"] * apart).sum() / len(logits)


def _entropy(logits: Tensor, label: Tensor, name: str) -> Tensor:
    """Mean cross entropy over the items whose label is known, over the number of all items."""
    known = label >= ORDINAL_HEADS.get(name, 0)
    if not known.any():
        return logits.sum() * 0
    return functional.cross_entropy(logits[known], label[known], reduction="sum") / len(label)
