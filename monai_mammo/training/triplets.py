"""Groups of three, acquired, reconstructed and synthetic, as the lesion network reads them.

What the network reads of the acquired image against what is known says what it can see at all; of the reconstructed
one, what the autoencoder keeps; of the synthetic one, what the generator keeps.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.attributes import HEADS, NOT_GIVEN, TABLE, UNKNOWN_LABEL
from monai_mammo.networks.blocks import pad_to_multiple
from monai_mammo.networks.class_heads import ORDINAL_HEADS, PRESENCE
from monai_mammo.terms import Finding
from monai_mammo.training.lesion_loss import mask_disagreement, soft_dice
from monai_mammo.training.soft_box import generalized_iou, soft_box

__all__ = [
    "ATTRIBUTES",
    "DICE_READ",
    "IOU_READ",
    "Survival",
    "TripletTarget",
    "disagreement",
    "is_read",
    "ranked_probability_score",
    "read_triplets",
]

ATTRIBUTES = ("mask", "box", PRESENCE, "finding", "density", "birads", "pathology")
"""What of a triplet is compared."""

DICE_READ = 0.3
"""A mask is read where soft Dice, of probability and outline, reaches this."""

IOU_READ = 0.2
"""A box is read where the generalised IoU of the map's `soft_box` and the told one reaches this."""

_CLASSES = ("finding", "density", "birads", "pathology")
_FIRST_COLUMN = {attribute.name: attribute.first_column for attribute in TABLE if attribute.is_learnt}
_BOX_COLUMNS = next(attribute.positions for attribute in TABLE if attribute.name == "box")
_NONE = HEADS["finding"].values.index(Finding.NONE)


class Survival(NamedTuple):
    """Whether the network reads one attribute, as it is known, from each image of a triplet.

    Attributes
    ----------
    acquired, reconstructed, synthetic : bool
        Of the image, its reconstruction and the generated one.
    """

    acquired: bool
    reconstructed: bool
    synthetic: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TripletTarget:
    """What is known, and told to the generator, of a batch of triplets.

    Parameters
    ----------
    mask : Tensor, shape (B, 1, h, w)
        Share of each position of the latent grid that the lesion covers; 0 throughout where there is none.
    box : Tensor, shape (B, 4)
        Fractions of the picture.
    labels : dict of str to Tensor, shape (B,)
        Class of each head, `UNKNOWN_LABEL` where it is not told.
    told : dict of str to Tensor, shape (B,), bool
        By name of `ATTRIBUTES`.
    """

    mask: Tensor
    box: Tensor
    labels: dict[str, Tensor]
    told: dict[str, Tensor]

    @classmethod
    def of_conditions(cls, attributes: Tensor, spatial: Tensor) -> TripletTarget:
        """Target from what the generator is given; what was dropped or left open is not told.

        Parameters
        ----------
        attributes : Tensor, shape (B, n)
            As `networks.context.encode_conditions` gives it.
        spatial : Tensor, shape (B, 2, h, w)
            As `lesions.lesion_planes` gives it.

        Returns
        -------
        TripletTarget
        """
        labels = {name: attributes[:, _FIRST_COLUMN[name]].round().long() for name in _CLASSES}
        box, mask = attributes[:, list(_BOX_COLUMNS)], spatial[:, :1]
        is_outlined, finding = mask.amax(dim=(1, 2, 3)) > 0, labels["finding"]
        is_free = finding == _NONE
        presence = torch.where(is_free, 0, torch.where((finding >= 0) | is_outlined, 1, UNKNOWN_LABEL))
        labels[PRESENCE] = presence
        told = {name: label >= ORDINAL_HEADS.get(name, 0) for name, label in labels.items()}
        told |= {"mask": is_outlined | is_free, "box": (box != NOT_GIVEN).all(dim=1) & ~is_free}
        return cls(mask=mask, box=box, labels=labels, told={name: told[name] for name in ATTRIBUTES})

    def __getitem__(self, chosen: Tensor) -> TripletTarget:
        """Target of some items, by their places or by a truth for each."""
        labels, told = ({name: v[chosen] for name, v in one.items()} for one in (self.labels, self.told))
        return TripletTarget(mask=self.mask[chosen], box=self.box[chosen], labels=labels, told=told)


def is_read(outputs: dict[str, Tensor], target: TripletTarget) -> dict[str, Tensor]:
    """Whether a network's outputs say of each attribute what is told.

    A class is read where it is the most probable one, a mask from `DICE_READ` and a box from `IOU_READ` on; that there
    is no lesion is read from a mask where no position exceeds one half.

    Parameters
    ----------
    outputs : dict of str to Tensor, shapes as `networks.LesionNetwork` gives them
    target : TripletTarget

    Returns
    -------
    dict of str to Tensor, shape (B,), bool
        By name of `ATTRIBUTES`; false where nothing is told.
    """
    probability = _pooled(outputs["mask"], target.mask).sigmoid()
    overlap = soft_dice(probability, target.mask)
    is_clear = probability.amax(dim=(1, 2, 3)) <= 0.5
    read = {
        "mask": torch.where(target.mask.amax(dim=(1, 2, 3)) > 0, overlap >= DICE_READ, is_clear),
        "box": generalized_iou(soft_box(outputs["mask"].float().sigmoid()), target.box) >= IOU_READ,
    }
    read |= {name: outputs[name].argmax(dim=1) == label for name, label in target.labels.items()}
    return {name: read[name] & target.told[name] for name in ATTRIBUTES}


def disagreement(outputs: dict[str, Tensor], target: TripletTarget) -> dict[str, Tensor]:
    """How far a network's outputs are from what is told, with a gradient.

    The mask by cross entropy and Dice, the box by L1 and generalised IoU, categories by cross entropy, what is in order
    by `ranked_probability_score`.

    Parameters
    ----------
    outputs : dict of str to Tensor, shapes as `networks.LesionNetwork` gives them
    target : TripletTarget

    Returns
    -------
    dict of str to Tensor, shape (B,)
        By name of `ATTRIBUTES`; without meaning where nothing is told.
    """
    mask = outputs["mask"].float()
    found = soft_box(mask.sigmoid())
    apart = {
        "mask": mask_disagreement(_pooled(mask, target.mask), target.mask, torch.ones_like(target.mask)),
        "box": (found - target.box).abs().mean(dim=1) + 1 - generalized_iou(found, target.box),
    }
    for name, label in target.labels.items():
        measure = ranked_probability_score if name in ORDINAL_HEADS else _entropy
        apart[name] = measure(outputs[name].float(), label.clamp_min(0))
    return {name: apart[name] for name in ATTRIBUTES}


def ranked_probability_score(logits: Tensor, label: Tensor) -> Tensor:
    """Mean squared error of the distribution function over the cuts between classes (Epstein 1969).

    A class that lies further off costs more, which a cross entropy does not know.

    Parameters
    ----------
    logits : Tensor, shape (B, n classes)
        Classes in order.
    label : Tensor, shape (B,)

    Returns
    -------
    Tensor, shape (B,)
        From 0 (sure and right) to 1 (sure of the other end).
    """
    below = logits.softmax(dim=1).cumsum(dim=1)[:, :-1]
    cuts = torch.arange(below.shape[1], device=logits.device)
    return (below - (label[:, None] <= cuts).float()).square().mean(dim=1)


@torch.no_grad()
def read_triplets(
    lesion_network: nn.Module, acquired: Tensor, reconstructed: Tensor, synthetic: Tensor, target: TripletTarget
) -> list[dict[str, Survival]]:
    """Which attributes survive reconstruction and synthesis.

    Parameters
    ----------
    lesion_network : nn.Module
        Or another that reads the same, such as the judge.
    acquired, reconstructed, synthetic : Tensor, shape (B, 1, H, W)
        Of the same conditions, brightness in [0, 1].
    target : TripletTarget

    Returns
    -------
    list of dict of str to Survival
        For each item the attributes that are told.
    """
    read = [is_read(lesion_network(images), target) for images in (acquired, reconstructed, synthetic)]
    return [
        {name: Survival(*(bool(one[name][i]) for one in read)) for name in ATTRIBUTES if bool(target.told[name][i])}
        for i in range(len(acquired))
    ]


def _pooled(logits: Tensor, mask: Tensor) -> Tensor:
    """Logits (B, 1, H, W) on the grid of a mask (B, 1, h, w)."""
    factor = -(-logits.shape[-2] // mask.shape[-2])
    return functional.avg_pool2d(pad_to_multiple(logits.float(), factor), factor)


def _entropy(logits: Tensor, label: Tensor) -> Tensor:
    return functional.cross_entropy(logits, label, reduction="none")
