"""Prepared images in memory, and the random views of them that training sees.

What is random in item `i` of epoch `e` is a function of `(seed, e, i)`, so a resumed run sees
what an uninterrupted one would have seen, with any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.prepare.datalist_form import ROUGH_MASK_KINDS
from monai_mammo.prepare.datalist_items import mask_of, pixels_of
from monai_mammo.training.epochs import OfEpoch

__all__ = ["CropDataset", "EpochSampler", "Passes", "PreparedDataset"]


class PreparedDataset(OfEpoch, Dataset):
    """Whole prepared images, kept in memory as 16-bit integers.

    Parameters
    ----------
    data : sequence of dict
        Items of `load_datalist`, or with arrays in place of files.
    device : torch.device or str, optional
        Keeps the images there too and hands them out from there, as a GPU's memory allows.
    transform : MONAI transform, optional
        Changes each item last, on the device the item lies on; what is random in it follows `(seed, epoch, item)`.
    seed : int
        Decides all that is drawn by chance.
    """

    def __init__(
        self,
        data: Sequence[dict[str, Any]],
        *,
        device: torch.device | str | None = None,
        transform: Callable[[dict[str, Any]], Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.data = list(data)
        self.seed, self.transform = seed, transform
        if not self.data:
            raise RequestError("a data set of no image cannot train or validate: name other data or another split")
        self._images = [pixels_of(item) for item in self.data]
        if len({image.shape for image in self._images}) > 1:
            raise MammoError("prepared images of different sizes cannot train together")
        shape = self._images[0].shape
        self._masks = [mask_of(item, "label", shape) if _is_outlined(item) else None for item in self.data]
        self.conditions = [Conditions.from_dict(item["conditions"]) for item in self.data]
        self._tensors = None if device is None else [_unit_tensor(image).to(device) for image in self._images]

    def __len__(self) -> int:
        return len(self.data)

    def image(self, index: int) -> np.ndarray:
        """Brightness in [0, 1], shape (rows, columns), float32.

        Parameters
        ----------
        index : int
            Place in the order, from 0.

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        return self._images[index].astype(np.float32) / 65535

    def mask(self, index: int) -> np.ndarray | None:
        """Outlined lesion, shape (rows, columns), bool; `None` where none was drawn.

        Parameters
        ----------
        index : int
            Place in the order, from 0.

        Returns
        -------
        ndarray, shape (rows, columns), bool, or None
        """
        return self._masks[index]

    def tensor(self, index: int) -> Tensor:
        """Brightness in [0, 1], shape (1, rows, columns), on the device where the data set keeps its images.

        Parameters
        ----------
        index : int
            Place in the order, from 0.

        Returns
        -------
        Tensor, shape (1, rows, columns), float32
        """
        return _unit_tensor(self._images[index]) if self._tensors is None else self._tensors[index]

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._item(self.tensor(index), index)

    def _item(self, image: Tensor, index: int) -> dict[str, Any]:
        item = {"image": image, "label": image, "index": index, "name": str(self.data[index].get("image_id", index))}
        if self.transform is None:
            return item
        if hasattr(self.transform, "set_random_state"):
            words = np.random.SeedSequence((self.seed, self.epoch, index)).generate_state(1)
            self.transform.set_random_state(seed=int(words[0]))
        return self.transform(item)


class CropDataset(PreparedDataset):
    """Random square crops that show tissue, flipped at random.

    Parameters
    ----------
    data : sequence of dict
        Items of `load_datalist`.
    crop_size : int
        Side of a crop in pixels; images smaller than that are taken whole.
    seed : int
        Decides all that is drawn by chance.
    **kwargs
        Of `PreparedDataset`.
    """

    def __init__(self, data: Sequence[dict[str, Any]], *, crop_size: int = 128, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(data, seed=seed, **kwargs)
        self.crop_size = crop_size

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        rows, columns = _window_with_tissue(self._images[index], self.crop_size, rng)
        crop = self.tensor(index)[:, rows, columns]
        for axis in (1, 2):
            if rng.random() < 0.5:
                crop = crop.flip(axis)
        return self._item(crop.contiguous(), index)


class Passes(OfEpoch, Dataset):
    """Several passes through a data set as one epoch, for machines that are through a single one in no time.

    An epoch ends with validation and a checkpoint; what is random in pass `p` of epoch `e` is what epoch
    ``e * n + p`` of the data set alone would draw.

    Parameters
    ----------
    dataset : PreparedDataset
    n : int
        Passes in an epoch, 1 or more.
    """

    def __init__(self, dataset: PreparedDataset, n: int = 1) -> None:
        if int(n) < 1:
            raise RequestError(f"{n} passes through the data make no epoch: allowed are 1 and more")
        self.dataset, self.n = dataset, int(n)

    @property
    def conditions(self) -> list[Conditions]:
        """Conditions of each item, as often as there are passes."""
        return self.dataset.conditions * self.n

    def __len__(self) -> int:
        return self.n * len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        number, place = divmod(index, len(self.dataset))
        self.dataset.set_epoch(self.epoch * self.n + number)
        return self.dataset[place]


class EpochSampler(Sampler[int]):
    """Order of the items, drawn anew each epoch from `(seed, epoch)` alone.

    Parameters
    ----------
    dataset : PreparedDataset or Passes
        Its `epoch` counts.
    seed : int
        Decides all that is drawn by chance.
    balance : float
        0 takes each item once an epoch; above 0 as many items are drawn with replacement, so that an acquisition
        kind comes in proportion to the power ``1 - balance`` of its count: 0.5 is the square root, 1 all kinds alike.
    """

    def __init__(self, dataset: PreparedDataset | Passes, *, seed: int = 0, balance: float = 0.0) -> None:
        self.dataset = dataset
        self.seed = seed
        self.balance = balance

    def __len__(self) -> int:
        return len(self.dataset)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self.seed, self.dataset.epoch))
        if not self.balance:
            return iter(rng.permutation(len(self.dataset)).tolist())
        kinds = [conditions.kind for conditions in self.dataset.conditions]
        weights = np.array([kinds.count(kind) ** -self.balance for kind in kinds])
        return iter(rng.choice(len(kinds), size=len(kinds), p=weights / weights.sum()).tolist())


def _is_outlined(item: dict[str, Any]) -> bool:
    return "label" in item and item.get("mask_kind") not in ROUGH_MASK_KINDS


def _unit_tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image.astype(np.float32) / 65535)[None]


def _window_with_tissue(
    image: np.ndarray, size: int, rng: np.random.Generator, *, tries: int = 8
) -> tuple[slice, slice]:
    rows, columns = image.shape
    height, width = min(size, rows), min(size, columns)
    best, most = (slice(0, height), slice(0, width)), -1.0
    for _ in range(tries):
        row = int(rng.integers(0, rows - height + 1))
        column = int(rng.integers(0, columns - width + 1))
        window = (slice(row, row + height), slice(column, column + width))
        share = float((image[window][::4, ::4] > 0).mean())
        if share > most:
            best, most = window, share
        if share > 0.5:
            break
    return best
