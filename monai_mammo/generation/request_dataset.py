"""Requests as a data set: what the engine of a generator's bundle reads, and how its pictures are kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from monai_mammo import sampling
from monai_mammo.bundle import BundleFolder, find
from monai_mammo.conditions import Conditions
from monai_mammo.files.png import save_png
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.conditions_file import conditions_from_file
from monai_mammo.generation.engine.plan import PlannedSample, plan_sample
from monai_mammo.generation.request import Request, UnsupportedPolicy
from monai_mammo.generation.runs.manifest import SYNTHETIC, sample_name
from monai_mammo.generation.taken_attributes import keep_taken, stated_as_drawn, taken_attributes
from monai_mammo.lesions.planes import lesion_planes
from monai_mammo.networks import encode_conditions, load_text_encoder
from monai_mammo.prepare.geometry import as_displayed
from monai_mammo.terms import Laterality

__all__ = ["RequestDataset", "request_items"]


def request_items(
    dataset_dir: str | Path = "", *, conditions: Mapping[str, Any] | None = None, count: int = 1
) -> list[dict[str, Any]]:
    """Conditions of the samples that are requested, one dictionary a sample.

    Parameters
    ----------
    dataset_dir : path
        Folder with ``requests.json`` or ``requests.csv``, a row a sample; empty for `count` samples of `conditions`.
    conditions : mapping
        Attributes of every sample, unless its row says otherwise.
    count : int
        Number of samples.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        There is no such file, or something in it is not allowed.
    """
    base = Conditions.from_dict(conditions or {}).to_dict()
    if not str(dataset_dir):
        return [base] * count
    files = sorted(Path(dataset_dir).glob("requests.*"))
    rows = conditions_from_file(files[0] if files else Path(dataset_dir) / "requests.json", base=base)
    return [row.to_dict() for row in rows]


class RequestDataset(Dataset):
    """For each sample the noise it starts from, and its conditions as the U-Net takes them.

    Parameters
    ----------
    data : sequence of mappings
        Conditions of each sample; a box refers to the picture as it hangs.
    bundle : str or path
        The generator's bundle, whose grid and support table count.
    seed : int
        Of the noise.
    unsupported : str
        ``refuse`` or ``override`` what no training image stands behind.
    latent_channels, latent_factor : int
        Of the autoencoder: channels of its latent, and pixels for each position of it.
    n_vector : int or None
        Length of the vector that a VAE draws from; `None` for the noise of the two diffusion stages.

    Raises
    ------
    RequestError
        No training image stands behind a request.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        bundle: str | Path,
        *,
        seed: int = 0,
        unsupported: str = "refuse",
        latent_channels: int = 4,
        latent_factor: int = 4,
        n_vector: int | None = None,
    ) -> None:
        self.data = list(data)
        folder = find(bundle)
        self.seed, self.shape = seed, folder.prepared_shape
        self._factor = int(latent_factor)
        height, width = (-(-side // latent_factor) for side in self.shape)
        self._latent_shape = (latent_channels, height, width)
        rows = tuple(Conditions.from_dict(row) for row in self.data)
        request = Request(conditions=rows, seed=seed, unsupported=unsupported)  # type: ignore[arg-type]
        refuse = request.unsupported is UnsupportedPolicy.REFUSE
        self.text_encoder = load_text_encoder(folder)
        self._n_vector = n_vector
        self.samples = [_planned(row, i, folder, seed=request.seed, refuse=refuse) for i, row in enumerate(rows)]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = self.samples[index]
        spatial = lesion_planes(sample.lesion.mask, sample.lesion.box, shape=self.shape, factor=self._factor)
        encoder = self.text_encoder
        text = {} if encoder is None else {"text": torch.from_numpy(encoder.encode([sample.conditions.text or ""])[0])}
        return {
            **self._noise(index),
            "attributes": encode_conditions([sample.prepared_conditions])[0],
            "spatial": spatial,
            "index": index,
            "name": sample_name(index),
            **text,
        }

    def _noise(self, index: int) -> dict[str, torch.Tensor]:
        """Noise of the first try, as `generate` draws it."""
        if self._n_vector is not None:
            vector = sampling.VectorPrior.noise_of_length(self._n_vector, self.seed, index, 0).vector
            return {"image": vector, "label": vector}
        noise = sampling.Cascade.noise(self.seed, index, 0, self._latent_shape)
        over = torch.cat([noise.layout, noise.on_layout])
        return {"image": noise.detail, "label": noise.detail, "layout_noise": over, "texture": noise.texture}

    def save(self, index: int, image: np.ndarray, folder: Path) -> None:
        """Write a generated mammogram as it hangs, the requested lesion and the conditions, marked as synthetic.

        Parameters
        ----------
        index : int
            Place in the order, from 0.
        image : ndarray, shape (rows, columns)
            In the prepared frame.
        folder : Path
            Made where it is missing.
        """
        sample = self.samples[index]
        name, side = sample_name(index), sample.conditions.laterality or Laterality.L
        image = image[: self.shape[0], : self.shape[1]]
        shown, mask = (as_displayed(array, side) for array in (image, sample.lesion.mask))
        save_png(shown, folder / f"{name}.png", description=SYNTHETIC, make_folder=True)
        save_png(mask, folder / f"{name}_requested.png", description=SYNTHETIC, make_folder=True)
        about = {"synthetic": SYNTHETIC, "warnings": list(sample.warnings), "conditions": sample.conditions.to_dict()}
        save_bytes((json.dumps(about, indent=2) + "\n").encode(), folder / f"{name}.json", make_folder=True)


def _planned(row: Conditions, index: int, folder: BundleFolder, *, seed: int, refuse: bool) -> PlannedSample:
    """What a sample shows, with what `generate` warns of."""
    taken = taken_attributes(folder)
    kept, ignored = keep_taken(row, taken, bundle=folder.name, refuse=refuse)
    kept, as_drawn = stated_as_drawn(kept, taken, table=folder.support, bundle=folder.name, seed=seed, index=index)
    sample = plan_sample(
        kept,
        index=index,
        seed=seed,
        table=folder.support,
        shape=folder.prepared_shape,
        spacing_mm=folder.nominal_spacing_mm,
        refuse_unsupported=refuse,
        encodes_text="text_encoder" in folder.config("inference"),
    )
    return dataclasses.replace(sample, warnings=(*sample.warnings, *ignored, *as_drawn))
