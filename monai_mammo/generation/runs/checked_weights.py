"""Weights that decide the pixels of a run, checked before any is drawn."""

from __future__ import annotations

from collections.abc import Iterable

from monai_mammo.bundle import DRAWING_PARTS, BundleFolder
from monai_mammo.dicom.identity import WeightsReference

__all__ = ["MODEL", "checked_weights", "drawing_weights"]

MODEL = "models/model.pt"
"""Weights of a bundle's own network."""


def drawing_weights(folder: BundleFolder) -> dict[str, str]:
    """Weights of a bundle that have a part in all that it draws.

    Parameters
    ----------
    folder : BundleFolder

    Returns
    -------
    dict of str to str
        Paths in the bundle by the names under which they are stated, its own network's first.
    """
    parts = {name: part[0] for name, part in DRAWING_PARTS.items() if folder.defines(part)}
    return {folder.name: MODEL, **{f"{folder.name} {name.replace('_', ' ')}": path for name, path in parts.items()}}


def checked_weights(parts: Iterable[tuple[BundleFolder, str, str]]) -> tuple[WeightsReference, ...]:
    """References to weights, as manifests and files state them.

    Parameters
    ----------
    parts : iterable of tuple
        Bundle, path of the weights in it, and name under which they are stated.

    Returns
    -------
    tuple of WeightsReference
        In the same order.

    Raises
    ------
    MammoError
        Weights are missing, truncated or of another hash.
    """
    out = []
    for folder, path, name in parts:
        folder.check_weights(path)
        stated = folder.trained_with.get(path)
        taught = None if stated is None else tuple(one["sha256"] for one in stated)
        out.append(WeightsReference(name, folder.version, folder.weights_sha256[path], taught))
    return tuple(out)
