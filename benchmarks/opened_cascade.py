"""A bundle that draws in two stages, with its autoencoder and the validation images that it is compared with."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from monai_mammo import networks, sampling
from monai_mammo.bundle import BundleFolder, beside, find
from monai_mammo.prepare import training_items
from monai_mammo.sampling.bundle_sampler import sampler_of
from monai_mammo.training.data import PreparedDataset


class OpenedCascade(NamedTuple):
    """Networks on the CPU, and prepared images."""

    folder: BundleFolder
    autoencoder: Any
    cascade: sampling.Cascade
    dataset: PreparedDataset


def opened_cascade(bundle: str, dataset_dir: str) -> OpenedCascade:
    """Bundle by name or folder, and the validation split of a prepared folder."""
    folder = find(bundle)
    cascade = sampler_of(folder, torch.device("cpu"))
    if not isinstance(cascade, sampling.Cascade):
        raise SystemExit(f"bundle {folder.name} draws in one stage")
    items = training_items(dataset_dir, split="validation", shape=folder.prepared_shape, n_phantoms=1)
    autoencoder = networks.load_network(find(beside(folder.root, "mammo_autoencoder")))
    return OpenedCascade(folder, autoencoder, cascade, PreparedDataset(items))
