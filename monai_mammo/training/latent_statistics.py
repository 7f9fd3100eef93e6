"""Scale of the latents, estimated over many images and kept with the autoencoder's weights."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_mammo.training.data import PreparedDataset

__all__ = ["LatentStatistics", "set_latent_statistics"]


@torch.no_grad()
def set_latent_statistics(network: nn.Module, dataset: PreparedDataset, *, n_images: int = 512) -> None:
    """Set an autoencoder's buffers so that its scaled latents have mean 0 and deviation 1 in each channel.

    Parameters
    ----------
    network : nn.Module
        `Autoencoder`; its `latent_mean` and `latent_std` are set.
    dataset : PreparedDataset
        Training images; evenly spread ones are taken.
    n_images : int
        At most so many.
    """
    device, was_training = network.latent_mean.device, network.training
    network.eval()
    step = max(1, len(dataset) // n_images)
    n = 0
    total = squares = torch.zeros((), dtype=torch.float64)
    for index in range(0, len(dataset), step):
        image = torch.from_numpy(dataset.image(index))[None, None].to(device)
        mu = network.encode(image)[0].double()
        n += mu[0, 0].numel()
        total, squares = total + mu.sum(dim=(0, 2, 3)), squares + mu.square().sum(dim=(0, 2, 3))
    mean = total / n
    deviation = (squares / n - mean.square()).clamp_min(1e-12).sqrt()
    network.latent_mean.copy_(mean[None, :, None, None])
    network.latent_std.copy_(deviation[None, :, None, None])
    network.train(was_training)


class LatentStatistics:
    """Handler that sets the statistics of an evaluator's network before its weights are written.

    Parameters
    ----------
    dataset : PreparedDataset
        Training images.
    n_images : int
        At most so many are used, evenly spread.
    """

    def __init__(self, dataset: PreparedDataset, *, n_images: int = 512) -> None:
        self.dataset, self.n_images = dataset, int(n_images)

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator, before the handler that writes.

        Parameters
        ----------
        engine : Engine
        """
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Estimate and set."""
        set_latent_statistics(engine.network, self.dataset, n_images=self.n_images)
