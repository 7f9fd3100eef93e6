"""Figures that MONAI's metrics lack: what counts is inside the breast, not the air around it."""

from __future__ import annotations

import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

__all__ = ["BreastPSNR"]


class BreastPSNR(CumulativeIterationMetric):
    """Peak signal-to-noise ratio over the pixels of the breast, data range 1, an image at a time.

    In a prepared mammogram the air is exactly 0, so the breast is where the target is not.
    """

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **_: object) -> Tensor:
        """Figures in dB, shape (B, 1); `nan` for an image without breast."""
        assert y is not None
        breast = y > 0
        squared = torch.where(breast, (y_pred - y).double().square(), 0.0)
        mean = squared.flatten(1).sum(dim=1) / breast.flatten(1).sum(dim=1)
        return -10 * torch.log10(mean.clamp_min(1e-12))[:, None]

    def aggregate(self) -> Tensor:
        """Mean over the images that have a figure.

        Returns
        -------
        Tensor, shape ()
        """
        return self.get_buffer().nanmean()
