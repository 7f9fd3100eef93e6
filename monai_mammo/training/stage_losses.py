"""Losses of the two stages, layout and detail, and what the detail stage must know of its data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from monai_mammo.errors import MammoError
from monai_mammo.networks.context import encode_conditions
from monai_mammo.networks.detail_unet import (
    DetailUNet,
    distance_to_air,
    enlarged_layout,
    layout_of,
    layout_planes,
)
from monai_mammo.sampling.schedule import Schedule
from monai_mammo.terms import AcquisitionKind
from monai_mammo.training.diffusion_loss import DiffusionLoss
from monai_mammo.training.latent_dataset import LatentDataset
from monai_mammo.training.triplet_loss import TripletLoss

__all__ = [
    "DetailLoss",
    "LayoutLoss",
    "tissue_corners",
    "tissue_crops",
    "with_residual_statistics",
    "with_texture_prior",
]


class LayoutLoss(DiffusionLoss):
    """The same for the layout stage: what is denoised is the layout of the latent (`networks.layout_of`).

    A batch also holds ``"numbers"`` (B, 6), which tell of its augmentation, and may hold ``"text"`` (B, channels). In
    training the network sees part of the layout itself through its transformer: in some items all but the lesion, in
    some all but a rectangle, in most nothing, as when a mammogram is made from conditions alone.

    Parameters
    ----------
    schedule : Schedule
    hides_all : float
        Share of the items in which nothing is seen.
    hides_lesion : float
        Share in which all but the lesion is seen, where there is one; in what remains all but a rectangle is.
    loop : TripletLoss or None
        Added in training: the lesion network is to read in the clean estimates what was told; `None` for none.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        hides_all: float = 0.6,
        hides_lesion: float = 0.2,
        loop: TripletLoss | None = None,
    ) -> None:
        super().__init__(schedule)
        self.hides_all, self.hides_lesion = hides_all, hides_lesion
        self.loop = loop

    def forward(self, call: Callable[..., Tensor], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Loss of a batch as `DiffusionLoss` gives it, and in training what the loop adds.

        Parameters
        ----------
        call : callable
        batch : dict
            Of `LatentDataset`.

        Returns
        -------
        dict of str to Tensor, each of shape ()
            ``loss``, and what the loop adds beside it.
        """
        one = self.denoising(call, batch)
        terms = self.errors(one)
        if self.loop is None or not torch.is_grad_enabled():
            return terms
        estimate = self.schedule.to_z0(one.prediction.float(), one.z_t, one.t)
        z = batch["image"]  # its own detail stays: z - enlarged(layout) + enlarged(estimate)
        latent = z + enlarged_layout(estimate - one.z0, (z.shape[-2], z.shape[-1]))
        added = self.loop(latent, one.t, batch)
        if "loop" in added:
            terms["loss"] = terms["loss"] + self.loop.weight * added["loop"]
        return terms | {name: value.detach() for name, value in added.items()}

    def task(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Layouts (B, 4, h / 4, w / 4), with the planes on their grid, what is seen, and the numbers.

        Parameters
        ----------
        batch : dict
            Of `LatentDataset`.

        Returns
        -------
        Tensor, shape (B, 4, h / 4, w / 4)
            Layouts.
        dict of str to Tensor
            ``spatial`` and ``anatomy``, planes on the grid of the layouts, and ``numbers`` of shape (B, n).
        """
        spatial = layout_planes(batch["spatial"])
        layout = layout_of(batch["image"])
        seen = torch.zeros_like(layout[:, :1])
        if torch.is_grad_enabled():
            on_cpu = spatial.cpu()  # each item is decided on alone: one copy, not a wait for the device each
            seen = torch.stack([self._seen(planes) for planes in on_cpu]).to(layout.device)
        anatomy = torch.cat([layout * seen, seen], dim=1)
        text = {"text": batch["text"]} if "text" in batch else {}
        return layout, {"spatial": spatial, "anatomy": anatomy, "numbers": batch["numbers"], **text}

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
    val_noise : float
        Deviation of the noise on the layout in validation, about that of sampling.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        network: DetailUNet,
        crop_size: int = 48,
        most_noise: float = 0.15,
        clean_share: float = 0.3,
        val_noise: float = 0.0,
    ) -> None:
        super().__init__(schedule)
        self._network = (network,)  # in a tuple: its weights are no state of this loss
        self.crop_size, self.most_noise, self.clean_share = crop_size, most_noise, clean_share
        self.val_noise = val_noise

    def task(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Residuals (B, 4, c, c) with planes and the noise level; in validation whole ones, at one level.

        Parameters
        ----------
        batch : dict
            Of `LatentDataset`.

        Returns
        -------
        Tensor, shape (B, 4, c, c)
            Residuals.
        dict of str to Tensor
            ``spatial``, planes on the same grid, and ``numbers``: the noise level, and the code of the texture for a
            network that is told of it, shape (B, 1) or (B, 3).
        """
        network, z, is_training = self._network[0], batch["image"], torch.is_grad_enabled()
        n, device = len(z), z.device
        level = torch.full((n,), self.val_noise, device=device)
        if is_training:
            level = self.most_noise * torch.rand(n, device=device) * (torch.rand(n, device=device) > self.clean_share)
        layout = layout_of(z)
        noisy = layout + level[:, None, None, None] * torch.randn_like(layout)
        planes = network.planes(layout, noisy, batch["spatial"][:, :1])
        residual = (z - planes[:, :4]) / network.residual_scale(batch["attributes"], level)
        told = network.numbers_told(level, network.texture_of(z, batch["attributes"]))
        if is_training:
            residual, planes = tissue_crops(planes, (residual, planes), size=self.crop_size)
        return residual, {"spatial": planes, "numbers": told}


def tissue_corners(tissue: Tensor, shape: tuple[int, int], size: int) -> list[tuple[int, int]]:
    """Corners of crops, multiples of 4 positions, that show tissue where eight tries find some.

    Parameters
    ----------
    tissue : Tensor, shape (B, h / 4, w / 4), bool
        Every fourth position of each image, on the CPU.
    shape : tuple of int
        Rows and columns of the images.
    size : int
        Side of a crop; images that are smaller are taken whole.

    Returns
    -------
    list of tuple of int
        Row and column for each image.
    """
    rows, columns = shape
    height, width = min(rows, size), min(columns, size)

    def corner(one: Tensor) -> tuple[int, int]:
        best, most = (0, 0), -1.0
        for _ in range(8):
            top = int(torch.randint(0, (rows - height) // 4 + 1, ()))
            left = int(torch.randint(0, (columns - width) // 4 + 1, ()))
            share = float(one[top : top + -(-height // 4), left : left + -(-width // 4)].float().mean())
            if share > most:
                best, most = (4 * top, 4 * left), share
            if share > 0.4:
                break
        return best

    return [corner(one) for one in tissue]


def tissue_crops(planes: Tensor, images: Sequence[Tensor], *, size: int) -> list[Tensor]:
    """Crops of images at one corner for each item, that show tissue where some is found.

    Parameters
    ----------
    planes : Tensor, shape (B, 8, h, w)
        Of `DetailUNet.planes`; the last is the distance to air.
    images : sequence of Tensor, each of shape (B, C, h, w)
    size : int
        Side of a crop, as `tissue_corners` takes it.

    Returns
    -------
    list of Tensor, each of shape (B, C, size, size)
        Smaller where the images are.
    """
    tissue = planes[:, -1, ::4, ::4].cpu() > 0
    corners = tissue_corners(tissue, (planes.shape[-2], planes.shape[-1]), size)
    windows = [(slice(top, top + size), slice(left, left + size)) for top, left in corners]
    return [
        torch.stack([one[:, rows, columns] for one, (rows, columns) in zip(some, windows, strict=True)])
        for some in images
    ]


def with_residual_statistics(network: DetailUNet, dataset: LatentDataset, *, n_images: int = 600) -> DetailUNet:
    """The same network, its buffers set from training latents.

    Parameters
    ----------
    network : DetailUNet
    dataset : LatentDataset
        Evenly spread images are taken, without augmentation.
    n_images : int
        At most so many.

    Returns
    -------
    DetailUNet
    """
    squares, counts = torch.zeros(len(AcquisitionKind)), torch.zeros(len(AcquisitionKind))
    textured: list[tuple[Tensor, Tensor, Tensor]] = []
    places: list[int] = []
    for index in range(0, len(dataset), max(1, len(dataset) // n_images)):
        z = dataset.latent(index)[None]
        layout = layout_of(z)
        kind = dataset.conditions[index].kind
        if kind is None:
            raise MammoError("the detail stage needs the acquisition kind of each training image")
        place = list(AcquisitionKind).index(kind)
        distance = distance_to_air(layout, dataset.air)
        breast_share = (distance > 0).float().mean()
        if breast_share > 0:
            textured.append((z[0], layout[0], distance[0]))
            places.append(place)
            squares[place] += (z - enlarged_layout(layout, z.shape[-2:])).square().mean() / breast_share
            counts[place] += 1
    if not counts.any():
        raise MammoError("the training images show no breast")
    everywhere = squares.sum() / counts.sum()
    network.residual_std.copy_(torch.where(counts > 0, squares / counts.clamp_min(1), everywhere).sqrt())
    network.air.fill_(dataset.air)
    if network.texture is not None:
        network.texture.fit(textured, places)
    return with_texture_prior(network, dataset)


def with_texture_prior(network: DetailUNet, dataset: LatentDataset) -> DetailUNet:
    """The same network, what its texture's code is drawn from set from training latents; the code stays as it is.

    Parameters
    ----------
    network : DetailUNet
        One without a `TexturePrior` is left as it is.
    dataset : LatentDataset
        All images are taken, without augmentation.

    Returns
    -------
    DetailUNet
    """
    if network.texture is None or network.texture.prior is None:
        return network
    attributes = encode_conditions(dataset.conditions)
    codes = [network.texture_of(dataset.latent(i)[None], attributes[i : i + 1]) for i in range(len(dataset))]
    network.texture.prior.fit(torch.cat(codes), attributes)
    return network
