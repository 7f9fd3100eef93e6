"""Which texture mammograms of a view and density have: what the code of a generated one is drawn from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_mammo.attributes import COLUMNS
from monai_mammo.terms import AcquisitionKind, Density, View

__all__ = ["TexturePrior"]

_TOLD = (("view", len(View)), ("density", len(Density)))
_KIND = COLUMNS.index("kind")
_SHRUNK_BY = 8.0
"""Mammograms that stand for "no difference" in each mean, so that a few of one density decide little."""
_LEAST = 1e-4


class TexturePrior(nn.Module):
    """Gaussian of the texture's code (`TextureCode`) of acquired mammograms, given kind, view and density.

    Over all mammograms of a kind the code has mean 0 and the identity as covariance, over those of a view or a density
    it has not: acquired films of oblique views are finer-grained than those of CC views, and dense breasts coarser than
    fatty ones.

    Parameters
    ----------
    n_numbers : int
        Of the code.

    Notes
    -----
    Buffers, set by `fit`: `mean`, shape (3, 6, n), what each view and density adds for each acquisition kind, 0 before;
    `spread`, shape (3, n, n), lower triangle that makes the rest of standard Gaussian noise, the identity before.
    """

    def __init__(self, n_numbers: int) -> None:
        super().__init__()
        n_kinds, n_told = len(AcquisitionKind), sum(n for _, n in _TOLD)
        self.register_buffer("mean", torch.zeros(n_kinds, n_told, n_numbers))
        self.register_buffer("spread", torch.eye(n_numbers).repeat(n_kinds, 1, 1))

    def forward(self, noise: Tensor, attributes: Tensor) -> Tensor:
        """Codes of mammograms that are asked for.

        Parameters
        ----------
        noise : Tensor, shape (B, n)
            Standard Gaussian.
        attributes : Tensor, shape (B, m)
            Columns `monai_mammo.attributes.COLUMNS`; the acquisition kind is given, view and density may be.

        Returns
        -------
        Tensor, shape (B, n)
        """
        kinds = attributes[:, _KIND].round().long()
        mean = torch.einsum("bi,bij->bj", _told(attributes).to(self.mean), self.mean[kinds])
        return (mean + torch.einsum("bij,bj->bi", self.spread[kinds], noise.to(self.mean))).to(noise)

    @torch.no_grad()
    def fit(self, codes: Tensor, attributes: Tensor) -> None:
        """Set the buffers from the codes of acquired mammograms.

        Parameters
        ----------
        codes : Tensor, shape (N, n)
        attributes : Tensor, shape (N, m)
            A kind with fewer than 12 mammograms keeps what it has.
        """
        kinds = attributes[:, _KIND].round().long()
        for kind in range(len(AcquisitionKind)):
            y, told = codes[kinds == kind].double(), _told(attributes[kinds == kind]).double()
            if len(y) < 2 * told.shape[1]:
                continue
            held = _SHRUNK_BY * torch.eye(told.shape[1], dtype=told.dtype)
            mean = torch.linalg.solve(told.T @ told + held, told.T @ y)
            rest = y - told @ mean
            covariance = rest.T @ rest / len(y) + _LEAST * torch.eye(y.shape[1], dtype=y.dtype)
            self.mean[kind], self.spread[kind] = mean, torch.linalg.cholesky(covariance)


def _told(attributes: Tensor) -> Tensor:
    """1 in the column of the view and that of the density, (B, 6); zeros where one is not given."""
    columns = [
        attributes[:, COLUMNS.index(name), None].round() == torch.arange(n, device=attributes.device)
        for name, n in _TOLD
    ]
    return torch.cat(columns, dim=1).to(attributes)
