"""Does the generator copy its training images? Generated images beside acquired ones and planted copies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from monai_mammo.bundle import DEFAULT_BUNDLES, find
from monai_mammo.bundle.fingerprint import FALSE_ALARMS, LEAST_HELD_OUT, Nearest, TrainingFingerprint
from monai_mammo.evaluation.memory.planted import ALTERATIONS, altered
from monai_mammo.evaluation.run_items import items_of_run, load_run
from monai_mammo.evaluation.stated import about_datalist
from monai_mammo.prepare.datalist_items import load_datalist, load_items, pixels_of

__all__ = [
    "closest",
    "closest_copies",
    "compared_closeness",
    "copied_positions",
    "fingerprint_bundle",
    "memorisation_figures",
    "planted_copy",
]

N_COPIES = 100
_CALIBRATING = ("training", "validation")


def fingerprint_bundle(datalist: str | Path, *, bundle: str = DEFAULT_BUNDLES[0], split: str = "training") -> Path:
    """Write the fingerprint of a split into a bundle, see `monai_mammo.bundle.TrainingFingerprint`.

    The limit under which an image is a suspected copy is calibrated on images of persons that were not trained on, of
    the datalist's splits ``training`` and ``validation``, a hundred at least, and on planted copies of the sort that is
    hardest to find.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of the prepared folder that the bundle was trained on.
    bundle : str
        Name or path of the bundle.
    split : str
        Of the datalist, such as ``validation``.

    Returns
    -------
    Path
        File that was written.

    Raises
    ------
    RequestError
        There is no such datalist, split or bundle.
    """
    items = load_items(datalist, split=split, needs=("source_sha256",))
    images = [_pixels(item) for item in items]
    prints = TrainingFingerprint.of(images, [item["source_sha256"] for item in items])
    trained = {str(item["person_id"]) for item in items}
    others = [
        item
        for name in _CALIBRATING
        for item in (load_datalist(datalist, split=name, needs=("person_id",)) if name != split else [])
        if str(item["person_id"]) not in trained
    ]
    shuffled = np.random.default_rng(0).permutation(len(images))
    chosen = [int(shuffled[k % len(images)]) for k in range(LEAST_HELD_OUT)]
    seeds = [i + k - k % len(images) for k, i in enumerate(chosen)]  # another one where an image is copied again
    of_copies = [
        [prints.nearest(altered(images[i], how, seed=seed)).ratio for i, seed in zip(chosen, seeds, strict=True)]
        for how in ALTERATIONS
    ]
    hardest = max(of_copies, key=lambda ratios: float(np.quantile(ratios, 1 - FALSE_ALARMS)))
    return prints.calibrated([near.ratio for near in closest(prints, others)], hardest).save(find(bundle))


def memorisation_figures(
    runs: Sequence[str | Path], datalist: str | Path, *, split: str = "validation", bundle: str = DEFAULT_BUNDLES[0]
) -> dict[str, Any]:
    """Closeness to training images: of generated images, of acquired ones never trained on, of planted copies.

    The ratio of the distances to the closest and the second closest training image tells a copy (low) from a breast
    that is like many (near 1). What is lower than in 99 of 100 acquired images that were not trained on counts as a
    suspected copy; planted copies, training images blurred, moved by a hundredth and noised, say how many the measure
    would find. Acquired images are of the kinds that were generated.

    Parameters
    ----------
    runs : sequence of str or Path
        Folders that `generate` wrote.
    datalist : str or Path
        ``datalist.json``, with the training split for the planted copies.
    split : str
        Acquired images that were not trained on.
    bundle : str
        Name or path of the bundle whose fingerprint is compared with.

    Returns
    -------
    dict
        ``threshold``: ratio under which an image is a suspected copy; ``rows``: for each sort of images ``n``,
        medians of similarity and ratio, lowest ratio and number of suspected copies.

    Raises
    ------
    RequestError
        A folder holds no run, or there is no such datalist, split or bundle.
    MammoError
        The bundle carries no fingerprint.
    """
    home = find(bundle)
    prints = TrainingFingerprint.load(home)
    synthetic = [item for run in runs for item in items_of_run(run)]
    acquired = _of_kinds(load_items(datalist, split=split), synthetic)
    trained = _of_kinds(load_items(datalist, split="training"), synthetic)
    nearest = closest(prints, synthetic), closest(prints, acquired), closest_copies(prints, trained)
    return {
        "name": "memorisation",
        "command": "memorisation",
        "data": about_datalist(datalist, acquired, split),
        "bundles": [{"name": home.name, "version": home.version, "n_fingerprinted": len(prints)}],
        "runs": [load_run(run).run_sha256 for run in runs],
        **compared_closeness(*nearest),
    }


def closest(prints: TrainingFingerprint, items: Sequence[dict[str, Any]]) -> list[Nearest]:
    """Closest training image of each of some images.

    Parameters
    ----------
    prints : TrainingFingerprint
    items : sequence of dict
        Of a datalist, or of `items_of_run`.

    Returns
    -------
    list of Nearest
    """
    return [prints.nearest(_pixels(item)) for item in items]


def closest_copies(
    prints: TrainingFingerprint, trained: Sequence[dict[str, Any]], positions: Sequence[int] | None = None
) -> list[Nearest]:
    """Closest training image of planted copies of some training images.

    Parameters
    ----------
    prints : TrainingFingerprint
    trained : sequence of dict
        Items of the images that it was made from.
    positions : sequence of int, optional
        Of those that are copied; those of `copied_positions` by default.

    Returns
    -------
    list of Nearest
    """
    chosen = copied_positions(len(trained)) if positions is None else positions
    return [prints.nearest(planted_copy(_pixels(trained[i]), seed=i)) for i in chosen]


def copied_positions(n_trained: int) -> list[int]:
    """Positions of the training images of which copies are planted, at most `N_COPIES` drawn by chance.

    Parameters
    ----------
    n_trained : int
        Of them.

    Returns
    -------
    list of int
    """
    return [int(i) for i in np.random.default_rng(0).permutation(n_trained)[:N_COPIES]]


def compared_closeness(
    synthetic: Sequence[Nearest], acquired: Sequence[Nearest], copies: Sequence[Nearest]
) -> dict[str, Any]:
    """Generated images beside acquired ones that were not trained on, and beside planted copies.

    Parameters
    ----------
    synthetic, acquired, copies : sequence of Nearest
        One or more of the first two.

    Returns
    -------
    dict
        ``threshold``: ratio under which an image is a suspected copy; ``rows``: for each sort of images ``n``,
        medians of similarity and ratio, lowest ratio and number of suspected copies; a sort without images is left out.
    """
    threshold = float(np.quantile([one.ratio for one in acquired], FALSE_ALARMS))
    sorts = {"synthetic": synthetic, "acquired, not trained on": acquired, "planted copies": copies}
    rows = [_row(images, found, threshold) for images, found in sorts.items() if found]
    return {"threshold": round(threshold, 4), "rows": rows}


def planted_copy(image: np.ndarray, *, seed: int) -> np.ndarray:
    """A training image as a generator that memorises would give it: blurred, moved, noised, brightness bent.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        In [0, 1].
    seed : int
        Of the noise.

    Returns
    -------
    ndarray, shape (rows, columns)
        In [0, 1].
    """
    rows, columns = image.shape
    moved = ndimage.shift(ndimage.gaussian_filter(image, rows / 256), (rows / 128, columns / 192), order=1)
    noise = np.random.default_rng(seed).normal(0, 0.02, image.shape)
    return np.clip(0.95 * moved**1.15 + noise, 0, 1)


def _of_kinds(items: Sequence[dict[str, Any]], synthetic: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items of the kinds that were generated, all of them where there is none of these or a kind is not known."""
    kinds = {item["conditions"].get("kind") for item in synthetic}
    some = [item for item in items if item["conditions"].get("kind") in kinds]
    return list(items) if None in kinds or not some else some


def _row(images: str, found: Sequence[Nearest], threshold: float) -> dict[str, Any]:
    ratios = [one.ratio for one in found]
    return {
        "images": images,
        "n": len(found),
        "similarity_median": round(float(np.median([one.similarity for one in found])), 3),
        "ratio_median": round(float(np.median(ratios)), 3),
        "ratio_lowest": round(min(ratios), 3),
        "n_suspected": sum(ratio < threshold for ratio in ratios),
    }


def _pixels(item: dict[str, Any]) -> np.ndarray:
    return pixels_of(item).astype(np.float32) / np.float32(65535)
