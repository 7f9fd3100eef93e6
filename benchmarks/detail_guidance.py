"""What the detail stage makes of true layouts: details drawn over those of acquired images, at several settings.

The layouts are true, so what differs from the acquired images is the detail stage's doing alone. Each line holds means
over the images of an acquisition kind as share of the acquired images' (fibres, coherence, skin line, what lies along
the frame, 2-pixel borders) or as difference in dB (power by cycles a pixel), and the area under the curve by which a
classifier on frozen features tells them from acquired images of other persons, at full and at half size, and from the
acquired images themselves; the first line is the autoencoder's reconstruction of these. With ``--drawn-layouts`` the
layouts are drawn too, under the same conditions.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from opened_cascade import opened_cascade
from torch import Tensor
from torch.nn import functional

from monai_mammo import networks, sampling
from monai_mammo.bundle import find
from monai_mammo.evaluation.realism.classifier_auc import separability
from monai_mammo.evaluation.realism.compared_sets import halved_by_person
from monai_mammo.evaluation.realism.frozen_encoder import encoder_features
from monai_mammo.evaluation.realism.image_set import ImageSet
from monai_mammo.evaluation.realism.measured_image import image_measures
from monai_mammo.lesions.planes import lesion_planes
from monai_mammo.networks.context import encode_conditions
from monai_mammo.networks.detail_unet import layout_of
from monai_mammo.training.data import PreparedDataset

SHOWN = ("ridge length", "orientation coherence", "skin-line step", "frame step", "2-pixel border ratio")


FEATURES = "inner layers"


class _Drawn(NamedTuple):
    """Acquired images, their latents, and what the networks are told of them."""

    places: list[int]
    kinds: list[str]
    latents: Tensor
    attributes: Tensor
    spatial: Tensor
    noise: sampling.CascadeNoise


def main() -> None:
    """Draw, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset-dir", required=True, help="prepared folder")
    parser.add_argument("--bundle", default="mammo_diffusion")
    parser.add_argument(
        "--weights", type=float, nargs="*", default=[1.0, 1.3, 1.5], help="of the guide; none: the bundle's"
    )
    parser.add_argument(
        "--finer", type=float, nargs="*", default=[0.0], help="added to the texture's code; none: the bundle's"
    )
    parser.add_argument("--layout-noise", type=float, nargs="+", default=[0.05], help="on the finished layout")
    parser.add_argument("--drawn-layouts", action="store_true", help="draw the layouts too")
    parser.add_argument("--without-finish", action="store_true", help="each line once more without the bundle's finish")
    parser.add_argument("--steps", type=int, default=12, help="network evaluations of the detail stage")
    parser.add_argument("--n", type=int, default=8, help="validation images of each acquisition kind")
    parser.add_argument("--kinds", nargs="+", default=["film", "digital", "contrast"], help="acquisition kinds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    settings = parser.parse_args()
    folder, autoencoder, cascade, dataset = opened_cascade(settings.bundle, settings.dataset_dir)
    persons = [str(item["person_id"]) for item in dataset.data]
    halves = halved_by_person(persons)
    chosen = [place for place in halves[0] if str(dataset.conditions[place].kind) in settings.kinds]
    told = _told(dataset, autoencoder, _spread(dataset, chosen, settings.n), seed=settings.seed)
    encoder = networks.load_encoder(find("mammo_lesion_segmentation"))
    others = [place for place in halves[1] if str(dataset.conditions[place].kind) in settings.kinds]
    classifier = _Classifier(encoder, dataset, persons, others, told.places)
    acquired = _measured(np.stack([dataset.image(place) for place in told.places]), told.kinds)

    def line(images: np.ndarray) -> dict[str, dict[str, float]]:
        compared = _compared(_measured(images, told.kinds), acquired)
        for kind, areas in classifier.areas(images, told).items():
            compared[kind] |= areas
        return compared

    table = {"reconstructed": line(_decoded(autoencoder, told.latents))}
    layouts = layout_of(told.latents)
    if settings.drawn_layouts:
        layouts = torch.cat([_layout(cascade, folder, told, i) for i in range(len(told.latents))])
    weights: list[Any] = settings.weights or [cascade.detail_guidance]
    finer_textures: list[Any] = settings.finer or [cascade.finer_texture]
    finishes = {"": cascade.finish, ", no finish": None} if settings.without_finish else {"": cascade.finish}
    for weight, finer, noise, said in product(weights, finer_textures, settings.layout_noise, finishes):
        one = dataclasses.replace(
            cascade, detail_guidance=weight, finer_texture=finer, layout_noise=noise, finish=finishes[said]
        )
        drawn = [_drawn(one, told, layouts, i, settings.steps) for i in range(len(told.latents))]
        name = f"weight {_said(weight)}, finer {_said(finer)}, noise {noise:g}{said}"
        table[name] = line(_decoded(autoencoder, torch.cat(drawn)))
    _print(table)
    about = {"n_images": {kind: told.kinds.count(kind) for kind in sorted(set(told.kinds))}, "steps": settings.steps}
    about["layouts"] = "drawn" if settings.drawn_layouts else "of the acquired images"
    settings.out.write_text(json.dumps({**about, "table": table}, indent=1) + "\n", encoding="utf-8")


def _spread(dataset: PreparedDataset, places: Sequence[int], n: int) -> list[int]:
    """`n` of the places for each acquisition kind, evenly spread."""
    of_kind: dict[Any, list[int]] = {}
    for place in places:
        of_kind.setdefault(dataset.conditions[place].kind, []).append(place)
    return [place for found in of_kind.values() for place in found[:: max(1, len(found) // n)][:n]]


@torch.inference_mode()
def _told(dataset: PreparedDataset, autoencoder: Any, places: list[int], *, seed: int) -> _Drawn:
    """Latents of images, their conditions and lesions, and noise to draw others from."""
    generator = torch.Generator().manual_seed(seed)
    latents = torch.cat([_latent(autoencoder, dataset.image(place), generator) for place in places])
    small = layout_of(latents).shape
    noise = sampling.CascadeNoise(
        layout=torch.randn(small, generator=generator),
        on_layout=torch.randn(small, generator=generator),
        detail=torch.randn(latents.shape, generator=generator),
        texture=torch.randn(len(places), 2, generator=generator),
    )
    return _Drawn(
        places=places,
        kinds=[str(dataset.conditions[place].kind) for place in places],
        latents=latents,
        attributes=encode_conditions([dataset.conditions[place] for place in places]),
        spatial=torch.stack([_planes(dataset, place, int(autoencoder.factor)) for place in places]),
        noise=noise,
    )


class _Classifier:
    """What tells images from acquired ones of other persons."""

    def __init__(
        self,
        encoder: Any,
        dataset: PreparedDataset,
        persons: list[str],
        places: Sequence[int],
        told_places: Sequence[int],
    ) -> None:
        self.encoder, self.persons = encoder, persons
        self.kinds = [str(dataset.conditions[place].kind) for place in places]
        self.acquired_persons = [persons[place] for place in places]
        self.features = self._features(np.stack([dataset.image(place) for place in places]))
        self.own = self._features(np.stack([dataset.image(place) for place in told_places]))

    def _features(self, images: np.ndarray) -> dict[str, np.ndarray]:
        half = functional.avg_pool2d(torch.from_numpy(images)[:, None], 2)[:, 0].numpy()
        return {
            size: encoder_features(self.encoder, list(some))[FEATURES]
            for size, some in (("full", images), ("half", half))
        }

    def areas(self, images: np.ndarray, told: _Drawn) -> dict[str, dict[str, float]]:
        """Area under the curve for each kind, at full and half size, beside other persons and the same images."""
        found: dict[str, dict[str, float]] = {}
        for size, features in self._features(images).items():
            for kind in sorted(set(told.kinds)):
                ours = [i for i, other in enumerate(told.kinds) if other == kind]
                theirs = [i for i, other in enumerate(self.kinds) if other == kind]
                whose = [self.persons[told.places[i]] for i in ours]
                of_others = [self.acquired_persons[i] for i in theirs]
                beside = {"AUC": (self.features[size][theirs], of_others), "AUC, same": (self.own[size][ours], whose)}
                for name, (acquired, acquired_persons) in beside.items():
                    area = separability(features[ours], acquired, persons=whose, acquired_persons=acquired_persons)
                    value = float("nan") if area is None else round(area["value"], 2)
                    found.setdefault(kind, {})[f"{name}, {size}"] = value
        return found


def _said(value: Any) -> str:
    return "of the bundle" if isinstance(value, Mapping) else f"{value:g}"


def _latent(autoencoder: Any, image: np.ndarray, generator: torch.Generator) -> Tensor:
    """Scaled latent, drawn from the autoencoder's distribution as in training."""
    mu, sigma = autoencoder.encode(torch.from_numpy(np.ascontiguousarray(image))[None, None])
    drawn = mu + sigma * torch.randn(mu.shape, generator=generator)
    return (drawn - autoencoder.latent_mean) / autoencoder.latent_std


def _planes(dataset: PreparedDataset, place: int, factor: int) -> Tensor:
    shape = dataset.image(place).shape
    return lesion_planes(dataset.mask(place), dataset.conditions[place].box, shape=shape, factor=factor)


def _one(noise: sampling.CascadeNoise, i: int) -> sampling.CascadeNoise:
    return sampling.CascadeNoise(*(part[i : i + 1] for part in noise))


@torch.inference_mode()
def _layout(cascade: sampling.Cascade, folder: Any, told: _Drawn, i: int) -> Tensor:
    guidance = sampling.Guidance(folder.number("guidance", 1.0), interval=tuple(folder.metadata["guidance_interval"]))
    given = {"attributes": told.attributes[i : i + 1], "spatial": told.spatial[i : i + 1]}
    return cascade.draw_layout(told.noise.layout[i : i + 1], **given, guidance=guidance)


@torch.inference_mode()
def _drawn(cascade: sampling.Cascade, told: _Drawn, layouts: Tensor, i: int, steps: int) -> Tensor:
    given = {"attributes": told.attributes[i : i + 1], "mask": told.spatial[i : i + 1, :1]}
    return cascade.draw_detail(_one(told.noise, i), layouts[i : i + 1], **given, steps=steps)


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
