"""What examiners see at a place of a mammogram: the score of a lesion there, and where they see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import ndimage
from torch import nn

from monai_mammo.evaluation.edits.measured_place import OnGrid

__all__ = ["lesion_maps", "lesion_score"]

_BATCH_SIZE = 8
_REACH = 2


@torch.inference_mode()
def lesion_maps(network: nn.Module, seen: Sequence[OnGrid], *, device: torch.device) -> list[np.ndarray]:
    """Probability of lesion at each pixel of the prepared grid, averaged over 3 x 3 pixels, 0 outside the breast.

    Parameters
    ----------
    network : nn.Module
        Gives ``mask`` logits.
    seen : sequence of OnGrid
    device : torch.device
        Of the network.

    Returns
    -------
    list of ndarray, shape (rows, columns), float32
    """
    out: list[np.ndarray] = []
    for start in range(0, len(seen), _BATCH_SIZE):
        some = seen[start : start + _BATCH_SIZE]
        x = torch.from_numpy(np.stack([one.image for one in some]))[:, None].to(device)
        maps = network(x)["mask"][:, 0].float().sigmoid().cpu().numpy()
        smooth = [ndimage.uniform_filter(one, size=3, mode="nearest") for one in maps]
        out += [np.where(one.breast, found, np.float32(0)) for one, found in zip(some, smooth, strict=True)]
    return out


def lesion_score(probability: np.ndarray, mask: np.ndarray) -> float:
    """Highest probability of lesion at a place, two pixels round it counted in.

    Parameters
    ----------
    probability : ndarray, shape (rows, columns)
        As `lesion_maps` gives it.
    mask : ndarray, shape (rows, columns), bool
        The place; not empty.

    Returns
    -------
    float
        In [0, 1].
    """
    return float(probability[ndimage.binary_dilation(mask, iterations=_REACH)].max())
