"""The loop in groups of three: what counts, where its gradient goes, and that it leaves all else as it was."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from torch import nn

from monai_mammo.attributes import HEADS
from monai_mammo.errors import RequestError
from monai_mammo.networks import Autoencoder, LayoutUNet, enlarged_layout, layout_of
from monai_mammo.networks.class_heads import PRESENCE
from monai_mammo.sampling import CosineSchedule
from monai_mammo.training.checkpoints import CheckpointHandler
from monai_mammo.training.latent_dataset import LatentDataset
from monai_mammo.training.stage_losses import LayoutLoss
from monai_mammo.training.trainer import AutocastInferer, NetworkTrainer, data_loader
from monai_mammo.training.triplet_loss import TripletLoss
from monai_mammo.training.triplets import ATTRIBUTES, TripletTarget

SHAPE = (64, 48)
SMALL = {"channels": (8, 16), "n_blocks": 1, "context_channels": 8, "attention_scales": (1,)}


class BrightnessReader(nn.Module):
    """Reads a lesion where a picture is brighter than 0.6, density from its mean, and always a benign mass, BI-RADS 4.

    Its one weight takes part in all that it says, so that a gradient would reach it.
    """

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(30.0))

    def forward(self, image):
        mask = self.gain * (image - 0.6)
        brightest = mask.amax(dim=(1, 2, 3))
        out = {"mask": mask, PRESENCE: torch.stack([-brightest, brightest], dim=1)}
        density = self.gain * (image.mean(dim=(1, 2, 3)) - 0.3)
        out["density"] = torch.stack([-density, -density / 2, density / 2, density], dim=1)
        for name, label in (("finding", 0), ("birads", 4), ("pathology", 0)):
            out[name] = self.gain * torch.eye(len(HEADS[name].values))[label].expand(len(image), -1)
        return out


def _items(n=6):
    rng = np.random.default_rng(0)
    items = []
    for i in range(n):
        image = np.full(SHAPE, 0.25) + 0.02 * rng.standard_normal(SHAPE)
        mask = np.zeros(SHAPE, np.uint8)
        top, left = 8 + 4 * i, 8 + 2 * i
        mask[top : top + 16, left : left + 16] = 1
        image = np.where(mask, 0.9, image)
        finding, density = HEADS["finding"].values[0], HEADS["density"].values[0 if i % 2 else 3]
        items.append(
            {
                "image": (image.clip(0.05, 1) * 65535).astype(np.uint16),
                "label": mask,
                "image_id": f"i{i}",
                "person_id": str(i),
                "mask_kind": "contour",
                "conditions": {
                    "kind": "film",
                    "view": "MLO",
                    "finding": str(finding),
                    "density": str(density),
                    "birads": 4,
                    "pathology": "malignant",
                    "box": [left / 48, top / 64, (left + 16) / 48, (top + 16) / 64],
                },
            }
        )
    return items


@pytest.fixture(scope="module")
def autoencoder():
    torch.manual_seed(0)
    return Autoencoder((8, 16), n_blocks=1)  # untrained, it is the bicubic shrink and enlargement


@pytest.fixture
def dataset(autoencoder):
    return LatentDataset(_items(), autoencoder, n_views=1, drop_each=0.0, drop_all=0.0, seed=3)


def _loop(autoencoder, dataset, **given):
    settings = {"n_items": 6, "latest_time": 1.0, "autocast": None, **given}
    return TripletLoss(autoencoder=autoencoder, lesion_network=BrightnessReader(), dataset=dataset, **settings)


def _batch(dataset):
    return next(iter(data_loader(dataset, batch_size=6, is_training=False)))


def test_what_the_network_does_not_read_from_the_acquired_image_does_not_count(autoencoder, dataset):
    batch, loop = _batch(dataset), _loop(autoencoder, dataset)
    target = TripletTarget.of_conditions(batch["attributes"], batch["spatial"])
    acquired = torch.stack([dataset.acquired(i) for i in range(6)])
    counted = loop.counted(acquired, batch["image"], target)
    assert all(counted[name].all() for name in ("mask", "box", PRESENCE, "finding", "birads"))
    assert not counted["pathology"].any(), "it reads benign, and malignant is told"
    read = counted["density"].tolist()
    assert any(read) and not all(read)

    def gradient_of(name):
        alone = _loop(autoencoder, dataset, attributes={one: float(one == name) for one in ATTRIBUTES})
        latent = batch["image"].clone().requires_grad_()
        alone(latent, torch.zeros(6), batch)["loop"].backward()
        return latent.grad.abs().amax(dim=(1, 2, 3))

    assert not gradient_of("pathology").any()
    assert ((gradient_of("density") > 0) == torch.tensor(read)).all()
    assert (gradient_of("mask") > 0).all() and (gradient_of("box") > 0).all()


def test_what_acquired_image_or_reconstruction_does_not_show_does_not_count(autoencoder, dataset):
    batch, loop = _batch(dataset), _loop(autoencoder, dataset)
    target = TripletTarget.of_conditions(batch["attributes"], batch["spatial"])
    acquired = torch.stack([dataset.acquired(i) for i in range(6)])
    latent = batch["image"].clone()
    latent[2] = latent[2].mean()
    acquired[4] = acquired[4].clamp_max(0.3)
    counted = loop.counted(acquired, latent, target)
    assert counted["mask"].tolist() == counted["box"].tolist() == [i not in (2, 4) for i in range(6)]


def test_what_is_not_told_or_stated_as_unread_does_not_count(autoencoder, dataset):
    batch = _batch(dataset)
    batch["attributes"][:3], batch["spatial"][:3] = -1, 0
    loop = _loop(autoencoder, dataset, unread=["finding"])
    target = TripletTarget.of_conditions(batch["attributes"], batch["spatial"])
    acquired = torch.stack([dataset.acquired(i) for i in range(6)])
    counted = loop.counted(acquired, batch["image"], target)
    assert not any(values[:3].any() for values in counted.values())
    assert counted["mask"][3:].all() and not counted["finding"].any()
    latent = batch["image"].clone().requires_grad_()
    loop(latent, torch.zeros(6), batch)["loop"].backward()
    assert not latent.grad[:3].any() and latent.grad[3:].abs().amax(dim=(1, 2, 3)).all()


def test_the_truth_costs_less_than_a_layout_whose_lesion_is_wiped_out_or_moved(autoencoder, dataset):
    batch, loop = _batch(dataset), _loop(autoencoder, dataset)
    z = batch["image"]
    layout = layout_of(z)

    def cost(changed):
        latent = z + enlarged_layout(changed - layout, tuple(z.shape[-2:]))
        return loop(latent, torch.zeros(6), batch)["loop"].item()

    tissue = torch.full_like(layout, float(layout.quantile(0.3)))
    costs = [cost(torch.lerp(layout, tissue, share)) for share in (0.0, 0.5, 1.0)]
    assert costs[0] < costs[1] < costs[2]
    assert costs[0] < cost(layout.roll(2, dims=2))


def test_the_gradient_reaches_the_unet_and_no_frozen_network(autoencoder, dataset):
    torch.manual_seed(0)
    network, batch = LayoutUNet(**SMALL), _batch(dataset)
    loop = _loop(autoencoder, dataset)
    losses = (LayoutLoss(CosineSchedule()), LayoutLoss(CosineSchedule(), loop=loop))
    assert not losses[0].state_dict() and set(losses[1].state_dict()) == {"loop.iteration"}
    gradients = []
    for loss in losses:
        torch.manual_seed(1)
        terms = loss(functools.partial(AutocastInferer(None), network=network), batch)
        gradients.append(torch.autograd.grad(terms["loss"], list(network.output.parameters())))
    assert 0 < terms["loop_read"] <= 1 and terms["loop"] > 0
    assert any(not torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    for frozen in loop._frozen:
        assert not frozen.training and all(p.grad is None and not p.requires_grad for p in frozen.parameters())


def test_it_starts_late_comes_every_so_often_and_is_off_in_validation(autoencoder, dataset):
    network, batch = LayoutUNet(**SMALL), _batch(dataset)
    loss = LayoutLoss(CosineSchedule(), loop=_loop(autoencoder, dataset, start_iteration=3, every=2))
    call = functools.partial(AutocastInferer(None), network=network)
    with torch.no_grad():
        assert "loop" not in loss(call, batch) and loss.loop.iteration == 0
    assert ["loop" in loss(call, batch) for _ in range(8)] == [False] * 4 + [True, False, True, False]
    without = LayoutLoss(CosineSchedule(), loop=_loop(autoencoder, dataset, start_iteration=99))
    torch.manual_seed(4)
    terms = without(call, batch)
    torch.manual_seed(4)
    assert torch.equal(terms["loss"], LayoutLoss(CosineSchedule())(call, batch)["loss"])


def test_noisy_items_are_passed_over_and_no_more_are_taken_than_asked(autoencoder, dataset):
    batch, loop = _batch(dataset), _loop(autoencoder, dataset, latest_time=0.4, n_items=2)
    latent = batch["image"].clone().requires_grad_()
    loop(latent, torch.tensor([0.9, 0.1, 0.5, 0.3, 0.2, 0.0]), batch)["loop"].backward()
    assert (latent.grad.abs().amax(dim=(1, 2, 3)) > 0).tolist() == [False, True, False, True, False, False]
    assert loop(latent, torch.ones(6), batch) == {}


def test_the_acquired_image_is_the_view_whose_latent_is_trained_on(autoencoder):
    dataset = LatentDataset(_items(), autoencoder, n_views=4, drop_each=0.0, drop_all=0.0, seed=3)
    autoencoder.eval()
    views = set()
    for epoch in range(4):
        dataset.set_epoch(epoch)
        for i in range(6):
            with torch.no_grad():
                expected = autoencoder.to_latent(dataset.acquired(i)[None])[0]
            item = dataset[i]
            views.add(tuple(item["numbers"].tolist()))
            assert (item["image"] - expected).abs().mean() < 0.05  # the encoder's own spread is 0.018
    assert len(views) > 10


def _trainer(autoencoder, max_epochs, *, checkpoint=None, loop=None):
    dataset = LatentDataset(_items(), autoencoder, n_views=2, drop_each=0.1, drop_all=0.1, seed=3)
    torch.manual_seed(0)
    network = LayoutUNet(**SMALL)
    settings = {"start_iteration": 4, "every": 2, "n_items": 2}
    return NetworkTrainer(
        "cpu",
        max_epochs,
        data_loader(dataset, batch_size=3, seed=2),
        network,
        torch.optim.AdamW(network.parameters(), 1e-2),
        LayoutLoss(CosineSchedule(), loop=_loop(autoencoder, dataset, **settings) if loop else None),
        inferer=AutocastInferer(None),
        warm_up_iterations=2,
        seed=5,
        train_handlers=[] if checkpoint is None else [CheckpointHandler(checkpoint)],
    )


def test_a_resumed_training_with_the_loop_equals_an_uninterrupted_one(autoencoder, tmp_path):
    whole, plain = (_trainer(autoencoder, 6, loop=loop) for loop in (True, False))
    whole.run()
    plain.run()
    first = _trainer(autoencoder, 3, checkpoint=tmp_path / "checkpoint.pt", loop=True)
    first.run()
    second = _trainer(autoencoder, 6, checkpoint=tmp_path / "checkpoint.pt", loop=True)
    second.run()
    assert int(second.loss_function.loop.iteration) == 12
    states = [trainer.network.state_dict() for trainer in (whole, second, plain)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert any(not torch.equal(value, states[2][name]) for name, value in states[0].items())


def test_a_reading_that_is_no_number_changes_no_weight(autoencoder, dataset, caplog):
    trainer = _trainer(autoencoder, 3, loop=True)
    with torch.no_grad():
        trainer.loss_function.loop._frozen[1].gain.fill_(float("inf"))  # 0 times it is no number
    reader = trainer.loss_function.loop
    reader.counted = lambda acquired, latent, target: target.told  # so that it counts all the same
    trainer.run()
    skipped = [record for record in caplog.records if "is skipped" in record.getMessage()]
    assert skipped and all(torch.isfinite(value).all() for value in trainer.network.parameters())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"every": 0}, "every and n_items are 1 or more"),
        ({"latest_time": 0.0}, "the time is above 0 and at most 1"),
        ({"weight": float("nan")}, "the weight 0 or more"),
        ({"attributes": {"age_years": 1.0}}, "attribute 'age_years' of the loop is not one of mask, box"),
    ],
)
def test_settings_that_mean_nothing_are_refused(autoencoder, dataset, given, message):
    with pytest.raises(RequestError, match=message):
        _loop(autoencoder, dataset, **given)
