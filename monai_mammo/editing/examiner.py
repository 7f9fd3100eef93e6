"""What a network that examines mammograms reads of one, and which way a latent must go for it to read otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo import networks
from monai_mammo.attributes import HEADS
from monai_mammo.bundle import BundleFolder
from monai_mammo.editing.reading_target import ReadingTarget

__all__ = ["MAIN", "Examiner", "Readings"]

MAIN = ("models/model.pt", "inference", "network_def")
"""Weights of the lesion network in its bundle, and the config and id of its definition."""

_SMOOTH_PX = 6.0

Readings = dict[str, dict[str, float]]
"""Probability of each value, by head."""


@dataclass(frozen=True, eq=False)
class Examiner:
    """A lesion network or a judge, and the heads of it that are shown to read something.

    Parameters
    ----------
    network : nn.Module
    heads : tuple of str
    device : torch.device
    """

    network: nn.Module
    heads: tuple[str, ...]
    device: torch.device

    @classmethod
    def load(cls, home: BundleFolder, part: tuple[str, str, str], unread: tuple[str, ...], *, device: str) -> Self:
        """Examiner from a bundle.

        Parameters
        ----------
        home : BundleFolder
        part : tuple of str
            Weight file, and the config and id of the network's definition.
        unread : tuple of str
            Heads that are left out.
        device : str
            Such as ``cpu`` or ``cuda``.

        Returns
        -------
        Examiner

        Raises
        ------
        MammoError
            Weights are missing, damaged, or do not fit the network.
        """
        place = torch.device(device)
        heads = tuple(head for head in HEADS if head not in unread)
        return cls(network=networks.load_network(home, device=place, part=part), heads=heads, device=place)

    @torch.inference_mode()
    def readings(self, image: np.ndarray) -> Readings:
        """Probability of each value of each head.

        Parameters
        ----------
        image : ndarray, shape (rows, columns), float32
            On the prepared grid.

        Returns
        -------
        dict of str to dict
        """
        outputs = self.network(torch.from_numpy(np.ascontiguousarray(image))[None, None].to(self.device))
        return {
            head: {
                str(value): float(share)
                for value, share in zip(HEADS[head].values, outputs[head][0].float().softmax(dim=0), strict=True)
            }
            for head in self.heads
            if head in outputs
        }

    def steering(
        self,
        autoencoder: Any,
        target: ReadingTarget,
        weight: float,
        *,
        seen_of: Callable[[Tensor], Tensor] = lambda image: image,
    ) -> Callable[[Tensor], Tensor]:
        """Move of a predicted latent towards what is to be read.

        The gradient of the log probability is taken in the picture and smoothed, so that the move changes how bright
        tissue is, and not patterns that move the network alone.

        Parameters
        ----------
        autoencoder : nn.Module
            Whose latents they are.
        target : ReadingTarget
        weight : float
            Root mean square of the move, in brightness.
        seen_of : callable
            ``seen_of(image)``, what is read once a picture, (B, 1, rows, columns), is drawn: of an edit the file with
            what is added to it. What brings a drawn picture up to B may take the file from C to D.

        Returns
        -------
        callable
            ``steer(latent)``, of the latent's shape (B, 4, h, w).
        """

        def steer(latent: Tensor) -> Tensor:
            image = autoencoder.from_latent(latent)
            with torch.enable_grad():
                seen = image.detach().clone().requires_grad_(True)
                logits = self.network(seen_of(seen))[target.name].float()
                classes = torch.full((len(latent),), target.place, device=latent.device)
                loss = functional.cross_entropy(logits, classes, reduction="sum")
                (gradient,) = torch.autograd.grad(loss, seen)
            breast = image > 0
            towards = -_smooth(gradient * breast) * breast
            size = towards.pow(2).mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(1e-12)
            moved = (image + weight * towards / size).clamp(0, 1)
            return latent + autoencoder.to_latent(moved) - autoencoder.to_latent(image)

        return steer


def _smooth(gradient: Tensor) -> Tensor:
    """Gradient under a Gaussian, so that a move along it still rises: it is symmetric, and lets no stripes through."""
    reach = math.ceil(3 * _SMOOTH_PX)
    at = torch.arange(-reach, reach + 1, dtype=gradient.dtype, device=gradient.device)
    weights = torch.exp(-0.5 * (at / _SMOOTH_PX) ** 2)
    weights = weights / weights.sum()
    along = functional.conv2d(gradient, weights[None, None, None], padding=(0, reach))
    return functional.conv2d(along, weights[None, None, :, None], padding=(reach, 0))
