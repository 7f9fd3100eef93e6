"""Images to be examined, acquired or synthetic, in one form: items of a datalist on the prepared grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from monai_mammo import bundle, networks
from monai_mammo.bundle import BundleFolder
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.digest import file_sha256
from monai_mammo.generation.check import clean_air
from monai_mammo.generation.manifest import Manifest, sample_name
from monai_mammo.generation.pipeline import pick_device
from monai_mammo.prepare.geometry import hang, mirror_box
from monai_mammo.terms import AcquisitionKind, Laterality
from monai_mammo.training.data import PreparedDataset, load_datalist

__all__ = [
    "BATCH_SIZE",
    "AutoencoderOnImages",
    "about_bundle",
    "about_datalist",
    "batches",
    "breast_of",
    "items_of_run",
    "kind_groups",
    "load_items",
    "load_judge",
    "load_run",
    "open_autoencoder",
    "reconstructions",
    "written_pixels",
]

BATCH_SIZE = 8

JUDGE = ("models/judge.pt", "inference", "judge_def")
"""Weights of the judge in the lesion network's bundle, and where its definition stands."""


def load_items(datalist: str | Path, *, split: str = "validation") -> list[dict[str, Any]]:
    """Items of one split of a prepared folder that state their breast mask.

    Raises
    ------
    RequestError
        There is no such file or split, or the split is empty.
    """
    items = load_datalist(datalist, split=split)
    if not items:
        raise RequestError(f"split {split!r} of {datalist} lists no image")
    return items


class AutoencoderOnImages(NamedTuple):
    """An autoencoder and the prepared images that it is examined on.

    Parameters
    ----------
    items : list of dict
        As `load_items` gives them.
    conditions : list of Conditions
    images : list of ndarray, shape (rows, columns), float32
        Brightness in [0, 1].
    folder : BundleFolder
    network : nn.Module
        On `device`, in evaluation mode.
    device : torch.device
    """

    items: list[dict[str, Any]]
    conditions: list[Conditions]
    images: list[np.ndarray]
    folder: BundleFolder
    network: nn.Module
    device: torch.device


def open_autoencoder(datalist: str | Path, *, split: str, autoencoder: str, device: str) -> AutoencoderOnImages:
    """Bundle of an autoencoder and the images of a split.

    Raises
    ------
    RequestError
        There is no such datalist, split, bundle or device.
    MammoError
        Weights are missing or damaged.
    """
    items = load_items(datalist, split=split)
    folder = bundle.find(autoencoder)
    place = torch.device(pick_device(device))
    data = PreparedDataset(items)
    images = [data.image(i) for i in range(len(data))]
    network = networks.load_network(folder, device=place)
    return AutoencoderOnImages(items, list(data.conditions), images, folder, network, place)


def items_of_run(folder: str | Path) -> list[dict[str, Any]]:
    """Samples of a run in the form of prepared images, chest wall left.

    Parameters
    ----------
    folder : str or Path
        As `generate` wrote it.

    Returns
    -------
    list of dict
        ``image`` (uint16), ``breast`` and ``label`` (the asked lesion) as arrays from the written
        files; ``conditions`` and ``boxes`` as asked, in the prepared frame.

    Raises
    ------
    RequestError
        There is no run in the folder, or it has no sample.
    MammoError
        A file of it can not be read.
    """
    manifest = load_run(folder)
    return [_item_of_sample(manifest, index) for index in sorted(manifest.samples)]


def load_run(folder: str | Path) -> Manifest:
    """Manifest of a run that has samples.

    Raises
    ------
    RequestError
        There is no run in the folder, or it has no sample.
    """
    manifest = Manifest.load(Path(folder))
    if manifest is None or not manifest.samples:
        raise RequestError(f"{folder} holds no run with samples: make one with `monai-mammo generate`")
    return manifest


def written_pixels(folder: Path) -> np.ndarray:
    """Pixels of a sample as they were written, from the DICOM file, else from the PNG.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        In [0, 1], as the file hangs.

    Raises
    ------
    MammoError
        The file can not be decoded.
    """
    path = folder / "mammogram.dcm"
    if not path.is_file():
        return _grey(folder / "mammogram.png")
    from pydicom import dcmread

    try:
        dataset = dcmread(path)
        return dataset.pixel_array.astype(np.float32) / np.float32(2**dataset.BitsStored - 1)
    except Exception as error:  # decoders of other hands raise what they like
        raise MammoError(f"{path} can not be decoded: {type(error).__name__}") from None


def breast_of(item: dict[str, Any]) -> np.ndarray:
    """Breast mask of an item, shape (rows, columns), bool.

    Raises
    ------
    MammoError
        The item states none.
    """
    if "breast" not in item:
        raise MammoError(f"{item.get('image_id', 'an item')} has no breast mask: prepare the images anew")
    source = item["breast"]
    return np.asarray(source if isinstance(source, np.ndarray) else Image.open(source)) > 0


def batches(images: Sequence[np.ndarray], device: torch.device) -> Iterator[Tensor]:
    """Pictures of one size in stacks of `BATCH_SIZE`, shape (B, 1, rows, columns), channels last."""
    for start in range(0, len(images), BATCH_SIZE):
        stack = np.stack(images[start : start + BATCH_SIZE]).astype(np.float32)
        yield torch.from_numpy(stack)[:, None].to(device).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def reconstructions(network: nn.Module, images: Sequence[np.ndarray], device: torch.device) -> list[np.ndarray]:
    """What an autoencoder makes of each picture, float32, not clamped to [0, 1]."""
    out: list[np.ndarray] = []
    for x in batches(images, device):
        out += list(network(x)[0][:, 0].float().cpu().numpy())
    return out


def kind_groups(kinds: Sequence[str | None]) -> dict[str, list[int]]:
    """Positions of the images of each acquisition kind that occurs, and of all."""
    groups = {str(kind): [i for i, k in enumerate(kinds) if k == kind] for kind in AcquisitionKind}
    groups = {kind: rows for kind, rows in groups.items() if rows}
    return groups if len(groups) == 1 else {**groups, "all": list(range(len(kinds)))}


def load_judge(folder: BundleFolder, *, device: torch.device) -> nn.Module:
    """Judge that lies beside the lesion network in its bundle, in evaluation mode.

    Raises
    ------
    MammoError
        The bundle has none, or its weights are damaged.
    """
    return networks.load_network(folder, device=device, part=JUDGE)


def about_bundle(folder: BundleFolder, weights: str = "models/model.pt") -> dict[str, str]:
    """Name, version and weights of a bundle, as figures state them."""
    sha256 = folder.weights_sha256[weights]
    return {"name": folder.name, "version": folder.version, "weights": weights, "sha256": sha256}


def about_datalist(path: str | Path, items: Sequence[dict[str, Any]], split: str) -> dict[str, Any]:
    """What figures state of their images: split, numbers, sources and the hash of the datalist."""
    return {
        "split": split,
        "n_images": len(items),
        "n_persons": len({item["person_id"] for item in items}),
        "sources": sorted({str(item.get("source", "")) for item in items}),
        "datalist_sha256": file_sha256(path),
    }


def _item_of_sample(manifest: Manifest, index: int) -> dict[str, Any]:
    folder = manifest.folder / sample_name(index)
    conditions = Conditions.from_dict(manifest.samples[index]["conditions"])
    side = conditions.laterality or Laterality.L
    image = np.ascontiguousarray(hang(written_pixels(folder), side))
    if conditions.box is not None and side is Laterality.R:
        conditions = conditions.replace(box=mirror_box(conditions.box))
    asked = np.ascontiguousarray(hang(_grey(folder / "lesion.png"), side)) > 0.5
    _, breast = clean_air(image)
    return {
        "image": np.rint(image * 65535).astype(np.uint16),
        "breast": np.ones(image.shape, dtype=bool) if breast is None else breast,
        "label": asked,
        "mask_kind": "contour" if asked.any() else ("unknown" if conditions.finding is None else "none"),
        "boxes": [] if conditions.box is None else [list(conditions.box)],
        "conditions": conditions.to_dict(),
        "person_id": f"SYNTHETIC_{manifest.run_sha256[:8]}_{sample_name(index)}",
        "image_id": sample_name(index),
        "source": "monai_mammo",
    }


def _grey(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("L"), dtype=np.float32) / 255
    except (OSError, ValueError) as error:
        raise MammoError(f"{path} can not be read as a picture: {error}") from None
