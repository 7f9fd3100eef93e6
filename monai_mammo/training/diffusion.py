"""Latents with their conditions, and the loss by which the U-Net learns to denoise them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import MammoError
from monai_mammo.files.whole import open_whole
from monai_mammo.networks.context import NOT_GIVEN, encode_conditions
from monai_mammo.networks.detail_unet import (
    DetailUNet,
    distance_to_air,
    enlarged_layout,
    layout_of,
    layout_planes,
)
from monai_mammo.prepare.geometry import mask_of_box, resize
from monai_mammo.sampling.schedule import Schedule, add_noise, per_sample
from monai_mammo.terms import AcquisitionKind, View
from monai_mammo.training.augment import Augmentation
from monai_mammo.training.data import PreparedDataset
from monai_mammo.training.precision import autocast_dtype

__all__ = ["DetailLoss", "DiffusionLoss", "LatentDataset", "LayoutLoss", "spatial_planes", "with_residual_statistics"]

_LOGGER = logging.getLogger(__name__)
_GROUPS = ((0,), (1,), (2,), (3,), (4,), (5,), (10,), (11,), (6, 7, 8, 9))


def spatial_planes(mask: np.ndarray | None, box: Box | None, shape: tuple[int, int]) -> np.ndarray:
    """Lesion mask and box on the latent grid.

    Parameters
    ----------
    mask : ndarray, shape (rows, columns), bool, or None
    box : Box or None
    shape : tuple of int
        Rows and columns of the latent grid.

    Returns
    -------
    ndarray, shape (2, h, w), float32
        Share of each position that is covered; 0 where not given.
    """
    planes = np.zeros((2, *shape), dtype=np.float32)
    if mask is not None:
        planes[0] = resize(mask, shape)
    if box is not None:
        planes[1] = mask_of_box(box, shape)
    return planes


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
    drop_each, drop_all : float
        Probability with which one condition is dropped alone, and with which all are.
    keeps_kind : bool
        Whether the acquisition kind is never dropped, as the detail stage needs it.
    cache_dir : path or None
        Folder that keeps the latents between runs.
    seed : int
    """

    def __init__(
        self,
        data: Sequence[dict[str, Any]],
        autoencoder: nn.Module,
        *,
        draw_mask: Callable[..., Any] | None = None,
        n_views: int = 3,
        drop_each: float = 0.1,
        drop_all: float = 0.1,
        keeps_kind: bool = False,
        cache_dir: str | Path | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(data)
        self.draw_mask, self.n_views, self.seed = draw_mask, n_views, seed
        self.drop_each, self.drop_all, self.keeps_kind = drop_each, drop_all, keeps_kind
        self._latents = self._cached_latents(autoencoder.eval(), cache_dir)  # (images, views, 2, 4, h, w)
        self.air = _air_of(autoencoder)

    def augmentation(self, index: int, view: int) -> Augmentation:
        """Change that view `view` of an image has; view 0 is the image itself."""
        if not view:
            return Augmentation()
        rng = np.random.default_rng((self.seed, 77, index, view))
        return Augmentation.draw(rng, may_flip=self.conditions[index].view is View.CC)

    def latent(self, index: int) -> Tensor:
        """Mean of the scaled latent of an image without augmentation, shape (4, h, w)."""
        return torch.from_numpy(self._latents[index, 0, 0].astype(np.float32))

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        view = int(rng.integers(self.n_views))
        mean, sigma = self._latents[index, view].astype(np.float32)
        latent = mean + sigma * rng.standard_normal(mean.shape, dtype=np.float32)
        conditions, mask = self._conditions_of_view(index, view)
        attributes = encode_conditions([conditions])[0]
        spatial = spatial_planes(mask, conditions.box, latent.shape[-2:])
        self._drop(attributes, spatial, rng)
        return {
            "image": torch.from_numpy(latent),
            "label": torch.from_numpy(latent),
            "attributes": attributes,
            "spatial": torch.from_numpy(spatial),
            "numbers": torch.from_numpy(self.augmentation(index, view).numbers()),
            "index": index,
        }

    def _conditions_of_view(self, index: int, view: int) -> tuple[Conditions, np.ndarray | None]:
        conditions, mask = self.conditions[index], self.mask(index)
        shape = self._images[index].shape
        change = self.augmentation(index, view)
        if view and conditions.box is not None:
            conditions = conditions.replace(box=change.box(conditions.box, shape))
        if mask is not None:
            mask = change.mask(mask) if view else mask
        elif conditions.box is not None and self.draw_mask is not None:
            sample = self.epoch * len(self) + index
            mask = self.draw_mask(conditions, shape=shape, seed=self.seed, sample_id=sample).mask
        return conditions, mask

    def _drop(self, attributes: Tensor, spatial: np.ndarray, rng: np.random.Generator) -> None:
        dropped = rng.random(len(_GROUPS) + 1) < self.drop_each
        if rng.random() < self.drop_all:
            dropped[:] = True
        dropped[0] &= not self.keeps_kind
        for columns, is_dropped in zip(_GROUPS, dropped[:-1], strict=True):
            if is_dropped:
                attributes[list(columns)] = NOT_GIVEN
        if dropped[-2]:
            spatial[1] = 0
        if dropped[-1]:
            spatial[0] = 0

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
        digest = hashlib.sha256(f"{self.n_views}/{self.seed}".encode())
        for name, tensor in autoencoder.state_dict().items():
            if not name.startswith("decoder."):  # a decoder that trains on leaves the latents as they are
                digest.update(tensor.detach().float().cpu().numpy().tobytes())
        for item in self.data:
            digest.update(f"{item.get('image_id')}/{item.get('source_sha256')}".encode())
        return digest.hexdigest()[:16]


@torch.no_grad()
def _air_of(autoencoder: nn.Module) -> float:
    """Mean scaled latent of a black picture."""
    return float(autoencoder.to_latent(torch.zeros(1, 1, 64, 64, device=autoencoder.latent_mean.device)).mean())


class DiffusionLoss(nn.Module):
    """Squared error of the predicted velocity, v (Salimans & Ho 2022) or u of a flow (Esser et al. 2024).

    Times are spread evenly over a batch, each shifted by the same random share of a step, which
    lowers the variance of the mean (Kingma et al. 2021).

    Parameters
    ----------
    schedule : Schedule
        Shared with sampling.
    """

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    def forward(self, call: Callable[..., Tensor], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Loss of a batch with ``"image"`` (B, 4, h, w), ``"attributes"`` (B, 12), ``"spatial"`` (B, 2, h, w)."""
        z0, given = self.task(batch)
        n = len(z0)
        t = (torch.rand((), device=z0.device) + torch.randperm(n, device=z0.device) / n) % 1
        alpha, sigma = per_sample(self.schedule.alpha(t), z0), per_sample(self.schedule.sigma(t), z0)
        eps = torch.randn_like(z0)
        z_t = add_noise(z0, eps, alpha, sigma)
        prediction = call(z_t, timesteps=t, attributes=batch["attributes"], **given)
        error = (prediction.float() - self.schedule.target(z0, eps, t)).square().mean(dim=(1, 2, 3))
        return {"loss": error.mean(), "v_error_noisy": error[t > 0.5].sum() / (t > 0.5).sum().clamp_min(1)}

    def task(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """What is to be denoised, (B, C, H, W), and what the network is given beside noise, time and attributes."""
        return batch["image"], {"spatial": batch["spatial"]}


class LayoutLoss(DiffusionLoss):
    """The same for the layout stage: what is denoised is the layout of the latent (`networks.layout_of`).

    A batch also holds ``"numbers"`` (B, 6), which tell of its augmentation. In training the network sees part of the
    layout itself through its transformer: in some items all but the lesion, in some all but a rectangle, in most
    nothing, as when a mammogram is made from conditions alone.

    Parameters
    ----------
    schedule : Schedule
    hides_all : float
        Share of the items in which nothing is seen.
    hides_lesion : float
        Share in which all but the lesion is seen, where there is one; in what remains all but a rectangle is.
    """

    def __init__(self, schedule: Schedule, *, hides_all: float = 0.6, hides_lesion: float = 0.2) -> None:
        super().__init__(schedule)
        self.hides_all, self.hides_lesion = hides_all, hides_lesion

    def task(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Layouts (B, 4, h / 4, w / 4), with the planes on their grid, what is seen, and the numbers."""
        spatial = layout_planes(batch["spatial"])
        layout = layout_of(batch["image"])
        seen = torch.zeros_like(layout[:, :1])
        if torch.is_grad_enabled():
            seen = torch.stack([self._seen(planes) for planes in spatial])
        anatomy = torch.cat([layout * seen, seen], dim=1)
        return layout, {"spatial": spatial, "anatomy": anatomy, "numbers": batch["numbers"]}

    def _seen(self, planes: Tensor) -> Tensor:
        """Places that are seen of one layout, (1, h, w), for its lesion mask and box (2, h, w)."""
        rows, columns = planes.shape[-2:]
        choice = float(torch.rand(()))
        seen = torch.zeros_like(planes[:1])
        if choice < self.hides_all:
            return seen
        lesion = planes.amax(dim=0, keepdim=True) > 0
        if choice < self.hides_all + self.hides_lesion and lesion.any():
            return 1 - functional.max_pool2d(lesion.float()[None], 3, stride=1, padding=1)[0]
        height = int(torch.randint(rows // 4, rows + 1, ()))
        width = int(torch.randint(columns // 4, columns + 1, ()))
        top = int(torch.randint(0, rows - height + 1, ()))
        left = int(torch.randint(0, columns - width + 1, ()))
        seen += 1
        seen[:, top : top + height, left : left + width] = 0
        return seen


class DetailLoss(DiffusionLoss):
    """The same for the detail stage: what is denoised is a crop of the residual over the enlarged, noised layout.

    Parameters
    ----------
    schedule : Schedule
    network : DetailUNet
        Knows the residual's scale and its planes.
    crop_size : int
        Side of a crop in latent positions, a multiple of 4; latents that are smaller are taken whole.
    most_noise : float
        Noise on the layout is drawn evenly from 0 to this deviation in training.
    clean_share : float
        Share of crops whose layout has none.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        network: DetailUNet,
        crop_size: int = 48,
        most_noise: float = 0.15,
        clean_share: float = 0.3,
    ) -> None:
        super().__init__(schedule)
        self._network = (network,)  # in a tuple: its weights are no state of this loss
        self.crop_size, self.most_noise, self.clean_share = crop_size, most_noise, clean_share

    def task(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Residuals (B, 4, c, c) with planes and the noise level; in validation whole ones, without noise."""
        network, z, is_training = self._network[0], batch["image"], torch.is_grad_enabled()
        n, device = len(z), z.device
        level = torch.zeros(n, device=device)
        if is_training:
            level = self.most_noise * torch.rand(n, device=device) * (torch.rand(n, device=device) > self.clean_share)
        layout = layout_of(z)
        noisy = layout + level[:, None, None, None] * torch.randn_like(layout)
        planes = network.planes(layout, noisy, batch["spatial"][:, :1])
        residual = (z - planes[:, :4]) / network.residual_scale(batch["attributes"], level)
        if is_training:
            both = torch.stack([self._crop(one) for one in torch.cat([residual, planes], dim=1)])
            residual, planes = both[:, :4], both[:, 4:]
        return residual, {"spatial": planes, "numbers": level[:, None]}

    def _crop(self, image: Tensor) -> Tensor:
        """Crop at a multiple of 4 positions that shows tissue where eight tries find some."""
        rows, columns = image.shape[-2:]
        height, width = min(rows, self.crop_size), min(columns, self.crop_size)
        best, most = image[:, :height, :width], -1.0
        for _ in range(8):
            top = int(torch.randint(0, (rows - height) // 4 + 1, ())) * 4
            left = int(torch.randint(0, (columns - width) // 4 + 1, ())) * 4
            crop = image[:, top : top + height, left : left + width]
            share = float((crop[-1, ::4, ::4] > 0).float().mean())  # the last plane is the distance to air
            if share > most:
                best, most = crop, share
            if share > 0.4:
                break
        return best


def with_residual_statistics(network: DetailUNet, dataset: LatentDataset, *, n_images: int = 600) -> DetailUNet:
    """The same network, its buffers set from training latents.

    Parameters
    ----------
    network : DetailUNet
    dataset : LatentDataset
        Evenly spread images are taken, without augmentation.
    n_images : int
        At most so many.
    """
    squares, counts = torch.zeros(len(AcquisitionKind)), torch.zeros(len(AcquisitionKind))
    for index in range(0, len(dataset), max(1, len(dataset) // n_images)):
        z = dataset.latent(index)[None]
        layout = layout_of(z)
        kind = dataset.conditions[index].kind
        if kind is None:
            raise MammoError("the detail stage needs the acquisition kind of each training image")
        place = list(AcquisitionKind).index(kind)
        breast_share = (distance_to_air(layout, dataset.air) > 0).float().mean()
        if breast_share > 0:
            squares[place] += (z - enlarged_layout(layout, z.shape[-2:])).square().mean() / breast_share
            counts[place] += 1
    if not counts.any():
        raise MammoError("the training images show no breast")
    everywhere = squares.sum() / counts.sum()
    network.residual_std.copy_(torch.where(counts > 0, squares / counts.clamp_min(1), everywhere).sqrt())
    network.air.fill_(dataset.air)
    return network
