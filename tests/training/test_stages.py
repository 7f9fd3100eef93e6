"""What the layout and the detail stage are given to learn from."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from monai_mammo.conditions import Box
from monai_mammo.errors import MammoError
from monai_mammo.networks import Autoencoder, DetailUNet, TexturePrior, encode_conditions, enlarged_layout, layout_of
from monai_mammo.sampling import CosineSchedule
from monai_mammo.training.augment import Augmentation
from monai_mammo.training.data import EpochSampler, PreparedDataset
from monai_mammo.training.latent_dataset import LatentDataset
from monai_mammo.training.stage_losses import (
    DetailLoss,
    LayoutLoss,
    tissue_corners,
    with_residual_statistics,
    with_texture_prior,
)

SHAPE = (64, 48)
SMALL = {"channels": (16,), "n_blocks": 1, "context_channels": 16}


def _items(kinds):
    rng = np.random.default_rng(0)
    return [
        {
            "image": (rng.random(SHAPE) * (1 + i) * 20000).astype(np.uint16),
            "image_id": f"i{i}",
            "conditions": {"view": "CC" if i % 2 else "MLO", "density": "C"} | ({"kind": kind} if kind else {}),
        }
        for i, kind in enumerate(kinds)
    ]


@pytest.fixture(scope="module")
def latents():
    torch.manual_seed(0)
    autoencoder = Autoencoder((8, 16), n_blocks=1)
    return functools.partial(LatentDataset, autoencoder=autoencoder, n_views=3, seed=3)


def _batch(n=4):
    torch.manual_seed(1)
    spatial = torch.zeros(n, 2, 16, 12)
    spatial[:, 0, 4:8, 4:8] = 1
    attributes = torch.zeros(n, 10)
    attributes[:, 0] = torch.arange(n) % 3
    image, numbers = torch.randn(n, 4, 16, 12), torch.rand(n, 6)
    return {"image": image, "attributes": attributes, "spatial": spatial, "numbers": numbers}


class _Call:
    """Network call that keeps what it was given and predicts nothing."""

    def __call__(self, z_t, **given):
        self.z_t, self.given = z_t, given
        return torch.zeros_like(z_t)


def test_in_validation_the_layout_stage_sees_nothing_and_the_detail_stage_all_without_noise():
    batch, call = _batch(), _Call()
    with torch.no_grad():
        LayoutLoss(CosineSchedule())(call, batch)
        assert call.z_t.shape == (4, 4, 4, 3) and not call.given["anatomy"].any()
        network = DetailUNet(**SMALL)
        DetailLoss(CosineSchedule(), network=network, crop_size=8)(call, batch)
    assert call.z_t.shape == (4, 4, 16, 12) and not call.given["numbers"].any()
    assert torch.equal(call.given["spatial"][:, :4], enlarged_layout(layout_of(batch["image"]), (16, 12)))


def test_the_lesion_is_hidden_with_a_rim_where_all_else_is_seen():
    batch, call = _batch(), _Call()
    LayoutLoss(CosineSchedule(), hides_all=0.0, hides_lesion=1.0)(call, batch)
    anatomy = call.given["anatomy"]
    hidden = anatomy[0, 4] == 0
    assert hidden.nonzero().tolist() == [[i, j] for i in (0, 1, 2) for j in (0, 1, 2)]  # cell (1, 1) and its rim
    layout = layout_of(batch["image"])
    assert torch.equal(anatomy[:, :4], layout * anatomy[:, 4:])
    assert call.given["spatial"][0, 0, 1, 1] == 1


def test_shares_of_what_is_hidden():
    torch.manual_seed(0)
    loss, planes = LayoutLoss(CosineSchedule(), hides_all=0.6, hides_lesion=0.0), torch.zeros(2, 8, 8)
    seen = torch.stack([loss._seen(planes) for _ in range(600)]).mean(dim=(1, 2, 3))
    assert (seen == 0).float().mean().item() == pytest.approx(0.6 + 0.4 / 49, abs=0.06)
    assert seen.max() < 1  # something is always hidden


def test_every_place_of_a_tall_layout_is_hidden_now_and_then():
    torch.manual_seed(0)
    loss, planes = LayoutLoss(CosineSchedule(), hides_all=0.0, hides_lesion=0.0), torch.zeros(2, 24, 6)
    seen = torch.stack([loss._seen(planes)[0] for _ in range(300)])
    assert (seen == 0).float().mean(dim=0).min() > 0.02  # a corner, where 0.07 is expected
    for one in seen[:50]:  # a rectangle, a quarter of each side at least
        rows, columns = (one == 0).any(dim=1).sum(), (one == 0).any(dim=0).sum()
        assert (one == 0).sum() == rows * columns and rows >= 6 and columns >= 1


def test_a_layout_has_the_noise_that_the_detail_stage_is_told_of():
    torch.manual_seed(0)
    network, batch = DetailUNet(**SMALL), _batch(200)
    _, given = DetailLoss(CosineSchedule(), network=network, most_noise=0.3, clean_share=0.3).task(batch)
    level = given["numbers"][:, 0]
    assert (level == 0).float().mean().item() == pytest.approx(0.3, abs=0.1)  # three standard errors of 200
    noise = given["spatial"][:, :4] - enlarged_layout(layout_of(batch["image"]), (16, 12))
    assert not noise[level == 0].any()
    found = noise[level > 0].square().mean(dim=(1, 2, 3)) / level[level > 0].square()
    assert found.mean().item() == pytest.approx(0.74, rel=0.2)  # of unit noise after the enlargement, more at edges


def test_in_validation_every_layout_has_the_one_noise_that_was_named():
    torch.manual_seed(0)
    network, batch = DetailUNet(**SMALL), _batch(20)
    loss = DetailLoss(CosineSchedule(), network=network, crop_size=8, most_noise=0.5, val_noise=0.2)
    with torch.no_grad():
        residual, given = loss.task(batch)
    assert residual.shape == batch["image"].shape and torch.equal(given["numbers"], torch.full((20, 1), 0.2))
    noise = given["spatial"][:, :4] - enlarged_layout(layout_of(batch["image"]), (16, 12))
    assert noise.square().mean().sqrt().item() == pytest.approx(0.2 * 0.74**0.5, rel=0.1)


def test_detail_and_noisy_layout_together_are_the_latent():
    torch.manual_seed(0)
    network = DetailUNet(**SMALL)
    network.residual_std.copy_(torch.tensor([0.1, 0.2, 0.4]))
    batch = _batch()
    loss = DetailLoss(CosineSchedule(), network=network, crop_size=64, most_noise=0.3, clean_share=0.5)
    residual, given = loss.task(batch)
    scale = network.residual_scale(batch["attributes"], given["numbers"][:, 0])
    assert torch.allclose(given["spatial"][:, :4] + residual * scale, batch["image"], atol=1e-5)
    assert (given["numbers"] == 0).any() and (given["numbers"] > 0).any() and given["numbers"].max() <= 0.3


def test_crops_of_residual_and_planes_are_of_the_same_place():
    torch.manual_seed(0)
    network, batch = DetailUNet(**SMALL), _batch()
    loss = DetailLoss(CosineSchedule(), network=network, crop_size=8, most_noise=0.0)
    residual, given = loss.task(batch)
    assert residual.shape == (4, 4, 8, 8)
    whole = batch["image"] - enlarged_layout(layout_of(batch["image"]), (16, 12))
    for crop, planes, image in zip(residual, given["spatial"], whole, strict=True):
        top = round((float(planes[5, 0, 0]) + 1) / 2 * 15)
        left = round((float(planes[6, 0, 0]) + 1) / 2 * 11)
        assert top % 4 == 0 and left % 4 == 0
        assert torch.allclose(crop, image[:, top : top + 8, left : left + 8])


def test_residual_statistics_by_kind(latents):
    dataset = latents(_items(["film", "contrast", "film", "contrast"]))
    network = with_residual_statistics(DetailUNet(**SMALL), dataset)
    for place, chosen in ((0, (0, 2)), (2, (1, 3))):
        squares = []
        for i in chosen:
            z = dataset.latent(i)[None]
            squares.append((z - enlarged_layout(layout_of(z), (16, 12))).square().mean().item())
        assert network.residual_std[place].item() == pytest.approx(np.sqrt(np.mean(squares)), rel=0.2)
    assert network.residual_std[1] > 0  # no digital image: the mean of all
    black = dataset.air
    assert network.air.item() == pytest.approx(black) and black < dataset.latent(0).mean().item()


def test_the_prior_of_the_texture_is_fitted_to_the_codes_of_the_training_latents(latents):
    dataset = latents(_items(["film"] * 12))
    network = with_residual_statistics(
        DetailUNet(**SMALL, is_told_texture=True, texture_by_condition=True), dataset, n_images=12
    )
    attributes = encode_conditions(dataset.conditions)
    codes = torch.cat([network.texture_of(dataset.latent(i)[None], attributes[i : i + 1]) for i in range(12)])
    fitted = TexturePrior(2)
    fitted.fit(codes, attributes)
    assert torch.equal(network.texture.prior.mean, fitted.mean) and fitted.mean[0].any()
    assert torch.equal(network.texture.prior.spread, fitted.spread)
    whitening = network.texture.whitening.clone()
    network.texture.prior.mean.zero_()
    with_texture_prior(network, dataset)
    assert torch.equal(network.texture.prior.mean, fitted.mean) and torch.equal(network.texture.whitening, whitening)


def test_an_image_of_unknown_kind_is_refused(latents):
    with pytest.raises(MammoError, match="acquisition kind"):
        with_residual_statistics(DetailUNet(**SMALL), latents(_items(["film", None])))


def test_the_kind_is_kept_where_the_detail_stage_needs_it(latents):
    items = _items(["film", "contrast"])
    kept = latents(items, drop_each=1.0, keeps_kind=True)
    assert [kept[i]["attributes"][0].item() for i in range(2)] == [0, 2]
    assert (kept[0]["attributes"][1:] == -1).all()
    assert latents(items, drop_each=1.0)[0]["attributes"][0] == -1


def test_kinds_come_by_the_square_root_of_their_counts():
    dataset = PreparedDataset(_items(["film"] * 64 + ["digital"] * 4))
    sampler = EpochSampler(dataset, seed=0, balance=0.5)
    drawn = []
    for epoch in range(40):
        dataset.set_epoch(epoch)
        drawn += list(sampler)
    assert len(drawn) == 40 * 68
    assert np.mean(np.array(drawn) >= 64) == pytest.approx(2 / 10, abs=0.03)
    again = list(sampler)
    assert again == drawn[-68:]


def test_the_network_is_told_of_the_augmentation(latents):
    dataset = latents(_items(["film", "digital"] * 4))
    told = np.stack([dataset.augmentation(i, v).numbers() for i in range(8) for v in range(3)])
    assert not told[::3].any()  # view 0 is the image itself
    assert np.abs(told).max() <= 1.0001 and (np.abs(told[1::3]).sum(axis=1) > 0).all()
    flipped = told.reshape(8, 3, 6)[..., 5]
    assert not flipped[::2].any() and flipped[1::2].any()  # CC views alone stand upside down


def test_an_image_that_stands_upside_down_takes_mask_and_box_along():
    change = Augmentation(row_shift=0.1, is_flipped=True)
    image = np.zeros(SHAPE, np.float32)
    image[10:20, 5:9] = 1
    moved = change.mask(image > 0)
    rows, columns = np.nonzero(moved)
    box = change.box(Box(5 / 48, 10 / 64, 9 / 48, 20 / 64), SHAPE)
    assert box is not None and tuple(box) == pytest.approx(
        (columns.min() / 48, rows.min() / 64, (columns.max() + 1) / 48, (rows.max() + 1) / 64), abs=1.1 / 64
    )
    assert rows.min() > 32  # was above the middle


def test_latents_of_an_image_that_was_prepared_anew_are_encoded_anew(latents, tmp_path):
    items = _items(["film", "contrast"])
    first = latents(items, cache_dir=tmp_path)
    assert np.array_equal(latents(items, cache_dir=tmp_path).latent(1), first.latent(1))
    assert len(list(tmp_path.glob("*.npy"))) == 1
    items[1] = items[1] | {"image": items[1]["image"] // 2}
    assert not np.array_equal(latents(items, cache_dir=tmp_path).latent(1), first.latent(1))
    assert len(list(tmp_path.glob("*.npy"))) == 2


def test_a_crop_shows_tissue_where_there_is_some():
    torch.manual_seed(0)
    tissue = torch.zeros(12, 12, dtype=torch.bool)
    tissue[8:, 8:] = True  # one place of 81 for a crop that is all tissue
    shares = []
    for _ in range(200):
        ((top, left),) = tissue_corners(tissue[None], (48, 48), 16)
        assert top % 4 == left % 4 == 0 and 0 <= top <= 32 and 0 <= left <= 32
        shares.append(float(tissue[top // 4 : top // 4 + 4, left // 4 : left // 4 + 4].float().mean()))
    assert np.mean(shares) > 0.3  # at one try it would be 0.12
