"""VAE bundles that draw beside a report, and what is said of those that cannot."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest
import torch
from tiny_bundles import write_vae

from monai_mammo.bundle import JUDGE, PartInTraining, find, seal, write_trained_with
from monai_mammo.evaluation.found_breast import breast_in_pixels
from monai_mammo.evaluation.report import drawn_baselines
from monai_mammo.evaluation.report.drawn_baselines import VAE_BUNDLES, DrawnBaselines
from monai_mammo.generation.engine.generator import Generator

SHAPE = (64, 48)
SHOWN = {
    "kind": "film",
    "view": "MLO",
    "laterality": "R",
    "density": "B",
    "finding": "mass",
    "box": [0.2, 0.4, 0.4, 0.6],
}
ITEMS = [{"conditions": SHOWN}, {"conditions": {**SHOWN, "view": "CC", "laterality": "L"}}]


@pytest.fixture
def vaes(bundles, tmp_path, monkeypatch):
    """Folder with both VAEs, looked into before all others."""
    home = tmp_path / "vaes"
    for name in VAE_BUNDLES:
        write_vae(home / name, conditional=name == "mammo_conditional_vae")
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", os.pathsep.join([str(home), str(bundles)]))
    return home


@pytest.fixture
def draws(tmp_path):
    return DrawnBaselines(
        lesion=find("mammo_lesion_segmentation"),
        folder=tmp_path / "drawn",
        seed=3,
        device="cpu",
        breast_of=breast_in_pixels,
    )


def test_what_was_drawn_is_found_again_and_other_conditions_or_weights_are_drawn_anew(vaes, draws, monkeypatch):
    drawn, left_out = draws.of(ITEMS, SHAPE)
    assert [one.home.name for one in drawn] == list(VAE_BUNDLES) and not left_out
    plain, conditional = (one.items for one in drawn)
    kept = {key: value for key, value in SHOWN.items() if key != "box"}
    assert kept.items() <= conditional[0]["conditions"].items() and conditional[0]["image"].shape == SHAPE
    assert plain[0]["conditions"] == {"laterality": "R"}, "kind and view in its file are guesses"
    assert all(one["is_synthetic"] for one in [*plain, *conditional])
    load = Generator.load
    monkeypatch.setattr(Generator, "load", lambda *_, **__: pytest.fail("an image was drawn anew"))
    again, _ = draws.of(ITEMS, SHAPE)
    assert [one.about() for one in again] == [one.about() for one in drawn]
    assert (again[1].items[1]["image"] == conditional[1]["image"]).all()
    monkeypatch.setattr(Generator, "load", load)
    other, _ = draws.of(ITEMS[:1], SHAPE)
    assert len({one.manifest.folder for one in [*drawn, *other]}) == 4
    seal(vaes / "mammo_vae", version="0.0.2")
    assert draws.of(ITEMS, SHAPE)[0][0].manifest.folder == drawn[0].manifest.folder, "the weights are the same"
    path = vaes / "mammo_vae" / "models" / "model.pt"
    torch.save({name: 1.5 * values for name, values in torch.load(path, weights_only=True).items()}, path)
    seal(vaes / "mammo_vae")
    (first, _), left_out = draws.of(ITEMS, SHAPE)
    assert first.manifest.folder != drawn[0].manifest.folder and not left_out
    assert first.about()["sha256"] != drawn[0].about()["sha256"]


def gone(home, monkeypatch):
    monkeypatch.setattr(drawn_baselines, "VAE_BUNDLES", ("mammo_gone", VAE_BUNDLES[1]))


def of_another_size(home, monkeypatch):
    path = home / "mammo_vae" / "configs" / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "prepared_shape": [32, 24]}))


def damaged(home, monkeypatch):
    path = home / "mammo_vae" / "models" / "model.pt"
    path.write_bytes(path.read_bytes()[:-1])


def trained_with_the_judge(home, monkeypatch):
    lesion = find("mammo_lesion_segmentation")
    judge = PartInTraining("mammo_lesion_segmentation", "1", JUDGE[0], lesion.weights_sha256[JUDGE[0]])
    write_trained_with(find(home / "mammo_vae"), "models/model.pt", [judge])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (gone, "mammo_gone is left out of the baselines: bundle 'mammo_gone' is neither a folder nor one of"),
        (
            of_another_size,
            "mammo_vae is left out of the baselines: it draws 32 x 24 pixels, and the reference has 64 x 48.",
        ),
        (damaged, "mammo_vae is left out of the baselines: "),
        (trained_with_the_judge, "the judge of mammo_lesion_segmentation had a part in the training of mammo_vae"),
    ],
)
def test_a_vae_that_cannot_take_part_is_left_out_and_that_is_said(vaes, draws, monkeypatch, change, sentence):
    change(vaes, monkeypatch)
    drawn, left_out = draws.of(ITEMS[:1], SHAPE)
    assert [one.home.name for one in drawn] == ["mammo_conditional_vae"], "the other one takes part"
    (said,) = left_out
    assert sentence in said and said.endswith(".") and not said.endswith("..")


def test_how_long_the_drawing_takes_is_said_once_a_few_images_show_it(vaes, draws, monkeypatch):
    said, seen = [], []
    telling = dataclasses.replace(draws, announce=said.append)
    telling.of(ITEMS * 4, SHAPE, on_images=seen.append)
    assert [words.partition(" about ")[0] for words in said] == [
        f"8 images are drawn by {name} as a baseline:" for name in VAE_BUNDLES
    ]
    assert all(words.split(" about ")[1].endswith((" s", " min")) for words in said)
    assert sum(seen) == 16 and len(seen) > 8
    for n_drawn in (8, 0):  # found again; and with a bundle that is not there
        seen.clear()
        telling.of(ITEMS * 4, SHAPE, on_images=seen.append)
        assert sum(seen) == 16 and len(said) == 2, n_drawn
        gone(vaes, monkeypatch)
