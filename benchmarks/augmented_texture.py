"""What `Augmentation` takes from texture: power by band of changed copies of acquired images less that of the images.

Copies are interpolated linearly. A network that learns texture from them learns what the interpolation left of it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from monai_mammo.evaluation.realism.image_set import ImageSet
from monai_mammo.evaluation.realism.measured_image import POWER_MEASURES, image_measures
from monai_mammo.prepare import training_items
from monai_mammo.training.augment import Augmentation
from monai_mammo.training.data import PreparedDataset


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset-dir", required=True, help="prepared folder")
    parser.add_argument("--n", type=int, default=20, help="training images of each acquisition kind, one a person")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    settings = parser.parse_args()
    dataset = PreparedDataset(training_items(settings.dataset_dir, split="training", shape=(384, 288), n_phantoms=1))
    rng = np.random.default_rng(settings.seed)
    table = {kind: _change(dataset, places, rng) for kind, places in _chosen(dataset, settings.n, rng).items()}
    names = POWER_MEASURES[:-1]
    print("| kind | images | " + " | ".join(f"{name} cycles a pixel, dB" for name in names) + " |")
    print("|---" * (2 + len(names)) + "|")
    for kind, row in table.items():
        print(f"| {kind} | {row['n']:g} | " + " | ".join(f"{row[name]:.2f}" for name in names) + " |")
    settings.out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _chosen(dataset: PreparedDataset, n: int, rng: np.random.Generator) -> dict[str, list[int]]:
    """Places of up to `n` images of each kind, each of another person."""
    found: dict[str, dict[str, int]] = {}
    for place in rng.permutation(len(dataset)):
        person = str(dataset.data[place]["person_id"])
        found.setdefault(str(dataset.conditions[place].kind), {}).setdefault(person, int(place))
    return {kind: list(of_person.values())[:n] for kind, of_person in sorted(found.items())}


def _change(dataset: PreparedDataset, places: list[int], rng: np.random.Generator) -> dict[str, float]:
    """Mean difference of each power, in dB, of a copy of each image to the image."""
    images = [dataset.image(place) for place in places]
    copies = [Augmentation.draw(rng).image(image) for image in images]
    before, after = (_measured(some) for some in (images, copies))
    changes = {
        name: np.mean([a[name] - b[name] for a, b in zip(after, before, strict=True)]) for name in POWER_MEASURES
    }
    return {"n": len(places), **{name: round(float(change), 3) for name, change in changes.items()}}


def _measured(images: list[np.ndarray]) -> list[dict[str, float]]:
    examined = ImageSet.of(images, kinds=["film"] * len(images))
    return [image_measures(one, inside) for one, inside in zip(examined.images, examined.breasts, strict=True)]


if __name__ == "__main__":
    main()
