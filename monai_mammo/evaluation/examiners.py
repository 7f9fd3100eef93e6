"""Lesion network and judge of a bundle, the two that examine images."""

from __future__ import annotations

import torch
from torch import nn

from monai_mammo import networks
from monai_mammo.bundle import JUDGE, BundleFolder
from monai_mammo.errors import RequestError
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.generation.runs.manifest import Manifest

__all__ = ["JUDGE", "examiners", "load_judge", "refuse_judge_that_drew"]


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


def refuse_judge_that_drew(home: BundleFolder, manifest: Manifest) -> None:
    """Refuse a judge that had a part in a run: what it says of the images would be praise of its own work.

    Parameters
    ----------
    home : BundleFolder
        With lesion network and judge.
    manifest : Manifest
        Of the run, which states the sha256 of all weights that had a part in it.

    Raises
    ------
    RequestError
        The judge's sha256 is among them.
    """
    judge = home.weights_sha256.get(JUDGE[0])
    if judge is not None and judge in {one["sha256"] for one in manifest.head["weights"]}:
        raise RequestError(
            f"the judge of {home.name} had a part in the run {manifest.folder}, which states its hash: judge the run "
            "by the judge of another bundle"
        )
