"""How the code of the texture of acquired mammograms depends on what a generator is told of them.

    python benchmarks/texture_by_condition.py --dataset-dir prepared [--split training] [--out FILE]

The detail stage is told a code of two numbers that has mean 0 and deviation 1 over the acquired mammograms of a kind,
and a sampler draws it from the standard Gaussian whatever else is asked for. Each line holds mean and deviation of the
code over the acquired mammograms of a kind and view, or of a kind and density: where a mean is far from 0 the drawn
mammograms of that sort have another texture than acquired ones.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from opened_cascade import opened_cascade
from torch import Tensor

from monai_mammo.networks.context import encode_conditions
from monai_mammo.prepare import training_items
from monai_mammo.training.data import PreparedDataset

_BATCH = 16
_LEAST = 5


def main() -> None:
    """Encode, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset-dir", required=True, help="prepared folder")
    parser.add_argument("--split", default="training")
    parser.add_argument("--bundle", default="mammo_diffusion")
    parser.add_argument("--out", type=Path, help="JSON file")
    settings = parser.parse_args()
    folder, autoencoder, cascade, _ = opened_cascade(settings.bundle, settings.dataset_dir)
    items = training_items(settings.dataset_dir, split=settings.split, shape=folder.prepared_shape, n_phantoms=1)
    dataset = PreparedDataset(items)
    codes = _codes(dataset, autoencoder, cascade.detail)
    places: dict[tuple[str, str], list[int]] = {}
    for place, told in enumerate(dataset.conditions):
        for value in (told.view, told.density):
            if value is not None:
                places.setdefault((str(told.kind), str(value)), []).append(place)
    table = [
        {"kind": kind, "told": value, "n": len(of), **_summary(codes[of])}
        for (kind, value), of in sorted(places.items())
        if len(of) >= _LEAST
    ]
    print("| kind | view or density | n | finest, mean | deviation | next, mean | deviation |\n" + "|---" * 7 + "|")
    for row in table:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    if settings.out is not None:
        settings.out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


@torch.inference_mode()
def _codes(dataset: PreparedDataset, autoencoder: torch.nn.Module, detail: torch.nn.Module) -> Tensor:
    """Codes (n, 2) of acquired mammograms."""
    found = []
    for first in range(0, len(dataset), _BATCH):
        places = range(first, min(first + _BATCH, len(dataset)))
        images = torch.stack([torch.from_numpy(dataset.image(place).copy())[None] for place in places])
        latents = torch.cat([autoencoder.to_latent(image[None]) for image in images])
        found.append(detail.texture_of(latents, encode_conditions([dataset.conditions[place] for place in places])))
    return torch.cat(found)


def _summary(codes: Tensor) -> dict[str, float]:
    names = ("finest", "next")
    return {
        f"{name}, {what}": round(float(getattr(codes[:, column], measure)()), 2)
        for column, name in enumerate(names)
        for what, measure in (("mean", "mean"), ("deviation", "std"))
    }


if __name__ == "__main__":
    main()
