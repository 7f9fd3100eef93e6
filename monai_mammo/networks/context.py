"""Conditions as numbers, and numbers as tokens that the U-Net attends to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from monai_mammo.conditions import Conditions
from monai_mammo.terms import BIRADS_CATEGORIES, AcquisitionKind, Density, Finding, Laterality, Pathology, View

__all__ = ["ATTRIBUTES", "MORE_ATTRIBUTES", "ConditionTokens", "encode_conditions"]

_CATEGORIES: dict[str, tuple] = {
    "kind": tuple(AcquisitionKind),
    "density": tuple(Density),
    "view": tuple(View),
    "laterality": tuple(Laterality),
    "finding": tuple(Finding),
    "birads": BIRADS_CATEGORIES,
}

_BOX = ("x0", "y0", "x1", "y1")
_MORE_CATEGORIES: dict[str, tuple] = {"pathology": tuple(Pathology)}
_MORE_NUMBERS: dict[str, float] = {"age_years": 100.0}
"""Attributes that are numbers, and what they are divided by."""

MORE_ATTRIBUTES: tuple[str, ...] = (*_MORE_CATEGORIES, *_MORE_NUMBERS)
"""Attributes that a network has a token for only where it says so."""

ATTRIBUTES: tuple[str, ...] = (*_CATEGORIES, *_BOX, *MORE_ATTRIBUTES)
"""Columns of the attribute tensor: indices into the vocabularies, the box, and what newer networks take besides."""

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
    Tensor, shape (B, 12), float32
        Columns `ATTRIBUTES`; -1 where an attribute is not given.
    """
    return torch.tensor([_row(c) for c in conditions], dtype=torch.float32)


def _row(conditions: Conditions) -> list[float]:
    row = [_index(conditions, name, categories) for name, categories in _CATEGORIES.items()]
    row += list(conditions.box) if conditions.box is not None else [NOT_GIVEN] * len(_BOX)
    row += [_index(conditions, name, categories) for name, categories in _MORE_CATEGORIES.items()]
    for name, scale in _MORE_NUMBERS.items():
        value = getattr(conditions, name)
        row.append(NOT_GIVEN if value is None else value / scale)
    return row


def _index(conditions: Conditions, name: str, categories: tuple) -> float:
    value = getattr(conditions, name)
    return NOT_GIVEN if value is None else float(categories.index(value))


class ConditionTokens(nn.Module):
    """One token for each attribute, one for the box and one that is always there.

    Parameters
    ----------
    channels : int
        Width of a token.
    box_frequencies : int
        Sines and cosines for each of the box's four numbers.
    more : sequence of str
        Which of `MORE_ATTRIBUTES` have a token too.

    Raises
    ------
    ValueError
        `more` names something else.
    """

    def __init__(self, channels: int = 128, *, box_frequencies: int = 4, more: Sequence[str] = ()) -> None:
        super().__init__()
        if unknown := set(more) - set(MORE_ATTRIBUTES):
            raise ValueError(f"attribute {sorted(unknown)[0]!r} is not one of {', '.join(MORE_ATTRIBUTES)}")
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
        self.more_tables = nn.ModuleDict(
            {name: nn.Embedding(len(_MORE_CATEGORIES[name]) + 1, channels) for name in more if name in _MORE_CATEGORIES}
        )
        self.more_numbers = nn.ModuleDict({name: _NumberToken(channels) for name in more if name in _MORE_NUMBERS})
        self.always = nn.Parameter(torch.randn(channels) * 0.5)

    @property
    def n_tokens(self) -> int:
        """Number of tokens that `forward` returns."""
        return len(self.tables) + 2 + len(self.more_tables) + len(self.more_numbers)

    def forward(self, attributes: Tensor) -> Tensor:
        """Tokens of a batch of attributes.

        Parameters
        ----------
        attributes : Tensor, shape (B, 12)
            As `encode_conditions` returns them; each one below 0 becomes a learned null token. A network without
            `more` also takes the first ten columns alone.

        Returns
        -------
        Tensor, shape (B, n_tokens, channels)
        """
        tokens = [_looked_up(table, attributes[:, _COLUMN[name]]) for name, table in self.tables.items()]
        box = attributes[:, _COLUMN["x0"] : _COLUMN["y1"] + 1]
        angles = (box[..., None] * self.frequencies).flatten(1)  # (B, 4 * box_frequencies)
        embedded = self.box(torch.cat([angles.sin(), angles.cos()], dim=-1))
        is_given = (box[:, :1] >= 0).to(embedded.dtype)
        tokens.append(is_given * embedded + (1 - is_given) * self.no_box)
        tokens += [_looked_up(table, attributes[:, _COLUMN[name]]) for name, table in self.more_tables.items()]
        tokens += [number(attributes[:, _COLUMN[name]]) for name, number in self.more_numbers.items()]
        tokens.append(self.always.expand(len(attributes), -1))
        return torch.stack(tokens, dim=1)


_COLUMN = {name: column for column, name in enumerate(ATTRIBUTES)}


def _looked_up(table: nn.Module, column: Tensor) -> Tensor:
    """Rows of an embedding for indices from 0 on; the first row stands for what is not given."""
    return table(column.round().long().clamp(-1, table.num_embeddings - 2) + 1)


class _NumberToken(nn.Module):
    """Token of a number from 0 to about 1, or the learned null token below 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(3, channels), nn.SiLU(), nn.Linear(channels, channels))
        self.null = nn.Parameter(torch.randn(channels) * 0.5)

    def forward(self, column: Tensor) -> Tensor:
        value = column[:, None]
        embedded = self.embed(torch.cat([value, (torch.pi * value).sin(), (torch.pi * value).cos()], dim=-1))
        is_given = (value >= 0).to(embedded.dtype)
        return is_given * embedded + (1 - is_given) * self.null
