"""A sort of features that a network gives for whole images, one vector an image."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from monai_mammo.errors import RequestError
from monai_mammo.generation.engine.device import BATCH_SIZE

__all__ = ["FeatureFamily"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureFamily:
    """A network, and the name of what it gives.

    Parameters
    ----------
    name : str
        By which figures name it.
    sha256 : str
        Of the weights, by which features are found again.
    network : callable
        From brightness in [0, 1], shape (B, 1, H, W), to features, shape (B, d) or (B, d, h, w).
    device : torch.device
        That the images are put on.
    """

    name: str
    sha256: str
    network: Callable[[Tensor], Tensor]
    device: torch.device

    @torch.inference_mode()
    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Features of images of one size; maps are pooled to their mean.

        Parameters
        ----------
        images : sequence of ndarray, shape (rows, columns)
            Brightness in [0, 1]; one or more.

        Returns
        -------
        ndarray, shape (n, d), float64

        Raises
        ------
        RequestError
            The network gives no vector or maps for each image, or what it gives is not finite.
        """
        out = []
        n_at_once = BATCH_SIZE[self.device.type]
        for start in range(0, len(images), n_at_once):
            stack = np.stack(images[start : start + n_at_once]).astype(np.float32)
            given = self.network(torch.from_numpy(stack)[:, None].to(self.device))
            out.append(self._pooled(given, len(stack)))
        return np.concatenate(out)

    def _pooled(self, given: object, n: int) -> np.ndarray:
        if not isinstance(given, Tensor) or given.ndim not in (2, 4) or len(given) != n or not given.numel():
            found = f"shape {tuple(given.shape)}" if isinstance(given, Tensor) else type(given).__name__
            given_for = "one image" if n == 1 else f"{n} images"
            raise RequestError(
                f"{self.name} gives {found} for {given_for}: a tensor of one vector, or of maps, for each is needed"
            )
        pooled: np.ndarray = (given if given.ndim == 2 else given.float().mean(dim=(2, 3))).double().cpu().numpy()
        if not np.isfinite(pooled).all():
            raise RequestError(f"{self.name} gives features that are not finite")
        return pooled
