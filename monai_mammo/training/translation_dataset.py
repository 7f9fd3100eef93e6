"""Pairs of acquisitions of the same breast as latents, for the translator."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from monai_mammo.attributes import DROPPED_TOGETHER, NOT_GIVEN
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError
from monai_mammo.files.whole import open_whole
from monai_mammo.lesions.planes import lesion_planes
from monai_mammo.networks.context import encode_conditions
from monai_mammo.prepare.datalist_form import ROUGH_MASK_KINDS
from monai_mammo.prepare.datalist_items import mask_of, pixels_of
from monai_mammo.prepare.same_breast import OutlineFit, ViewPair, view_pairs
from monai_mammo.terms import View
from monai_mammo.training.augment import Augmentation
from monai_mammo.training.epochs import OfEpoch
from monai_mammo.training.latent_dataset import air_of
from monai_mammo.training.precision import autocast_dtype

__all__ = ["TranslationDataset"]

_LOGGER = logging.getLogger(__name__)


class TranslationDataset(OfEpoch, Dataset):
    """Latents of both acquisitions of a breast, each once the source and once what is to be drawn.

    The source is laid over the other by the outlines of the breast, so that what is learnt is drawn never was
    interpolated. What is random in item `i` of epoch `e` is a function of `(seed, e, i)`.

    Parameters
    ----------
    data : sequence of dict
        Items of `load_datalist`, or with arrays in place of files; those without a partner are left out.
    autoencoder : nn.Module
        Frozen `Autoencoder`; encodes once, when the data set is made.
    modalities : sequence of str
        Two kinds of acquisition.
    n_views : int
        Latents of each pair: the pair itself, and ``n_views - 1`` augmented copies, both acquisitions alike.
    least_overlap : float
        Intersection over union of both breasts after the fit, below which a pair is left out.
    drop_each, drop_all : float
        Probability with which one condition, or the lesion's mask, is dropped alone, and with which all are.
    cache_dir : path or None
        Folder that keeps the latents between runs.
    seed : int
        Decides all that is drawn by chance.

    Raises
    ------
    MammoError
        There is no pair whose outlines agree, or images are of different sizes.
    """

    def __init__(
        self,
        data: Sequence[dict[str, Any]],
        autoencoder: nn.Module,
        *,
        modalities: Sequence[str] = ("digital", "contrast"),
        n_views: int = 2,
        least_overlap: float = 0.94,
        drop_each: float = 0.1,
        drop_all: float = 0.1,
        cache_dir: str | Path | None = None,
        seed: int = 0,
    ) -> None:
        self.modalities, self.n_views, self.seed = tuple(modalities), int(n_views), seed
        self.drop_each, self.drop_all = drop_each, drop_all
        self._factor = int(autoencoder.factor)
        pairs = view_pairs(data, self.modalities)
        found = [pair.fit(*self.modalities) for pair in pairs]
        fits = [[fit, fit.inverse()] for fit in found]
        kept = [place for place, fit in enumerate(found) if fit.overlap >= least_overlap]
        if not kept:
            raise MammoError(
                f"no breast of these images was taken as {' and as '.join(self.modalities)}, with outlines that agree"
            )
        _LOGGER.info("%d pairs of %d, those whose outlines agree", len(kept), len(pairs))
        self.pairs, self.fits = [pairs[place] for place in kept], [fits[place] for place in kept]
        self._latents = self._cached(autoencoder.eval(), cache_dir)  # (pairs, ways, views, 2, 4, h, w)
        self._planes = self._drawn_planes()  # (pairs, ways, views, 1, h, w)
        self.air = air_of(autoencoder)
        self.conditions = [self._conditions(index) for index in range(len(self))]

    def __len__(self) -> int:
        return len(self.pairs) * len(self._ways())

    def item(self, index: int, view: int) -> dict[str, Any]:
        """One pair in one direction, nothing dropped.

        Parameters
        ----------
        index : int
            Number of the pair and direction, from 0.
        view : int
            0 for the pair itself, an augmented copy from 1 on.

        Returns
        -------
        dict
            ``image`` and ``source``, latents of shape (4, h, w), ``spatial``, the mask, (1, h, w), ``attributes``,
            ``numbers``, shape (6,), and ``of`` and ``onto``, shape ().
        """
        pair, way = self._place(index)
        source, image = torch.from_numpy(self._latents[pair, way, view].astype(np.float32))
        change = self._change(pair, view)
        of, onto = self._ways()[way]
        return {
            "image": image,
            "source": source,
            "spatial": torch.from_numpy(self._planes[pair, way, view].astype(np.float32) / 255),
            "attributes": encode_conditions([self.conditions[index]])[0],
            "numbers": torch.from_numpy(change.numbers()),
            "of": torch.tensor(self.modalities.index(of)),
            "onto": torch.tensor(self.modalities.index(onto)),
        }

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        item = self.item(index, int(rng.integers(self.n_views)))
        dropped = rng.random(len(DROPPED_TOGETHER) + 1) < self.drop_each
        if rng.random() < self.drop_all:
            dropped[:] = True
        for columns, is_dropped in zip(DROPPED_TOGETHER, dropped, strict=False):
            if is_dropped:
                item["attributes"][list(columns)] = NOT_GIVEN
        if dropped[-1]:
            item["spatial"].zero_()
        return {**item, "label": item["image"], "index": index}

    def _ways(self) -> list[tuple[str, str]]:
        """Source and what is drawn of it, both ways."""
        first, second = self.modalities
        return [(first, second), (second, first)]

    def _place(self, index: int) -> tuple[int, int]:
        return divmod(index, len(self._ways()))

    def _conditions(self, index: int) -> Conditions:
        pair, way = self._place(index)
        shown = self.pairs[pair].items[self._ways()[way][1]]["conditions"]
        return Conditions.from_dict({**shown, "box": None})

    def _change(self, pair: int, view: int) -> Augmentation:
        if not view:
            return Augmentation()
        rng = np.random.default_rng((self.seed, 81, pair, view))
        drawn = self.pairs[pair].items[self.modalities[0]]["conditions"].get("view")
        return Augmentation.draw(rng, may_flip=drawn == View.CC)

    def _drawn_planes(self) -> np.ndarray:
        """Outlined lesion of the source, else of what is drawn, as shares of latent positions, uint8."""
        return np.stack(
            [[self._planes_of(place, way) for way in range(len(self._ways()))] for place in range(len(self.pairs))]
        )

    def _planes_of(self, place: int, way: int) -> np.ndarray:
        items, (of, onto), fit = self.pairs[place].items, self._ways()[way], self.fits[place][way]
        shape = pixels_of(items[onto]).shape
        mask = None
        if _is_outlined(items[of]):
            mask = fit.mask_laid_over(mask_of(items[of], "label", shape))
        elif _is_outlined(items[onto]):
            mask = mask_of(items[onto], "label", shape)
        views = []
        for view in range(self.n_views):
            change = self._change(place, view)
            changed = change.mask(mask) if mask is not None and view else mask
            plane = lesion_planes(changed, None, shape=(shape[0], shape[1]), factor=self._factor)[:1]
            views.append(np.round(plane.numpy() * 255).astype(np.uint8))
        return np.stack(views)

    def _cached(self, autoencoder: nn.Module, cache_dir: str | Path | None) -> np.ndarray:
        path = None if cache_dir is None else Path(cache_dir) / f"pairs_{self._cache_key(autoencoder)}.npy"
        if path is not None and path.is_file():
            return np.load(path, mmap_mode="r")
        latents = np.stack([self._encoded(place, autoencoder) for place in range(len(self.pairs))])
        if path is not None:
            with open_whole(path, make_folder=True) as stream:
                np.save(stream, latents)
        return latents

    @torch.no_grad()
    def _encoded(self, place: int, autoencoder: nn.Module) -> np.ndarray:
        """Latents of a pair, source and what is drawn, shape (ways, views, 2, 4, h, w), float16."""
        pair, out = self.pairs[place], []
        device = autoencoder.latent_mean.device
        dtype = autocast_dtype("bfloat16", device)
        for (of, onto), fit in zip(self._ways(), self.fits[place], strict=True):
            both = [_laid_over(pair, of, fit), _brightness(pair, onto)]
            changes = [self._change(place, view) for view in range(self.n_views)]
            views = [change.image(one) if change != Augmentation() else one for change in changes for one in both]
            x = torch.from_numpy(np.stack(views))[:, None].to(device)
            with torch.autocast(device.type, dtype, enabled=dtype is not None):
                z = autoencoder.to_latent(x).float().half().cpu().numpy()
            out.append(z.reshape(self.n_views, 2, *z.shape[1:]))
        if place % 50 == 49:
            _LOGGER.info("encoded %d of %d pairs", place + 1, len(self.pairs))
        return np.stack(out)

    def _cache_key(self, autoencoder: nn.Module) -> str:
        digest = hashlib.sha256(f"{self.modalities}/{self.n_views}/{self.seed}".encode())
        for name, tensor in autoencoder.state_dict().items():
            if not name.startswith("decoder."):
                digest.update(tensor.detach().float().cpu().numpy().tobytes())
        for pair, fits in zip(self.pairs, self.fits, strict=True):
            digest.update(repr(fits).encode())
            for item in pair.items.values():
                digest.update(np.ascontiguousarray(pixels_of(item)[::8, ::8]).data)
        return digest.hexdigest()[:16]


def _brightness(pair: ViewPair, kind: str) -> np.ndarray:
    return pixels_of(pair.items[kind]).astype(np.float32) / 65535


def _laid_over(pair: ViewPair, kind: str, fit: OutlineFit) -> np.ndarray:
    return fit.laid_over(_brightness(pair, kind))


def _is_outlined(item: dict[str, Any]) -> bool:
    return "label" in item and item.get("mask_kind") not in ROUGH_MASK_KINDS
