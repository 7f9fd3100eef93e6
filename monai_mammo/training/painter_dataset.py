"""Crops of mammograms with regions to be painted, as latents, for the lesion painter."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from monai_mammo.attributes import DROPPED_TOGETHER, NOT_GIVEN
from monai_mammo.conditions import OF_THE_LESION, Box, Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.whole import open_whole
from monai_mammo.lesions.painter_crops import CROP_PX, PainterCrop, lesion_crop, lesion_free_crop
from monai_mammo.lesions.smooth_filling import smooth_fill
from monai_mammo.networks.context import encode_conditions
from monai_mammo.networks.painter_unet import pixel_numbers
from monai_mammo.prepare.datalist_items import breast_of, mask_of, pixels_of
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.terms import Finding
from monai_mammo.training.epochs import OfEpoch
from monai_mammo.training.precision import autocast_dtype

__all__ = ["PainterDataset"]

_LOGGER = logging.getLogger(__name__)
_BATCH = 32
_RIM_PX = 6
_N_PLANES = 3
_DARKEST_TISSUE = 0.04


class _Source(NamedTuple):
    """An image from which crops are taken, with or without its lesion."""

    item: Mapping[str, Any]
    conditions: Conditions
    has_lesion: bool


class PainterDataset(OfEpoch, Dataset):
    """Latents of crops as they are and with a region filled smoothly, with what the region shows.

    An image with an outlined lesion gives crops round it; an image of which it is known where lesions are gives crops
    away from them, whose finding is ``none``. What is random in item `i` of epoch `e` is a function of `(seed, e, i)`.

    Parameters
    ----------
    data : sequence of dict
        Items of `load_datalist`, of any size each, or with arrays in place of files; ``pixel_mm`` is the side of a
        pixel.
    autoencoder : nn.Module
        Frozen `Autoencoder`; encodes once, when the data set is made.
    n_views : int
        Crops of each image and sort.
    free_share : float
        Crops without a lesion for each with one, as far as there are images.
    nominal_pixel_mm : float or None
        Of items that state none; `None` leaves it open.
    drop_each, drop_all : float
        Probability with which one condition is dropped alone, and with which all are.
    cache_dir : path or None
        Folder that keeps the latents between runs.
    seed : int
        Decides all that is drawn by chance.

    Raises
    ------
    RequestError
        There is no item.
    MammoError
        No item has an outlined lesion or tissue that is known to have none.
    """

    def __init__(
        self,
        data: Sequence[dict[str, Any]],
        autoencoder: nn.Module,
        *,
        n_views: int = 6,
        free_share: float = 1.0,
        nominal_pixel_mm: float | None = None,
        drop_each: float = 0.1,
        drop_all: float = 0.1,
        cache_dir: str | Path | None = None,
        seed: int = 0,
    ) -> None:
        if not data:
            raise RequestError("a data set of no image cannot train or validate: name other data or another split")
        self.seed, self.n_views = seed, int(n_views)
        self.drop_each, self.drop_all = drop_each, drop_all
        self._nominal_pixel_mm = nominal_pixel_mm
        sources = _sources(data, free_share=free_share, seed=seed)
        cached = self._cached(sources, autoencoder.eval(), cache_dir)
        self._latents, self._planes = (
            cached["latents"],
            cached["planes"],
        )  # (sources, views, 2, 4, h, w), (sources, views, 3, h, w)
        self._pixel_mm = cached["pixel_mm"]  # (sources, views), NaN where not known
        chosen = [sources[place] for place in cached["kept"]]
        self.conditions = [source.conditions for source in chosen]
        self.n_lesions = sum(source.has_lesion for source in chosen)

    def __len__(self) -> int:
        return len(self.conditions)

    def crop(self, index: int, view: int) -> dict[str, Tensor]:
        """One crop, nothing dropped.

        Parameters
        ----------
        index : int
            Number of the source, from 0.
        view : int
            Number of its crop.

        Returns
        -------
        dict of str to Tensor
            ``image`` and ``filled``, latents of shape (4, h, w), ``region``, ``outline`` and ``shape``, (1, h, w), as
            `PainterCrop` has them, ``pixels``, shape (2,), and ``attributes``.
        """
        image, filled = torch.from_numpy(self._latents[index, view].astype(np.float32))
        region, outline, shape = torch.from_numpy(self._planes[index, view].astype(np.float32) / 255)[:, None]
        pixel_mm = float(self._pixel_mm[index, view])
        return {
            "image": image,
            "filled": filled,
            "region": region,
            "outline": outline,
            "shape": shape,
            "pixels": pixel_numbers([None if np.isnan(pixel_mm) else pixel_mm])[0],
            "attributes": encode_conditions([self.conditions[index]])[0],
        }

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        item: dict[str, Any] = self.crop(index, int(rng.integers(self.n_views)))
        dropped = rng.random(len(DROPPED_TOGETHER) + 2) < self.drop_each
        if rng.random() < self.drop_all:
            dropped[:] = True
        for columns, is_dropped in zip(DROPPED_TOGETHER, dropped, strict=False):
            if is_dropped:
                item["attributes"][list(columns)] = NOT_GIVEN
        if dropped[-2]:
            item["outline"].zero_()
        if dropped[-1]:
            item["pixels"] = pixel_numbers([None])[0]
        return {**item, "label": item["image"], "index": index}

    def _cached(
        self, sources: Sequence[_Source], autoencoder: nn.Module, cache_dir: str | Path | None
    ) -> dict[str, np.ndarray]:
        path = None if cache_dir is None else Path(cache_dir) / f"painter_{self._cache_key(sources, autoencoder)}.npz"
        if path is not None and path.is_file():
            with np.load(path) as stored:
                return dict(stored)
        cached = self._encoded(sources, autoencoder)
        arrays: dict[str, Any] = cached
        if path is not None:
            with open_whole(path, make_folder=True) as stream:
                np.savez(stream, **arrays)
        return cached

    def _encoded(self, sources: Sequence[_Source], autoencoder: nn.Module) -> dict[str, np.ndarray]:
        latents, planes, pixels, kept = [], [], [], []
        waiting: list[PainterCrop] = []
        for place, source in enumerate(sources):
            crops = self._crops(place, source)
            if crops is None:
                continue
            kept.append(place)
            waiting += crops
            pixel_mm = source.item.get("pixel_mm", self._nominal_pixel_mm) or np.nan
            pixels.append([crop.shrinking * float(pixel_mm) for crop in crops])
            planes.append([_planes(crop) for crop in crops])
            while len(waiting) >= _BATCH:
                latents.append(_latents(waiting[:_BATCH], autoencoder))
                waiting = waiting[_BATCH:]
            if place % 500 == 499:
                _LOGGER.info("took crops of %d of %d images", place + 1, len(sources))
        if not kept:
            raise MammoError("no image has an outlined lesion, or tissue that is known to have none, for the painter")
        if waiting:
            latents.append(_latents(waiting, autoencoder))
        stacked = np.concatenate(latents)
        return {
            "latents": stacked.reshape(len(kept), self.n_views, *stacked.shape[1:]),
            "planes": np.array(planes),
            "pixel_mm": np.array(pixels, dtype=np.float32),
            "kept": np.array(kept),
        }

    def _crops(self, place: int, source: _Source) -> list[PainterCrop] | None:
        """As many crops as there are views, repeated where some do not fit; `None` where none does."""
        image = pixels_of(source.item).astype(np.float32) / 65535
        region = mask_of(source.item, "label", image.shape) if source.has_lesion else _avoided(source.item, image)
        if region is None or min(image.shape) < CROP_PX // 2:
            return None
        crop_of = lesion_crop if source.has_lesion else lesion_free_crop
        crops: list[PainterCrop] = []
        for view in range(self.n_views):
            rng = np.random.default_rng((self.seed, 78, place, view))
            crop = crop_of(image, region, rng)
            if crop is not None:
                crops.append(crop)
        return [crops[view % len(crops)] for view in range(self.n_views)] if crops else None

    def _cache_key(self, sources: Sequence[_Source], autoencoder: nn.Module) -> str:
        digest = hashlib.sha256(f"{_N_PLANES}/{self.n_views}/{self.seed}/{self._nominal_pixel_mm}".encode())
        for name, tensor in autoencoder.state_dict().items():
            if not name.startswith("decoder."):
                digest.update(tensor.detach().float().cpu().numpy().tobytes())
        for source in sources:
            item = source.item
            digest.update(f"{item.get('image_id')}/{source.has_lesion}/{item.get('pixel_mm')}".encode())
            digest.update(np.ascontiguousarray(pixels_of(item)[::8, ::8]).data)
        return digest.hexdigest()[:16]


def _sources(data: Sequence[Mapping[str, Any]], *, free_share: float, seed: int) -> list[_Source]:
    """Each image with an outlined lesion, and of those that tell where lesions are as many as are asked for."""
    lesions, free = [], []
    for item in data:
        shown = Conditions.from_dict({**item["conditions"], "box": None})
        if item.get("mask_kind") == "contour" and "label" in item:
            lesions.append(_Source(item, shown, has_lesion=True))
        if item.get("mask_kind") in ("contour", "box", "circle", "none"):
            nothing = dict.fromkeys((*OF_THE_LESION, "pathology", "birads"))
            free.append(_Source(item, shown.replace(**nothing, finding=Finding.NONE), has_lesion=False))
    most = round(free_share * len(lesions)) if lesions else len(free)
    order = np.random.default_rng((seed, 79)).permutation(len(free))[:most]
    return lesions + [free[place] for place in sorted(order)]


def _avoided(item: Mapping[str, Any], image: np.ndarray) -> np.ndarray:
    """Where a crop without a lesion must not be painted: lesions with a rim, and what is no tissue."""
    avoided = image < _DARKEST_TISSUE
    if "breast" in item:
        avoided |= ~breast_of(item, image.shape)
    boxes = [*item.get("boxes", ()), *item.get("diffuse_boxes", ()), item["conditions"].get("box")]
    for box in boxes:
        if box is not None:
            avoided |= mask_of_box(Box.parse(box), image.shape) > 0
    if "label" in item:
        label = mask_of(item, "label", image.shape)
        padded = np.pad(label, _RIM_PX)
        for dy in range(-_RIM_PX, _RIM_PX + 1, _RIM_PX):
            for dx in range(-_RIM_PX, _RIM_PX + 1, _RIM_PX):
                rows = slice(_RIM_PX + dy, _RIM_PX + dy + label.shape[0])
                label = label | padded[rows, _RIM_PX + dx : _RIM_PX + dx + label.shape[1]]
        avoided |= label
    return avoided


def _planes(crop: PainterCrop) -> np.ndarray:
    """Region, outline and shape on the grid of the latent, shape (3, 32, 32), uint8."""
    masks = np.stack([crop.region, crop.outline, crop.shape]).astype(np.float32)
    side = CROP_PX // 4
    return np.round(masks.reshape(_N_PLANES, side, 4, side, 4).mean(axis=(2, 4)) * 255).astype(np.uint8)


@torch.no_grad()
def _latents(crops: Sequence[PainterCrop], autoencoder: nn.Module) -> np.ndarray:
    """Latents of crops as they are and filled, shape (n, 2, 4, h, w), float16."""
    device = autoencoder.latent_mean.device
    dtype = autocast_dtype("bfloat16", device)
    both = np.stack([one for crop in crops for one in (crop.image, smooth_fill(crop.image, crop.region))])
    with torch.autocast(device.type, dtype, enabled=dtype is not None):
        z = autoencoder.to_latent(torch.from_numpy(both)[:, None].to(device)).float().cpu().numpy()
    return z.reshape(len(crops), 2, *z.shape[1:]).astype(np.float16)
