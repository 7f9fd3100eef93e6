"""What the guidance of the detail stage does: details drawn over the layouts of acquired images, at several weights.

The layouts are true, so what differs from the acquired images is the detail stage's doing alone. Each line holds means
over the images of an acquisition kind as share of the acquired images' (fibres, coherence, skin line, 2-pixel borders)
or as difference in dB (power by cycles a pixel); the first line is the autoencoder's reconstruction of the same images.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from monai_mammo import networks, sampling
from monai_mammo.bundle import DETAIL, DETAIL_GUIDE, beside, find
from monai_mammo.evaluation.realism.image_set import ImageSet
from monai_mammo.evaluation.realism.measured_image import image_measures
from monai_mammo.lesions.planes import lesion_planes
from monai_mammo.networks.context import encode_conditions
from monai_mammo.networks.detail_unet import layout_of
from monai_mammo.prepare import training_items
from monai_mammo.training.data import PreparedDataset

SHOWN = ("ridge length", "orientation coherence", "skin-line step", "2-pixel border ratio")


def main() -> None:
    """Draw, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset-dir", required=True, help="prepared folder")
    parser.add_argument("--bundle", default="mammo_diffusion")
    parser.add_argument("--weights", type=float, nargs="+", default=[1.0, 1.3, 1.5, 1.7])
    parser.add_argument("--steps", type=int, default=12, help="network evaluations")
    parser.add_argument("--n", type=int, default=8, help="validation images of each acquisition kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    settings = parser.parse_args()
    folder = find(settings.bundle)
    autoencoder: Any = networks.load_network(find(beside(folder.root, "mammo_autoencoder")))
    rows, columns = folder.prepared_shape
    items = training_items(settings.dataset_dir, split="validation", shape=(rows, columns), n_phantoms=1)
    dataset = PreparedDataset(items)
    places = _spread(dataset, settings.n)
    kinds = [str(dataset.conditions[place].kind) for place in places]
    images = np.stack([dataset.image(place) for place in places])
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.inference_mode():
        latents = torch.cat([_latent(autoencoder, image, generator) for image in images])
    noise = sampling.CascadeNoise(
        layout=torch.zeros(()),
        on_layout=torch.randn(layout_of(latents).shape, generator=generator),
        detail=torch.randn(latents.shape, generator=generator),
    )
    told = {
        "attributes": torch.cat([encode_conditions([dataset.conditions[place]]) for place in places]),
        "mask": torch.stack([_mask(dataset, place, int(autoencoder.factor)) for place in places]),
    }
    acquired = _measured(images, kinds)
    table = {"reconstructed": _compared(_measured(_decoded(autoencoder, latents), kinds), acquired)}
    for weight in settings.weights:
        cascade = _cascade(folder, weight)
        drawn = [_drawn(cascade, noise, latents, told, i, settings.steps) for i in range(len(latents))]
        table[f"weight {weight:g}"] = _compared(_measured(_decoded(autoencoder, torch.cat(drawn)), kinds), acquired)
    _print(table)
    about = {"n_images": {kind: kinds.count(kind) for kind in sorted(set(kinds))}, "steps": settings.steps}
    settings.out.write_text(json.dumps({**about, "table": table}, indent=1) + "\n", encoding="utf-8")


def _spread(dataset: PreparedDataset, n: int) -> list[int]:
    """Places of `n` images of each acquisition kind, evenly spread."""
    of_kind: dict[Any, list[int]] = {}
    for place, conditions in enumerate(dataset.conditions):
        of_kind.setdefault(conditions.kind, []).append(place)
    return [place for found in of_kind.values() for place in found[:: max(1, len(found) // n)][:n]]


def _latent(autoencoder: Any, image: np.ndarray, generator: torch.Generator) -> Tensor:
    """Scaled latent, drawn from the autoencoder's distribution as in training."""
    mu, sigma = autoencoder.encode(torch.from_numpy(np.ascontiguousarray(image))[None, None])
    drawn = mu + sigma * torch.randn(mu.shape, generator=generator)
    return (drawn - autoencoder.latent_mean) / autoencoder.latent_std


def _mask(dataset: PreparedDataset, place: int, factor: int) -> Tensor:
    shape = dataset.image(place).shape
    return lesion_planes(dataset.mask(place), dataset.conditions[place].box, shape=shape, factor=factor)[:1]


def _cascade(folder: Any, weight: float) -> sampling.Cascade:
    detail: Any = networks.load_part(folder, DETAIL)
    schedule = sampling.CosineSchedule()
    guide = networks.load_part(folder, DETAIL_GUIDE)
    return sampling.Cascade(lambda *_: None, detail, schedule, schedule, detail_guide=guide, detail_guidance=weight)


@torch.inference_mode()
def _drawn(cascade: Any, noise: Any, latents: Tensor, told: dict[str, Tensor], i: int, steps: int) -> Tensor:
    one = noise._replace(on_layout=noise.on_layout[i : i + 1], detail=noise.detail[i : i + 1])
    layout = layout_of(latents[i : i + 1])
    with torch.autocast("cpu", torch.bfloat16):
        given = {name: value[i : i + 1] for name, value in told.items()}
        return cascade.draw_detail(one, layout, **given, steps=steps).float()


@torch.inference_mode()
def _decoded(autoencoder: Any, latents: Tensor) -> np.ndarray:
    return torch.cat([autoencoder.from_latent(one[None])[:, 0].float() for one in latents]).clamp(0, 1).numpy()


def _measured(images: np.ndarray, kinds: Sequence[str]) -> dict[str, dict[str, float]]:
    """Mean of each measure over the images of each kind."""
    examined = ImageSet.of(list(images), kinds=kinds)
    rows = [image_measures(one, inside) for one, inside in zip(examined.images, examined.breasts, strict=True)]
    means: dict[str, dict[str, float]] = {}
    for kind in sorted(set(kinds)):
        of_kind = [row for row, other in zip(rows, kinds, strict=True) if other == kind]
        names = [name for name in of_kind[0] if name in SHOWN or name.startswith("power")]
        means[kind] = {name: float(np.mean([row[name] for row in of_kind if name in row])) for name in names}
    return means


def _compared(means: dict[str, dict[str, float]], acquired: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Shares of the acquired images' means, differences for powers."""

    def beside(name: str, value: float, other: float) -> float:
        return round(value - other, 2) if name.startswith("power") else round(value / other, 3)

    return {
        kind: {name: beside(name, value, acquired[kind][name]) for name, value in row.items()}
        for kind, row in means.items()
    }


def _print(table: dict[str, dict[str, dict[str, float]]]) -> None:
    names = list(next(iter(next(iter(table.values())).values())))
    print("| detail stage | kind | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 2) + "|")
    for name, by_kind in table.items():
        for kind, row in by_kind.items():
            print(f"| {name} | {kind} | " + " | ".join(f"{row[column]:g}" for column in names) + " |")


if __name__ == "__main__":
    main()
