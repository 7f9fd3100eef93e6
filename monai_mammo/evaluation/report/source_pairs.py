"""Images beside those that they were made from: edited and source, reconstructed and acquired."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.found_breast import breast_in_pixels
from monai_mammo.evaluation.intervals import summary
from monai_mammo.evaluation.realism.compared_images import acquired_items, synthetic_items
from monai_mammo.evaluation.realism.feature_spread import has_one_unit
from monai_mammo.evaluation.realism.frechet import FeatureSpace
from monai_mammo.evaluation.report.measured_side import MeasuredSide
from monai_mammo.measures.multi_scale_ssim import ms_ssim
from monai_mammo.measures.similarity import psnr, ssim_map

__all__ = ["PAIR_MEASURES", "pair_figures", "source_items"]

PAIR_MEASURES: dict[str, str] = {
    "psnr": "PSNR inside the breast, dB",
    "ssim": "SSIM inside the breast",
    "ms_ssim": "MS-SSIM",
    "inner layers": "distance of features of a pretrained network",
    "filtered radiomic": "distance of radiomic features of filtered images",
}
"""What is measured of a pair, by name, in words. Distances are shares of the mean distance of two acquired images."""

_SPLITS = ("training", "validation", "test", "external")
_VERSION = re.compile(r"_(inserted|removed)_\d+$")  # as `augment` names the versions of an image
_MOST_DB = 100.0  # of two pictures without a difference


def source_items(
    items: Sequence[Mapping[str, Any]],
    sources: str | Path | None,
    *,
    beside: Sequence[Mapping[str, Any]] = (),
    breast_of: Callable[[np.ndarray], np.ndarray] = breast_in_pixels,
) -> tuple[list[int], list[dict[str, Any]]]:
    """Images that have a source, and their sources.

    Parameters
    ----------
    items : sequence of mapping
        Images that are examined, with their names.
    sources : str or Path, optional
        Run, prepared folder (all splits) or folder of pictures with images of the same names. Without it the images
        themselves and those beside them are looked through: those that ``augment`` made lie beside their sources.
    beside : sequence of mapping
        Images that lie beside those that are examined.
    breast_of : callable
        Where the breast is in pixels, perhaps kept from before.

    Returns
    -------
    positions : list of int
        Of `items`.
    found : list of dict
        An item for each.

    Raises
    ------
    RequestError
        `sources` holds no image of the name of any of `items`.
    """
    known = {
        _stem(item): item for item in ([*items, *beside] if sources is None else _items_of(Path(sources), breast_of))
    }
    pairs = []
    for position, item in enumerate(items):
        name = _stem(item)
        source = known.get(name) if sources is not None else None
        source = source or (known.get(_VERSION.sub("", name)) if _VERSION.search(name) else None)
        if source is not None:
            pairs.append((position, dict(source)))
    if sources is not None and not pairs:
        raise RequestError(f"{sources} holds no image of the name of any that is examined, such as {_stem(items[0])}")
    return [position for position, _ in pairs], [source for _, source in pairs]


def pair_figures(made: MeasuredSide, sources: MeasuredSide, acquired: MeasuredSide) -> list[dict[str, Any]]:
    """How like their sources images are.

    Parameters
    ----------
    made, sources : MeasuredSide
        One source for each image, of one size.
    acquired : MeasuredSide
        Images whose distances to each other are the measure of distances.

    Returns
    -------
    list of dict
        For each kind, and all, and each of `PAIR_MEASURES`: ``figure``, with mean, interval over persons and n. A
        measure that the size of the images or a missing network does not allow is left out.
    """
    values = {name: _similarities(made, sources, name) for name in ("psnr", "ssim", "ms_ssim")}
    values |= {name: _distances(made, sources, acquired, name) for name in PAIR_MEASURES if name not in values}
    kinds = [str(kind) for kind in made.conditions("kind")]
    rows = []
    for kind in [*sorted(set(kinds)), *(["all"] if len(set(kinds)) > 1 else [])]:
        chosen = [i for i, of in enumerate(kinds) if kind in ("all", of)]
        persons = [sources.persons[i] for i in chosen]
        for name, of_all in values.items():
            if of_all is not None:
                figure = summary([of_all[i] for i in chosen], persons=persons)
                rows.append({"kind": kind, "measure": name, "figure": figure})
    return rows


def _items_of(folder: Path, breast_of: Callable[[np.ndarray], np.ndarray]) -> list[dict[str, Any]]:
    if not (folder / "datalist.json").is_file():
        return synthetic_items(folder, breast_of=breast_of)
    return [item for split in _SPLITS for item in acquired_items(folder, split=split)]


def _stem(item: Mapping[str, Any]) -> str:
    name = str(item.get("image_id", ""))
    return name.rpartition(".")[0] if name.lower().endswith((".png", ".jpg", ".jpeg", ".webp", ".pgm")) else name


def _similarities(made: MeasuredSide, sources: MeasuredSide, name: str) -> np.ndarray | None:
    found = []
    for image, source, breast in zip(
        made.examined.images.images, sources.examined.images.images, sources.examined.images.breasts, strict=True
    ):
        if name == "psnr":
            value: float | None = min(psnr(image, source, breast), _MOST_DB)
        elif name == "ssim":
            value = float(ssim_map(image, source)[breast].mean())
        else:
            value = ms_ssim(image, source)
        if value is None:
            return None
        found.append(value)
    return np.array(found)


def _distances(made: MeasuredSide, sources: MeasuredSide, acquired: MeasuredSide, sort: str) -> np.ndarray | None:
    if sort not in acquired.examined.features["full"]:
        return None
    reference = acquired.examined.features["full"][sort]
    space = FeatureSpace.of(reference, n_components=0, is_one_unit=has_one_unit(sort))
    ours, theirs = (space.scaled(side.examined.features["full"][sort]) for side in (made, sources))
    usual = _mean_distance(space.scaled(reference), acquired.persons)
    distances: np.ndarray = np.linalg.norm(ours - theirs, axis=1)
    return distances / usual if usual > 0 else None


def _mean_distance(points: np.ndarray, persons: Sequence[str]) -> float:
    whose = np.asarray(persons)
    is_pair = whose[:, None] != whose[None]
    return float(cdist(points, points)[is_pair].mean()) if is_pair.any() else 0.0
