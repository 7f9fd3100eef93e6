"""Features of a frozen pretrained encoder, of its last layer and of its inner layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from monai_mammo.generation.engine.device import BATCH_SIZE

__all__ = ["FeatureEncoder", "encoder_features"]


class FeatureEncoder(Protocol):
    """What gives maps of a grey image, such as `monai_mammo.networks.EfficientNetLite`."""

    def features(self, image: Tensor) -> list[Tensor]:
        """Maps of an image, shape (B, 1, H, W), the inner ones first and that of the last layer at the end.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1].

        Returns
        -------
        list of Tensor, each of shape (B, C, H', W')
        """
        ...


@torch.inference_mode()
def encoder_features(
    encoder: FeatureEncoder, images: Sequence[np.ndarray], *, device: torch.device | str = "cpu"
) -> dict[str, np.ndarray]:
    """Features of images of one size.

    Parameters
    ----------
    encoder : FeatureEncoder
        On `device`, in evaluation mode.
    images : sequence of ndarray, shape (rows, columns)
        Brightness in [0, 1].
    device : torch.device or str

    Returns
    -------
    dict of str to ndarray
        ``last layer``, shape (n, c): mean of each map of the last layer. ``inner layers``, shape (n, 2 c'): mean and
        standard deviation of each map of all others. float64.
    """
    last, inner = [], []
    n_at_once = BATCH_SIZE[torch.device(device).type]
    for start in range(0, len(images), n_at_once):
        stack = np.stack(images[start : start + n_at_once]).astype(np.float32)
        x = torch.from_numpy(stack)[:, None].to(device).contiguous(memory_format=torch.channels_last)
        *maps, final = [m.float() for m in encoder.features(x)]
        last.append(final.mean(dim=(2, 3)).cpu().numpy())
        moments = [m for h in maps for m in (h.mean(dim=(2, 3)), h.std(dim=(2, 3), correction=0))]
        inner.append(torch.cat(moments, dim=1).cpu().numpy())
    return {
        "last layer": np.concatenate(last).astype(np.float64),
        "inner layers": np.concatenate(inner).astype(np.float64),
    }
