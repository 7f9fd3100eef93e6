"""What must be true of the files of a run of edits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Skipped, read_segmentation
from monai_mammo.dicom.process.worker import read_stored_guarded
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.writing.provenance_attributes import edited_source
from monai_mammo.dicom.writing.store import read_dataset
from monai_mammo.errors import MammoError
from monai_mammo.files.bounded import read_json
from monai_mammo.files.picture import read_brightness
from monai_mammo.prepare.reading import read_stored

__all__ = ["edit_problems", "pixels_sha256"]


def pixels_sha256(pixels: np.ndarray) -> str:
    """Hash of stored values, whatever type holds them.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns), unsigned

    Returns
    -------
    str
    """
    return hashlib.sha256(np.ascontiguousarray(pixels, dtype="<u2").data).hexdigest()


@suppress_pydicom_messages()
def edit_problems(entry: Mapping[str, Any], paths: Mapping[str, Path]) -> list[str]:
    """Sentences for what is wrong with an edited image.

    Outside what changed its stored values must be those of the source, by the hash that the manifest states; inside
    they must differ, so that the image is told from its source.

    Parameters
    ----------
    entry : mapping
        Of a manifest.
    paths : mapping of str to Path
        Files of the sample by name.

    Returns
    -------
    list of str
    """
    name = "edited.dcm" if "edited.dcm" in paths else "edited.png"
    try:
        stored: Any = read_stored_guarded(paths[name]) if name.endswith(".dcm") else read_stored(paths[name])
        if isinstance(stored, (Skipped, Failed)):
            return [f"{name} cannot be decoded: {stored.detail}"]
        changed = read_brightness(paths["changed.png"]) > 0.5
        requested = read_brightness(paths["requested.png"]) > 0.5
        is_of_manifest = Conditions.from_dict(read_json(paths["conditions.json"])) == Conditions.from_dict(
            entry["conditions"]
        )
    except (MammoError, KeyError, TypeError) as error:
        return [f"cannot be read: {error}"]
    pixels, source = stored.pixels, entry["source"]
    if changed.shape != pixels.shape or requested.shape != pixels.shape:
        return [f"changed.png, requested.png and {name} differ in size"]
    problems = [] if is_of_manifest else ["conditions.json and the manifest differ"]
    if pixels_sha256(np.where(changed, 0, pixels)) != source["unchanged_sha256"]:
        problems.append(f"{name} differs from its source outside changed.png")
    if changed.any() and pixels_sha256(pixels) == source["pixels_sha256"]:
        problems.append(f"{name} shows its source, without the edit")
    if int(changed.sum()) != entry["n_changed"]:
        problems.append("changed.png does not show as many changed pixels as the manifest states")
    return problems + (_dicom_problems(paths, requested, changed, entry) if name == "edited.dcm" else [])


def _dicom_problems(
    paths: Mapping[str, Path], requested: np.ndarray, changed: np.ndarray, entry: Mapping[str, Any]
) -> list[str]:
    try:
        dataset, segmentation = read_dataset(paths["edited.dcm"]), read_dataset(paths["lesion.seg.dcm"])
        masks = read_segmentation(paths["lesion.seg.dcm"])
        referenced = segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
    except (MammoError, AttributeError, IndexError, KeyError) as error:
        return [f"edited.dcm or lesion.seg.dcm cannot be read: {error}"]
    problems, source = [], edited_source(dataset)
    if source is None or source.ReferencedSOPInstanceUID == dataset.SOPInstanceUID:
        problems.append("edited.dcm does not refer to the image that it was edited from")
    if list(dataset.get("ImageType") or [""])[0] != "DERIVED":
        problems.append("edited.dcm does not say that it is derived")
    if dataset.get("SyntheticData") != "YES" or not dataset.get("DerivationDescription"):
        problems.append("edited.dcm does not say that a part of it is synthetic, and what was done")
    if referenced != dataset.SOPInstanceUID:
        problems.append("lesion.seg.dcm refers to another mammogram")
    expected = {"requested": requested, "Changed pixels": changed}
    if "found.png" in paths:
        expected["found"] = read_brightness(paths["found.png"]) > 0.5
    for name, mask in expected.items():
        if name not in masks or not np.array_equal(masks[name], mask):
            problems.append(f"lesion.seg.dcm and the PNG mask of {name!r} differ")
    comments = str(dataset.get("ImageComments", ""))
    problems += [f"ImageComments do not say: {w}" for w in entry["warnings"] if w not in comments]
    return problems
