"""What the examiners name of a mammogram: logits of each attribute, of those in order by thresholds on one score."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.attributes import HEADS

__all__ = ["ORDINAL_HEADS", "PRESENCE", "Calibration", "ClassHeads", "OrdinalHead", "weighted_mean"]

PRESENCE = "presence"
"""Head that says whether there is a lesion at all: class 0 none, class 1 at least one."""

ORDINAL_HEADS: dict[str, int] = {"density": 0, "birads": 1}
"""Heads whose classes are in order, and the first class that takes part.

BI-RADS 0 asks for further images and has no place between the others; it is never named.
"""

_NEVER = -30.0
"""Log probability of a class that a head never names."""


class OrdinalHead(nn.Module):
    """Proportional odds (McCullagh 1980): one score, cut by increasing thresholds.

    Parameters
    ----------
    channels : int
        Width of the pooled features.
    n_classes : int
        Classes of the attribute.
    first : int
        Classes below it are never named.
    """

    def __init__(self, channels: int, n_classes: int, *, first: int = 0) -> None:
        super().__init__()
        self.first, n_cuts = first, n_classes - first - 1
        self.score = nn.Linear(channels, 1)
        self.lowest = nn.Parameter(torch.tensor(-1.0 * (n_cuts - 1)))
        self.steps = nn.Parameter(torch.full((n_cuts - 1,), 1.85))  # softplus(1.85) = 2

    def forward(self, x: Tensor) -> Tensor:
        """Log probabilities of the classes; softmax of them gives the probabilities back.

        Parameters
        ----------
        x : Tensor, shape (B, channels)
            Pooled features.

        Returns
        -------
        Tensor, shape (B, n classes)
        """
        rising = torch.cat([self.lowest[None], functional.softplus(self.steps)]).cumsum(0)
        margin = self.score(x).float() - rising
        log_above, log_below = functional.logsigmoid(margin), functional.logsigmoid(-margin)
        # P(k) = P(y > k - 1) - P(y > k) = P(y > k - 1) P(y <= k) (1 - exp(cut[k - 1] - cut[k]))
        between = log_above[:, :-1] + log_below[:, 1:] + torch.log(-torch.expm1(rising[:-1] - rising[1:]))
        named = torch.cat([log_below[:, :1], between, log_above[:, -1:]], dim=1)
        return torch.cat([named.new_full((len(named), self.first), _NEVER), named], dim=1)


class ClassHeads(nn.Module):
    """Logits of each attribute and of the presence of a lesion, from deep features.

    Features are pooled three times: their mean over the breast, their largest value, and their mean weighted by the
    probability of lesion; besides, the largest and the mean of the highest logits of the mask are told to each head.
    Each pooled set is brought to mean 0 and a small deviation, so that thousands of features that all move a little in
    one step of an optimiser do not move a logit by much.

    Parameters
    ----------
    channels : int
        Width of the deep features.
    dropout : float
        Share of pooled features that is dropped in training.
    """

    def __init__(self, channels: int, *, dropout: float = 0.3) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        width = 3 * channels + _N_PEAKS
        sizes = {name: len(head.values) for name, head in HEADS.items()} | {PRESENCE: 2}
        self.heads = nn.ModuleDict(
            {
                name: OrdinalHead(width, n, first=ORDINAL_HEADS[name]) if name in ORDINAL_HEADS else nn.Linear(width, n)
                for name, n in sizes.items()
            }
        )

    def forward(self, x: Tensor, mask: Tensor, breast: Tensor) -> dict[str, Tensor]:
        """Logits (B, n classes) by head.

        Parameters
        ----------
        x : Tensor, shape (B, channels, h, w)
            Deep features.
        mask : Tensor, shape (B, 1, h', w')
            Logits of lesion. No gradient flows back into them from here: the mask is taught by outlines alone.
        breast : Tensor, shape (B, 1, h, w)
            Share of breast in each place.

        Returns
        -------
        dict of str to Tensor, shape (B, n classes)
        """
        x, mask = x.float(), mask.detach().float()
        lesion = functional.adaptive_avg_pool2d(mask.sigmoid(), x.shape[-2:])
        sets = (weighted_mean(x, breast), x.amax(dim=(2, 3)), weighted_mean(x, lesion))
        pooled = torch.cat([_POOLED_DEVIATION * functional.layer_norm(one, one.shape[1:]) for one in sets], dim=1)
        highest = functional.max_pool2d(mask, 2).flatten(1)
        highest = highest.topk(min(_N_HIGHEST, highest.shape[1]), dim=1).values
        peaks = torch.stack([highest[:, 0], highest.mean(dim=1)], dim=1) / _PEAK_SCALE
        pooled = torch.cat([self.dropout(pooled), peaks], dim=1)
        return {name: head(pooled).float() for name, head in self.heads.items()}


class Calibration(nn.Module):
    """Scales that make confidences on held-back images true, kept with the weights; 1 and 0 until they are fitted.

    Logits are divided by a temperature (Guo et al. 2017); those of the mask are shifted too.

    Parameters
    ----------
    heads : sequence of str
        Names of the outputs beside ``mask``.
    """

    def __init__(self, heads: Sequence[str] = (*HEADS, PRESENCE)) -> None:
        super().__init__()
        self.names = tuple(heads)
        self.register_buffer("temperature", torch.ones(len(self.names)))
        self.register_buffer("mask_scale", torch.ones(()))
        self.register_buffer("mask_shift", torch.zeros(()))

    def forward(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Outputs of a network, calibrated.

        Parameters
        ----------
        outputs : dict of str to Tensor
            ``mask``, shape (B, 1, H, W), and the logits of each head, shape (B, n classes).

        Returns
        -------
        dict of str to Tensor, shapes as in `outputs`
        """
        out = {"mask": outputs["mask"] * self.mask_scale + self.mask_shift}
        for i, name in enumerate(self.names):
            out[name] = outputs[name] / self.temperature[i]
        return out


_N_PEAKS, _N_HIGHEST, _PEAK_SCALE = 2, 32, 4.0
_POOLED_DEVIATION = 0.25


def weighted_mean(x: Tensor, weight: Tensor) -> Tensor:
    """Mean of maps over places, each with a weight.

    Parameters
    ----------
    x : Tensor, shape (B, C, h, w)
    weight : Tensor, shape (B, 1, h, w)
        0 or more.

    Returns
    -------
    Tensor, shape (B, C)
    """
    return (x * weight).sum(dim=(2, 3)) / weight.sum(dim=(2, 3)).clamp_min(1e-4)
