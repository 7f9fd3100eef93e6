"""The finish of the detail stage: what it is shown, what it lowers, and where its latents come from."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from monai_mammo import sampling
from monai_mammo.errors import MammoError
from monai_mammo.networks import (
    Autoencoder,
    DetailUNet,
    EfficientNetLite,
    FeatureDiscriminator,
    LayoutUNet,
    PictureFinish,
)
from monai_mammo.networks.detail_unet import layout_of
from monai_mammo.networks.feature_discriminator import SeenPictures
from monai_mammo.prepare import phantom_items
from monai_mammo.training.drawn_dataset import DrawnDataset
from monai_mammo.training.finish_loss import FinishLoss, half_size_picture, power_change

SMALL = {"channels": [8, 8], "n_blocks": 1, "context_channels": 8}
SHAPE = (128, 96)


@pytest.fixture(scope="module")
def autoencoder():
    torch.manual_seed(0)
    return Autoencoder((8, 16), n_blocks=1).eval()


@pytest.fixture(scope="module")
def cascade():
    torch.manual_seed(1)
    layout = LayoutUNet(**SMALL, attention_scales=[1]).eval()
    schedule = sampling.CosineSchedule()
    return sampling.Cascade(layout, DetailUNet(**SMALL).eval(), schedule, schedule)


@pytest.fixture(scope="module")
def items():
    return phantom_items(6, shape=SHAPE)


@pytest.fixture(scope="module")
def dataset(items, autoencoder, cascade):
    return DrawnDataset(items, autoencoder, cascade=cascade, n_drawn=2, seed=3)


@pytest.fixture
def loss(autoencoder):
    torch.manual_seed(2)
    detail = DetailUNet(**SMALL)
    detail.air.fill_(-1.0)
    discriminator = FeatureDiscriminator(EfficientNetLite("lite2"), channels=8)
    return FinishLoss(detail=detail, autoencoder=autoencoder, discriminator=discriminator, crop_size=16)


def _batch(dataset):
    rows = [dataset[i] for i in range(len(dataset))]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0] if torch.is_tensor(rows[0][name])}


def _seen(discriminator, pictures, *, kind):
    kinds = torch.nn.functional.one_hot(torch.full((len(pictures),), kind), 3).float()
    return SeenPictures(tuple(discriminator.features(pictures)), kinds)


def _call(network, residual, **given):
    return network(residual, **given)


def test_as_many_details_are_drawn_of_each_kind_and_lie_beside_the_acquired_ones(dataset):
    kinds = [one.kind for one in dataset.conditions]
    assert all(kinds.count(kind) <= 2 for kind in kinds) and len(dataset) == len(dataset.places)
    for index, place in enumerate(dataset.places):
        assert torch.equal(dataset[index]["acquired"], dataset.acquired.latent(place))


def test_what_is_drawn_is_what_the_detail_stage_draws_from_the_same_noise(dataset, cascade):
    row = dataset[1]
    noise = sampling.Cascade.noise(3, f"training {dataset.places[1]}", 0, tuple(row["image"].shape))
    batched = sampling.CascadeNoise(*(part[None] for part in noise))
    told = {"attributes": row["attributes"][None], "mask": row["spatial"][None, :1]}
    with torch.inference_mode():
        expected = cascade.draw_detail(batched, layout_of(row["acquired"][None]), **told)[0]
    assert torch.equal(row["on_layout"], noise.on_layout)
    assert (row["image"] - expected).abs().max() < 2e-3 * expected.abs().max()  # kept in half precision


def test_layouts_are_drawn_too_where_that_is_asked_for(items, autoencoder, cascade):
    whole = DrawnDataset(items, autoencoder, cascade=cascade, draws_layouts=True, n_drawn=1, seed=3)
    row = whole[0]
    noise = sampling.Cascade.noise(3, f"training {whole.places[0]}", 0, tuple(row["image"].shape))
    batched = sampling.CascadeNoise(*(part[None] for part in noise))
    told = {"attributes": row["attributes"][None], "spatial": row["spatial"][None]}
    with torch.inference_mode():
        expected = cascade.draw(batched, **told, guidance=sampling.Guidance(1.45))[0]
    assert (row["image"] - expected).abs().max() < 2e-3 * expected.abs().max()
    assert torch.equal(row["acquired"], whole.acquired.latent(whole.places[0]))
    assert not torch.allclose(row["layout"], layout_of(row["acquired"][None])[0], atol=0.1)


def test_a_drawing_that_was_broken_off_goes_on_and_other_weights_draw_anew(
    items, autoencoder, cascade, dataset, tmp_path, monkeypatch
):
    whole = DrawnDataset(items, autoencoder, cascade=cascade, n_drawn=2, seed=3, cache_dir=tmp_path)
    (path,) = tmp_path.glob("drawn_*.npz")
    with np.load(path) as kept:
        np.savez(path, latents=kept["latents"][:1], layouts=kept["layouts"][:1])
    asked = []
    monkeypatch.setattr(
        DrawnDataset,
        "_draw",
        lambda self, cascade, index: asked.append(index) or (np.zeros((4, 32, 24)), np.zeros((4, 8, 6))),
    )
    DrawnDataset(items, autoencoder, cascade=cascade, n_drawn=2, seed=3, cache_dir=tmp_path)
    assert asked == list(range(1, len(whole)))
    with torch.no_grad():
        next(iter(cascade.detail.parameters())).add_(0.1)
    asked.clear()
    DrawnDataset(items, autoencoder, cascade=cascade, n_drawn=2, seed=3, cache_dir=tmp_path)
    assert asked == list(range(len(whole)))


def test_images_of_no_stated_kind_are_refused(items, autoencoder, cascade):
    unknown = [{**item, "conditions": {**item["conditions"], "kind": None}} for item in items]
    with pytest.raises(MammoError, match="no image states its acquisition kind"):
        DrawnDataset(unknown, autoencoder, cascade=cascade)


def test_the_half_size_picture_of_a_latent_is_the_picture_shrunk(items, autoencoder):
    with torch.no_grad():
        image = torch.from_numpy(np.float32(items[0]["image"]) / 65535)[None, None]
        half = half_size_picture(autoencoder, autoencoder.to_latent(image))
    shrunk = torch.nn.functional.avg_pool2d(image, 2)
    assert half.shape == shrunk.shape and (half - shrunk).abs().mean() < 0.02  # an untrained encoder adds nothing


def test_a_step_lowers_what_the_discriminator_says_and_holds_the_layout(loss, dataset):
    network, batch = PictureFinish(channels=8, dilations=(1, 2)), _batch(dataset)
    optimizer = torch.optim.Adam(network.parameters(), 2e-2)
    call = functools.partial(_call, network)
    first = loss(call, batch)
    assert first["change"] == 0 and first["layout"] == 0, "an untrained finish changes nothing"
    frozen = [p.clone() for p in loss.adversary.discriminator.parameters()]
    loss.adversary.train_on = lambda made, acquired: torch.zeros(())  # the discriminator stands still
    loss.weights |= {"adversarial": 100.0, "layout": 0.0}
    said = []
    for _ in range(24):
        torch.manual_seed(5)
        terms = loss(call, batch)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        said.append(float(terms["adversarial"]))
    assert said[-1] < said[0] - 0.004 and terms["change"] > 0
    assert all(torch.equal(a, b) for a, b in zip(frozen, loss.adversary.discriminator.parameters(), strict=True))
    loss.weights["layout"] = 1e4
    for _ in range(12):
        torch.manual_seed(5)
        held = loss(call, batch)
        optimizer.zero_grad()
        held["loss"].backward()
        optimizer.step()
    assert held["layout"] < terms["layout"]


def test_power_is_compared_at_the_skin_and_inside_apart():
    torch.manual_seed(6)
    before, distance = torch.randn(2, 1, 32, 32), torch.zeros(2, 1, 16, 16)
    distance[..., 8:] = 0.2
    assert power_change(before, before, distance) == 0
    assert power_change(before.flip(-2), before, distance) < 1e-3, "where structures lie is left open"
    assert power_change(2 * before, before, distance) == pytest.approx(np.log(4) ** 2, rel=1e-3)
    louder = before.clone()
    louder[..., :16] *= 2
    inside_alone = power_change(louder, before, torch.full_like(distance, 0.2))
    assert power_change(louder, before, distance) > 1.5 * inside_alone, "a change at the skin is not averaged away"


def test_a_finish_that_weakens_what_was_drawn_is_held_back(loss, dataset):
    batch = _batch(dataset)
    loss.adversary.train_on = lambda made, acquired: torch.zeros(())
    torch.manual_seed(5)
    kept = loss(lambda residual, **_: torch.zeros_like(residual).requires_grad_(), batch)
    torch.manual_seed(5)
    weaker = loss(lambda residual, **_: (-0.5 * residual).requires_grad_(), batch)
    assert kept["power"] == 0 and weaker["power"] > 0.01
    assert weaker["loss"] - weaker["adversarial"] > 10 * weaker["power"]


def test_mean_moments_of_features_pull_where_they_are_asked_for_and_belong_to_the_state(loss, dataset):
    batch = _batch(dataset)
    residual = {}

    def call(given, **_):
        residual["change"] = torch.zeros_like(given).requires_grad_()
        return residual["change"]

    assert "moments" not in loss(call, batch)
    loss.weights |= {"adversarial": 0.0, "moments": 1.0}
    terms = loss(call, batch)
    terms["loss"].backward()
    assert terms["moments"] > 0 and residual["change"].grad.abs().sum() > 0
    assert int(loss.state_dict()["moments.n_seen"].sum()) == len(dataset)


def test_the_loss_of_validation_is_how_far_features_lie_from_those_of_acquired_images(loss, dataset):
    batch = _batch(dataset)
    with torch.no_grad():
        same = loss(lambda residual, **_: torch.zeros_like(residual), {**batch, "image": batch["acquired"]})
        other = loss(lambda residual, **_: torch.zeros_like(residual), batch)
        rough = loss(lambda residual, **_: torch.randn_like(residual), batch)
    assert same["loss"] == 0 and 0 < other["loss"] < rough["loss"]


def test_the_discriminator_learns_from_features_that_are_fitted_once_and_its_encoder_stays(loss):
    discriminator, generator = loss.adversary.discriminator, torch.Generator().manual_seed(0)
    smooth = torch.full((6, 1, 32, 32), 0.4) + 0.05 * torch.rand(6, 1, 1, 1, generator=generator)
    rough = (smooth + 0.3 * torch.randn(6, 1, 32, 32, generator=generator)).clamp(0, 1)
    discriminator.fit(_seen(discriminator, rough, kind=1))
    first = discriminator.heads[0].mean.clone()
    discriminator.fit(_seen(discriminator, smooth, kind=1))
    assert torch.equal(discriminator.heads[0].mean, first) and first.any()
    before = [p.clone() for p in discriminator._encoder[0].parameters()]
    for _ in range(200):
        loss.adversary.train_on(*(_seen(discriminator, one, kind=1) for one in (smooth, rough)))
    with torch.no_grad():
        said = [discriminator(_seen(discriminator, one, kind=1)).mean() for one in (rough, smooth)]
    assert said[0] > said[1] + 0.2
    assert all(torch.equal(a, b) for a, b in zip(before, discriminator._encoder[0].parameters(), strict=True))
    assert not any("encoder" in name for name in discriminator.state_dict())


def test_what_is_right_for_one_sort_need_not_be_for_another(loss):
    discriminator, picture = loss.adversary.discriminator, torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        first, second = (discriminator(_seen(discriminator, picture, kind=kind)) for kind in (0, 2))
    assert not torch.allclose(first, second)


def test_a_finish_depends_on_what_lies_around_and_not_on_a_place_in_a_grid():
    torch.manual_seed(4)
    network = PictureFinish(channels=8, dilations=(1, 2))
    torch.nn.init.normal_(network.output.weight)
    for block in network.blocks:
        torch.nn.init.normal_(block.conv2.weight, std=0.1)
    picture, told = torch.randn(1, 2, 64, 64), torch.zeros(1, 10)

    def changed(two):
        residual, smooth = (torch.nn.functional.pixel_unshuffle(one, 2) for one in two.split(1, dim=1))
        planes = torch.cat([smooth, torch.zeros(1, 4, *smooth.shape[-2:])], dim=1)
        return torch.nn.functional.pixel_shuffle(network(residual, told, planes), 2)

    with torch.no_grad():
        here, shifted = changed(picture), changed(picture.roll((1, 3), dims=(2, 3)))
    inner = (slice(None), slice(None), slice(16, -16), slice(16, -16))
    assert here.abs().mean() > 0.01
    assert torch.allclose(here.roll((1, 3), dims=(2, 3))[inner], shifted[inner], atol=1e-4)
