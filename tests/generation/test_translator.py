"""The translator with its weights: what is there becomes what is asked, in the modality that is asked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tiny_bundles import write_stages, write_tiny_bundles, write_view_translator

from monai_mammo.attributes import COLUMNS
from monai_mammo.bundle import VIEW_TRANSLATOR, BundleFolder, find, put_weights
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation.engine.translator import REGRESSION, Translator
from monai_mammo.networks import TranslatorUNet, layout_of
from monai_mammo.sampling import CosineSchedule

WORDS = {"of": "digital", "onto": "contrast", "conditions": Conditions(view="CC"), "noise_of": (1, "a", 0)}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    return write_tiny_bundles(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def translator(bundles):
    write_view_translator(bundles["mammo_diffusion"])
    return Translator.load(*(BundleFolder(bundles[name]) for name in ("mammo_diffusion", "mammo_autoencoder")))


@pytest.fixture(scope="module")
def image():
    y, x = np.mgrid[:64, :48]
    return np.where(((y - 32) / 28) ** 2 + (x / 40) ** 2 < 1, 0.3 + 0.2 * np.sin(y / 5), 0).astype(np.float32)


def test_a_network_that_says_nothing_gives_the_mean_of_what_is_drawn(translator, image):
    network = TranslatorUNet(channels=[8, 16], n_blocks=1, attention_scales=[1], context_channels=8).eval()
    network.band_mean[0, 0], network.band_mean[1, 0] = 1.0, -1.0
    plain = dataclasses.replace(translator, network=network, is_regression=True, details=None)
    drawn = {}
    for onto, of in (("contrast", "digital"), ("digital", "contrast")):
        drawn[onto] = plain.translated(image, **{**WORDS, "of": of, "onto": onto})
        latent = torch.full((1, 4, 16, 12), network.band_mean[int(onto == "contrast"), 0] / 4)
        with torch.no_grad():
            expected = plain.autoencoder.from_latent(latent)[0, 0].clamp(0, 1).numpy()
        assert np.allclose(drawn[onto], expected, atol=1e-3)
    assert not np.allclose(drawn["contrast"], drawn["digital"], atol=1e-3)


def test_source_mask_and_noise_reach_the_drawing(translator, image):
    first = translator.translated(image, **WORDS, steps=2)
    assert first.shape == (64, 48) and first.dtype == np.float32 and 0 <= first.min() <= first.max() <= 1
    assert np.array_equal(first, translator.translated(image, **WORDS, steps=2))
    mask = np.zeros((64, 48), dtype=bool)
    mask[20:30, 10:20] = True
    others = (
        translator.translated(image, **WORDS, mask=mask, steps=2),
        translator.translated(np.roll(image, 3, axis=0), **WORDS, steps=2),
        translator.translated(image, **{**WORDS, "noise_of": (1, "b", 0)}, steps=2),
        translator.translated(image, **WORDS, mask=mask, steps=2, guidance=3.0),
    )
    assert len({one.tobytes() for one in (first, *others)}) == 5
    with pytest.raises(RequestError, match="pairs of digital, contrast"):
        translator.translated(image, **{**WORDS, "onto": "ultrasound"})


@pytest.fixture(scope="module")
def detailed(tmp_path_factory):
    """A translator in a bundle that draws in two stages; beside it the same without its detail stage."""
    made = write_tiny_bundles(tmp_path_factory.mktemp("staged"))
    write_stages(made["mammo_diffusion"])
    write_view_translator(made["mammo_diffusion"])
    whole = Translator.load(*(BundleFolder(made[name]) for name in ("mammo_diffusion", "mammo_autoencoder")))
    return whole, dataclasses.replace(whole, details=None)


def test_details_are_drawn_over_the_layout_that_the_translator_draws(detailed, image, monkeypatch):
    whole, alone = detailed
    drawn, plain = (one.translated(image, **WORDS, steps=2) for one in (whole, alone))
    assert not np.allclose(drawn, plain, atol=1e-3)
    assert np.array_equal(drawn, whole.translated(image, **WORDS, steps=2))
    said = {}

    def draw_detail(self, noise, layout, *, attributes, mask, **others):
        said.update(layout=layout, kind=int(attributes[0, COLUMNS.index("kind")]), mask=mask)
        return torch.nn.functional.interpolate(layout, scale_factor=4)

    monkeypatch.setattr(type(whole.details), "draw_detail", draw_detail)
    latents = []
    monkeypatch.setattr(type(alone.autoencoder), "from_latent", lambda self, z: latents.append(z) or z[:, :1])
    mask = np.zeros((64, 48), dtype=bool)
    mask[20:30, 10:20] = True
    for one in (whole, alone):
        one.translated(image, **WORDS, mask=mask, steps=2)
    assert torch.equal(said["layout"], layout_of(latents[1])) and said["kind"] == 2 and said["mask"].max() == 1
    assert torch.equal(latents[0], torch.nn.functional.interpolate(said["layout"], scale_factor=4))


def test_what_is_no_mammogram_has_no_details(detailed, image):
    network = TranslatorUNet(
        modalities=("digital", "ultrasound"), channels=[8, 16], n_blocks=1, attention_scales=[1], context_channels=8
    ).eval()
    other = {**WORDS, "onto": "ultrasound"}
    drawn, plain = (dataclasses.replace(one, network=network).translated(image, **other, steps=2) for one in detailed)
    assert np.array_equal(drawn, plain)


def test_the_shipped_configs_say_one_schedule_and_one_network():
    folder = find("mammo_diffusion")
    assert folder.network_definition("translate", "schedule") == folder.network_definition(
        "inference", "view_translator_schedule"
    )
    assert folder.trained_network("translate", REGRESSION) == folder.trained_network("translate")
    if folder.has_weights(VIEW_TRANSLATOR):
        assert folder.network_definition("inference", "view_translator_def") == folder.trained_network("translate")
        assert (folder.root / "models" / "translator.pt").stat().st_size < 6_200_000


def test_weights_of_a_training_are_put_into_a_bundle(tmp_path, monkeypatch):
    import shutil

    home = tmp_path / "mammo_diffusion"
    shutil.copytree(find("mammo_diffusion").root / "configs", home / "configs")
    (home / "models").mkdir()
    arguments = BundleFolder(home).trained_network("translate")[1]
    network = TranslatorUNet(**arguments)
    torch.save(network.half().state_dict(), tmp_path / "model.pt")
    put = put_weights(home, tmp_path / "model.pt", "translate")
    assert put.has_weights(VIEW_TRANSLATOR) and list(put.weights_sha256) == ["models/translator.pt"]
    autoencoder = find("mammo_autoencoder")
    loaded = Translator.load(put, autoencoder)
    assert loaded.schedule == CosineSchedule(shift=1.5) and not loaded.is_regression
    regression = Translator.of_training(tmp_path / "model.pt", put, autoencoder, is_regression=True)
    assert regression.is_regression and regression.details is None and loaded.details is None
    (home / "models" / "translator.pt").write_bytes(b"no weights")
    with pytest.raises(MammoError, match="truncated or no weight file"):
        Translator.load(put, autoencoder)
