"""A box as a function of a probability map that has a gradient, and how far two boxes are apart."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["generalized_iou", "soft_box"]

_SHARE_OF_PEAK = 0.5
_DEVIATIONS = 2.0
"""Half the width of an evenly filled ellipse in standard deviations of its columns."""


def soft_box(probability: Tensor) -> Tensor:
    """Box round what exceeds half of a map's own peak, from its mean and its deviation along rows and columns.

    A filled ellipse gives its own box; a filled rectangle one that is larger by ``2 / sqrt(3)``. Pixels count by how
    far they are above half of the peak, so that a faint map and a bright one give the same box.

    Parameters
    ----------
    probability : Tensor, shape (B, 1, H, W)
        Of lesion, in [0, 1].

    Returns
    -------
    Tensor, shape (B, 4)
        ``x0, y0, x1, y1`` as fractions of width and height; not clipped to the picture.
    """
    p = probability[:, 0]
    rows, columns = p.shape[-2:]
    mass = functional.relu(p - _SHARE_OF_PEAK * p.detach().amax(dim=(1, 2), keepdim=True))
    mass = mass / mass.sum(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    x, half_width = _middle_and_half(mass.sum(dim=1), columns)
    y, half_height = _middle_and_half(mass.sum(dim=2), rows)
    return torch.stack([x - half_width, y - half_height, x + half_width, y + half_height], dim=1)


def _middle_and_half(mass: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Mean and half extent, (B,) each, of mass (B, n) along one axis; a pixel is itself 1 / n wide."""
    places = (torch.arange(n, device=mass.device, dtype=mass.dtype) + 0.5) / n
    middle = mass @ places
    variance = (mass * (places - middle[:, None]).square()).sum(dim=1) + 1 / (12 * n * n)
    return middle, _DEVIATIONS * variance.sqrt()


def generalized_iou(a: Tensor, b: Tensor) -> Tensor:
    """Common over covered area, less the share of the box round both that neither covers (Rezatofighi et al. 2019).

    Parameters
    ----------
    a, b : Tensor, shape (B, 4)
        ``x0, y0, x1, y1`` with positive width and height.

    Returns
    -------
    Tensor, shape (B,)
        From -1 (far apart) to 1 (the same).
    """
    common = _area(torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:]))
    around = _area(torch.minimum(a[:, :2], b[:, :2]), torch.maximum(a[:, 2:], b[:, 2:]))
    covered = _area(a[:, :2], a[:, 2:]) + _area(b[:, :2], b[:, 2:]) - common
    return common / covered.clamp_min(1e-9) - (around - covered) / around.clamp_min(1e-9)


def _area(low: Tensor, high: Tensor) -> Tensor:
    return (high - low).clamp_min(0).prod(dim=1)
