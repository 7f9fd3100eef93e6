"""How many planted copies each way to look for copies finds, at one false alarm in a hundred."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import cdist

from monai_mammo import networks
from monai_mammo.bundle import DEFAULT_BUNDLES, find
from monai_mammo.bundle.fingerprint import TrainingFingerprint
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.intervals import share_of
from monai_mammo.evaluation.memory.copy_search import CopySearch, suspicion_limit
from monai_mammo.evaluation.memory.planted import ALTERATIONS, altered
from monai_mammo.evaluation.realism.frechet import FeatureSpace
from monai_mammo.evaluation.realism.frozen_encoder import encoder_features
from monai_mammo.evaluation.realism.radiomics import radiomic_features
from monai_mammo.evaluation.run_items import items_of_run
from monai_mammo.evaluation.stated import about_datalist
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.networks.weights import ENCODER
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.prepare.datalist_items import load_items, pixels_of
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["N_TRAINED", "SPACES", "planted_figures"]

N_TRAINED = 500
"""Distinct training images among which copies are looked for, at least, where there are so many."""

_LEAST_HELD_OUT = 10
_AIR = 0.04

SPACES = ("structure", "fingerprint", "radiomic", "learned")
"""Ways to look for copies: structure of the pixels with the training images at hand, a bundle's fingerprint without
them, and features of texture and of a pretrained network."""


def planted_figures(
    datalist: str | Path,
    runs: Sequence[str | Path] = (),
    *,
    split: str = "validation",
    n_copies: int = 100,
    lesion_network: str = DEFAULT_BUNDLES[2],
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Share of planted copies of training images that is found, by alteration and way of looking.

    Limits are calibrated on acquired images of persons that were not trained on: 1 in 100 of these is suspected. So a
    share tells how well a way of looking works, and what it says of generated images.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` with the training split among which copies are looked for.
    runs : sequence of str or Path
        Folders that `generate` wrote, whose images are looked for too.
    split : str
        Acquired images that were not trained on.
    n_copies : int
        Training images that each alteration makes a copy of.
    lesion_network : str
        Name or path of the bundle with the pretrained encoder; one without leaves learned features out.
    seed : int
        Chooses the images and how far alterations go.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` after each image.

    Returns
    -------
    dict
        ``rows``: for each alteration ``n`` and by way of looking the share found with its interval; then the same of
        acquired images and of each run, as shares suspected. ``limits``: by way of looking.

    Raises
    ------
    RequestError
        There is no such datalist, split, run, bundle or device, or there are too few images.
    """
    n_copies = parse_whole(n_copies, name="n_copies", low=1, high=100_000)
    seed = parse_whole(seed, name="seed", low=0, high=2**63 - 1)
    trained, held_out = load_items(datalist, split="training"), load_items(datalist, split=split)
    if len(trained) < 2 or len(held_out) < _LEAST_HELD_OUT:
        raise RequestError(
            f"{datalist} has {len(trained)} training images and {len(held_out)} of split {split!r}: "
            f"2 and {_LEAST_HELD_OUT} at least are needed"
        )
    shared = {item["person_id"] for item in trained} & {item["person_id"] for item in held_out}
    if shared:
        raise RequestError(f"{len(shared)} persons have images in training and {split}: limits would mean nothing")
    synthetic = {Path(run).name: [_brightness(item) for item in items_of_run(run)] for run in runs}
    home, place = find(lesion_network), torch.device(pick_device(device))
    encoder = networks.load_encoder(home, device=place) if (home.root / ENCODER[0]).is_file() else None
    images = [_brightness(item) for item in trained]
    chosen = [int(i) for i in np.random.default_rng(seed).permutation(len(images))[:n_copies]]
    sets = {"acquired, not trained on": [_brightness(item) for item in held_out]} | synthetic
    n_all = len(images) + sum(map(len, sets.values())) + len(ALTERATIONS) * len(chosen)
    done = 0

    def measured(pictures: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        nonlocal done
        out: list[dict[str, float]] = []
        for picture in pictures:
            out.append({name: likeness(picture) for name, likeness in ways.items()})
            done += 1
            if progress is not None:
                progress(Progress(done, n_all))
        return {name: np.array([row[name] for row in out]) for name in ways}

    ways = _ways(images, encoder, place)
    done += len(images)
    found = {name: measured(pictures) for name, pictures in sets.items()}
    limits = {way: suspicion_limit(list(x)) for way, x in found["acquired, not trained on"].items()}
    rows = []
    for alteration in ALTERATIONS:
        copies = measured([altered(images[i], alteration, seed=seed + i) for i in chosen])
        rows.append(_row(alteration, copies, limits))
    rows += [_row(name, of_set, limits) for name, of_set in found.items()]
    return {
        "name": "copies",
        "command": "copies",
        "data": about_datalist(datalist, held_out, split),
        "settings": {"n_trained": len(images), "n_copies": len(chosen), "seed": seed},
        "limits": {way: round(limit, 4) for way, limit in limits.items()},
        "rows": rows,
    }


def _ways(images: Sequence[np.ndarray], encoder: Any, place: torch.device) -> dict[str, Callable[[np.ndarray], float]]:
    """Ways of looking: the larger what they give, the more an image is like a training image."""
    search = CopySearch.of(images)
    prints = TrainingFingerprint.of(images, ["0" * 64] * len(images))
    ways: dict[str, Callable[[np.ndarray], float]] = {
        "structure": lambda image: search.closest(image).similarity,
        "fingerprint": lambda image: -prints.nearest(image).ratio,
        "radiomic": _nearness([_radiomic(image) for image in images], _radiomic),
    }
    if encoder is not None:

        def learned(image: np.ndarray) -> np.ndarray:
            return encoder_features(encoder, [image], device=place)["inner layers"][0]

        ways["learned"] = _nearness([learned(image) for image in images], learned)
    return ways


def _nearness(trained: Sequence[np.ndarray], features: Callable[[np.ndarray], np.ndarray]) -> Callable[..., float]:
    """Less the ratio of the distances to the closest and the second closest training image on leading components."""
    space = FeatureSpace.of(np.stack(trained))
    points = space.project(np.stack(trained))

    def nearness(image: np.ndarray) -> float:
        first, second = np.sort(cdist(space.project(features(image)[None]), points)[0])[:2]
        return -float(first / max(second, 1e-9))

    return nearness


def _radiomic(image: np.ndarray) -> np.ndarray:
    return radiomic_features(image, image > _AIR)


def _row(images: str, measured: dict[str, np.ndarray], limits: dict[str, float]) -> dict[str, Any]:
    n = len(next(iter(measured.values())))
    shares = {way: share_of(int((x > limits[way]).sum()), n) for way, x in measured.items()}
    return {"images": images, "n": n, **shares}


def _brightness(item: dict[str, Any]) -> np.ndarray:
    return pixels_of(item).astype(np.float32) / np.float32(65535)
