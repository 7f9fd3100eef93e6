"""A network's answer on a field of any size, from overlapping tiles, in the memory of one tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Tiling"]

_ALIGNED = 8


@dataclass(frozen=True)
class Tiling:
    """How a field is cut into tiles, and how their answers are blended (Bar-Tal et al. 2023, at each step).

    Each tile begins at a multiple of 8 positions, where a U-Net that folds by 2 and halves twice has the grid of the
    whole field. Towards a neighbour the weight of a tile's answer falls linearly over the overlap; nearest to its
    edge, where the network saw the edge in place of the neighbour, it is 0. The weights of all tiles sum to 1.

    Parameters
    ----------
    size : int
        Side of a tile in positions of the latent, a multiple of 8; a field that fits into one tile is not cut.
    overlap : int
        Positions that neighbours share, a multiple of 8.
    margin : int
        Positions at an inner edge whose answer does not count; both margins fit into the overlap.

    Raises
    ------
    ValueError
        The numbers do not fit together.
    """

    size: int = 96
    overlap: int = 32
    margin: int = 8

    def __post_init__(self) -> None:
        if self.size % _ALIGNED or self.overlap % _ALIGNED or not 0 <= 2 * self.margin < self.overlap < self.size:
            raise ValueError(
                f"tiles of {self.size} with overlap {self.overlap} and margin {self.margin} do not fit together: size "
                f"and overlap are multiples of {_ALIGNED}, and 0 <= 2 * margin < overlap < size"
            )

    def spans(self, length: int) -> list[tuple[int, int]]:
        """First position and the one after the last of each tile along an axis.

        Parameters
        ----------
        length : int
            Positions of the axis.

        Returns
        -------
        list of tuple of int
            Rising; each shares `overlap` positions or more with the next.
        """
        if length <= self.size:
            return [(0, length)]
        stride, last = self.size - self.overlap, -(-(length - self.size) // _ALIGNED) * _ALIGNED
        starts = [*range(0, last, stride), last]
        return [(start, min(start + self.size, length)) for start in starts]

    def weights(self, length: int) -> list[Tensor]:
        """Weight of each tile's answer along an axis, in the order of `spans`.

        Parameters
        ----------
        length : int
            Positions of the axis.

        Returns
        -------
        list of Tensor, shape (positions of the tile,)
            Laid at their places they sum to 1.
        """
        spans = self.spans(length)
        placed = torch.zeros(len(spans), length, dtype=torch.float64)
        for row, (start, stop) in zip(placed, spans, strict=True):
            inside = torch.arange(stop - start, dtype=torch.float64) + 0.5
            ramps = [torch.ones_like(inside)]
            if start > 0:
                ramps.append(self._ramp(inside))
            if stop < length:
                ramps.append(self._ramp(stop - start - inside))
            row[start:stop] = torch.stack(ramps).amin(dim=0)
        placed /= placed.sum(dim=0)
        return [row[start:stop].float() for row, (start, stop) in zip(placed, spans, strict=True)]

    def _ramp(self, distance: Tensor) -> Tensor:
        return ((distance - self.margin) / (self.overlap - 2 * self.margin)).clamp(0, 1)

    def apply(self, answer: Callable[[Tensor, Tensor], Tensor], x: Tensor, planes: Tensor) -> Tensor:
        """Answer for a whole field, tile by tile.

        Parameters
        ----------
        answer : callable
            ``answer(x, planes)`` of a tile, shape of its `x`.
        x : Tensor, shape (B, C, h, w)
        planes : Tensor, shape (B, P, h, w)
            What the network sees beside `x`.

        Returns
        -------
        Tensor, shape (B, C, h, w)
            What ``answer(x, planes)`` itself gives where one tile holds the field.
        """
        rows, columns = x.shape[-2:]
        if max(rows, columns) <= self.size:
            return answer(x, planes)
        across = list(zip(self.spans(columns), self.weights(columns), strict=True))
        blended = torch.zeros_like(x)
        for (top, bottom), by_row in zip(self.spans(rows), self.weights(rows), strict=True):
            for (left, right), by_column in across:
                window = (..., slice(top, bottom), slice(left, right))
                weight = (by_row[:, None] * by_column).to(x)
                blended[window] += weight * answer(x[window], planes[window]).to(x.dtype)
        return blended
