"""The translator learns from pairs: both directions, the target never interpolated, and its losses fall."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from monai_mammo.attributes import COLUMNS, NOT_GIVEN
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.networks import Autoencoder, TranslatorUNet
from monai_mammo.prepare import pair_items, phantom_items
from monai_mammo.sampling import CosineSchedule
from monai_mammo.training import (
    TranslationDataset,
    TranslationLoss,
    TranslationRegressionLoss,
    with_pair_statistics,
)

SMALL = {"channels": [16, 24], "n_blocks": 1, "attention_scales": [1], "context_channels": 16}


@pytest.fixture(scope="module")
def autoencoder():
    torch.manual_seed(0)
    return Autoencoder((8, 16), n_blocks=1).eval()


@pytest.fixture(scope="module")
def items():
    return pair_items("phantom", shape=(128, 96), n_phantoms=3)


@pytest.fixture(scope="module")
def dataset(items, autoencoder):
    return TranslationDataset(items, autoencoder, n_views=2, drop_each=0, drop_all=0)


@pytest.fixture(scope="module")
def batch(dataset):
    return {k: torch.stack([dataset.item(i, 0)[k] for i in range(len(dataset))]) for k in dataset.item(0, 0)}


def test_each_pair_comes_both_ways_with_what_is_drawn_as_it_was_acquired(dataset, items, autoencoder):
    assert len(dataset) == 6
    there, back = dataset.item(0, 0), dataset.item(1, 0)
    assert (int(there["of"]), int(there["onto"]), int(back["of"]), int(back["onto"])) == (0, 1, 1, 0)
    kind = COLUMNS.index("kind")
    assert there["attributes"][kind] == 2 and back["attributes"][kind] == 1
    for item, place in ((there, 1), (back, 0)):
        image = torch.from_numpy(items[place]["image"].astype(np.float32) / 65535)[None, None]
        with torch.no_grad():
            assert (item["image"] - autoencoder.to_latent(image)[0]).abs().max() < 0.1
    assert there["spatial"].any() == ("label" in items[0])
    assert not there["numbers"].any() and dataset.item(0, 1)["numbers"].any()
    dataset.set_epoch(1)
    first = dataset[0]["image"]
    assert torch.equal(first, dataset[0]["image"])


def test_conditions_and_mask_are_dropped(items, autoencoder):
    dropping = TranslationDataset(items, autoencoder, n_views=1, drop_all=1.0)
    for index in range(len(dropping)):
        assert (dropping[index]["attributes"] == NOT_GIVEN).all() and not dropping[index]["spatial"].any()


def test_a_cache_of_the_same_pairs_is_read_again_and_none_is_no_data(items, autoencoder, tmp_path):
    first = TranslationDataset(items, autoencoder, n_views=1, cache_dir=tmp_path)
    again = TranslationDataset(items, autoencoder, n_views=1, cache_dir=tmp_path)
    assert len(list(tmp_path.glob("pairs_*.npy"))) == 1
    assert torch.equal(first.item(3, 0)["image"], again.item(3, 0)["image"])
    with pytest.raises(MammoError, match="as digital and as contrast"):
        TranslationDataset(phantom_items(4, shape=(128, 96)), autoencoder, n_views=1)
    with pytest.raises(MammoError, match="outlines that agree"):
        TranslationDataset(items, autoencoder, n_views=1, least_overlap=1.1)


def test_bands_have_unit_deviation_in_tissue_and_come_back(dataset, batch):
    network = with_pair_statistics(TranslatorUNet(**SMALL), dataset)
    bands = network.bands(batch["image"], batch["onto"])
    assert torch.allclose(network.latent(bands, batch["onto"]), batch["image"], atol=1e-4)
    tissue = batch["image"].mean(dim=1)[:, ::2, ::2] > dataset.air + 0.3
    for place in (0, 1):
        inside = bands[batch["onto"] == place].transpose(0, 1)[:, tissue[batch["onto"] == place]]
        assert inside.std(dim=1).min() > 0.5 and inside.std(dim=1).max() < 1.6
    assert network.band_mean[0, 0] != network.band_mean[1, 0]
    with pytest.raises(RequestError, match="pairs of digital, contrast"):
        network.place_of("ultrasound")
    with pytest.raises(ValueError, match="two modalities"):
        TranslatorUNet(**SMALL, modalities=["digital"])


@pytest.mark.parametrize("sort", ["diffusion", "regression"])
def test_the_loss_falls_and_the_source_is_seen(dataset, batch, sort):
    torch.manual_seed(0)
    network = with_pair_statistics(TranslatorUNet(**SMALL), dataset)
    loss = TranslationLoss(CosineSchedule(), network) if sort == "diffusion" else TranslationRegressionLoss(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3)
    values = []
    for step in range(40):
        torch.manual_seed(step)
        terms = loss(functools.partial(network), batch)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        values.append(float(terms["loss"].detach()))
    assert np.mean(values[-8:]) < 0.8 * np.mean(values[:4])
    with torch.no_grad():
        torch.manual_seed(0)
        right = float(loss(network, batch)["loss"])
        torch.manual_seed(0)
        wrong = float(loss(network, {**batch, "source": batch["source"].roll(2, dims=0)})["loss"])
    assert right < wrong
