"""What figures state of the bundles and the images that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai_mammo.bundle import BundleFolder
from monai_mammo.files.digest import file_sha256
from monai_mammo.terms import AcquisitionKind

__all__ = ["about_bundle", "about_datalist", "figures_name", "kind_groups"]


def about_bundle(folder: BundleFolder, weights: str = "models/model.pt") -> dict[str, str]:
    """Name, version and weights of a bundle, as figures state them.

    Parameters
    ----------
    folder : BundleFolder
    weights : str
        File of weights in the bundle.

    Returns
    -------
    dict of str to str
    """
    sha256 = folder.weights_sha256[weights]
    return {"name": folder.name, "version": folder.version, "weights": weights, "sha256": sha256}


def about_datalist(path: str | Path, items: Sequence[dict[str, Any]], split: str) -> dict[str, Any]:
    """What figures state of their images: split, numbers, sources and the hash of the datalist.

    Parameters
    ----------
    path : str or Path
    items : sequence of dict
    split : str
        Of the datalist, such as ``validation``.

    Returns
    -------
    dict
    """
    return {
        "split": split,
        "n_images": len(items),
        "n_persons": len({item["person_id"] for item in items}),
        "sources": sorted({str(item.get("source", "")) for item in items}),
        "datalist_sha256": file_sha256(path),
    }


def figures_name(command: str, split: str) -> str:
    """Name of figures, by which a model card has its place for them: the command's, and the split's if not validation.

    Parameters
    ----------
    command : str
        That made them, such as ``lesions``.
    split : str
        Of the datalist, such as ``validation``.

    Returns
    -------
    str
    """
    return command if split == "validation" else f"{command}_{split}"


def kind_groups(kinds: Sequence[str | None]) -> dict[str, list[int]]:
    """Positions of the images of each acquisition kind that occurs, and of all.

    Parameters
    ----------
    kinds : sequence of str or None

    Returns
    -------
    dict of str to list of int
    """
    groups = {str(kind): [i for i, k in enumerate(kinds) if k == kind] for kind in AcquisitionKind}
    groups = {kind: rows for kind, rows in groups.items() if rows}
    return groups if len(groups) == 1 else {**groups, "all": list(range(len(kinds)))}
