"""Losses tell who was trained on where a network has learned by heart, and tell nothing where it has not."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_bundles import write_stages, write_tiny_bundles, write_vae

from monai_mammo import bundle
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.evaluation import evaluate, markdown_table
from monai_mammo.evaluation.memory.membership import denoising_losses, membership_area
from monai_mammo.networks import load_network
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare.datalist_items import load_items
from monai_mammo.sampling import CosineSchedule
from monai_mammo.training.diffusion_loss import DiffusionLoss
from monai_mammo.training.latent_dataset import LatentDataset

SHAPE = (64, 48)
N = 24
NAMES = ("mammo_diffusion", "mammo_autoencoder", "mammo_lesion_segmentation")


@pytest.fixture(scope="module")
def datalist(tmp_path_factory):
    """24 drawn films that are trained on, 24 that are not."""
    folder = tmp_path_factory.mktemp("drawn")
    items = []
    for i in range(2 * N):
        image = draw_mammogram(Conditions(laterality="L", kind="film"), seed=i, shape=SHAPE).pixels
        np.save(folder / f"{i}.npy", np.rint(image * 65535).astype(np.uint16))
        Image.fromarray(((image > 0) * 255).astype(np.uint8)).save(folder / f"{i}.png")
        item = {"image": f"{i}.npy", "breast": f"{i}.png", "image_id": str(i), "person_id": str(i), "boxes": []}
        items.append(
            {**item, "source": "drawn", "mask_kind": "none", "conditions": {"kind": "film", "laterality": "L"}}
        )
    path = folder / "datalist.json"
    few = [{**items[0], "person_id": "few"}]
    splits = {"training": items[:N], "validation": items[N:], "test": few, "external": items[:N]}
    path.write_text(json.dumps({"version": 1, "shape": list(SHAPE), **splits}))
    return path


def batches(data):
    return torch.utils.data.DataLoader(data, batch_size=8)


class Twin(torch.nn.Module):
    """A network with more weights than its 24 training latents have values."""

    def __init__(self, n_values: int) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_values + 1, 384), torch.nn.SiLU(), torch.nn.Linear(384, n_values)
        )

    def forward(self, z_t, *, timesteps, attributes, spatial):
        flat = torch.cat([z_t.flatten(1), timesteps[:, None]], dim=1)
        return self.layers(flat).reshape(z_t.shape)


def test_an_overfitted_twin_is_told_and_others_are_not(bundles, datalist):
    """Trained on 24 latents until it knows them it fails; untrained it passes, and so do images it never saw."""
    encoder = load_network(bundle.find(str(bundles / "mammo_autoencoder")))
    sides = [load_items(datalist, split=split) for split in ("training", "validation")]
    known, others = (LatentDataset(side, encoder, n_views=1, drop_each=0, drop_all=0) for side in sides)
    torch.manual_seed(0)
    task, network = DiffusionLoss(CosineSchedule()), Twin(known[0]["image"].numel())
    people = [str(i) for i in range(N)], [str(N + i) for i in range(N)]

    def area(left, right):
        losses = [denoising_losses(task, network, batches(side)) for side in (left, right)]
        return membership_area(*losses, persons=people[0], others=people[1])

    before = area(known, others)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    everything = next(iter(torch.utils.data.DataLoader(known, batch_size=N)))
    for _ in range(400):
        optimizer.zero_grad()
        task(network, everything)["loss"].backward()
        optimizer.step()
    after = area(known, others)
    halves = membership_area(
        *np.split(denoising_losses(task, network, batches(others)), 2),
        persons=people[1][: N // 2],
        others=people[1][N // 2 :],
    )
    assert after["value"] > 0.9 and after["low"] > 0.8, "the twin fails"
    assert before["low"] < 0.5 < before["high"], "an untrained network knows nobody"
    assert halves["low"] < 0.5 < halves["high"], "images that were not trained on pass"


def test_the_area_is_that_of_pairs_of_one_kind():
    trained, other = np.array([1.0, 2.0, 9.0]), np.array([3.0, 2.0, 1.0])
    persons = {"persons": list("abc"), "others": list("def")}
    plain = membership_area(trained, other, **persons)
    assert plain["value"] == pytest.approx((2 + 0.5 + 1 + 0.5) / 9, abs=1e-4)
    of_kinds = {"kinds": ["film", "film", "digital"], "other_kinds": ["film", "digital", "digital"]}
    assert membership_area(trained, other, **persons, **of_kinds)["value"] == pytest.approx(2 / 4)
    with pytest.raises(RequestError, match="nothing can be compared"):
        membership_area(trained, other, **persons, kinds=["film"] * 3, other_kinds=["digital"] * 3)


@pytest.mark.parametrize("has_stages", [False, True])
def test_figures_have_a_row_for_each_network(datalist, tmp_path, monkeypatch, has_stages):
    roots = write_tiny_bundles(tmp_path)
    if has_stages:
        write_stages(roots["mammo_diffusion"])
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(tmp_path))
    told = []
    figures = evaluate("membership", datalist=datalist, n_images=10, device="cpu", progress=told.append)
    names = ["layout stage", "detail stage"] if has_stages else ["diffusion network"]
    assert [row["network"] for row in figures["rows"]] == names
    assert all(row["n"] == row["n_others"] == 10 and row["low"] < 0.5 < row["high"] for row in figures["rows"])
    assert told[-1].n_done == told[-1].n_all == 20 * len(names)
    assert f"| {names[0]} | 10 | 10 |" in markdown_table(figures)
    assert evaluate("membership", datalist=datalist, n_images=10, device="cpu") == figures


def test_what_tells_nothing_is_refused(datalist, tmp_path):
    with pytest.raises(RequestError, match="24 persons have images in training and external"):
        evaluate("membership", datalist=datalist, split="external", device="cpu")
    with pytest.raises(RequestError, match="1 images tell nothing"):
        evaluate("membership", datalist=datalist, split="test", device="cpu")
    with pytest.raises(RequestError, match="n_images"):
        evaluate("membership", datalist=datalist, n_images=3, device="cpu")
    vae = write_vae(tmp_path / "vae", conditional=False)
    with pytest.raises(RequestError, match="no diffusion network"):
        evaluate("membership", datalist=datalist, bundle=str(vae), device="cpu")
