"""A training set that `augment` wrote, as others read it."""

from __future__ import annotations

from pathlib import Path

from monai_mammo.errors import MammoError
from monai_mammo.generation.runs.manifest import Manifest

__all__ = ["RUNS", "SUMMARY", "runs_of_set"]

SUMMARY, RUNS = "augmented.json", "runs"
"""File that says what a folder is, and folder of the runs that its images come from."""


def runs_of_set(folder: Path) -> tuple[Manifest, ...]:
    """Manifests of the runs that the images of a set come from.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    tuple of Manifest
        None where the folder is no such set, or its runs do not lie in it.

    Raises
    ------
    MammoError
        A manifest cannot be read, or was changed since its run was written.
    """
    if not (folder / SUMMARY).is_file():
        return ()
    found = []
    for run in sorted((folder / RUNS).glob("*")):
        manifest = Manifest.load(run, is_strict=True)
        if manifest is None or not manifest.samples:
            continue
        if manifest.changes:
            raise MammoError(f"{run}: {manifest.changes[0]}")
        found.append(manifest)
    return tuple(found)
