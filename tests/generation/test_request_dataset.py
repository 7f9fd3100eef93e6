"""Requests as items of a bundle's own inference."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from tiny_bundles import write_stages

from monai_mammo import bundle, networks, sampling
from monai_mammo.generation import RequestDataset
from monai_mammo.text import GrammarEncoder
from monai_mammo.training import SamplerInferer

ROW = {"kind": "digital", "density": "C", "view": "MLO", "laterality": "L", "finding": "mass"}
TEXT = "irregular spiculated mass"


@pytest.fixture(scope="module")
def told_of_texts(tiny_folder, tmp_path_factory):
    """A diffusion bundle whose layout network is told of texts."""
    root = Path(shutil.copytree(tiny_folder / "mammo_diffusion", tmp_path_factory.mktemp("texts") / "mammo_diffusion"))
    write_stages(root, text_channels=64)
    return root


def test_an_item_holds_the_vector_of_its_text_where_the_bundle_has_an_encoder(told_of_texts, tiny_folder):
    data = [{**ROW, "text": TEXT}, ROW]
    told, none = RequestDataset(data, told_of_texts, unsupported="override")
    assert torch.equal(told["text"], torch.from_numpy(GrammarEncoder(64).encode([TEXT])[0]))
    assert none["text"].shape == (64,) and not none["text"].any()
    plain = RequestDataset(data, tiny_folder / "mammo_diffusion", unsupported="override")
    assert all("text" not in item for item in plain)


def test_an_item_starts_from_the_noise_that_the_command_starts_from(tiny_folder):
    _, item = RequestDataset([ROW, ROW], tiny_folder / "mammo_diffusion", seed=5, unsupported="override")
    noise = sampling.Cascade.noise(5, 1, 0, (4, 16, 12))
    assert torch.equal(item["image"], noise.detail)
    assert torch.equal(item["layout_noise"][:4], noise.layout)
    assert torch.equal(item["layout_noise"][4:], noise.on_layout)
    assert torch.equal(item["texture"], noise.texture)


def test_the_sampler_of_the_config_gives_the_text_to_the_layout(told_of_texts, tiny_folder):
    folder = bundle.find(told_of_texts)
    network, detail = networks.load_network(folder), networks.load_part(folder, bundle.DETAIL)
    autoencoder = networks.load_network(bundle.find(tiny_folder / "mammo_autoencoder"))
    schedule = sampling.CosineSchedule()
    inferer = SamplerInferer(autoencoder, detail=detail, schedule=schedule, detail_schedule=schedule, steps=2)
    (item,) = RequestDataset([{**ROW, "text": TEXT}], told_of_texts, unsupported="override")
    names = ("attributes", "spatial", "layout_noise", "texture")
    given = {name: item[name][None] for name in names}
    with torch.no_grad():
        told = inferer(item["image"][None], network, **given, text=item["text"][None])
        none = inferer(item["image"][None], network, **given)
    assert told.shape == none.shape == (1, 1, 64, 48) and (told - none).abs().max() > 1e-4
