"""A latent is drawn anew each time, with the mean and the spread that the encoder states."""

from __future__ import annotations

import numpy as np
import torch

from monai_mammo.networks import Autoencoder
from monai_mammo.prepare import phantom_items
from monai_mammo.training import LatentDataset


def test_the_spread_of_drawn_latents_is_the_encoders():
    torch.manual_seed(0)
    encoder = Autoencoder((8, 8), n_blocks=1).eval()
    encoder.latent_std.fill_(2.0)
    encoder.latent_mean.fill_(0.5)
    items = phantom_items(1, shape=(64, 48))
    dataset = LatentDataset(items, encoder, n_views=1, drop_each=0.0, drop_all=0.0)
    with torch.no_grad():
        mean, sigma = encoder.encode(torch.from_numpy(dataset.image(0))[None, None])
    draws = []
    for epoch in range(400):
        dataset.set_epoch(epoch)
        draws.append(dataset[0]["image"].numpy())
    drawn = np.stack(draws)  # (400, 4, h, w)
    stated = (sigma / 2.0)[0].numpy()
    ratio = drawn.std(axis=0) / np.maximum(stated, 1e-8)
    assert abs(ratio.mean() - 1) < 0.02  # 400 draws at 3,072 places; half precision of the kept latents
    off = drawn.mean(axis=0) - ((mean - 0.5) / 2.0)[0].numpy()
    assert np.abs(off).max() < 6 * stated.max() / 20 + 0.01
