"""Requests as a data set: what the diffusion bundle's engine reads, and what it writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine
from torch.utils.data import Dataset

from monai_mammo import sampling
from monai_mammo.bundle import find
from monai_mammo.conditions import Conditions
from monai_mammo.generation.manifest import SYNTHETIC, sample_name
from monai_mammo.generation.plan import PlannedSample, plan_sample
from monai_mammo.generation.request import Request, conditions_from_file
from monai_mammo.networks import encode_conditions
from monai_mammo.prepare.geometry import hang
from monai_mammo.terms import Laterality
from monai_mammo.training.diffusion import spatial_planes
from monai_mammo.training.writers import PredictionWriter, save_png

__all__ = ["RequestDataset", "RequestWriter", "request_items"]

_LATENT_FACTOR = 4


def request_items(
    dataset_dir: str | Path = "", *, conditions: Mapping[str, Any] | None = None, count: int = 1
) -> list[dict[str, Any]]:
    """Conditions of the samples that are asked for, one dictionary a sample.

    Parameters
    ----------
    dataset_dir : path
        Folder with ``requests.json`` or ``requests.csv``, a row a sample; empty for `count` samples of `conditions`.
    conditions : mapping
        Attributes of every sample, unless its row says otherwise.
    count : int

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
        The diffusion bundle, whose grid and support table count.
    seed : int
    unsupported : str
        ``refuse`` or ``override`` what no training image stands behind.
    latent_channels : int

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
    ) -> None:
        self.data = list(data)
        folder = find(bundle)
        self.seed, self.shape = seed, folder.prepared_shape
        self._latent_shape = (latent_channels, *(-(-side // _LATENT_FACTOR) for side in self.shape))
        rows = tuple(Conditions.from_dict(row) for row in self.data)
        request = Request(conditions=rows, seed=seed, unsupported=unsupported)  # type: ignore[arg-type]
        self.samples: list[PlannedSample] = [
            plan_sample(request, i, table=folder.support, shape=self.shape, spacing_mm=folder.nominal_spacing_mm)
            for i in range(len(rows))
        ]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = self.samples[index]
        noise = sampling.initial_noise(self.seed, index, self._latent_shape)
        spatial = spatial_planes(sample.lesion.mask, sample.lesion.box, self._latent_shape[1:])
        return {
            "image": noise,
            "label": noise,
            "attributes": encode_conditions([sample.prepared_conditions])[0],
            "spatial": torch.from_numpy(spatial),
            "index": index,
            "name": sample_name(index),
        }


class RequestWriter(PredictionWriter):
    """Handler that writes generated mammograms as they hang, each with its conditions, marked as synthetic.

    Parameters
    ----------
    output_dir : path-like
    dataset : RequestDataset
    """

    def __init__(self, output_dir: str | Path, *, dataset: RequestDataset) -> None:
        super().__init__(output_dir)
        self.dataset = dataset

    def __call__(self, engine: Engine) -> None:
        """Write one batch."""
        rows, columns = self.dataset.shape
        images = engine.state.output["pred"].detach().float().cpu().numpy()[:, 0, :rows, :columns]
        for index, image in zip(engine.state.batch["index"].tolist(), images, strict=True):
            self._write(self.dataset.samples[index], image)

    def _write(self, sample: PlannedSample, image: np.ndarray) -> None:
        name, side = sample_name(sample.index), sample.conditions.laterality or Laterality.L
        save_png(hang(image, side), self.output_dir / f"{name}.png", description=SYNTHETIC)
        save_png(hang(sample.lesion.mask, side), self.output_dir / f"{name}_requested.png", description=SYNTHETIC)
        about = {"synthetic": SYNTHETIC, "warnings": list(sample.warnings), "conditions": sample.conditions.to_dict()}
        (self.output_dir / f"{name}.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
