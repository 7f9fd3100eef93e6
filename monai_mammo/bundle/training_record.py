"""Which networks had a part in a training: those that it looked at, and those that its weights began from.

A judge that steered a generator praises its own work, so a training leaves beside its weights the hash of every network
that it read, a bundle states it with the weights, and whoever judges looks there.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from monai_mammo.bundle.bundle_folder import BundleFolder, seal
from monai_mammo.errors import MammoError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.digest import file_sha256
from monai_mammo.files.whole import save_text

__all__ = [
    "PartInTraining",
    "forget_parts",
    "note_part",
    "note_start",
    "parts_noted",
    "record_of",
    "write_record",
    "write_trained_with",
]

_SUFFIX = ".trained_with.json"  # in place of the ending of the weights, beside them


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class PartInTraining:
    """Network that had a part in a training.

    Parameters
    ----------
    name, version : str
        Bundle and its version; empty where a weight file lay in none.
    weights : str
        File of the weights in the bundle.
    sha256 : str
        Of the file.
    """

    name: str
    version: str
    weights: str
    sha256: str

    @classmethod
    def of(cls, folder: BundleFolder, weights: str) -> Self:
        """Network of a bundle.

        Parameters
        ----------
        folder : BundleFolder
        weights : str
            File in it, such as ``models/model.pt``.

        Returns
        -------
        PartInTraining

        Raises
        ------
        MammoError
            The bundle states no hash of such a file.
        """
        sha256 = folder.weights_sha256.get(weights)
        if sha256 is None:
            raise MammoError(f"bundle {folder.name} states no weights {weights}")
        return cls(folder.name, folder.version, weights, sha256)


_noted: set[PartInTraining] = set()  # of this process


def note_part(part: PartInTraining) -> None:
    """Note that a network was read in this process.

    Parameters
    ----------
    part : PartInTraining
    """
    _noted.add(part)


def note_start(path: Path) -> None:
    """Note that weights in this process begin from a file, and whatever had a part in the training of that file.

    Parameters
    ----------
    path : Path
        Of a bundle, or of a training's output.
    """
    sha256, home = file_sha256(path), path.resolve().parent.parent
    if (home / "configs" / "metadata.json").is_file():
        folder = BundleFolder(home)
        name = path.resolve().relative_to(folder.root).as_posix()
        if folder.weights_sha256.get(name) == sha256:
            _noted.add(PartInTraining.of(folder, name))
            _noted.update(_parts(folder.trained_with.get(name, ())))
            return
    _noted.add(PartInTraining("", "", path.name, sha256))
    _noted.update(record_of(path) or ())


def parts_noted() -> tuple[PartInTraining, ...]:
    """All networks that were read in this process.

    Returns
    -------
    tuple of PartInTraining
        In alphabetical order.
    """
    return tuple(sorted(_noted))


def forget_parts() -> None:
    """Forget what was read, as before a training in a process that did other work."""
    _noted.clear()


def write_record(weights: str | os.PathLike[str], parts: Iterable[PartInTraining]) -> Path:
    """Write beside trained weights which networks had a part in their training.

    Parameters
    ----------
    weights : path-like
        File of the weights.
    parts : iterable of PartInTraining

    Returns
    -------
    Path
        ``model.trained_with.json`` beside ``model.pt``.
    """
    path = Path(weights).with_suffix(_SUFFIX)
    content = {"sha256": file_sha256(weights), "networks": [dataclasses.asdict(part) for part in sorted(set(parts))]}
    save_text(json.dumps(content, indent=1) + "\n", path)
    return path


def record_of(weights: str | os.PathLike[str]) -> tuple[PartInTraining, ...] | None:
    """Networks that had a part in a training, as it wrote them beside its weights.

    Parameters
    ----------
    weights : path-like
        File of the weights.

    Returns
    -------
    tuple of PartInTraining or None
        `None` where there is no such record, or one of other weights.

    Raises
    ------
    MammoError
        The record is damaged.
    """
    path = Path(weights).with_suffix(_SUFFIX)
    if not path.is_file():
        return None
    try:
        content = read_json(path)
        return _parts(content["networks"]) if content["sha256"] == file_sha256(weights) else None
    except (UnreadableFile, KeyError, TypeError) as error:
        raise MammoError(f"{path} is damaged and not the record of a training: {error}") from None


def write_trained_with(
    folder: BundleFolder | Path | str, weights: str, parts: Sequence[PartInTraining]
) -> BundleFolder:
    """State in a bundle's metadata which networks had a part in the training of some of its weights.

    Parameters
    ----------
    folder : BundleFolder, Path or str
    weights : str
        File in it, such as ``models/model.pt``.
    parts : sequence of PartInTraining
        None of them where the training looked at no other network.

    Returns
    -------
    BundleFolder
        The bundle with its new metadata.

    Raises
    ------
    MammoError
        The bundle has no such weights.
    """
    bundle = BundleFolder.of(folder)
    sha256 = PartInTraining.of(bundle, weights).sha256
    entry = {"sha256": sha256, "networks": [dataclasses.asdict(part) for part in sorted(set(parts))]}
    return seal(bundle, trained_with={**bundle.metadata.get("trained_with", {}), weights: entry})


def _parts(networks: Iterable[Mapping[str, Any]]) -> tuple[PartInTraining, ...]:
    return tuple(PartInTraining(**network) for network in networks)
