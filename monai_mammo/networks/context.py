"""Conditions as numbers, and numbers as tokens that the U-Net attends to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from monai_mammo.attributes import COLUMNS, OPTIONAL, TABLE, Attribute, attribute_row
from monai_mammo.conditions import Conditions
from monai_mammo.networks.blocks import zeroed

__all__ = ["ConditionTokens", "TextTokens", "encode_conditions", "kind_places"]

_BY_NAME: dict[str, Attribute] = {attribute.name: attribute for attribute in TABLE}
_ALWAYS = [one for one in TABLE if one.values and one.is_learnt and not one.is_optional]
_BOX = _BY_NAME["box"]
_KIND = COLUMNS.index("kind")


def encode_conditions(conditions: Sequence[Conditions]) -> Tensor:
    """Attributes as numbers.

    Parameters
    ----------
    conditions : sequence of Conditions
        Boxes in the chest-wall-left frame of the prepared grid.

    Returns
    -------
    Tensor, shape (B, len(monai_mammo.attributes.COLUMNS)), float32
        `monai_mammo.attributes.NOT_GIVEN` where an attribute is not known.
    """
    return torch.tensor([attribute_row(one) for one in conditions], dtype=torch.float32)


def kind_places(attributes: Tensor) -> Tensor:
    """Place of each item's acquisition kind among `AcquisitionKind`.

    Parameters
    ----------
    attributes : Tensor, shape (B, n)
        Of `encode_conditions`.

    Returns
    -------
    Tensor, shape (B,), int64
        0 where the kind is not given.
    """
    return attributes[:, _KIND].round().long().clamp_min(0)


class ConditionTokens(nn.Module):
    """One token for each attribute, one for the box and one that is always there.

    Attributes with `monai_mammo.attributes.Attribute.added_to` have none of their own: they are added to the token
    of that attribute, at first and where they are not given as nothing at all.

    Parameters
    ----------
    channels : int
        Width of a token.
    box_frequencies : int
        Sines and cosines for each of the box's four numbers.
    more : sequence of str
        Which of `monai_mammo.attributes.OPTIONAL` have a token too.

    Raises
    ------
    ValueError
        `more` names something else.
    """

    def __init__(self, channels: int = 128, *, box_frequencies: int = 4, more: Sequence[str] = ()) -> None:
        super().__init__()
        if unknown := set(more) - set(OPTIONAL):
            raise ValueError(f"attribute {sorted(unknown)[0]!r} is not one of {', '.join(OPTIONAL)}")
        self.tables = nn.ModuleDict(
            {attribute.name: nn.Embedding(len(attribute.values) + 1, channels) for attribute in _ALWAYS}
        )
        for table in self.tables.values():
            nn.init.normal_(table.weight, std=0.5)
        self.register_buffer("frequencies", torch.pi * 2.0 ** torch.arange(box_frequencies), persistent=False)
        self.box = nn.Sequential(
            nn.Linear(2 * len(_BOX.columns) * box_frequencies, channels), nn.SiLU(), nn.Linear(channels, channels)
        )
        self.no_box = nn.Parameter(torch.randn(channels) * 0.5)
        chosen = [_BY_NAME[name] for name in more if not _BY_NAME[name].added_to]
        self.more_tables = nn.ModuleDict(
            {one.name: nn.Embedding(len(one.values) + 1, channels) for one in chosen if one.values}
        )
        self.more_numbers = nn.ModuleDict({one.name: _NumberToken(channels) for one in chosen if not one.values})
        self.always = nn.Parameter(torch.randn(channels) * 0.5)
        added = [_BY_NAME[name] for name in more if _BY_NAME[name].added_to]
        self.added = nn.ModuleDict({one.name: _AddedAttribute(one, channels) for one in added})

    @property
    def n_tokens(self) -> int:
        """Number of tokens that `forward` returns."""
        return len(self.tables) + 2 + len(self.more_tables) + len(self.more_numbers)

    def forward(self, attributes: Tensor) -> Tensor:
        """Tokens of a batch of attributes.

        Parameters
        ----------
        attributes : Tensor, shape (B, len(monai_mammo.attributes.COLUMNS))
            As `encode_conditions` returns them; each one below 0 becomes a learned null token. A network without
            `more` also takes the first ten columns alone.

        Returns
        -------
        Tensor, shape (B, n_tokens, channels)
        """
        by_name = {name: _looked_up(table, attributes[:, _COLUMN[name]]) for name, table in self.tables.items()}
        for name, added in self.added.items():
            by_name[_BY_NAME[name].added_to] = by_name[_BY_NAME[name].added_to] + added(attributes[:, _COLUMN[name]])
        tokens = list(by_name.values())
        box = attributes[:, _BOX.first_column : _BOX.first_column + len(_BOX.columns)]
        angles = (box[..., None] * self.frequencies).flatten(1)  # (B, 4 * box_frequencies)
        embedded = self.box(torch.cat([angles.sin(), angles.cos()], dim=-1))
        is_given = (box[:, :1] >= 0).to(embedded.dtype)
        tokens.append(is_given * embedded + (1 - is_given) * self.no_box)
        tokens += [_looked_up(table, attributes[:, _COLUMN[name]]) for name, table in self.more_tables.items()]
        tokens += [number(attributes[:, _COLUMN[name]]) for name, number in self.more_numbers.items()]
        tokens.append(self.always.expand(len(attributes), -1))
        return torch.stack(tokens, dim=1)


_COLUMN = {name: column for column, name in enumerate(COLUMNS)}


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
        embedded = self.embed(_features(column))
        is_given = (column[:, None] >= 0).to(embedded.dtype)
        return is_given * embedded + (1 - is_given) * self.null


class TextTokens(nn.Module):
    """Tokens of the vector of a text, as `monai_mammo.networks.text_encoder` gives it.

    Parameters
    ----------
    text_channels : int
        Length of the vector.
    channels : int
        Width of a token.
    n_tokens : int
        Tokens that a text becomes.
    """

    is_addition = True

    def __init__(self, text_channels: int, channels: int = 128, *, n_tokens: int = 4) -> None:
        super().__init__()
        self.n_tokens = n_tokens
        self.scale = text_channels**0.5  # entries of a vector of length 1 are small
        self.embed = nn.Sequential(
            nn.Linear(text_channels, channels), nn.SiLU(), nn.Linear(channels, n_tokens * channels)
        )
        self.null = nn.Parameter(torch.randn(n_tokens, channels) * 0.5)

    def forward(self, text: Tensor) -> Tensor:
        """Tokens of a batch of vectors.

        Parameters
        ----------
        text : Tensor, shape (B, text_channels)
            Zeros where no text is given: its tokens are learned null tokens.

        Returns
        -------
        Tensor, shape (B, n_tokens, channels)
        """
        embedded = self.embed(text * self.scale).unflatten(1, (self.n_tokens, -1))
        is_given = (text != 0).any(dim=1)[:, None, None].to(embedded.dtype)
        return is_given * embedded + (1 - is_given) * self.null


class _AddedAttribute(nn.Module):
    """What an attribute adds to a token of another: nothing before training, and where it is not given."""

    is_addition = True

    def __init__(self, attribute: Attribute, channels: int) -> None:
        super().__init__()
        self.table: nn.Embedding | None = None
        self.number: nn.Sequential | None = None
        if attribute.values:
            self.table = nn.Embedding(len(attribute.values) + 1, channels, padding_idx=0)
            nn.init.zeros_(self.table.weight)
        else:
            self.number = nn.Sequential(nn.Linear(3, channels), nn.SiLU(), zeroed(nn.Linear(channels, channels)))

    def forward(self, column: Tensor) -> Tensor:
        if self.table is not None:
            return _looked_up(self.table, column)
        assert self.number is not None
        embedded = self.number(_features(column))
        return (column[:, None] >= 0).to(embedded.dtype) * embedded


def _features(column: Tensor) -> Tensor:
    """Smooth features of a number from 0 to about 1, shape (B, 3)."""
    value = column[:, None]
    return torch.cat([value, (torch.pi * value).sin(), (torch.pi * value).cos()], dim=-1)
