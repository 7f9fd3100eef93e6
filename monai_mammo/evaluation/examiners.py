"""Lesion network and judge of a bundle, the two that examine images."""

from __future__ import annotations

import torch
from torch import nn

from monai_mammo import networks
from monai_mammo.bundle import BundleFolder
from monai_mammo.generation.engine.device import pick_device

__all__ = ["JUDGE", "examiners", "load_judge"]

JUDGE = ("models/judge.pt", "inference", "judge_def")
"""Weights of the judge in the lesion network's bundle, and where its definition stands."""


def examiners(home: BundleFolder, device: str) -> dict[str, nn.Module]:
    """Lesion network and judge of a bundle, by name.

    Parameters
    ----------
    home : BundleFolder
    device : str
        That the networks are put on.

    Returns
    -------
    dict of str to nn.Module
    """
    place = torch.device(pick_device(device))
    return {"lesion network": networks.load_network(home, device=place), "judge": load_judge(home, device=place)}


def load_judge(folder: BundleFolder, *, device: torch.device) -> nn.Module:
    """Judge that lies beside the lesion network in its bundle, in evaluation mode.

    Parameters
    ----------
    folder : BundleFolder
    device : torch.device

    Returns
    -------
    nn.Module

    Raises
    ------
    MammoError
        The bundle has none, or its weights are damaged.
    """
    return networks.load_network(folder, device=device, part=JUDGE)
