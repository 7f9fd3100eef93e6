"""The figures of realism of a folder of generated images, and their sheets."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from monai_mammo import bundle, networks
from monai_mammo.bundle import DEFAULT_BUNDLES, BundleFolder
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.realism.compared_images import acquired_items, images_of_items, synthetic_images
from monai_mammo.evaluation.realism.compared_sets import control_positions, halved_by_person, realism_figures
from monai_mammo.evaluation.realism.kind_sheets import write_sheets
from monai_mammo.evaluation.realism.realism_tables import realism_table
from monai_mammo.evaluation.stated import about_bundle, figures_name
from monai_mammo.files import check_output_folder, folder_lock, save_text
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.generation.request import Request
from monai_mammo.networks.weights import ENCODER
from monai_mammo.progress import ProgressCallback

__all__ = ["evaluate_realism", "reference_and_control"]

_TRAINING = "training"
_FIGURES = "realism.json"


def evaluate_realism(
    synthetic: str | Path,
    *,
    reference: str | Path,
    split: str = "validation",
    out: str | Path | None = None,
    kind: str | None = None,
    lesion_network: str = DEFAULT_BUNDLES[2],
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """How real generated images are, beside acquired ones.

    Parameters
    ----------
    synthetic : str or Path
        Run, prepared folder or folder of pictures, on the grid of the reference.
    reference : str or Path
        Prepared folder.
    split : str
        Its split that is compared with. The control comes from the training split; where that is the one compared
        with, or empty, the images are halved by person.
    out : str or Path, optional
        Folder for ``realism.json``, ``realism.md`` and the sheets.
    kind : str, optional
        Acquisition kind of pictures that state none.
    lesion_network : str
        Name or path of its bundle, which carries the frozen encoder.
    seed : int
        Chooses the images of the control and of the sheets.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` after each part of the work.

    Returns
    -------
    dict
        As `realism_figures` gives them, with ``name``, ``command``, ``data`` and ``bundles``.

    Raises
    ------
    RequestError
        There is no such folder, split, bundle or device, the images differ in size, or `out` holds other things.
    MammoError
        A file or the weights are missing or damaged, or another process writes to `out`.
    """
    Request(seed=seed)  # refuses one that is not allowed
    if out is not None:
        check_output_folder(out, command="evaluate realism", is_ours=lambda folder: (folder / _FIGURES).is_file())
    with contextlib.nullcontext() if out is None else folder_lock(Path(out)):
        return _evaluated(
            synthetic, reference, split, out, kind, bundle.find(lesion_network), seed, pick_device(device), progress
        )


def reference_and_control(
    folder: str | Path, split: str, synthetic_kinds: Sequence[str | None], *, seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Items of the images that are compared with, and of the control, which shares no person with them.

    Parameters
    ----------
    folder : str or Path
        Prepared folder.
    split : str
        Its split that is compared with. The control comes from the training split; where that is the one compared
        with, or empty, the images are halved by person.
    synthetic_kinds : sequence of str or None
        Acquisition kinds of the generated images: the control has as many of each, as far as they last.
    seed : int
        Chooses the images of the control.

    Returns
    -------
    tuple of two lists of dict

    Raises
    ------
    RequestError
        There is no such folder or split, it is empty, or there is a single person.
    """
    items = acquired_items(folder, split=split)
    if not items:
        raise RequestError(f"split {split!r} of {folder} lists no image")
    persons = {str(item["person_id"]) for item in items}
    training = [] if split == _TRAINING else acquired_items(folder, split=_TRAINING)
    others = [item for item in training if str(item["person_id"]) not in persons]
    if not others:
        kinds = [item["conditions"].get("kind") for item in items]
        first, second = halved_by_person([str(item["person_id"]) for item in items], kinds=kinds, seed=seed)
        return [items[i] for i in first], [items[i] for i in second]
    chosen = control_positions([item["conditions"].get("kind") for item in others], synthetic_kinds, seed=seed)
    return items, [others[i] for i in chosen or range(len(others))]


def _evaluated(
    synthetic: str | Path,
    reference: str | Path,
    split: str,
    out: str | Path | None,
    kind: str | None,
    folder: BundleFolder,
    seed: int,
    device: str,
    progress: ProgressCallback | None,
) -> dict[str, Any]:
    generated = synthetic_images(synthetic, kind=kind)
    acquired, control = map(images_of_items, reference_and_control(reference, split, generated.kinds, seed=seed))
    place = torch.device(device)
    network = networks.load_encoder(folder, device=place)
    found = realism_figures(generated, acquired, control, encoder=network, device=place, progress=progress)
    figures = {
        "name": figures_name("realism", split),
        "command": "realism",
        "data": {"synthetic": str(Path(synthetic).name), "split": split},
        "bundles": [about_bundle(folder, ENCODER[0])],
        **found,
    }
    if out is not None:
        save_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", Path(out) / _FIGURES)
        save_text(realism_table(figures), Path(out) / "realism.md")
        write_sheets(generated, acquired, out=out, seed=seed)
    return figures
