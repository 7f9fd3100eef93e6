"""Conditions as numbers, and numbers as tokens that the U-Net attends to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from monai_mammo.conditions import Conditions
from monai_mammo.terms import BIRADS_CATEGORIES, AcquisitionKind, Density, Finding, Laterality, View

__all__ = ["ATTRIBUTES", "ConditionTokens", "encode_conditions"]

_CATEGORIES: dict[str, tuple] = {
    "kind": tuple(AcquisitionKind),
    "density": tuple(Density),
    "view": tuple(View),
    "laterality": tuple(Laterality),
    "finding": tuple(Finding),
    "birads": BIRADS_CATEGORIES,
}

ATTRIBUTES: tuple[str, ...] = (*_CATEGORIES, "x0", "y0", "x1", "y1")
"""Columns of the attribute tensor: indices into the vocabularies, then the box."""

NOT_GIVEN = -1.0
"""Value of an attribute that is not known, or dropped."""


def encode_conditions(conditions: Sequence[Conditions]) -> Tensor:
    """Attributes as numbers.

    Parameters
    ----------
    conditions : sequence of Conditions
        Boxes in the chest-wall-left frame of the prepared grid.

    Returns
    -------
    Tensor, shape (B, 10), float32
        Columns `ATTRIBUTES`; -1 where an attribute is not given.
    """
    return torch.tensor([_row(c) for c in conditions], dtype=torch.float32)


def _row(conditions: Conditions) -> list[float]:
    row = []
    for name, categories in _CATEGORIES.items():
        value = getattr(conditions, name)
        row.append(NOT_GIVEN if value is None else float(categories.index(value)))
    return row + (list(conditions.box) if conditions.box is not None else [NOT_GIVEN] * 4)


class ConditionTokens(nn.Module):
    """One token for each attribute, one for the box and one that is always there.

    Parameters
    ----------
    channels : int
        Width of a token.
    box_frequencies : int
        Sines and cosines for each of the box's four numbers.
    """

    def __init__(self, channels: int = 128, *, box_frequencies: int = 4) -> None:
        super().__init__()
        self.tables = nn.ModuleDict(
            {name: nn.Embedding(len(categories) + 1, channels) for name, categories in _CATEGORIES.items()}
        )
        for table in self.tables.values():
            nn.init.normal_(table.weight, std=0.5)
        self.register_buffer("frequencies", torch.pi * 2.0 ** torch.arange(box_frequencies), persistent=False)
        self.box = nn.Sequential(
            nn.Linear(8 * box_frequencies, channels), nn.SiLU(), nn.Linear(channels, channels)
        )
        self.no_box = nn.Parameter(torch.randn(channels) * 0.5)
        self.always = nn.Parameter(torch.randn(channels) * 0.5)

    @property
    def n_tokens(self) -> int:
        """Number of tokens that `forward` returns."""
        return len(self.tables) + 2

    def forward(self, attributes: Tensor) -> Tensor:
        """Tokens of a batch of attributes.

        Parameters
        ----------
        attributes : Tensor, shape (B, 10)
            As `encode_conditions` returns them; each one below 0 becomes a learned null token.

        Returns
        -------
        Tensor, shape (B, 8, channels)
        """
        tokens = []
        for column, table in enumerate(self.tables.values()):
            index = attributes[:, column].round().long().clamp(-1, table.num_embeddings - 2) + 1
            tokens.append(table(index))
        box = attributes[:, len(self.tables) :]
        angles = (box[..., None] * self.frequencies).flatten(1)  # (B, 4 * box_frequencies)
        embedded = self.box(torch.cat([angles.sin(), angles.cos()], dim=-1))
        is_given = (box[:, :1] >= 0).to(embedded.dtype)
        tokens.append(is_given * embedded + (1 - is_given) * self.no_box)
        tokens.append(self.always.expand(len(attributes), -1))
        return torch.stack(tokens, dim=1)
