"""The loop in groups of three: what the generator draws is to be read as what was told to it.

The layout stage's clean estimate becomes an image by the acquired image's own detail (teacher forcing), so that what
the lesion network reads in it is the work of the layout alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from monai_mammo.errors import RequestError
from monai_mammo.training.latent_dataset import LatentDataset
from monai_mammo.training.precision import autocast_dtype
from monai_mammo.training.triplets import ATTRIBUTES, TripletTarget, disagreement, is_read

__all__ = ["ATTRIBUTE_WEIGHTS", "TripletLoss"]

ATTRIBUTE_WEIGHTS: dict[str, float] = {
    "mask": 1.0,
    "box": 0.5,
    "presence": 0.3,
    "finding": 0.3,
    "density": 1.0,
    "birads": 0.5,
    "pathology": 0.3,
}
"""Weight of each attribute within the loop."""


class TripletLoss(nn.Module):
    """Disagreement of what a frozen lesion network reads in estimates of the generator with what was told to it.

    An attribute of an item counts where the network reads it, as told, from the acquired image and from its
    reconstruction: what it cannot read there teaches nothing. Nothing is drawn at random, and its only state is the
    number of iterations, so a resumed run goes on exactly.

    Parameters
    ----------
    autoencoder, lesion_network : nn.Module
        Frozen; no part of this module's state.
    dataset : LatentDataset
        Knows the acquired image of each item of a batch.
    weight : float
        Of the loop beside the diffusion loss.
    start_iteration : int
        Iterations of training before it begins.
    every : int
        Every so many iterations it is computed; a decoder costs far more than a layout.
    n_items : int
        Items of a batch that it is computed for, at most.
    latest_time : float
        Noisier items, whose clean estimate is a blur, are passed over.
    attributes : mapping of str to float, optional
        Weights of `ATTRIBUTES`, over `ATTRIBUTE_WEIGHTS`.
    unread : sequence of str
        Heads that the lesion network's bundle states to be no better than the most frequent class; they do not count.
    autocast : str or None
        Number format in which decoder and lesion network are computed, as in `AutocastInferer`.

    Raises
    ------
    RequestError
        A number of items or iterations, a time, or an attribute is not one that is allowed.
    """

    def __init__(
        self,
        *,
        autoencoder: nn.Module,
        lesion_network: nn.Module,
        dataset: LatentDataset,
        weight: float = 0.005,
        start_iteration: int = 0,
        every: int = 1,
        n_items: int = 2,
        latest_time: float = 0.5,
        attributes: Mapping[str, float] | None = None,
        unread: Sequence[str] = (),
        autocast: str | None = "bfloat16",
    ) -> None:
        super().__init__()
        if every < 1 or n_items < 1 or start_iteration < 0:
            raise RequestError(
                f"loop with every {every}, n_items {n_items} and start_iteration {start_iteration}: "
                "every and n_items are 1 or more, start_iteration 0 or more"
            )
        if not 0 < latest_time <= 1 or not weight >= 0:
            raise RequestError(
                f"loop with latest_time {latest_time} and weight {weight}: the time is above 0 and at most 1, "
                "the weight 0 or more"
            )
        if unknown := sorted(set(attributes or {}) - set(ATTRIBUTES)):
            raise RequestError(f"attribute {unknown[0]!r} of the loop is not one of {', '.join(ATTRIBUTES)}")
        # in a tuple: their weights belong to their own bundles, not to this loss
        self._frozen = (autoencoder.eval().requires_grad_(False), lesion_network.eval().requires_grad_(False))
        self._dataset = dataset
        self.weight, self.start_iteration, self.every = float(weight), int(start_iteration), int(every)
        self.n_items, self.latest_time, self.autocast = int(n_items), float(latest_time), autocast
        weights = {**ATTRIBUTE_WEIGHTS, **(attributes or {})}
        self.attributes = {name: 0.0 if name in unread else weights[name] for name in ATTRIBUTES}
        self.register_buffer("iteration", torch.zeros((), dtype=torch.int64))

    def forward(self, latent: Tensor, t: Tensor, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Terms of one iteration of training; none in an iteration that is passed over.

        Parameters
        ----------
        latent : Tensor, shape (B, 4, h, w)
            Scaled latents of the clean estimates, with a gradient.
        t : Tensor, shape (B,)
            Times of the noisy latents that they were estimated from.
        batch : dict
            Of `LatentDataset`.

        Returns
        -------
        dict of str to Tensor, each of shape ()
            ``loop``, not yet multiplied by `weight`, and ``loop_read``, the share of told attributes that count.
        """
        iteration = int(self.iteration)
        self.iteration += 1
        if iteration < self.start_iteration or iteration % self.every:
            return {}
        target = TripletTarget.of_conditions(batch["attributes"], batch["spatial"])
        is_told = torch.stack([told for name, told in target.told.items() if self.attributes[name]]).any(dim=0)
        chosen = ((t <= self.latest_time) & is_told).nonzero()[: self.n_items, 0]
        if not len(chosen):
            return {}
        target = target[chosen]
        acquired = torch.stack([self._dataset.acquired(int(i)) for i in batch["index"][chosen]]).to(latent.device)
        counted = self.counted(acquired, batch["image"][chosen], target)
        n_told = torch.stack(list(target.told.values())).sum()
        terms = {"loop_read": torch.stack(list(counted.values())).sum() / n_told.clamp_min(1)}
        total = latent[chosen].sum() * 0
        some = torch.stack(list(counted.values())).any(dim=0).nonzero()[:, 0]
        if len(some):
            outputs = self._outputs(self._decoded(latent[chosen[some]], acquired[some]))
            for name, apart in disagreement(outputs, target[some]).items():
                is_counted = counted[name][some]
                total = total + self.attributes[name] * torch.where(is_counted, apart, 0.0).sum()
        return {"loop": total / self.n_items, **terms}

    @torch.no_grad()
    def counted(self, acquired: Tensor, latent: Tensor, target: TripletTarget) -> dict[str, Tensor]:
        """Whether each attribute counts: it has a weight, and is read from the acquired and the reconstructed image.

        Parameters
        ----------
        acquired : Tensor, shape (B, 1, H, W)
        latent : Tensor, shape (B, 4, h, w)
            Of the acquired images.
        target : TripletTarget

        Returns
        -------
        dict of str to Tensor, shape (B,), bool
        """
        first = is_read(self._outputs(acquired), target)
        second = is_read(self._outputs(self._decoded(latent, acquired)), target)
        return {name: first[name] & second[name] & (self.attributes[name] > 0) for name in ATTRIBUTES}

    def _decoded(self, latent: Tensor, acquired: Tensor) -> Tensor:
        """Images (B, 1, H, W) of latents, their air black as in prepared images."""
        rows, columns = acquired.shape[-2:]
        with self._number_format(latent):
            image = self._frozen[0].from_latent(latent)
        return image.float()[..., :rows, :columns] * (acquired > 0)

    def _outputs(self, image: Tensor) -> dict[str, Tensor]:
        with self._number_format(image):
            return self._frozen[1](image)

    def _number_format(self, x: Tensor) -> torch.autocast:
        dtype = autocast_dtype(self.autocast, x.device)
        return torch.autocast(x.device.type, dtype, enabled=dtype is not None)
