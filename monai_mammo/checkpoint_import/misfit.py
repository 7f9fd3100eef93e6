"""What the translation of a checkpoint gives, and what it says where the weights are of another architecture."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

__all__ = ["Misfit", "Translated", "Untold", "counted_prefixes", "shape_of", "some_keys"]

_MAX_BLOCKS = 256


class Misfit(Exception):
    """Keys of a checkpoint that do not fit the architecture it was taken for; its text ends a sentence."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """What weights do not tell of their network, as far as it was given.

    Parameters
    ----------
    norm_num_groups : int or None
        Groups of each group normalisation.
    norm_eps : float or None
        Its smallest variance.
    num_heads : int or None
        Heads of each attention.
    num_head_channels : tuple of int or None
        Channels of each head, one number for all levels or one for each.
    use_convtranspose : bool or None
        Whether an autoencoder of monai-generative enlarges by transposed convolutions.
    """

    norm_num_groups: int | None = None
    norm_eps: float | None = None
    num_heads: int | None = None
    num_head_channels: tuple[int, ...] | None = None
    use_convtranspose: bool | None = None

    def or_else(self, assumed: dict[str, Any], name: str, default: Any) -> Any:
        """Value of a setting where it was given, else the default, which is noted.

        Parameters
        ----------
        assumed : dict
            Gets the default under the setting's name.
        name : str
            One of the above.
        default : object

        Returns
        -------
        object
        """
        value = getattr(self, name)
        if value is None:
            assumed[name] = value = default
        return value


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """A checkpoint as a module's definition and its state.

    Parameters
    ----------
    target : str
        Full name of the module's class.
    arguments : dict
        Of its constructor, plain values.
    state : mapping of str to Tensor, each of its own shape
        By the module's own keys.
    assumed : mapping
        What the weights do not tell and nobody gave.
    unapplied : tuple of str
        Keys of the checkpoint that its own network never applied.
    """

    target: str
    arguments: dict[str, Any]
    state: Mapping[str, Tensor]
    assumed: Mapping[str, Any]
    unapplied: tuple[str, ...] = ()


def some_keys(keys: Iterable[str], n: int = 3) -> str:
    """The first few keys and how many more there are, as a message names them.

    Parameters
    ----------
    keys : iterable of str
    n : int
        Keys that are shown.

    Returns
    -------
    str
    """
    listed = sorted(keys)
    shown = ", ".join(key[:120] for key in listed[:n])
    return shown if len(listed) <= n else f"{shown} and {len(listed) - n} more"


def shape_of(state: Mapping[str, Tensor], key: str) -> tuple[int, ...]:
    """Shape of a tensor that must be there.

    Parameters
    ----------
    state : mapping of str to Tensor, each of its own shape
    key : str
        Its name.

    Returns
    -------
    tuple of int

    Raises
    ------
    Misfit
        There is no such key.
    """
    if key not in state:
        raise Misfit(f"{key} is missing")
    return tuple(state[key].shape)


def counted_prefixes(state: Mapping[str, Tensor], pattern: str) -> int:
    """How many of the prefixes ``pattern.format(0)``, ``pattern.format(1)``, … are there without a gap.

    Parameters
    ----------
    state : mapping of str to Tensor, each of its own shape
    pattern : str
        With ``{}`` where the number stands.

    Returns
    -------
    int
    """
    n = 0
    while n < _MAX_BLOCKS and any(key.startswith(pattern.format(n)) for key in state):
        n += 1
    return n
