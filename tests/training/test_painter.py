"""The lesion painter learns from crops: what it sees holds nothing of the region, and its loss falls."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from torch.nn import functional

from monai_mammo.attributes import COLUMNS, NOT_GIVEN
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.lesions.painter_crops import CROP_PX, lesion_crop, lesion_free_crop
from monai_mammo.lesions.smooth_filling import smooth_fill
from monai_mammo.networks import Autoencoder
from monai_mammo.networks.painter_unet import PainterUNet, to_bands
from monai_mammo.prepare import phantom_items
from monai_mammo.sampling import CosineSchedule
from monai_mammo.training import PainterDataset, PainterLoss, with_band_statistics


@pytest.fixture(scope="module")
def autoencoder():
    torch.manual_seed(0)
    return Autoencoder((8, 16), n_blocks=1).eval()


@pytest.fixture(scope="module")
def items():
    return phantom_items(8, shape=(256, 192))


@pytest.fixture(scope="module")
def dataset(items, autoencoder):
    return PainterDataset(items, autoencoder, n_views=2, nominal_pixel_mm=0.9, drop_each=0, drop_all=0)


def test_the_filled_hole_holds_nothing_of_what_was_there_and_joins_its_surroundings():
    y, x = np.mgrid[:96, :96] / 96
    image = (0.2 + 0.5 * x + 0.2 * y).astype(np.float32)
    hole = (np.hypot(x - 0.5, y - 0.4) < 0.2) | (x > 0.95)
    filled = smooth_fill(image, hole)
    assert np.array_equal(smooth_fill(np.where(hole, 9.0, image), hole), filled)
    assert np.array_equal(filled[~hole], image[~hole])
    assert np.abs(filled - image)[hole].max() < 0.06
    assert not smooth_fill(image, np.ones_like(hole)).any()


def test_crops_hold_the_lesion_its_region_and_the_shrinking_of_their_pixels():
    rng = np.random.default_rng(0)
    image = rng.random((400, 300), dtype=np.float32)
    mask = np.zeros(image.shape, dtype=bool)
    mask[200:260, 100:150] = True
    for _ in range(8):
        crop = lesion_crop(image, mask, rng)
        assert crop.image.shape == (CROP_PX, CROP_PX) and not (crop.outline & ~crop.region).any()
        span = max(np.ptp(np.flatnonzero(crop.outline.any(axis=axis))) for axis in (0, 1)) + 1
        assert span * crop.shrinking == pytest.approx(60, abs=3 * crop.shrinking)
        assert crop.region.sum() > 1.2 * crop.outline.sum()
    free = lesion_free_crop(image, mask, rng)
    assert free.region.any() and not free.outline.any()
    assert lesion_free_crop(image, np.ones_like(mask), rng) is None
    assert lesion_crop(image, np.zeros_like(mask), rng) is None


def test_items_say_what_the_region_shows_and_drop_conditions(items, dataset, autoencoder):
    assert 0 < dataset.n_lesions < len(dataset)
    finding = COLUMNS.index("finding")
    first, last = dataset.crop(0, 0), dataset.crop(len(dataset) - 1, 0)
    assert first["outline"].any() and not last["outline"].any() and last["region"].any()
    assert first["attributes"][finding] != last["attributes"][finding]
    assert dataset[0]["pixels"][1] == 1
    kept = functional.max_pool2d(first["region"][None], 7, stride=1, padding=3)[0] == 0
    assert kept.any() and (first["image"] - first["filled"])[:, kept[0]].abs().max() < 0.2
    dropping = PainterDataset(items, autoencoder, n_views=1, drop_all=1.0)
    assert (dropping[0]["attributes"] == NOT_GIVEN).all() and not dropping[0]["outline"].any()
    dataset.set_epoch(1)
    views = [dataset[0]["image"]]
    for epoch in range(2, 8):
        dataset.set_epoch(epoch)
        views.append(dataset[0]["image"])
    assert any((view != views[0]).any() for view in views)


def test_a_cache_of_the_same_crops_is_read_again_and_none_is_no_data(items, autoencoder, tmp_path):
    first = PainterDataset(items, autoencoder, n_views=1, cache_dir=tmp_path)
    again = PainterDataset(items, autoencoder, n_views=1, cache_dir=tmp_path)
    assert len(list(tmp_path.glob("painter_*.npz"))) == 1
    assert torch.equal(first.crop(0, 0)["image"], again.crop(0, 0)["image"])
    with pytest.raises(RequestError, match="no image"):
        PainterDataset([], autoencoder)
    unknown = [{**item, "mask_kind": "unknown"} for item in items]
    with pytest.raises(MammoError, match="has an outlined lesion"):
        PainterDataset(unknown, autoencoder, n_views=1)


def test_statistics_bring_each_band_to_unit_deviation_and_the_loss_falls(dataset):
    torch.manual_seed(0)
    network = with_band_statistics(PainterUNet(channels=[16, 24], n_blocks=1, context_channels=16), dataset)
    loss = PainterLoss(CosineSchedule(), network)
    batch = {k: torch.stack([dataset.crop(i, 0)[k] for i in range(len(dataset))]) for k in dataset.crop(0, 0)}
    residual, given = loss.task(dict(batch))
    seen = network.seen(batch["filled"], batch["region"], batch["outline"], batch["pixels"])
    deviation = (residual.square().sum(dim=(0, 2, 3)) / seen.drawn.sum()).sqrt()
    assert deviation.min() > 0.5 and deviation.max() < 2
    assert not (to_bands(batch["image"] - batch["filled"]) / seen.scale * (1 - seen.drawn)).equal(residual)
    assert set(given) == {"spatial", "known", "numbers"}
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    values = []
    for step in range(60):
        torch.manual_seed(step)
        terms = loss(lambda z_t, **words: functools.partial(network)(z_t, **words), dict(batch))
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        values.append(float(terms["loss"]))
    assert np.mean(values[-10:]) < 0.8 * np.mean(values[:5])
    one = loss.denoising(network, dict(batch))
    assert not one.eps[(seen.drawn == 0).expand_as(one.eps)].any()
