"""A request that was carried out in a folder: its samples, their files, and what is to be known of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_mammo.generation.runs.manifest import is_passed, sample_name
from monai_mammo.generation.runs.run_spec import RunRequest

__all__ = ["Run"]

_NAMED = 3  # samples that a warning names


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A request carried out in a folder.

    Parameters
    ----------
    folder : Path
    request : RunRequest
    manifest : dict
        As `manifest.json` states it, without the samples.
    samples : tuple of dict
        Entry of each sample: conditions, tries, what was found, hashes of its files.
    n_made : int
        Samples that this call made or completed; 0 where all was there.
    """

    folder: Path
    request: RunRequest
    manifest: Mapping[str, Any]
    samples: tuple[Mapping[str, Any], ...]
    n_made: int

    def __len__(self) -> int:
        return len(self.samples)

    def paths(self, name: str = "mammogram.png") -> list[Path]:
        """Path of one file of each sample.

        Parameters
        ----------
        name : str
            Such as ``mammogram.dcm``.

        Returns
        -------
        list of Path
        """
        return [self.folder / sample_name(entry["index"]) / name for entry in self.samples]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every user of these images must know, each sentence once, with the samples that it is true of."""
        samples: dict[str, list[str]] = {}
        for entry in self.samples:
            for sentence in entry["warnings"]:
                samples.setdefault(sentence, []).append(str(entry["id"]))
        of_samples = [f"{sentence}{self._among(ids)}" for sentence, ids in samples.items()]
        return tuple(dict.fromkeys([*self.manifest["warnings"], *of_samples]))

    def _among(self, ids: Sequence[str]) -> str:
        if len(self.samples) == 1:
            return ""
        if len(ids) == len(self.samples):
            return " (all samples)"
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        return f" ({', '.join(ids[:_NAMED])}{more})"

    def __repr__(self) -> str:
        noun = "mammogram" if len(self) == 1 else "mammograms"
        return f"<Run of {len(self)} synthetic {noun} in {self.folder}, {len(self.passed)} passed>"

    @property
    def passed(self) -> tuple[str, ...]:
        """Samples that met all criteria."""
        return tuple(str(e["id"]) for e in self.samples if is_passed(e))

    @property
    def failures(self) -> tuple[str, ...]:
        """Samples that show no breast of the requested side, or have no place for the requested lesion."""
        return tuple(f"{e['id']}: {e['outcome']}" for e in self.samples if e["is_failure"])
