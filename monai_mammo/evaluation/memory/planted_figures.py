"""How many planted copies each way to look for copies finds, at one false alarm in a hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch.nn import functional

from monai_mammo import networks
from monai_mammo.bundle import DEFAULT_BUNDLES, find
from monai_mammo.bundle.fingerprint import FALSE_ALARMS, TrainingFingerprint, fingerprint_of
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.intervals import share_of, summary
from monai_mammo.evaluation.memory.planted import ALTERATIONS, altered
from monai_mammo.evaluation.realism.frechet import N_COMPONENTS, FeatureSpace
from monai_mammo.evaluation.realism.frozen_encoder import FeatureEncoder
from monai_mammo.evaluation.realism.person_folds import folds_by_person
from monai_mammo.evaluation.realism.radiomics import radiomic_features
from monai_mammo.evaluation.run_items import items_of_run
from monai_mammo.evaluation.stated import about_datalist
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.networks.weights import ENCODER
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.prepare.datalist_items import load_datalist, load_items, pixels_of
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["SPACES", "planted_figures", "suspicion_limit"]

_LEAST_HELD_OUT = 10
_AIR = 0.04
_N_LEARNED = 128  # components of 640 features, most of which tell images apart

SPACES = ("structure", "gate", "radiomic", "learned")
"""Ways to look for copies: structure inside the breast; the same as the bundle carries it, with its own limit, by which
`generate` goes; features of texture inside the breast; features of a pretrained network at half the size."""

_OTHER_SPLITS = ("validation", "test", "external")
_GATE = "gate"
_HELD_OUT = "acquired, not trained on"


def planted_figures(
    datalist: str | Path,
    runs: Sequence[str | Path] = (),
    *,
    split: str = "validation",
    n_copies: int = 100,
    ways: Sequence[str] | str = SPACES,
    bundle: str = DEFAULT_BUNDLES[0],
    lesion_network: str = DEFAULT_BUNDLES[2],
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Share of planted copies of training images that is found, by alteration and way of looking.

    Limits are calibrated on acquired images of persons that were not trained on: 1 in 100 of these is suspected. How
    many of these are suspected by a limit from other ones of them, half of the persons by the other half, is a row of
    its own, and so are images of the datalist's other splits.

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
    ways : sequence of str, or str
        Some of `SPACES`, or their names with commas between; radiomic features take most of the time.
    bundle : str
        Name or path of a bundle whose fingerprint is a way of looking, by the limit that it carries, where it has all
        images that are copied.
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
        ``rows``: for each alteration ``n`` and by way of looking the share found with its interval, and the same of all
        copies together, over persons; then of acquired images and of each run, as shares suspected. ``limits``: by
        way of looking.

    Raises
    ------
    RequestError
        There is no such datalist, split, run, bundle or device, or there are too few images.
    """
    n_copies = parse_whole(n_copies, name="n_copies", low=1, high=100_000)
    seed = parse_whole(seed, name="seed", low=0, high=2**63 - 1)
    named = tuple(ways.split(",")) if isinstance(ways, str) else tuple(ways)
    unknown = [name for name in named if name not in SPACES]
    if unknown or not named:
        raise RequestError(f"ways {','.join(named)!r} are not some of {', '.join(SPACES)}")
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
    is_learned = "learned" in named and (home.root / ENCODER[0]).is_file()
    encoder = networks.load_encoder(home, device=place) if is_learned else None
    images = [_brightness(item) for item in trained]
    chosen = [int(i) for i in np.random.default_rng(seed).permutation(len(images))[:n_copies]]
    carried = _carried(bundle, [trained[i] for i in chosen]) if _GATE in named else None
    sets = {_HELD_OUT: [_brightness(item) for item in held_out]}
    known = {str(item["person_id"]) for item in [*trained, *held_out]}
    for name in _OTHER_SPLITS:
        others = load_datalist(datalist, split=name, needs=("person_id",)) if name != split else []
        if others and known.isdisjoint(str(item["person_id"]) for item in others):
            sets[f"acquired, split {name}"] = [_brightness(item) for item in others]
    sets |= synthetic
    n_all = len(images) + sum(map(len, sets.values())) + len(ALTERATIONS) * len(chosen)
    done = 0

    def measured(pictures: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
        nonlocal done
        out: list[dict[str, float]] = []
        for picture in pictures:
            out.append({name: likeness(picture) for name, likeness in searches.items()})
            done += 1
            if progress is not None:
                progress(Progress(done, n_all))
        return {name: np.array([row[name] for row in out]) for name in searches}

    searches = _searches(images, named, carried, encoder, place)
    if not searches:
        raise RequestError(f"none of the ways {', '.join(named)} is at hand: a bundle lacks its fingerprint or encoder")
    done += len(images)
    found = {name: measured(pictures) for name, pictures in sets.items()}
    limits = {way: suspicion_limit(x) for way, x in found[_HELD_OUT].items()}
    if carried is not None:
        limits[_GATE] = -carried.copy_ratio
    copies = {name: measured(altered(images[i], name, seed=seed + i) for i in chosen) for name in ALTERATIONS}
    is_found = {name: {way: x > limits[way] for way, x in of.items()} for name, of in copies.items()}
    rows = [_row(name, of) for name, of in is_found.items()]
    whose = [str(trained[i]["person_id"]) for i in chosen] * len(ALTERATIONS)
    together = {way: np.concatenate([of[way] for of in is_found.values()]) for way in searches}
    of_all = {way: summary(x, persons=whose) for way, x in together.items()}
    rows.append({"images": "all copies", "n": len(whose), **of_all})
    suspected = {name: {way: x > limits[way] for way, x in of.items()} for name, of in found.items()}
    persons = [str(item["person_id"]) for item in held_out]
    for way, x in found[_HELD_OUT].items():
        if way != _GATE:
            suspected[_HELD_OUT][way] = _suspected_by_others(x, persons)
    rows += [_row(name, of) for name, of in suspected.items()]
    return {
        "name": "copies",
        "command": "copies",
        "data": about_datalist(datalist, held_out, split),
        "settings": {
            "n_trained": len(images),
            "n_copies": len(chosen),
            "seed": seed,
            "gate": None if carried is None else find(bundle).name,
        },
        "limits": {way: round(abs(limits[way]), 4) for way in searches},
        "rows": rows,
    }


def suspicion_limit(likeness: Sequence[float] | np.ndarray) -> float:
    """Likeness above which an image is suspected: 1 in 100 images that were not trained on lies above it.

    Parameters
    ----------
    likeness : sequence of float, or ndarray, shape (n,)
        Of acquired images of other persons than the training images'.

    Returns
    -------
    float
    """
    return float(np.quantile(likeness, 1 - FALSE_ALARMS))


def _suspected_by_others(likeness: np.ndarray, persons: Sequence[str]) -> np.ndarray:
    """Which images are suspected by the limit of the images of the other half of the persons."""
    fold = folds_by_person(persons, np.zeros(len(persons), dtype=bool), n_folds=2)
    limits = [suspicion_limit(likeness[fold != half]) for half in (0, 1)] if fold.any() else [suspicion_limit(likeness)]
    return likeness > np.array(limits)[fold]


def _carried(bundle: str, copied: Sequence[dict[str, Any]]) -> TrainingFingerprint | None:
    """Fingerprint of a bundle that was trained on the images that are copied."""
    prints = fingerprint_of(find(bundle))
    if prints is None or not all("source_sha256" in item and prints.holds(item["source_sha256"]) for item in copied):
        return None
    return prints


def _searches(
    images: Sequence[np.ndarray],
    ways: Sequence[str],
    carried: TrainingFingerprint | None,
    encoder: Any,
    place: torch.device,
) -> dict[str, Callable[[np.ndarray], float]]:
    """Ways of looking: the larger what they give, the more an image is like a training image."""
    searches: dict[str, Callable[[np.ndarray], float]] = {}
    if "structure" in ways:
        prints = TrainingFingerprint.of(images, ["0" * 64] * len(images))
        searches["structure"] = lambda image: -prints.nearest(image).ratio
    if carried is not None:
        searches[_GATE] = lambda image: -carried.nearest(image).ratio
    if "radiomic" in ways:
        searches["radiomic"] = _nearness([_radiomic(image) for image in images], _radiomic)
    if encoder is not None:

        def learned(image: np.ndarray) -> np.ndarray:
            return _learned(encoder, image, place)

        searches["learned"] = _nearness([learned(image) for image in images], learned, n_components=_N_LEARNED)
    return searches


def _nearness(
    trained: Sequence[np.ndarray],
    features: Callable[[np.ndarray], np.ndarray],
    *,
    n_components: int = N_COMPONENTS,
) -> Callable[..., float]:
    """Less the ratio of the distances to the closest and the second closest training image on leading components."""
    space = FeatureSpace.of(np.stack(trained), n_components=n_components)
    points = space.project(np.stack(trained))

    def nearness(image: np.ndarray) -> float:
        first, second = np.sort(cdist(space.project(features(image)[None]), points)[0])[:2]
        return -float(first / max(second, 1e-9))

    return nearness


def _radiomic(image: np.ndarray) -> np.ndarray:
    return radiomic_features(image, image > _AIR)


@torch.inference_mode()
def _learned(encoder: FeatureEncoder, image: np.ndarray, place: torch.device) -> np.ndarray:
    """Mean and deviation of each of the deepest inner maps, shape (2 c,), of the image at half its size.

    Half the size takes a quarter of the time; shallower maps tell of grain and brightness, which alterations change.
    """
    halved = functional.avg_pool2d(torch.tensor(image, device=place)[None, None], 2)
    maps = encoder.features(halved.contiguous(memory_format=torch.channels_last))[-2].float()
    moments = torch.cat([maps.mean(dim=(2, 3)), maps.std(dim=(2, 3), correction=0)], dim=1)
    features: np.ndarray = moments[0].cpu().numpy().astype(np.float64)
    return features


def _row(images: str, is_such: Mapping[str, np.ndarray]) -> dict[str, Any]:
    n = len(next(iter(is_such.values())))
    return {"images": images, "n": n, **{way: share_of(int(x.sum()), n) for way, x in is_such.items()}}


def _brightness(item: dict[str, Any]) -> np.ndarray:
    return pixels_of(item).astype(np.float32) / np.float32(65535)
