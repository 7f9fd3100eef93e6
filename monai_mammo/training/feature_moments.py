"""How far the means and deviations of features of made pictures lie from those of acquired ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from monai_mammo.training.ranks import gathered

__all__ = ["FeatureMoments", "moments_of"]

_LEAST_VARIANCE = 1e-6


def moments_of(maps: Sequence[Tensor]) -> Tensor:
    """Mean and standard deviation of each map.

    Parameters
    ----------
    maps : sequence of Tensor, each of shape (B, C, h, w)

    Returns
    -------
    Tensor, shape (B, n)
        float32; n is twice the number of channels.
    """
    found = []
    for one in maps:
        one = one.float()
        found += [one.mean((2, 3)), (one.var((2, 3), correction=0) + _LEAST_VARIANCE).sqrt()]
    return torch.cat(found, dim=1)


class FeatureMoments(nn.Module):
    """Square of the distance between the mean moments of made and of acquired pictures, for each sort of picture.

    Both means are kept over many batches, and only what this batch adds has a gradient (dos Santos et al. 2019): along
    the direction in which a linear classifier would tell the two sorts of pictures apart, scaled by how much acquired
    pictures vary in it. It vanishes where the means agree, whatever a batch holds.

    Parameters
    ----------
    n_features : int
        Length of what `moments_of` gives.
    n_kinds : int
        Sorts of pictures, whose means are kept apart; the covariance is that within the sorts.
    memory : int
        Pictures of a sort over which its means are kept.
    shrinkage : float
        Share of the covariance that is taken from its diagonal, in (0, 1].
    """

    def __init__(self, n_features: int, *, n_kinds: int = 3, memory: int = 600, shrinkage: float = 0.3) -> None:
        super().__init__()
        if not 0 < shrinkage <= 1:
            raise ValueError(f"shrinkage must lie above 0 and be at most 1, not {shrinkage:g}")
        self.memory, self.shrinkage = memory, shrinkage
        self.made: Tensor
        self.acquired: Tensor
        self.covariance: Tensor
        self.n_seen: Tensor
        self.register_buffer("made", torch.zeros(n_kinds, n_features))
        self.register_buffer("acquired", torch.zeros(n_kinds, n_features))
        self.register_buffer("covariance", torch.zeros(n_features, n_features))
        self.register_buffer("n_seen", torch.zeros(n_kinds, dtype=torch.int64))

    @torch.no_grad()
    def update(self, made: Tensor, acquired: Tensor, kinds: Tensor) -> None:
        """Take pictures into the means; those of all ranks.

        Parameters
        ----------
        made, acquired : Tensor, shape (B, n)
            Of `moments_of`.
        kinds : Tensor, shape (B,)
            Place of the sort of each.
        """
        made, acquired, kinds = gathered(made), gathered(acquired), gathered(kinds)
        for kind in kinds.unique().tolist():
            ours, theirs = made[kinds == kind], acquired[kinds == kind]
            share = len(ours) / min(int(self.n_seen[kind]) + len(ours), self.memory)
            from_mean = theirs - self.acquired[kind] if self.n_seen[kind] else theirs - theirs.mean(0)
            spread = from_mean.T @ from_mean / len(theirs)
            of_all = len(theirs) / min(int(self.n_seen.sum()) + len(theirs), self.memory * len(self.n_seen))
            self.covariance.lerp_(spread, of_all)
            self.made[kind].lerp_(ours.mean(0), share)
            self.acquired[kind].lerp_(theirs.mean(0), share)
            self.n_seen[kind] += len(ours)

    def forward(self, made: Tensor, kinds: Tensor) -> Tensor:
        """Mean square of the distance, in deviations of acquired pictures, over the features.

        Parameters
        ----------
        made : Tensor, shape (B, n)
            Of `moments_of`; the gradient goes into them.
        kinds : Tensor, shape (B,)

        Returns
        -------
        Tensor, shape ()
        """
        spread = (self.covariance.diagonal() + _LEAST_VARIANCE).sqrt()
        correlation = self.covariance / (spread[:, None] * spread)
        correlation = correlation.lerp(torch.eye(len(spread)).to(spread), self.shrinkage)
        apart = ((self.made - self.acquired) / spread)[kinds]
        direction = torch.linalg.solve(correlation, apart.T).T
        here = apart + (made - made.detach()) / spread
        # the value is the square of `apart`, its gradient twice the direction
        return ((2 * here - apart) * direction).sum(1).mean() / len(spread)
