"""What a run wrote, and what it wrote it from: `manifest.json`, the one owner of that truth."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.digest import bytes_sha256
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.runs.manifest_form import check_manifest
from monai_mammo.generation.runs.manifest_seal import (
    ENTRY_SHA256,
    MANIFEST_SHA256,
    broken_seals,
    canonical_json,
    sealed,
)

__all__ = [
    "MANIFEST",
    "NOT_MADE",
    "PASSED",
    "SYNTHETIC",
    "Manifest",
    "canonical_json",
    "is_passed",
    "refuse_other_run",
    "run_sha256",
    "sample_name",
]

MANIFEST = "manifest.json"
NOT_MADE = "not_made"
"""Key under which a manifest says why a sample is missing, a sentence by the sample's name."""

SYNTHETIC = "Synthetic images made by monai_mammo, not acquired from patients, not for diagnosis."
PASSED = "passed"
"""Outcome of a sample that met all criteria; that of another one names the criterion."""

_VERSION = 1


@dataclasses.dataclass(slots=True)
class Manifest:
    """Manifest of a run's folder; grows by one entry a finished sample.

    Parameters
    ----------
    folder : Path
    head : dict
        Everything but the samples: ``run_sha256`` (request, weights, device: what decides a
        pixel), ``request``, ``guidance``, ``shape``, ``weights``, ``versions``, ``warnings``,
        ``times``, ``files``, ``is_complete``.
    samples : dict of int to dict
        Entry of each finished sample by its number.
    changes : tuple of str
        Sentences for what was changed in the file since the run wrote it.
    """

    folder: Path
    head: dict[str, Any]
    samples: dict[int, dict[str, Any]] = dataclasses.field(default_factory=dict)
    changes: tuple[str, ...] = ()

    @property
    def run_sha256(self) -> str:
        """Hash of all that decides a pixel of this run."""
        return str(self.head["run_sha256"])

    @property
    def count(self) -> int:
        """Number of samples that were requested."""
        return int(self.head["request"]["count"])

    @property
    def is_complete(self) -> bool:
        """Whether all samples, the datalist and the contact sheet were finished."""
        return bool(self.head["is_complete"])

    def stated_files(self) -> Iterator[tuple[str, str]]:
        """Path in the folder and sha256 of every file that the manifest states.

        Returns
        -------
        iterator of pair of str
        """
        for index in sorted(self.samples):
            for name, sha256 in self.samples[index]["files"].items():
                yield f"{sample_name(index)}/{name}", sha256
        yield from self.head["files"].items()

    def save(self) -> None:
        """Write the manifest; it appears whole or not at all.

        Raises
        ------
        MammoError
            The disk is full or the folder not writable.
        """
        values = {**self.head, "samples": [self.samples[index] for index in sorted(self.samples)]}
        text = json.dumps(sealed(values), indent=2, ensure_ascii=False)
        save_bytes(f"{text}\n".encode(), self.folder / MANIFEST)

    @classmethod
    def new(cls, folder: Path, **head: Any) -> Self:
        """Manifest of a run that has no sample yet.

        Parameters
        ----------
        folder : Path

        Returns
        -------
        Manifest
        """
        first = {"version": _VERSION, "synthetic": SYNTHETIC}
        return cls(folder, {**first, **head, "files": {}, "is_complete": False})

    @classmethod
    def load(cls, folder: Path, *, is_strict: bool = False) -> Self | None:
        """Manifest of a folder, `None` where there is none.

        Parameters
        ----------
        folder : Path
        is_strict : bool
            Whether every value must be of the form that a run writes.

        Returns
        -------
        Manifest or None

        Raises
        ------
        MammoError
            The file is not a manifest of ours.
        """
        path = folder / MANIFEST
        if not os.path.lexists(path):
            return None
        if path.is_symlink():
            raise MammoError(f"{path} is a symbolic link: a run's files lie in its folder")
        try:
            values = read_json(path)
        except UnreadableFile as error:
            raise MammoError(f"manifest {error.detail}: it was changed, or cut off") from None
        try:
            if is_strict:
                check_manifest(values)
            changes = tuple(broken_seals(values))
            samples = {int(entry["index"]): entry for entry in values.pop("samples")}
            values.pop(MANIFEST_SHA256, None)
            for entry in samples.values():
                entry.pop(ENTRY_SHA256, None)
            manifest = cls(folder, values, samples, changes)
            if values["version"] != _VERSION or manifest.count < 1 or not manifest.run_sha256:
                raise ValueError
            for name, sha256 in manifest.stated_files():
                if Path(name).is_absolute() or ".." in Path(name).parts or not isinstance(sha256, str):
                    raise ValueError
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            why = f": {error}" if is_strict and type(error) is ValueError and str(error) else ""
            raise MammoError(f"{path} cannot be read as the manifest of a run{why}") from None
        return manifest


def is_passed(entry: Mapping[str, Any]) -> bool:
    """Whether a sample met all criteria.

    Parameters
    ----------
    entry : mapping
        Of a manifest.

    Returns
    -------
    bool
    """
    return entry["outcome"] == PASSED


def sample_name(index: int) -> str:
    """Name of a sample and of its folder.

    Parameters
    ----------
    index : int
        Number of the sample in its run, from 0.

    Returns
    -------
    str
    """
    return f"sample_{index:04d}"


def run_sha256(
    identity: Mapping[str, Any],
    *,
    guidance: float | Mapping[str, Any],
    weights: Sequence[str],
    device: str,
    criteria: Mapping[str, float] | None = None,
) -> str:
    """Hash of all that decides a pixel of a run.

    Parameters
    ----------
    identity : mapping
        Of the request, plain JSON values.
    guidance : float or mapping
        Weight of guidance, or weights by group of conditions; 1 is none.
    weights : sequence of str
        Hashes of the weight files, in the order in which the run states them.
    device : str
        Such as ``cpu`` or ``cuda``; ``auto`` takes the GPU where there is one.
    criteria : mapping, optional
        Scores that regions must meet.

    Returns
    -------
    str
        SHA-256 of these parts as canonical JSON.
    """
    parts = {"request": dict(identity), "guidance": guidance, "weights": list(weights), "device": device}
    if criteria:
        parts["criteria"] = dict(criteria)
    return bytes_sha256(canonical_json(parts).encode())


def refuse_other_run(manifest: Manifest | None, folder: Path, *, run_sha256: str, count: int) -> None:
    """Raise where a folder holds something else than this run.

    Parameters
    ----------
    manifest : Manifest or None
    folder : Path
    run_sha256 : str
        Hash of the requested run.
    count : int
        Samples of the requested run.

    Raises
    ------
    RequestError
        The folder belongs to another request, to other weights, to a larger run, or to nobody we know.
    """
    if manifest is None:
        others = [child.name for child in folder.iterdir()] if folder.is_dir() else []
        if any(not name.startswith(".") for name in others):
            raise RequestError(f"{folder} is not empty and does not hold a run: name another folder")
    elif manifest.run_sha256 != run_sha256:
        raise RequestError(
            f"{folder} belongs to a run with another request or other weights: name another folder, "
            "or repeat the request that its manifest.json states"
        )
    elif manifest.count > count:
        raise RequestError(f"{folder} belongs to this request with count {manifest.count}: count {count} is less")
