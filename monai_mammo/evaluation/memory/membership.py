"""Whether a diffusion network's loss tells the images that it was trained on from others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from monai_mammo import networks
from monai_mammo.bundle import DEFAULT_BUNDLES, find
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.realism.classifier_auc import area_of_pairs
from monai_mammo.evaluation.stated import about_bundle, about_datalist
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.prepare.datalist_items import load_items
from monai_mammo.progress import Progress, ProgressCallback
from monai_mammo.sampling import Cascade, OneStage, add_noise
from monai_mammo.sampling.bundle_sampler import sampler_of
from monai_mammo.sampling.schedule import per_sample
from monai_mammo.training.diffusion_loss import DiffusionLoss
from monai_mammo.training.latent_dataset import LatentDataset
from monai_mammo.training.stage_losses import DetailLoss, LayoutLoss

__all__ = ["TIMES", "denoising_losses", "membership_area", "membership_figures"]

TIMES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Times of the noise schedule at which losses are taken: later ones show little of an image, earlier ones its noise."""

_BATCH_SIZE = 4
_LEAST = 10


def membership_figures(
    datalist: str | Path,
    *,
    split: str = "validation",
    n_images: int = 100,
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Area under the curve of telling training images from others by the loss of each network of a generator.

    0.5 tells nothing; networks that know their training images by heart have a lower loss on these. Noise and times are
    the same for every image, and images are compared within their acquisition kind alone.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` with the split that the bundle was trained on.
    split : str
        Images of other persons.
    n_images : int
        At most so many of each, drawn by chance.
    bundle, autoencoder : str
        Names or paths of the bundles.
    seed : int
        Chooses images and noise.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` after each batch.

    Returns
    -------
    dict
        ``rows``: for each network ``value``, ``low``, ``high`` (95 %, over persons), ``n``, ``n_others``, and the
        medians of the losses ``trained`` and ``others``.

    Raises
    ------
    RequestError
        There is no such datalist, split, bundle or device, the bundle is no diffusion network, a person has images in
        both splits, or there are too few images.
    MammoError
        Weights are missing or damaged.
    """
    n_images = parse_whole(n_images, name="n_images", low=_LEAST, high=100_000)
    rng = np.random.default_rng(parse_whole(seed, name="seed", low=0, high=2**63 - 1))
    sides = [_some(load_items(datalist, split=name), n_images, rng) for name in ("training", split)]
    if min(map(len, sides)) < _LEAST:
        raise RequestError(
            f"{min(map(len, sides))} images tell nothing of who was trained on: {_LEAST} of each are needed"
        )
    persons = [[str(item["person_id"]) for item in side] for side in sides]
    shared = set(persons[0]) & set(persons[1])
    if shared:
        raise RequestError(
            f"{len(shared)} persons have images in training and {split}: they tell nothing of who was trained on"
        )
    home, place = find(bundle), torch.device(pick_device(device))
    stages = _stages(sampler_of(home, place))
    if not stages:
        raise RequestError(f"bundle {home.name} holds no diffusion network whose loss could be taken")
    encoder = networks.load_network(find(autoencoder), device=place)
    datasets = [LatentDataset(side, encoder, n_views=1, drop_each=0, drop_all=0, seed=seed) for side in sides]
    kinds = [[item["conditions"].get("kind") for item in side] for side in sides]
    n_all, done, rows = len(stages) * sum(map(len, datasets)), 0, []

    def on_batch(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(Progress(done, n_all))

    for name, (task, network) in stages.items():
        losses = [
            denoising_losses(task, network, _batches(data, place), seed=seed, on_batch=on_batch) for data in datasets
        ]
        area = membership_area(*losses, persons=persons[0], others=persons[1], kinds=kinds[0], other_kinds=kinds[1])
        medians = {word: round(float(np.median(x)), 4) for word, x in zip(("trained", "others"), losses, strict=True)}
        rows.append({"network": name, **area, "n": len(sides[0]), "n_others": len(sides[1]), "loss": medians})
    return {
        "name": "membership",
        "command": "membership",
        "data": about_datalist(datalist, sides[1], split),
        "bundles": [about_bundle(home)],
        "settings": {"times": list(TIMES), "seed": seed},
        "rows": rows,
    }


@torch.inference_mode()
def denoising_losses(
    task: DiffusionLoss,
    network: Callable[..., Tensor],
    batches: Iterable[dict[str, Any]],
    *,
    seed: int = 0,
    on_batch: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Error of the prediction of each image, mean over `TIMES`, with the same noise for every image.

    Parameters
    ----------
    task : DiffusionLoss
        What is denoised, and by which schedule.
    network : callable
    batches : iterable of dict
        As `LatentDataset` gives them.
    seed : int
        Of the noise.
    on_batch : callable, optional
        Called with the number of images after each batch.

    Returns
    -------
    ndarray, shape (n,)
    """
    out = []
    for batch in batches:
        z0, given = task.task(batch)
        errors = torch.zeros(len(z0), device=z0.device)
        for place, time in enumerate(TIMES):
            generator = torch.Generator().manual_seed((seed + place) % 2**63)
            eps = torch.randn(z0.shape[1:], generator=generator).to(z0.device).expand_as(z0)
            t = torch.full((len(z0),), time, device=z0.device)
            alpha, sigma = (per_sample(level(t), z0) for level in (task.schedule.alpha, task.schedule.sigma))
            found = network(add_noise(z0, eps, alpha, sigma), timesteps=t, attributes=batch["attributes"], **given)
            errors += (found.float() - task.schedule.target(z0, eps, t)).square().mean(dim=(1, 2, 3))
        out.append((errors / len(TIMES)).cpu().numpy())
        if on_batch is not None:
            on_batch(len(z0))
    return np.concatenate(out)


def membership_area(
    trained: np.ndarray,
    other: np.ndarray,
    *,
    persons: Sequence[str],
    others: Sequence[str],
    kinds: Sequence[str | None] | None = None,
    other_kinds: Sequence[str | None] | None = None,
) -> dict[str, Any]:
    """How often a training image has the lower loss of two.

    Parameters
    ----------
    trained, other : ndarray, shape (n,), (m,)
        Losses.
    persons, others : sequence of str
        Of each image; persons are resampled.
    kinds, other_kinds : sequence of str or None, optional
        Only images of one kind are compared; without them all are.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``.

    Raises
    ------
    RequestError
        No two images are of one kind.
    """
    is_compared = np.ones((len(trained), len(other)), dtype=bool)
    if kinds is not None and other_kinds is not None:
        is_compared = np.array(kinds, dtype=object)[:, None] == np.array(other_kinds, dtype=object)[None]
    if not is_compared.any():
        raise RequestError("no training image is of a kind that the others have: nothing can be compared")
    lower = (trained[:, None] < other[None]) + 0.5 * (trained[:, None] == other[None])
    return area_of_pairs(np.where(is_compared, lower, 0.0), is_compared, persons=persons, others=others)


def _stages(sampler: Any) -> dict[str, tuple[DiffusionLoss, nn.Module]]:
    if isinstance(sampler, Cascade):
        layout: Any = sampler.layout
        return {
            "layout stage": (LayoutLoss(sampler.layout_schedule), layout),
            "detail stage": (DetailLoss(sampler.detail_schedule, network=sampler.detail), sampler.detail),
        }
    if isinstance(sampler, OneStage):
        network: Any = sampler.network
        return {"diffusion network": (DiffusionLoss(sampler.schedule), network)}
    return {}


def _batches(dataset: LatentDataset, place: torch.device) -> Iterable[dict[str, Any]]:
    for batch in DataLoader(dataset, batch_size=_BATCH_SIZE):
        yield {key: value.to(place) if isinstance(value, Tensor) else value for key, value in batch.items()}


def _some(items: list[dict[str, Any]], n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    return [items[int(i)] for i in sorted(rng.permutation(len(items))[:n])]
