"""The smallest feature that survives an autoencoder, by spots planted in real images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.evaluation.autoencoder_on_images import open_autoencoder, reconstructions
from monai_mammo.evaluation.stated import about_bundle, about_datalist, figures_name
from monai_mammo.prepare.datalist_items import breast_of

__all__ = ["kept_contrast", "spot_figures"]

SIZES_PX = (1, 2, 3, 4)
CONTRASTS = (0.05, 0.1, 0.2, 0.4)
KEPT_SHARE = 0.5
"""Share of a spot's mean contrast that must be left for it to count as surviving."""


def spot_figures(
    datalist: str | Path, *, split: str = "validation", autoencoder: str = DEFAULT_BUNDLES[1], device: str = "auto"
) -> dict[str, Any]:
    """Share of planted square spots that survive a reconstruction, by size and contrast.

    One spot is planted in the breast of each image, at a place drawn from the image's position in
    the list. It survives when at least half of its mean contrast is left, measured between the
    reconstructions with and without it.

    Parameters
    ----------
    datalist, split, autoencoder, device
        As in `reconstruction_figures`.

    Returns
    -------
    dict
        ``rows``: for each size in pixels and contrast on data range 1, ``n``, ``survives`` (share)
        and ``kept`` (mean share of contrast left); ``smallest_feature_px``: the smallest size of
        which nine in ten survive at a contrast of 0.2, `None` where none does.

    Raises
    ------
    RequestError
        There is no such datalist, split, bundle or device.
    MammoError
        Weights are missing or damaged.
    """
    items, _, images, home, network, place = open_autoencoder(
        datalist, split=split, autoencoder=autoencoder, device=device
    )
    breasts = [breast_of(item, image.shape) for item, image in zip(items, images, strict=True)]
    plain = reconstructions(network, images, place)
    rows = []
    for size in SIZES_PX:
        where = [_place(breast, size, seed=i) for i, breast in enumerate(breasts)]
        for contrast in CONTRASTS:
            planted = [_planted(im, rc, size, contrast) for im, rc in zip(images, where, strict=True)]
            shown = reconstructions(network, planted, place)
            kept = [
                kept_contrast(with_spot, without, spot - image, rc, size)
                for with_spot, without, spot, image, rc in zip(shown, plain, planted, images, where, strict=True)
            ]
            survives = float(np.mean([share >= KEPT_SHARE for share in kept]))
            rows.append({"size_px": size, "contrast": contrast, "n": len(kept), "survives": survives})
            rows[-1]["kept"] = float(np.mean(kept))
    enough = [row["size_px"] for row in rows if row["contrast"] == 0.2 and row["survives"] >= 0.9]
    return {
        "name": figures_name("spots", split),
        "command": "spots",
        "data": about_datalist(datalist, items, split),
        "bundles": [about_bundle(home)],
        "settings": {"kept_share": KEPT_SHARE},
        "smallest_feature_px": min(enough, default=None),
        "rows": rows,
    }


def kept_contrast(
    with_spot: np.ndarray, without: np.ndarray, planted: np.ndarray, place: tuple[int, int], size: int
) -> float:
    """Share of a spot's mean contrast that two reconstructions show.

    Parameters
    ----------
    with_spot, without : ndarray, shape (rows, columns)
        Reconstructions of the image with the spot and as it is.
    planted : ndarray, shape (rows, columns)
        What was added to the image.
    place : tuple of int
        First row and column of the spot.
    size : int
        Its side in pixels.

    Returns
    -------
    float
    """
    spot = np.s_[place[0] : place[0] + size, place[1] : place[1] + size]
    return float((with_spot - without)[spot].mean() / planted[spot].mean())


def _place(breast: np.ndarray, size: int, *, seed: int) -> tuple[int, int]:
    """Place of a spot that lies in the breast with a margin where there is room."""
    inside = breast.copy()
    for axis in (0, 1):
        for shift in (-size - 2, size + 2):
            inside &= np.roll(breast, shift, axis)
    candidates = np.argwhere(inside if inside.any() else breast)
    row, column = candidates[np.random.default_rng(seed).integers(len(candidates))]
    return min(int(row), breast.shape[0] - size), min(int(column), breast.shape[1] - size)


def _planted(image: np.ndarray, place: tuple[int, int], size: int, contrast: float) -> np.ndarray:
    """Image with a brighter square; darker where there is no room above."""
    spot = np.s_[place[0] : place[0] + size, place[1] : place[1] + size]
    sign = 1 if image[spot].max() + contrast <= 1 else -1
    out = image.copy()
    out[spot] = np.clip(out[spot] + sign * contrast, 0, 1)
    return out
