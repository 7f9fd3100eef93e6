"""What an autoencoder keeps of mammograms, beside a plain shrink to as many values as its latent holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.conditions import Box
from monai_mammo.evaluation.autoencoder_on_images import batches, open_autoencoder, reconstructions
from monai_mammo.evaluation.intervals import summary
from monai_mammo.evaluation.stated import about_bundle, about_datalist, figures_name, kind_groups
from monai_mammo.measures.similarity import psnr, ssim_map
from monai_mammo.prepare.datalist_items import breast_of
from monai_mammo.prepare.geometry import mask_of_box

__all__ = ["REGIONS", "bicubic_round_trip", "reconstruction_figures", "region_masks", "same_count_shape"]

REGIONS = ("breast", "lesion boxes", "whole image")

MAX_PSNR_DB = 100.0
"""Highest PSNR that an image counts with: a region without any error would make the mean infinite."""

SMALLEST_SSIM_BOX_PX = 7
_SSIM_BORDER_PX = 5  # scikit-image leaves out where its window of 11 pixels is cut by the picture's edge


def reconstruction_figures(
    datalist: str | Path, *, split: str = "validation", autoencoder: str = DEFAULT_BUNDLES[1], device: str = "auto"
) -> dict[str, Any]:
    """PSNR and SSIM of reconstructions by acquisition kind and region, beside the bicubic yardstick.

    Both are taken for each image on data range 1 and then averaged; SSIM (Wang et al. 2004, Gaussian
    of 1.5 pixels) in a region is the mean of its map there. The yardstick is the same image, shrunk
    by an antialiased bicubic filter to as many values as the latent holds, and enlarged again.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of a prepared folder.
    split : str
        Such as ``validation`` or ``external``.
    autoencoder : str
        Name or path of the bundle.
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    dict
        ``rows``: for each kind and region ``psnr``, ``psnr_bicubic``, ``psnr_gain``, ``ssim``,
        ``ssim_bicubic``, ``ssim_gain``, each with mean, 95 % interval and n; what was examined beside them.

    Raises
    ------
    RequestError
        There is no such datalist, split, bundle or device.
    MammoError
        Weights are missing or damaged.
    """
    items, conditions, images, home, network, place = open_autoencoder(
        datalist, split=split, autoencoder=autoencoder, device=device
    )
    reconstructed = [image.clip(0, 1) for image in reconstructions(network, images, place)]
    n_values = _latent_values(network, images[0], place)
    yardstick_shape = same_count_shape(images[0].shape, n_values)
    per_image = [
        _image_figures(image, result, bicubic_round_trip(image, yardstick_shape), item)
        for image, result, item in zip(images, reconstructed, items, strict=True)
    ]
    return {
        "name": figures_name("reconstruction", split),
        "command": "reconstruction",
        "data": about_datalist(datalist, items, split),
        "bundles": [about_bundle(home)],
        "settings": {
            "data_range": 1,
            "shape": list(images[0].shape),
            "latent_values": n_values,
            "bicubic_shape": list(yardstick_shape),
        },
        "rows": _rows(per_image, [c.kind for c in conditions], [str(item["person_id"]) for item in items]),
    }


def same_count_shape(shape: tuple[int, ...], n_values: int) -> tuple[int, int]:
    """Rows and columns of the shrunk picture with as many values as a latent, in the picture's own proportions.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the picture.
    n_values : int
        Numbers that one latent holds.

    Returns
    -------
    tuple of int
    """
    rows, columns = shape
    scale = min(1.0, math.sqrt(n_values / (rows * columns)))
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def bicubic_round_trip(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Picture after an antialiased bicubic shrink to `shape` and bicubic enlargement, clamped to [0, 1].

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
    shape : tuple of int
        Rows and columns in between.

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    x = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None, None]
    small = functional.interpolate(x, size=shape, mode="bicubic", antialias=True, align_corners=False)
    back = functional.interpolate(small, size=image.shape, mode="bicubic", align_corners=False)
    return back.clamp(0, 1)[0, 0].numpy()


def region_masks(item: dict[str, Any], shape: tuple[int, int]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pixels that count for PSNR and for SSIM, by region; a region that an image lacks is left out or empty.

    Lesion boxes are the union of the item's boxes; for SSIM only boxes of 7 x 7 pixels or more. On
    whole images SSIM leaves out 5 pixels at the edges, as scikit-image does.

    Parameters
    ----------
    item : dict
        Of the datalist.
    shape : tuple of int
        Rows and columns of the masks.

    Returns
    -------
    dict of str to pair of ndarray, shape (rows, columns), bool
    """
    breast, whole = breast_of(item, shape), np.ones(shape, dtype=bool)
    interior = np.zeros(shape, dtype=bool)
    interior[_SSIM_BORDER_PX:-_SSIM_BORDER_PX, _SSIM_BORDER_PX:-_SSIM_BORDER_PX] = True
    boxes = [Box.parse(b) for b in item.get("boxes") or [item["conditions"].get("box")] if b is not None]
    large = [b for b in boxes if _sides_px(b, shape) >= SMALLEST_SSIM_BOX_PX]
    lesions = (_union(boxes, shape), _union(large, shape))
    return dict(zip(REGIONS, ((breast, breast), lesions, (whole, interior)), strict=True))


@torch.inference_mode()
def _latent_values(network: Any, image: np.ndarray, device: torch.device) -> int:
    """Numbers in the latent of a picture."""
    return next(network.encode(x)[0].numel() for x in batches([image], device))


def _image_figures(
    image: np.ndarray, result: np.ndarray, yardstick: np.ndarray, item: dict[str, Any]
) -> dict[tuple[str, str], float]:
    """Figures of one image by region and measure, without those that its regions do not allow."""
    out: dict[tuple[str, str], float] = {}
    regions = region_masks(item, (image.shape[0], image.shape[1]))
    for suffix, other in (("", result), ("_bicubic", yardstick)):
        similarity = ssim_map(image, other)
        for region, (pixels, window) in regions.items():
            if pixels.any():
                out[region, f"psnr{suffix}"] = min(MAX_PSNR_DB, psnr(image, other, pixels))
            if window.any():
                out[region, f"ssim{suffix}"] = float(similarity[window].mean())
    for region in regions:
        for measure in ("psnr", "ssim"):
            if (region, measure) in out:
                out[region, f"{measure}_gain"] = out[region, measure] - out[region, f"{measure}_bicubic"]
    return out


def _rows(
    per_image: Sequence[dict[tuple[str, str], float]], kinds: Sequence[str | None], persons: Sequence[str]
) -> list[dict[str, Any]]:
    rows = []
    measures = [f"{measure}{suffix}" for measure in ("psnr", "ssim") for suffix in ("", "_bicubic", "_gain")]
    for kind, members in kind_groups(kinds).items():
        for region in REGIONS:
            row: dict[str, Any] = {"kind": kind, "region": region}
            for m in measures:
                known = [i for i in members if (region, m) in per_image[i]]
                row[m] = summary([per_image[i][region, m] for i in known], persons=[persons[i] for i in known])
            rows.append(row)
    return rows


def _sides_px(box: Box, shape: tuple[int, int]) -> int:
    """Shorter side of the pixels that a box covers at least by half."""
    covered = mask_of_box(box, shape) >= 0.5
    return min(int(covered.any(axis=0).sum()), int(covered.any(axis=1).sum()))


def _union(boxes: Sequence[Box], shape: tuple[int, int]) -> np.ndarray:
    out = np.zeros(shape, dtype=bool)
    for box in boxes:
        out |= mask_of_box(box, shape) >= 0.5
    return out
