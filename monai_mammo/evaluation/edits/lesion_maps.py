"""Where examiners see a lesion in mammograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from monai_mammo.evaluation.edits.measured_place import OnGrid
from monai_mammo.generation.engine.device import BATCH_SIZE
from monai_mammo.networks.probable_regions import smoothed

__all__ = ["lesion_maps"]


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
    n_at_once = BATCH_SIZE[device.type]
    for start in range(0, len(seen), n_at_once):
        some = seen[start : start + n_at_once]
        x = torch.from_numpy(np.stack([one.image for one in some]))[:, None].to(device)
        maps = network(x)["mask"][:, 0].float().sigmoid().cpu().numpy()
        out += [smoothed(found, within=one.breast) for one, found in zip(some, maps, strict=True)]
    return out
