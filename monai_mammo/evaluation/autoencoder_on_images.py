"""An autoencoder on the prepared images that it is examined on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from monai_mammo import bundle, networks
from monai_mammo.bundle import BundleFolder
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.generation.engine.device import BATCH_SIZE, pick_device
from monai_mammo.prepare.datalist_items import load_items
from monai_mammo.training.data import PreparedDataset

__all__ = ["AutoencoderOnImages", "batches", "open_autoencoder", "reconstructions"]

_LEAST_SIDE = 16  # of an image that `prepare` writes


class AutoencoderOnImages(NamedTuple):
    """An autoencoder and the prepared images that it is examined on.

    Parameters
    ----------
    items : list of dict
        As `load_items` gives them.
    conditions : list of Conditions
        Of each item.
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

    Parameters
    ----------
    datalist : str or Path
    split : str
        Of the datalist, such as ``validation``.
    autoencoder : str
        Name or path of the bundle.
    device : str
        Such as ``cpu`` or ``cuda``; ``auto`` takes the GPU where there is one.

    Returns
    -------
    AutoencoderOnImages

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


def batches(images: Sequence[np.ndarray], device: torch.device) -> Iterator[Tensor]:
    """Pictures of one size in stacks as large as the device takes at once, shape (B, 1, rows, columns), channels last.

    Parameters
    ----------
    images : sequence of ndarray, shape (rows, columns)
    device : torch.device

    Returns
    -------
    iterator of Tensor, shape (B, 1, rows, columns)

    Raises
    ------
    MammoError
        The pictures are smaller than any that can be prepared.
    """
    if images and min(images[0].shape) < _LEAST_SIDE:
        rows, columns = images[0].shape
        raise MammoError(f"images of {rows} x {columns} cannot be examined: {_LEAST_SIDE} x {_LEAST_SIDE} is the least")
    n_at_once = BATCH_SIZE[device.type]
    for start in range(0, len(images), n_at_once):
        stack = np.stack(images[start : start + n_at_once]).astype(np.float32)
        yield torch.from_numpy(stack)[:, None].to(device).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def reconstructions(network: nn.Module, images: Sequence[np.ndarray], device: torch.device) -> list[np.ndarray]:
    """What an autoencoder makes of each picture, float32, not clamped to [0, 1].

    Parameters
    ----------
    network : nn.Module
    images : sequence of ndarray, shape (rows, columns)
    device : torch.device

    Returns
    -------
    list of ndarray, shape (rows, columns), float32
    """
    out: list[np.ndarray] = []
    for x in batches(images, device):
        out += list(network(x)[0][:, 0].float().cpu().numpy())
    return out
