"""Samples of a run as items on the prepared grid, so that they are examined as acquired images are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation.found_breast import breast_in_pixels
from monai_mammo.files.picture import read_brightness
from monai_mammo.generation.runs.manifest import Manifest, sample_name
from monai_mammo.generation.runs.sample_files import refuse_links
from monai_mammo.generation.runs.written_dicom import written_dicom
from monai_mammo.prepare.geometry import as_displayed, mirror_box
from monai_mammo.terms import Laterality

__all__ = ["items_of_run", "load_run", "person_of_sample", "written_pixels"]


def items_of_run(
    folder: str | Path, *, breast_of: Callable[[np.ndarray], np.ndarray] = breast_in_pixels
) -> list[dict[str, Any]]:
    """Samples of a run in the form of prepared images, chest wall left.

    Parameters
    ----------
    folder : str or Path
        As `generate` wrote it.
    breast_of : callable
        Where the breast is in pixels (uint16): `breast_in_pixels`, or what gives the same from what was kept.

    Returns
    -------
    list of dict
        ``image`` (uint16), ``breast`` and ``label`` (the requested lesion) as arrays from the written
        files; ``conditions`` and ``boxes`` as requested, in the prepared frame.

    Raises
    ------
    RequestError
        There is no run in the folder, or it has no sample.
    MammoError
        A file of it cannot be read.
    """
    manifest = load_run(folder)
    return [_item_of_sample(manifest, index, breast_of) for index in sorted(manifest.samples)]


def load_run(folder: str | Path) -> Manifest:
    """Manifest of a run that has samples.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Manifest

    Raises
    ------
    RequestError
        There is no run in the folder, it has no sample, or a file of it lies elsewhere.
    MammoError
        Its manifest cannot be read, or was changed since the run wrote it.
    """
    manifest = Manifest.load(Path(folder), is_strict=True)
    if manifest is None or not manifest.samples:
        raise RequestError(f"{folder} holds no run with samples: make one with `monai-mammo generate`")
    refuse_links(manifest.folder)
    if manifest.changes:
        raise MammoError(f"{folder}: {manifest.changes[0]}")
    return manifest


def written_pixels(folder: Path) -> np.ndarray:
    """Pixels of a sample as they were written, from the DICOM file, else from the PNG.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    ndarray, shape (rows, columns), float32
        In [0, 1], as the file hangs.

    Raises
    ------
    MammoError
        The file cannot be decoded.
    """
    path = folder / "mammogram.dcm"
    if not path.is_file():
        return read_brightness(folder / "mammogram.png")
    return written_dicom(path)[1]


def person_of_sample(manifest: Manifest, index: int) -> str:
    """Person that a sample stands for: each is one of its own.

    Parameters
    ----------
    manifest : Manifest
    index : int
        Of the sample.

    Returns
    -------
    str
    """
    return f"SYNTHETIC_{manifest.run_sha256[:8]}_{sample_name(index)}"


def _item_of_sample(manifest: Manifest, index: int, breast_of: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    folder = manifest.folder / sample_name(index)
    conditions = Conditions.from_dict(manifest.samples[index]["conditions"])
    side = conditions.laterality or Laterality.L
    image = np.ascontiguousarray(as_displayed(written_pixels(folder), side))
    if conditions.box is not None and side is Laterality.R:
        conditions = conditions.replace(box=mirror_box(conditions.box))
    requested = np.ascontiguousarray(as_displayed(read_brightness(folder / "lesion.png"), side)) > 0.5
    if requested.shape != image.shape:
        raise MammoError(f"{folder}: lesion.png and the mammogram differ in size")
    pixels = np.rint(image * 65535).astype(np.uint16)
    return {
        "image": pixels,
        "breast": breast_of(pixels),
        "label": requested,
        "mask_kind": "contour" if requested.any() else ("unknown" if conditions.finding is None else "none"),
        "boxes": [] if conditions.box is None else [list(conditions.box)],
        "conditions": conditions.to_dict(),
        "person_id": person_of_sample(manifest, index),
        "image_id": sample_name(index),
        "source": "monai_mammo",
        "is_synthetic": True,
    }
