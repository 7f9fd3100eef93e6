"""Weights of one's own training in a bundle, with the network that they fit."""

from __future__ import annotations

import shutil
from pathlib import Path

from monai_mammo.bundle.bundle_folder import (
    CROP_TRANSLATOR,
    DRAWING_PARTS,
    PAINTER,
    VIEW_TRANSLATOR,
    BundleFolder,
    as_json,
    seal,
)
from monai_mammo.bundle.training_record import record_of, write_trained_with
from monai_mammo.errors import RequestError
from monai_mammo.files.whole import save_text

__all__ = ["put_weights"]

_MAIN = ("models/model.pt", "inference", "network_def")
_PARTS = {**DRAWING_PARTS, "painter": PAINTER, "gan": CROP_TRANSLATOR, "translate": VIEW_TRANSLATOR}


def put_weights(folder: BundleFolder | Path | str, weights: Path | str, *overlays: str) -> BundleFolder:
    """Put trained weights into a bundle in place of its own, and say in its inference config what network they fit.

    Which networks had a part in the training goes into the metadata, where the training left it beside the weights.

    A training may have had another network than the weights that a bundle came with: other widths, or attributes
    that came later.

    Parameters
    ----------
    folder : BundleFolder, Path or str
        The bundle, of the same configs as the one that was trained.
    weights : Path or str
        ``models/model.pt`` of a training.
    *overlays : str
        Overlays by which the training was named, such as ``guide`` for the guide of the layout stage, ``detail`` for
        the detail stage, ``detail`` and ``detail_guide`` for its guide, ``finish`` for its finish, ``painter`` for the
        lesion painter, ``gan`` for the translation of regions, ``translate`` for that of views.

    Returns
    -------
    BundleFolder
        The bundle with the hashes of its new weights.

    Raises
    ------
    RequestError
        There is no such file.
    MammoError
        There is no such config, or it defines no network.
    """
    bundle = BundleFolder.of(folder)
    if not Path(weights).is_file():
        raise RequestError(f"weights {weights} are not there: a training writes models/model.pt in its output folder")
    target, arguments = bundle.trained_network(*overlays)
    path, _, key = next((_PARTS[name] for name in reversed(overlays) if name in _PARTS), _MAIN)
    inference = {**bundle.config("inference"), key: {"_target_": target, **arguments}}
    save_text(as_json(inference) + "\n", bundle.root / "configs" / "inference.json")
    shutil.copyfile(weights, bundle.root / path)
    record = record_of(weights)
    return seal(bundle) if record is None else write_trained_with(seal(bundle), path, record)
