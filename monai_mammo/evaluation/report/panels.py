"""Images that a report shows: the closest to acquired ones, the furthest, some at random, and suspected copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from monai_mammo.evaluation.realism.compared_sets import Kept, called
from monai_mammo.evaluation.realism.feature_spread import has_one_unit
from monai_mammo.evaluation.realism.frechet import FeatureSpace
from monai_mammo.evaluation.report.image_sorts import sort_of_image
from monai_mammo.evaluation.report.measured_side import MeasuredSide
from monai_mammo.evaluation.report.shown_images import Panel, Picture
from monai_mammo.files.png import png_bytes

__all__ = ["N_SHOWN", "panels_of"]

N_SHOWN = 4
"""Images of a panel."""

_SORTS = ("inner layers", "radiomic")


def panels_of(
    synthetic: MeasuredSide,
    reference: MeasuredSide,
    *,
    threshold: float | None = None,
    trained: Callable[[int], Mapping[str, Any] | None] = lambda position: None,
    pixels_of: Callable[[Mapping[str, Any]], np.ndarray] | None = None,
    seed: int = 0,
    kept: Kept = called,
) -> list[Panel]:
    """Panels of a report.

    Parameters
    ----------
    synthetic, reference : MeasuredSide
    threshold : float, optional
        Ratio of distances under which an image is a suspected copy.
    trained : callable
        From a place in the fingerprint to the item of that training image, or `None` where it is not at hand.
    pixels_of : callable, optional
        From such an item to its pixels, shape (rows, columns), uint16; without it no training image is shown.
    seed : int
        Chooses the images at random.
    kept : callable
        Calls what compares features, or finds what it gave for the same ones before.

    Returns
    -------
    list of Panel
    """
    features = [side.examined.features["full"] for side in (synthetic, reference)]
    sort = next(name for name in _SORTS if name in features[1])
    found = kept(_closest, *(of_side[sort] for of_side in features), is_one_unit=has_one_unit(sort))
    distances, nearest = found["distances"], found["nearest"]
    order = np.argsort(np.array(distances), kind="stable")
    n = min(N_SHOWN, max(1, len(order) // 3))
    best, furthest = [int(i) for i in order[:n]], [int(i) for i in order[::-1][:n]]
    rest = [i for i in range(len(synthetic)) if i not in (*best, *furthest)]
    drawn = [rest[i] for i in np.random.default_rng(seed).permutation(len(rest))[:n]]
    suspected = []
    if threshold is not None and synthetic.nearest is not None:
        ratios = [near.ratio for near in synthetic.nearest]
        suspected = [int(i) for i in np.argsort(ratios, kind="stable") if ratios[int(i)] < threshold][:N_SHOWN]
    chosen = {
        "Most like acquired images": ("smallest distance of features to the closest acquired image", best),
        "Least like acquired images": ("largest distance of features to the closest acquired image", furthest),
        "At random": ("drawn by chance from the rest", drawn),
        "Suspected copies": (
            "closer to one training image than acquired images ever are but for 1 in 100",
            suspected,
        ),
    }

    def row(i: int) -> tuple[Picture, ...]:
        item = synthetic.items[i]
        shown = [_picture(item, sort_of_image(item), f"distance {distances[i]:.2f}")]
        shown.append(_picture(reference.items[nearest[i]], "acquired", "closest of the reference"))
        near = None if synthetic.nearest is None else synthetic.nearest[i]
        twin = None if near is None or pixels_of is None else trained(near.position)
        if near is not None and twin is not None and pixels_of is not None:
            words = f"closest training image, ratio {near.ratio:.2f}"
            shown.append(_picture({**twin, "image": pixels_of(twin)}, "acquired", words))
        return tuple(shown)

    return [
        Panel(
            title=title,
            about=about,
            rows=tuple(row(i) for i in some),
            names=tuple(str(synthetic.items[i].get("image_id")) for i in some),
        )
        for title, (about, some) in chosen.items()
        if some
    ]


def _closest(features: np.ndarray, reference: np.ndarray, *, is_one_unit: bool) -> dict[str, list[Any]]:
    """Distance of each generated image to the closest acquired one, and which that is."""
    space = FeatureSpace.of(reference, is_one_unit=is_one_unit)
    between = cdist(space.project(features), space.project(reference))
    scale = max(1.0, float(np.sqrt(space.components.shape[1])))
    return {"distances": (between.min(axis=1) / scale).tolist(), "nearest": between.argmin(axis=1).tolist()}


def _picture(item: Mapping[str, Any], sort: str, words: str) -> Picture:
    conditions = item["conditions"]
    names = ("kind", "view", "density", "finding", "birads")
    known = [
        f"BI-RADS {conditions[n]}" if n == "birads" else str(conditions[n]).replace("_", " ")
        for n in names
        if conditions.get(n) is not None
    ]
    shown = ", ".join(known) or "nothing stated"
    pixels = np.rint(item["image"].astype(np.float32) / 257).astype(np.uint8)
    return Picture(
        png=png_bytes(pixels, description="" if sort == "acquired" else f"{sort.lower()}, not for diagnosis"),
        alternative=f"{sort} mammogram, {shown}",
        caption=f"{sort}: {shown}; {words}",
    )
