"""Networks built from a bundle's definition, and their weights read with care."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from monai_mammo.bundle import PAINTER, VIEW_TRANSLATOR, BundleFolder
from monai_mammo.bundle.training_record import PartInTraining, note_part, note_start
from monai_mammo.errors import MammoError
from monai_mammo.networks.states import load_state, plain_state
from monai_mammo.switches import parse_switch

ENCODER = ("models/encoder_lite0.pt", "inference", "encoder_def")
"""Encoder in the lesion network's bundle, trained on photographs alone, and where its definition stands."""

__all__ = ["build", "load_encoder", "load_network", "load_painter", "load_part", "load_view_translator", "load_weights"]


def build(target: str, arguments: Mapping[str, Any] | None = None) -> nn.Module:
    """Network that a bundle's ``network_def`` names.

    Parameters
    ----------
    target : str
        Full name of a class of this package, such as ``monai_mammo.networks.Autoencoder``.
    arguments : mapping
        Its arguments.

    Returns
    -------
    nn.Module

    Raises
    ------
    MammoError
        The name lies outside this package, is not a network, or does not take the arguments.
    """
    module, _, name = target.rpartition(".")
    if module != "monai_mammo.networks" and not module.startswith("monai_mammo.networks."):
        raise MammoError(f"network {target!r} is not one of monai_mammo.networks")
    try:
        network_class = getattr(import_module(module), name, None)
    except ModuleNotFoundError:
        network_class = None
    if not (isinstance(network_class, type) and issubclass(network_class, nn.Module)):
        raise MammoError(f"network {target!r} does not exist")
    try:
        return network_class(**dict(arguments or {}))
    except (TypeError, ValueError) as error:
        raise MammoError(f"network {target!r} does not take its arguments: {error}") from None


def load_weights(network: nn.Module, path: str | Path, *, grow: bool | str = False) -> nn.Module:
    """Network with the weights of a plain state dict; half precision becomes the network's own.

    Every name, shape and number is checked before anything is copied.

    Parameters
    ----------
    network : nn.Module
    path : str or Path
    grow : bool or str
        Whether the network may have additions that the weights lack, such as further attributes: it then computes
        the same as the network of the weights where these are not given.

    Returns
    -------
    nn.Module

    Raises
    ------
    MammoError
        The file is damaged, no plain state dict, or does not fit the network.
    """
    path = Path(path)
    loaded = load_state(network, plain_state(path), name=path.name, grow=parse_switch(grow, name="grow"))
    note_start(path)
    return loaded


def load_network(
    folder: BundleFolder,
    *,
    device: torch.device | str = "cpu",
    part: tuple[str, str, str] = ("models/model.pt", "inference", "network_def"),
) -> nn.Module:
    """Network of a bundle with its checked weights: in evaluation mode, without gradients, channels last.

    Parameters
    ----------
    folder : BundleFolder
        As `monai_mammo.bundle.find` gives it.
    device : torch.device or str
    part : tuple of str
        Weight file, and the config and id of the network's definition, for a bundle that has further networks.

    Returns
    -------
    nn.Module

    Raises
    ------
    MammoError
        Weights are missing, truncated, of another hash or do not fit the network.
    """
    weights, config, key = part
    path = folder.check_weights(weights)
    network = load_state(build(*folder.network_definition(config, key)), plain_state(path), name=path.name)
    note_part(PartInTraining.of(folder, weights))
    return network.to(device=torch.device(device), memory_format=torch.channels_last).eval().requires_grad_(False)


def load_encoder(folder: BundleFolder, *, device: torch.device | str = "cpu") -> nn.Module:
    """Pretrained EfficientNet of a lesion network's bundle, as `load_network` gives its main one.

    It has seen no mammogram: distances between its features are fair to acquired and generated images alike.

    Parameters
    ----------
    folder : BundleFolder
        Of the lesion network.
    device : torch.device or str

    Returns
    -------
    nn.Module

    Raises
    ------
    MammoError
        The bundle has no encoder, or its weights are truncated, of another hash or do not fit the network.
    """
    return load_network(folder, device=device, part=ENCODER)


def load_part(
    folder: BundleFolder, part: tuple[str, str, str], *, device: torch.device | str = "cpu"
) -> nn.Module | None:
    """Further network of a diffusion bundle, as `load_network` gives its main one.

    Parameters
    ----------
    folder : BundleFolder
    part : tuple of str
        `monai_mammo.bundle.DETAIL`, `GUIDE` or `DETAIL_GUIDE`.
    device : torch.device or str

    Returns
    -------
    nn.Module or None
        `None` where the bundle defines none.

    Raises
    ------
    MammoError
        Weights are missing, truncated, of another hash or do not fit the network.
    """
    return load_network(folder, device=device, part=part) if folder.defines(part) else None


def load_painter(folder: BundleFolder, *, device: torch.device | str = "cpu") -> nn.Module:
    """Lesion painter of a diffusion bundle, as `load_network` gives its main network.

    Parameters
    ----------
    folder : BundleFolder
    device : torch.device or str

    Returns
    -------
    nn.Module

    Raises
    ------
    MammoError
        The bundle has no painter, or weights are missing, truncated, of another hash or do not fit the network.
    """
    if not folder.has_painter:
        raise MammoError(folder.without_weights(PAINTER))
    return load_network(folder, device=device, part=PAINTER)


def load_view_translator(folder: BundleFolder, *, device: torch.device | str = "cpu") -> nn.Module:
    """Translator of a diffusion bundle, as `load_network` gives its main network.

    Parameters
    ----------
    folder : BundleFolder
    device : torch.device or str

    Returns
    -------
    nn.Module

    Raises
    ------
    MammoError
        The bundle has no translator, or weights are missing, truncated, of another hash or do not fit the network.
    """
    if not folder.has_weights(VIEW_TRANSLATOR):
        raise MammoError(folder.without_weights(VIEW_TRANSLATOR))
    return load_network(folder, device=device, part=VIEW_TRANSLATOR)
