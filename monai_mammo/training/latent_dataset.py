"""Latents of prepared images with their conditions, as the diffusion networks learn from them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from monai_mammo.attributes import DROPPED_TOGETHER, NOT_GIVEN
from monai_mammo.conditions import Conditions
from monai_mammo.files.whole import open_whole
from monai_mammo.lesions.planes import lesion_planes
from monai_mammo.networks.context import encode_conditions
from monai_mammo.networks.text_encoders import TextEncoder
from monai_mammo.switches import parse_switch
from monai_mammo.terms import View
from monai_mammo.training.augment import Augmentation
from monai_mammo.training.caption_vectors import CaptionVectors
from monai_mammo.training.data import PreparedDataset
from monai_mammo.training.elastic_deformation import ElasticDeformation
from monai_mammo.training.precision import autocast_dtype

__all__ = ["LatentDataset", "air_of"]

_LOGGER = logging.getLogger(__name__)

_CHANGE = "edges go on"
"""What `Augmentation` does to a picture; latents that were kept before it did otherwise are not taken for these."""


class LatentDataset(PreparedDataset):
    """Scaled latents of prepared images and of augmented copies, with conditions that are dropped at random.

    Parameters
    ----------
    data : sequence of dict
        Items of `load_datalist`.
    autoencoder : nn.Module
        Frozen `Autoencoder`; encodes once, when the data set is made.
    draw_mask : callable or None
        ``draw_mask(conditions, shape=…, seed=…, sample_id=…)`` gives an outline for images of which
        only a box is known, as an object with ``mask``; they train without one otherwise.
    n_views : int
        Latents for each image: the image itself, and ``n_views - 1`` augmented copies.
    augmentation_strength : float
        See `Augmentation.draw`; a network that is told of the change may see more than 1.
    elastic_strength : float
        How strongly each item is bent besides, another way in each epoch (`ElasticDeformation`); for layouts only,
        since a bent latent is smoother than the latent of a bent image. 0 leaves them as they are.
    drop_each, drop_all : float
        Probability with which one condition is dropped alone, and with which all are.
    keeps_kind : bool
        Whether the acquisition kind is never dropped, as the detail stage needs it.
    cache_dir : path or None
        Folder that keeps the latents, and vectors of captions, between runs.
    text_encoder : TextEncoder or None
        Encodes captions of the conditions, as `monai_mammo.networks.text_encoder` gives it; their vectors are
        dropped alone, as conditions are.
    n_captions : int
        Captions of an image: the whole one, and ``n_captions - 1`` of which words are left out.
    caption_drop : float
        See `monai_mammo.text.caption_of`.
    seed : int
        Decides all that is drawn by chance.
    """

    def __init__(
        self,
        data: Sequence[dict[str, Any]],
        autoencoder: nn.Module,
        *,
        draw_mask: Callable[..., Any] | None = None,
        n_views: int = 3,
        augmentation_strength: float = 1.0,
        elastic_strength: float = 0.0,
        drop_each: float = 0.1,
        drop_all: float = 0.1,
        keeps_kind: bool = False,
        cache_dir: str | Path | None = None,
        text_encoder: TextEncoder | None = None,
        n_captions: int = 4,
        caption_drop: float = 0.3,
        seed: int = 0,
    ) -> None:
        super().__init__(data)
        self.draw_mask, self.n_views, self.seed = draw_mask, n_views, seed
        self.augmentation_strength, self.elastic_strength = augmentation_strength, elastic_strength
        self.drop_each, self.drop_all = drop_each, drop_all
        self.keeps_kind = parse_switch(keeps_kind, name="keeps_kind")
        self._factor = int(autoencoder.factor)
        self._latents = self._cached_latents(autoencoder.eval(), cache_dir)  # (images, views, 2, 4, h, w)
        self.air = air_of(autoencoder)
        self.captions: CaptionVectors | None = None
        if text_encoder is not None:
            self.captions = CaptionVectors(
                self.conditions, text_encoder, n_captions=n_captions, drop=caption_drop, seed=seed, cache_dir=cache_dir
            )

    def augmentation(self, index: int, view: int) -> Augmentation:
        """Change that view `view` of an image has; view 0 is the image itself.

        Parameters
        ----------
        index, view : int
            0 for the image itself; copies from 1 on.

        Returns
        -------
        Augmentation
        """
        if not view:
            return Augmentation()
        rng = np.random.default_rng((self.seed, 77, index, view))
        may_flip = self.conditions[index].view is View.CC
        return Augmentation.draw(rng, strength=self.augmentation_strength, may_flip=may_flip)

    def latent(self, index: int) -> Tensor:
        """Mean of the scaled latent of an image without augmentation, shape (4, h, w).

        Parameters
        ----------
        index : int
            Place in the order, from 0.

        Returns
        -------
        Tensor, shape (4, h, w), float32
        """
        return torch.from_numpy(self._latents[index, 0, 0].astype(np.float32))

    def acquired(self, index: int) -> Tensor:
        """Acquired image whose latent item `index` holds in this epoch, in the same view.

        Parameters
        ----------
        index : int
            Place in the order, from 0.

        Returns
        -------
        Tensor, shape (1, rows, columns), float32
        """
        view = int(self._rng(index).integers(self.n_views))
        image, bent = self.image(index), self._bent(index)
        image = self.augmentation(index, view).image(image) if view else image
        return torch.from_numpy(image if bent is None else bent.array(image))[None]

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = self._rng(index)
        view = int(rng.integers(self.n_views))
        mean, sigma = self._latents[index, view].astype(np.float32)
        latent = mean + sigma * rng.standard_normal(mean.shape, dtype=np.float32)
        change, bent = self.augmentation(index, view), self._bent(index)
        if bent is not None:
            latent = bent.latent(latent)
            change = change.followed_by(bent.change)
        conditions, mask = self._conditions_of_view(index, view, bent)
        attributes = encode_conditions([conditions])[0]
        spatial = lesion_planes(mask, conditions.box, shape=self._images[index].shape, factor=self._factor)
        has_all_dropped = self._drop(attributes, spatial, rng)
        return {
            "image": torch.from_numpy(latent),
            "label": torch.from_numpy(latent),
            "attributes": attributes,
            "spatial": spatial,
            "numbers": torch.from_numpy(change.numbers()),
            "index": index,
            **self._text(index, rng, is_dropped=has_all_dropped),
        }

    def _rng(self, index: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, self.epoch, index))

    def _bent(self, index: int) -> ElasticDeformation | None:
        if not self.elastic_strength:
            return None
        rng = np.random.default_rng((self.seed, 99, self.epoch, index))
        return ElasticDeformation.draw(rng, strength=self.elastic_strength)

    def _conditions_of_view(
        self, index: int, view: int, bent: ElasticDeformation | None
    ) -> tuple[Conditions, np.ndarray | None]:
        conditions, mask = self.conditions[index], self.mask(index)
        shape = self._images[index].shape
        change = self.augmentation(index, view)
        if view and conditions.box is not None:
            conditions = conditions.replace(box=change.box(conditions.box, shape))
        if bent is not None and conditions.box is not None:
            conditions = conditions.replace(box=bent.box(conditions.box, shape))
        if mask is not None:
            mask = change.mask(mask) if view else mask
            mask = mask if bent is None else bent.mask(mask)
        elif conditions.box is not None and self.draw_mask is not None:
            sample = self.epoch * len(self) + index
            mask = self.draw_mask(conditions, shape=shape, seed=self.seed, sample_id=sample).mask
        return conditions, mask

    def _text(self, index: int, rng: np.random.Generator, *, is_dropped: bool) -> dict[str, Tensor]:
        """Vector of a caption, (channels,), zeros where it is dropped; nothing without an encoder."""
        if self.captions is None:
            return {}
        k = int(rng.integers(self.captions.n_captions))
        is_dropped |= bool(rng.random() < self.drop_each)
        vector = self.captions.vector(index, k)
        return {"text": torch.from_numpy(np.zeros_like(vector) if is_dropped else vector.copy())}

    def _drop(self, attributes: Tensor, spatial: Tensor, rng: np.random.Generator) -> bool:
        """Drop conditions in place; whether all were."""
        dropped = rng.random(len(DROPPED_TOGETHER) + 1) < self.drop_each
        has_all_dropped = bool(rng.random() < self.drop_all)
        if has_all_dropped:
            dropped[:] = True
        dropped[0] &= not self.keeps_kind
        for columns, is_dropped in zip(DROPPED_TOGETHER, dropped[:-1], strict=True):
            if is_dropped:
                attributes[list(columns)] = NOT_GIVEN
        if dropped[-2]:
            spatial[1] = 0
        if dropped[-1]:
            spatial[0] = 0
        return has_all_dropped

    def _cached_latents(self, autoencoder: nn.Module, cache_dir: str | Path | None) -> np.ndarray:
        path = None if cache_dir is None else Path(cache_dir) / f"latents_{self._cache_key(autoencoder)}.npy"
        if path is not None and path.is_file():
            return np.load(path, mmap_mode="r")
        latents = self._encode_all(autoencoder)
        if path is not None:
            with open_whole(path, make_folder=True) as stream:
                np.save(stream, latents)
        return latents

    @torch.no_grad()
    def _encode_all(self, autoencoder: nn.Module) -> np.ndarray:
        out: np.ndarray | None = None
        device = autoencoder.latent_mean.device
        dtype = autocast_dtype("bfloat16", device)
        for index in range(len(self)):
            image = self.image(index)
            views = np.stack([self.augmentation(index, v).image(image) if v else image for v in range(self.n_views)])
            x = torch.from_numpy(views)[:, None].to(device)
            with torch.autocast(device.type, dtype, enabled=dtype is not None):
                mu, sigma = autoencoder.encode(x)
            mean = (mu.float() - autoencoder.latent_mean) / autoencoder.latent_std
            both = torch.stack([mean, sigma.float() / autoencoder.latent_std], dim=1).half().cpu().numpy()
            if out is None:
                out = np.empty((len(self), *both.shape), dtype=np.float16)
            out[index] = both
            if index % 500 == 499:
                _LOGGER.info("encoded %d of %d images", index + 1, len(self))
        assert out is not None, "a dataset holds at least one image"
        return out

    def _cache_key(self, autoencoder: nn.Module) -> str:
        digest = hashlib.sha256(f"{_CHANGE}/{self.n_views}/{self.seed}/{self.augmentation_strength}".encode())
        for name, tensor in autoencoder.state_dict().items():
            if not name.startswith("decoder."):  # a decoder that trains on leaves the latents as they are
                digest.update(tensor.detach().float().cpu().numpy().tobytes())
        for item, image in zip(self.data, self._images, strict=True):
            digest.update(str(item.get("image_id")).encode())
            digest.update(np.ascontiguousarray(image).data)  # the source may be the same and its preparation another
        return digest.hexdigest()[:16]


@torch.no_grad()
def air_of(autoencoder: nn.Module) -> float:
    """Mean scaled latent of a black picture.

    Parameters
    ----------
    autoencoder : nn.Module

    Returns
    -------
    float
    """
    return float(autoencoder.to_latent(torch.zeros(1, 1, 64, 64, device=autoencoder.latent_mean.device)).mean())
