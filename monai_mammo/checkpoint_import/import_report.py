"""What an import gave: where it lies, what it computes, and how near that is to the original."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["ImportReport", "Parity"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far the imported module lies from the original on the same random input.

    Parameters
    ----------
    reference : str
        What the original's answer comes from.
    largest_relative_difference : float
        Largest difference of any number of an output, over the largest number of that output.
    input_shape : tuple of int
    """

    reference: str
    largest_relative_difference: float
    input_shape: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        return {**dataclasses.asdict(self), "input_shape": list(self.input_shape)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """An imported checkpoint.

    Parameters
    ----------
    folder : Path
        Holds ``models/model.pt``, ``configs/inference.json`` and ``import.json``.
    source, source_sha256 : str
        Name and hash of the file that was imported.
    network, layout : str
        ``autoencoder`` or ``unet``, and the project whose names it had.
    definition : mapping
        Of the module, as the config has it.
    n_parameters : int
        Numbers that the module holds.
    parity : tuple of Parity
        One for each reference; at least one.
    assumed : mapping
        What the weights do not tell and nobody gave: the defaults that were taken.
    not_imported : mapping of str to int
        Numbers of tensors that were left out, by why.
    """

    folder: Path
    source: str
    source_sha256: str
    network: str
    layout: str
    definition: Mapping[str, Any]
    n_parameters: int
    parity: tuple[Parity, ...]
    assumed: Mapping[str, Any]
    not_imported: Mapping[str, int]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences of what was assumed."""
        if not self.assumed:
            return ()
        words = ", ".join(f"{name} {value}" for name, value in self.assumed.items())
        return (f"the weights do not tell and nobody gave: {words} was assumed; where that is wrong, so is the module",)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        return {
            "source": self.source,
            "source_sha256": self.source_sha256,
            "network": self.network,
            "layout": self.layout,
            "definition": dict(self.definition),
            "n_parameters": self.n_parameters,
            "parity": [one.to_dict() for one in self.parity],
            "assumed": dict(self.assumed),
            "not_imported": dict(self.not_imported),
        }
