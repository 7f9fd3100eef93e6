"""Translation between crops with and without a lesion: what each network sees, and who learns when."""

from __future__ import annotations

import functools

import pytest
import torch
from monai.networks.nets import PatchDiscriminator

from monai_mammo.errors import MammoError
from monai_mammo.networks import Autoencoder, CropTranslator
from monai_mammo.networks import PatchDiscriminator as OwnDiscriminator
from monai_mammo.prepare import phantom_items
from monai_mammo.training import CycleLoss, PainterDataset, UnpairedCrops, with_texture_statistics


@pytest.fixture(scope="module")
def crops():
    torch.manual_seed(0)
    autoencoder = Autoencoder((8, 16), n_blocks=1).eval()
    return PainterDataset(phantom_items(8, shape=(256, 192)), autoencoder, n_views=2, nominal_pixel_mm=0.9)


def batch_of(dataset):
    items = [dataset[index] for index in range(len(dataset))]
    return {key: torch.stack([item[key] for item in items]) for key, value in items[0].items() if key != "index"}


def loss_of(network, **words):
    def discriminator():
        return PatchDiscriminator(2, 8, 24, num_layers_d=1, norm=("GROUP", {"num_groups": 8}))

    return CycleLoss(network, discriminator(), discriminator(), autocast=None, **words)


def test_each_crop_with_a_lesion_meets_healthy_ones_with_the_shape_of_a_lesion(crops):
    dataset = UnpairedCrops(crops)
    assert len(dataset) == crops.n_lesions < len(crops)
    item = dataset[0]
    assert torch.equal(item["lesion_outline"], item["lesion_outline"].clamp(max=1)) and item["lesion_outline"].any()
    assert item["healthy_outline"].any() and not (item["healthy_outline"] > item["healthy_region"]).any()
    seen = []
    for epoch in range(6):
        dataset.set_epoch(epoch)
        seen.append(dataset[0]["healthy"])
        assert torch.equal(seen[-1], dataset[0]["healthy"])
    assert any((one != seen[0]).any() for one in seen)


def test_crops_of_one_sort_alone_are_refused(crops):
    healthy = [item for item in phantom_items(8, shape=(256, 192)) if item["mask_kind"] == "none"]
    torch.manual_seed(0)
    alone = PainterDataset(healthy, Autoencoder((8, 16), n_blocks=1).eval(), n_views=1)
    with pytest.raises(MammoError, match="none of one sort"):
        UnpairedCrops(alone)


def test_nothing_changes_outside_the_region_and_bands_lead_back_to_the_latent(crops):
    dataset = UnpairedCrops(crops)
    network = with_texture_statistics(CropTranslator(channels=8, n_blocks=1), dataset)
    batch = batch_of(dataset)
    seen = network.seen(batch["lesion"], batch["lesion_region"], batch["lesion_outline"])
    torch.testing.assert_close(seen.latent(seen.bands), batch["lesion"], rtol=0, atol=1e-4)
    ring = (seen.near - seen.drawn).expand_as(seen.bands[:, :1])
    assert abs(float((seen.bands[:, :1] * ring).sum() / ring.sum())) < 1e-3
    with torch.no_grad():
        for generator in (network.to_lesion, network.to_healthy):
            generator[-1].weight.normal_()
    made = [network(seen.bands, seen.planes, seen.drawn, to_lesion=way) for way in (True, False)]
    outside = (seen.drawn == 0).expand_as(seen.bands)
    assert all(torch.equal(one[outside], seen.bands[outside]) for one in made) and (made[0] != made[1]).any()
    moved = torch.cat([seen.planes[:, :4], seen.planes[:, 4:].flip(2)], dim=1)
    assert torch.equal(network(seen.bands, moved, seen.drawn, to_lesion=False), made[1])
    assert (network(seen.bands, moved, seen.drawn, to_lesion=True) != made[0]).any()


def test_the_generators_learn_and_discriminators_only_where_gradients_are_on(crops):
    torch.manual_seed(0)
    dataset = UnpairedCrops(crops)
    network = with_texture_statistics(CropTranslator(channels=16, n_blocks=1), dataset)
    loss, batch = loss_of(network, identity=1.0), batch_of(dataset)
    call = functools.partial(lambda bands, **words: network(bands, **words))
    judges = (loss.lesion_adversary, loss.healthy_adversary)

    def states():
        return [value.clone() for judge in judges for value in judge.discriminator.state_dict().values()]

    before = states()
    with torch.no_grad():
        first = loss(call, batch)
    assert all(torch.equal(one, other) for one, other in zip(before, states(), strict=True))
    assert "discriminator" not in first and float(first["cycle"]) == float(first["identity"]) == 0
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3, betas=(0.5, 0.99))
    for _ in range(40):
        optimizer.zero_grad()
        loss(call, batch)["loss"].backward()
        optimizer.step()
    assert any(not torch.equal(one, other) for one, other in zip(before, states(), strict=True))
    with torch.no_grad():
        last = loss(call, batch)
    assert float(last["distance"]) < float(first["distance"]) and float(last["cycle"]) > 0
    assert not any(name.startswith("_network") or "to_lesion" in name for name in loss.state_dict())


def test_our_own_discriminator_fits_too(crops):
    network = CropTranslator(channels=8, n_blocks=1)
    judges = [OwnDiscriminator(8, n_layers=2, in_channels=24) for _ in range(2)]
    terms = CycleLoss(network, *judges, autocast=None)(
        lambda bands, **words: network(bands, **words), batch_of(UnpairedCrops(crops))
    )
    assert torch.isfinite(terms["loss"]) and torch.isfinite(terms["discriminator"])
