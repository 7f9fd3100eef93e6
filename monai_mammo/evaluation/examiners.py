"""Lesion network and judge of a bundle, the two that examine images."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from monai_mammo import networks
from monai_mammo.bundle import JUDGE, BundleFolder, list_bundles
from monai_mammo.errors import RequestError
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.generation.runs.manifest import Manifest

__all__ = ["JUDGE", "TrainingParts", "examiners", "load_judge", "refuse_judge_that_drew", "training_parts"]


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
    """Refuse a judge that had a part in a run, or in the training of the weights that drew it.

    What it says of the images would be praise of its own work.

    Parameters
    ----------
    home : BundleFolder
        With lesion network and judge.
    manifest : Manifest
        Of the run, which states the sha256 of all weights that had a part in it, and of what had a part in theirs.

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
    for name, hashes in training_parts(manifest).known.items():
        if judge is not None and judge in hashes:
            raise RequestError(
                f"the judge of {home.name} had a part in the training of {name}, which drew the run {manifest.folder}: "
                "judge the run by the judge of another bundle"
            )


class TrainingParts(NamedTuple):
    """What is known of the training of the weights that drew a run.

    Attributes
    ----------
    known : dict of str to frozenset of str
        Hashes of the networks that had a part in it, by the bundle of the weights.
    unstated : tuple of str
        Bundles with weights of which nothing is stated.
    """

    known: dict[str, frozenset[str]]
    unstated: tuple[str, ...]


def training_parts(manifest: Manifest) -> TrainingParts:
    """Networks that had a part in the training of what drew a run.

    As the run states them, or else as bundles with the same weights do that are at hand.

    Parameters
    ----------
    manifest : Manifest
        Of the run.

    Returns
    -------
    TrainingParts
    """
    at_hand = {
        folder.weights_sha256[path]: [part["sha256"] for part in parts]
        for folder in list_bundles()
        for path, parts in folder.trained_with.items()
    }
    known: dict[str, frozenset[str]] = {}
    unstated = []
    for one in manifest.head["weights"]:
        hashes = one.get("trained_with", at_hand.get(one["sha256"]))
        if hashes is None:
            unstated.append(one["name"])
        else:
            known[one["name"]] = known.get(one["name"], frozenset()) | frozenset(hashes)
    return TrainingParts(known, tuple(dict.fromkeys(unstated)))
