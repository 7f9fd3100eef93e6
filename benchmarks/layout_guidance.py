"""How far drawn layouts are from those of acquired images, at several weights of both sorts of guidance.

Layouts are small, so many settings can be compared in minutes. Each statistic of a layout (size and brightness of the
breast, power, skewness and kurtosis of four bands, direction of its gradients, steps along the frame, contrast of the
lesion to its ring) is taken on drawn and on acquired ones of the same conditions. A line holds, for an acquisition
kind, the mean distance from 0.5 of the areas under the curve by which each statistic alone tells them (with as many
equal sets it would be near ``chance``), how much a drawn lesion stands out beside an acquired one, and the statistics
that tell most. Before that stands the range of the layouts of acquired images, beside that of drawn ones: a bundle may
state it as ``layout_range``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from opened_cascade import opened_cascade
from torch import Tensor
from torch.nn import functional

from monai_mammo import sampling
from monai_mammo.lesions import request_lesion
from monai_mammo.lesions.planes import lesion_planes
from monai_mammo.networks.context import encode_conditions
from monai_mammo.networks.detail_unet import distance_to_air, layout_of, layout_planes
from monai_mammo.training.data import PreparedDataset

_INSIDE = 0.03
_BATCH = 16
_N_SHOWN = 5


def main() -> None:
    """Draw, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset-dir", required=True, help="prepared folder")
    parser.add_argument("--bundle", default="mammo_diffusion")
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0, 1.5], help="by the conditions")
    parser.add_argument("--weights", type=float, nargs="+", default=[1.0, 1.2, 1.4], help="of the layout stage's guide")
    parser.add_argument("--n", type=int, default=60, help="validation images of each acquisition kind, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    settings = parser.parse_args()
    folder, autoencoder, cascade, dataset = opened_cascade(settings.bundle, settings.dataset_dir)
    places = _chosen(dataset, settings.n, settings.seed)
    kinds = np.array([str(dataset.conditions[place].kind) for place in places])
    layouts = _layouts(dataset, autoencoder, places)
    attributes = encode_conditions([dataset.conditions[place] for place in places])
    spatial = torch.stack([_planes(dataset, place, int(autoencoder.factor), settings.seed) for place in places])
    air = float(cascade.detail.air)
    acquired = _statistics(layouts, spatial, air)
    print(f"acquired layouts go from {float(layouts.min()):.2f} to {float(layouts.max()):.2f}")
    noise = torch.randn(layouts.shape, generator=torch.Generator().manual_seed(settings.seed))
    interval = tuple(folder.metadata["guidance_interval"])
    table = {}
    for scale, weight in product(settings.guidance, settings.weights):
        one = dataclasses.replace(cascade, layout_guidance=weight)
        guidance = sampling.Guidance(scale, interval=interval)
        drawn = [
            one.draw_layout(noise[some], attributes=attributes[some], spatial=spatial[some], guidance=guidance)
            for some in _batches(len(places))
        ]
        name, found = f"guidance {scale:g}, weight {weight:g}", torch.cat(drawn)
        print(f"{name}: from {float(found.min()):.2f} to {float(found.max()):.2f}")
        table[name] = _compared(_statistics(found, spatial, air), acquired, kinds)
        _print(name, table[name])
    settings.out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _chosen(dataset: PreparedDataset, n: int, seed: int) -> list[int]:
    """Places of up to `n` images of each kind, drawn by chance."""
    found: dict[str, list[int]] = {}
    for place in np.random.default_rng(seed).permutation(len(dataset)):
        found.setdefault(str(dataset.conditions[place].kind), []).append(int(place))
    return [place for of_kind in found.values() for place in of_kind[:n]]


def _batches(n: int) -> Iterator[slice]:
    return (slice(first, first + _BATCH) for first in range(0, n, _BATCH))


@torch.inference_mode()
def _layouts(dataset: PreparedDataset, autoencoder: Any, places: list[int]) -> Tensor:
    return torch.cat(
        [
            layout_of(autoencoder.to_latent(torch.from_numpy(dataset.image(place).copy())[None, None]))
            for place in places
        ]
    )


def _planes(dataset: PreparedDataset, place: int, factor: int, seed: int) -> Tensor:
    """Planes of the lesion; where only its box is known an outline is drawn, as in training."""
    conditions, mask, shape = dataset.conditions[place], dataset.mask(place), dataset.image(place).shape
    if mask is None and conditions.box is not None:
        mask = request_lesion(conditions, shape=shape, seed=seed, sample_id=place).mask
    return lesion_planes(mask, conditions.box, shape=shape, factor=factor)


def _statistics(layouts: Tensor, spatial: Tensor, air: float) -> dict[str, np.ndarray]:
    """Statistics of layouts (B, 4, h, w), each of shape (B,), NaN where a layout does not allow one."""
    picture = functional.pixel_shuffle(layouts, 2)
    inside = (distance_to_air(layouts, air) > _INSIDE).to(picture)
    mean = _mean(picture, inside)
    found = {
        "area": inside.mean(dim=(1, 2, 3)),
        "mean": mean,
        "deviation": _mean((picture - mean[:, None, None, None]).square(), inside).sqrt(),
    }
    smooth = picture
    for octave in range(4):
        smoother = _blurred(smooth, spread=2**octave)
        band, smooth = smooth - smoother, smoother
        variance = _mean(band.square(), inside)
        found[f"size of band {octave}"] = _mean(band.abs(), inside)
        found[f"skewness of band {octave}"] = _mean(band**3, inside) / variance**1.5
        found[f"kurtosis of band {octave}"] = _mean(band**4, inside) / variance.square()
    down, across = (_mean(picture.diff(dim=d).square(), inside.narrow(d, 1, inside.shape[d] - 1)) for d in (2, 3))
    found["gradients down over across"] = down / across
    for name, edge in (("upper", picture), ("left", picture.transpose(2, 3)), ("lower", picture.flip(2))):
        found[f"step at the {name} frame"] = _frame_step(edge[:, 0])
    found["lesion contrast"] = _lesion_contrast(picture, inside, layout_planes(spatial)[:, :1])
    return {name: values.numpy() for name, values in found.items()}


def _mean(values: Tensor, where: Tensor) -> Tensor:
    """Mean of a picture (B, 1, h, w) over places, (B,); NaN over none."""
    return (values * where).sum(dim=(1, 2, 3)) / where.sum(dim=(1, 2, 3))


def _blurred(picture: Tensor, *, spread: int) -> Tensor:
    taps = torch.tensor((0.25, 0.5, 0.25))
    padded = functional.pad(picture, (spread,) * 4, mode="replicate")
    return functional.conv2d(padded, (taps[:, None] * taps)[None, None], dilation=spread)


def _frame_step(edge: Tensor) -> Tensor:
    """Mean difference of the outermost row to the third where that is tissue, (B,), for (B, rows, columns)."""
    is_tissue = (edge[:, 2] > 0).to(edge)
    n = is_tissue.sum(dim=1)
    step = ((edge[:, 0] - edge[:, 2]).abs() * is_tissue).sum(dim=1) / n.clamp_min(1)
    return torch.where(n > 3, step, torch.nan)


def _lesion_contrast(picture: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
    """Mean inside the mask less that of a ring in the breast, (B,)."""
    mask = functional.interpolate(mask, size=picture.shape[-2:], mode="nearest")
    near, far = (functional.max_pool2d(mask, size, stride=1, padding=size // 2) > 0 for size in (3, 9))
    ring = (far & ~near).to(picture) * inside
    return _mean(picture, (mask > 0.5).to(picture)) - _mean(picture, ring)


def _compared(
    drawn: dict[str, np.ndarray], acquired: dict[str, np.ndarray], kinds: np.ndarray
) -> dict[str, dict[str, Any]]:
    rows = {}
    for kind in sorted(set(kinds)):
        areas = {name: _area(drawn[name][kinds == kind], acquired[name][kinds == kind]) for name in drawn}
        contrast = [np.nanmean(one["lesion contrast"][kinds == kind]) for one in (drawn, acquired)]
        rows[kind] = {
            "n": int((kinds == kind).sum()),
            "distance": round(float(np.mean([abs(area - 0.5) for area in areas.values()])), 3),
            "chance": round(float(np.sqrt(1 / (3 * np.pi * (kinds == kind).sum()))), 3),
            "lesion contrast": round(float(contrast[0] / contrast[1]), 2),
            "areas": {name: round(area, 2) for name, area in areas.items()},
        }
    return rows


def _area(drawn: np.ndarray, acquired: np.ndarray) -> float:
    """Area under the curve by which a statistic tells drawn from acquired, 0.5 where too few allow it."""
    ours, theirs = drawn[np.isfinite(drawn)], acquired[np.isfinite(acquired)]
    if min(len(ours), len(theirs)) < 5:
        return 0.5
    return float(((ours[:, None] > theirs).mean() + (ours[:, None] >= theirs).mean()) / 2)


def _print(name: str, rows: dict[str, dict[str, Any]]) -> None:
    for kind, row in rows.items():
        most = sorted(row["areas"], key=lambda one: -abs(row["areas"][one] - 0.5))[:_N_SHOWN]
        telling = ", ".join(f"{one} {row['areas'][one]:.2f}" for one in most)
        print(
            f"{name} | {kind} | {row['n']} | distance {row['distance']:.3f} (chance {row['chance']:.3f}) | "
            f"lesion contrast {row['lesion contrast']:.2f} | {telling}",
            flush=True,
        )


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
