"""Random views are a function of seed, epoch and item; conditions stay with their pixels."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
import torch

from monai_mammo.conditions import Box
from monai_mammo.errors import RequestError
from monai_mammo.lesions import lesion_planes
from monai_mammo.networks import Autoencoder, encode_conditions
from monai_mammo.prepare import phantom_items
from monai_mammo.prepare.datalist_items import load_datalist
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.sampling import CosineSchedule, RectifiedFlowSchedule
from monai_mammo.training.data import CropDataset, EpochSampler
from monai_mammo.training.diffusion_loss import DiffusionLoss
from monai_mammo.training.latent_dataset import LatentDataset
from monai_mammo.training.lesion_dataset import MASK_KINDS, LesionDataset

SHAPE = (64, 48)


@functools.cache
def _items():
    rng = np.random.default_rng(0)
    items = []
    for i, kind in enumerate(MASK_KINDS):
        image = (rng.random(SHAPE) * 60000).astype(np.uint16)
        conditions = {"kind": "digital", "view": "CC", "density": "C", "birads": 4}
        item = {"image": image, "image_id": f"i{i}", "person_id": f"p{i}", "mask_kind": kind}
        if kind in ("box", "contour"):
            conditions |= {"finding": "mass", "box": [0.25, 0.25, 0.5, 0.5]}
        if kind == "contour":
            item["label"] = mask_of_box(Box(0.25, 0.25, 0.5, 0.5), SHAPE) > 0.5
        if kind == "none":
            conditions["finding"] = "none"
        items.append(item | {"conditions": conditions})
    return items


@dataclasses.dataclass
class _Drawn:
    mask: np.ndarray


def _draw_mask(conditions, *, shape, seed, sample_id):
    return _Drawn(mask_of_box(conditions.box, shape) > 0.5)


@pytest.fixture(scope="module")
def latents():
    torch.manual_seed(0)
    autoencoder = Autoencoder((8, 16), n_blocks=1)
    return functools.partial(LatentDataset, _items(), autoencoder, draw_mask=_draw_mask, n_views=2, seed=3)


@pytest.mark.parametrize("make", [CropDataset, LesionDataset])
def test_a_view_depends_on_seed_epoch_and_index_alone(make):
    one, other = make(_items(), seed=1), make(_items(), seed=1)
    one[0], one[1]
    assert torch.equal(one[2]["image"], other[2]["image"])
    other.set_epoch(1)
    assert not torch.equal(one[2]["image"], other[2]["image"])


def test_order_is_drawn_anew_each_epoch_and_is_the_same_for_the_same():
    dataset = CropDataset(_items(), crop_size=16)
    sampler = EpochSampler(dataset, seed=4)
    first = list(sampler)
    orders = set()
    for epoch in range(8):
        dataset.set_epoch(epoch)
        orders.add(tuple(sampler))
        assert sorted(sampler) == list(range(len(dataset)))
    dataset.set_epoch(0)
    assert list(sampler) == first and len(orders) > 1


def test_latents_are_scaled_and_undropped_conditions_are_as_labelled(latents):
    dataset = latents(drop_each=0, drop_all=0)
    item = dataset[MASK_KINDS.index("none")]
    assert item["image"].shape == (4, 16, 12)
    assert torch.equal(item["attributes"], encode_conditions([dataset.conditions[1]])[0])
    assert item["spatial"].sum() == 0


def test_box_only_images_train_with_a_drawn_outline_in_their_box(latents):
    item = latents(drop_each=0, drop_all=0, n_views=1)[MASK_KINDS.index("box")]
    assert np.allclose(item["spatial"][0], item["spatial"][1], atol=1e-6)
    assert item["spatial"][1].mean().item() == pytest.approx(0.0625, rel=1e-4)


def test_all_conditions_are_dropped_together_where_asked(latents):
    item = latents(drop_each=0, drop_all=1)[MASK_KINDS.index("contour")]
    assert (item["attributes"] == -1).all() and item["spatial"].sum() == 0


def test_each_condition_is_dropped_alone_at_its_rate(latents):
    dataset = latents(drop_each=0.3, drop_all=0)
    index, gone = MASK_KINDS.index("contour"), []
    for epoch in range(300):
        dataset.set_epoch(epoch)
        item = dataset[index]
        attributes, spatial = item["attributes"], item["spatial"]
        box_gone = bool((attributes[6:] == -1).all())
        assert box_gone == bool(spatial[1].sum() == 0), "box and its plane go together"
        gone.append([attributes[0] == -1, attributes[4] == -1, box_gone, spatial[0].sum() == 0])
    rates = np.mean(np.array(gone, dtype=float), axis=0)
    assert np.all(np.abs(rates - 0.3) < 0.1)  # 3.8 standard errors of 300 draws
    assert abs(np.corrcoef(np.array(gone, dtype=float).T)[np.triu_indices(4, 1)]).max() < 0.25


def test_cached_latents_equal_those_made_anew(latents, tmp_path):
    fresh, cached = latents(cache_dir=tmp_path), latents(cache_dir=tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 1
    assert np.array_equal(fresh._latents, cached._latents)


def test_mask_box_and_latent_of_an_augmented_view_are_of_the_same_change(latents):
    """The outline is the box itself, so that both planes have one middle, moved as the picture was."""
    dataset = latents(drop_each=0, drop_all=0, n_views=6)
    index, views = MASK_KINDS.index("contour"), set()
    for epoch in range(40):
        dataset.set_epoch(epoch)
        item = dataset[index]
        numbers = [dataset.augmentation(index, view).numbers().tolist() for view in range(6)]
        view = numbers.index(item["numbers"].tolist())
        views.add(view)
        rows, columns = torch.meshgrid(torch.arange(16) + 0.5, torch.arange(12) + 0.5, indexing="ij")
        middles = [
            [((axis * plane).sum() / plane.sum()).item() for axis in (columns, rows)] for plane in item["spatial"]
        ]
        x, y = dataset.augmentation(index, view).box(Box(0.25, 0.25, 0.5, 0.5), SHAPE).center
        assert middles[1] == pytest.approx([x * 12, y * 16], abs=0.05)
        assert middles[0] == pytest.approx(middles[1], abs=0.25)  # a pixel
    assert views == set(range(6))


def test_the_strength_of_augmentation_reaches_the_views_and_what_the_network_is_told(latents):
    mild, strong = latents(n_views=9), latents(n_views=9, augmentation_strength=1.5)
    told = [np.abs([one.augmentation(0, view).numbers()[:5] for view in range(9)]).max() for one in (mild, strong)]
    assert told[0] <= 1 < told[1] <= 1.5
    assert not np.array_equal(mild._latents[:, 1], strong._latents[:, 1])


def test_a_bent_item_is_bent_in_latent_planes_and_acquired_image_alike(latents):
    still, bent = latents(drop_each=0, drop_all=0), latents(drop_each=0, drop_all=0, elastic_strength=2.0)
    index = MASK_KINDS.index("contour")
    one, other = still[index], bent[index]
    change = bent._bent(index)
    expected = change.latent(one["image"].numpy())
    assert np.array_equal(other["image"].numpy(), expected) and not torch.equal(one["image"], other["image"])
    assert not torch.equal(one["spatial"], other["spatial"]) and not torch.equal(one["numbers"], other["numbers"])
    assert np.array_equal(bent.acquired(index)[0], change.array(still.acquired(index)[0].numpy()))
    bent.set_epoch(1)
    assert not np.array_equal(bent._bent(index).bend, change.bend)


@pytest.mark.parametrize("change", [{"seed": 4}, {"n_views": 3}, {"augmentation_strength": 1.5}])
def test_latents_of_other_views_are_not_taken_from_the_cache(latents, tmp_path, change):
    latents(cache_dir=tmp_path)
    other = latents(cache_dir=tmp_path, **change)
    assert len(list(tmp_path.glob("*.npy"))) == 2
    assert np.array_equal(other._latents, latents(**change)._latents)


@pytest.mark.parametrize("shape", [(48, 32), (50, 38)])
def test_the_network_is_given_the_planes_that_generation_gives_it(shape):
    """On a grid that is no multiple of 4, too: a padded position stands for the same pixels in both."""
    items = phantom_items(4, shape=shape)
    dataset = LatentDataset(items, Autoencoder((8, 16), n_blocks=1), n_views=1, drop_each=0, drop_all=0)
    is_outlined = [index for index in range(len(dataset)) if dataset.mask(index) is not None]
    assert is_outlined
    for index in is_outlined:
        item, box = dataset[index], dataset.conditions[index].box
        assert item["spatial"].shape[-2:] == item["image"].shape[-2:]
        assert torch.equal(item["spatial"], lesion_planes(dataset.mask(index), box, shape=shape, factor=4))


@pytest.mark.parametrize("schedule", [CosineSchedule(), RectifiedFlowSchedule(2.0)])
def test_a_network_that_knows_the_answer_has_no_loss_on_either_schedule(schedule):
    z0 = torch.randn(8, 4, 6, 6)

    def oracle(z_t, timesteps, attributes, spatial):
        alpha = schedule.alpha(timesteps)[:, None, None, None]
        sigma = schedule.sigma(timesteps)[:, None, None, None]
        if isinstance(schedule, RectifiedFlowSchedule):
            return (z_t - z0) / sigma  # u = eps - z_0
        return (alpha * z_t - z0) / sigma  # v = (alpha z_t - z_0) / sigma

    batch = {"image": z0, "attributes": torch.zeros(8, 10), "spatial": torch.zeros(8, 2, 6, 6)}
    assert DiffusionLoss(schedule)(oracle, batch)["loss"].item() < 1e-3  # float32 near sigma = 0

    def silent(z_t, **_):
        return torch.zeros_like(z_t)

    spread = 2 if isinstance(schedule, RectifiedFlowSchedule) else 1  # of eps - z_0, and of v
    assert DiffusionLoss(schedule)(silent, batch)["loss"].item() == pytest.approx(spread, rel=0.2)


def test_a_folder_that_was_not_prepared_says_how(tmp_path):
    with pytest.raises(RequestError, match="monai-mammo prepare"):
        load_datalist(tmp_path / "datalist.json")


@pytest.mark.parametrize("kind", ["box", "circle", "point"])
def test_a_mask_that_was_drawn_roughly_is_no_outline(kind):
    item = {**_items()[0], "mask_kind": kind, "label": mask_of_box(Box(0.25, 0.25, 0.5, 0.5), SHAPE) > 0.5}
    data = LesionDataset([item], is_augmented=False)
    assert data.mask(0) is None
    assert data[0]["mask_kind"] == MASK_KINDS.index("box")
    assert LesionDataset([{**item, "mask_kind": "contour"}], is_augmented=False).mask(0).any()
