"""Conditions to network inputs, and the sampling of tiny networks."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_bundles import UNTRAINED_PROBABILITY, write_stages

from monai_mammo import bundle
from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation.engine.device import BATCH_SIZE, pick_device
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.engine.parallel import draw_all
from monai_mammo.generation.engine.plan import plan_sample
from monai_mammo.generation.engine.settings import DrawSettings

pytestmark = pytest.mark.usefixtures("tiny")

NAMES = ("mammo_diffusion", "mammo_autoencoder", "mammo_lesion_segmentation")


@pytest.fixture(scope="module")
def staged(tiny_folder, tmp_path_factory):
    """A diffusion bundle of two stages."""
    root = Path(shutil.copytree(tiny_folder / NAMES[0], tmp_path_factory.mktemp("staged") / NAMES[0]))
    write_stages(root)
    return bundle.find(root)


@pytest.fixture(params=["one stage", "two stages"])
def generator(request, staged):
    others = [bundle.find(name) for name in NAMES[1:]]
    diffusion = bundle.find(NAMES[0]) if request.param == "one stage" else staged
    return Generator.load(diffusion, *others, device="cpu")


def main_network(generator):
    """The network that sees all conditions."""
    sampler = generator.sampler
    return sampler.layout if hasattr(sampler, "layout") else sampler.network


def planned(index: int = 0, **changes):
    asked = Conditions(**{"density": "C", "view": "MLO", "laterality": "L", "finding": "mass", **changes})
    folder = bundle.find(NAMES[0])
    settings = {"table": folder.support, "shape": (64, 48), "spacing_mm": 1, "refuse_unsupported": False}
    return plan_sample(asked, index=index, seed=7, **settings)


def images(generator, samples, **changes):
    attempt = changes.pop("attempt", 0)
    settings = DrawSettings(**{"seed": 7, "steps": 3, "guidance": 2.0, **changes})
    return generator._sample(samples, settings, attempt=attempt, on_step=None)


def test_mask_and_box_are_the_shares_of_each_latent_cell(generator):
    sample = planned(box=Box(0.25, 0.25, 0.5, 0.5))
    mask, box = generator._planes(sample).numpy()
    assert mask.shape == box.shape == (16, 12)
    assert (box > 0.999)[4:8, 3:6].all() and box.sum() == pytest.approx(12)
    assert mask.sum() * 16 == pytest.approx(sample.lesion.mask.sum())
    assert (mask <= 1).all() and (mask[box < 1e-6] == 0).all()


def test_a_grid_that_is_no_multiple_of_the_factor_is_padded(tiny_folder, tmp_path):
    for name in NAMES:
        shutil.copytree(tiny_folder / name, tmp_path / name)
        path = tmp_path / name / "configs" / "metadata.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "prepared_shape": [50, 41]}))
    generator = Generator.load(*(bundle.find(tmp_path / name) for name in NAMES), device="cpu")
    folder = bundle.find(tmp_path / NAMES[0])
    sample = plan_sample(Conditions(), index=0, seed=0, table=folder.support, shape=folder.prepared_shape, spacing_mm=1)
    assert images(generator, [sample]).shape == (1, 50, 41)


def test_pictures_are_brightness_and_repeat_bit_for_bit(generator):
    first, again = images(generator, [planned()]), images(generator, [planned()])
    assert first.dtype == np.float32 and (first == again).all()
    settings = DrawSettings(seed=7, steps=3, guidance=2.0, max_tries=1, dice_threshold=0.0)
    ((result,),) = generator.draw([planned()], dataclasses.replace(settings, mends=0))
    assert result.image.dtype == np.float32 and 0 <= result.image.min() < result.image.max() <= 1


def test_a_batch_keeps_its_samples_apart(generator, monkeypatch):
    """Batches of eight are for CUDA; here a batch of three, where rounding may depend on the place in it."""
    alone = [images(generator, [planned(i)])[0] for i in range(2)]
    monkeypatch.setitem(BATCH_SIZE, "cpu", 3)
    together = images(generator, [planned(0), planned(1)])
    assert len(together) == 2
    for one, other in zip(alone, together, strict=True):
        assert np.abs(one - other).max() < 1e-3
    assert np.abs(alone[0] - alone[1]).max() > 0.1


def test_workers_and_threads_change_no_picture(generator):
    samples = [planned(i) for i in range(5)]
    settings = DrawSettings(seed=7, steps=2, guidance=2.0)
    before, drawn = torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        drawn.append(list(draw_all(generator, samples, settings)))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    for one, three, sample in zip(*drawn, samples, strict=True):
        assert one.sample is three.sample is sample
        assert (one.results[0].image == three.results[0].image).all()


def test_nobody_draws_on_when_nobody_waits(generator):
    calls = []
    hook = main_network(generator).register_forward_hook(lambda *_: calls.append(1))
    stream = draw_all(generator, [planned(i) for i in range(50)], DrawSettings(seed=0, steps=20, guidance=1.0))
    next(stream)
    stream.close()
    n_calls = len(calls)
    hook.remove()
    assert n_calls < 50 * 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("draw")]


@pytest.mark.parametrize(
    "change",
    [
        {"density": "B"},
        {"view": "CC"},
        {"laterality": "R"},
        {"finding": "calcification"},
        {"birads": 2},
        {"kind": "film"},
        {"box": Box(0.5, 0.5, 0.6, 0.6)},
    ],
)
def test_each_condition_reaches_the_pixels(generator, change):
    # all fixed, so that neither the kind that is resolved nor the drawn box is what differs
    fixed = {"kind": "digital", "birads": 5, "box": Box(0.2, 0.3, 0.5, 0.6)}
    base = images(generator, [planned(**fixed)])
    assert np.abs(images(generator, [planned(**{**fixed, **change})]) - base).max() > 1e-4


def test_guidance_of_one_is_the_plain_conditional_network(generator):
    calls = []
    hook = main_network(generator).register_forward_hook(lambda m, inputs, out: calls.append(len(inputs[0])))
    images(generator, [planned()], guidance=1.0)
    images(generator, [planned()], guidance=2.0)
    hook.remove()
    assert calls == [1] * 3 + [2] * 3


def test_tries_and_seeds_draw_other_noise(generator):
    base = images(generator, [planned()])
    assert not (images(generator, [planned()], attempt=1) == base).all()
    assert not (images(generator, [planned()], seed=8) == base).all()


def test_a_flow_bundle_is_sampled_as_a_flow(tiny_folder, tmp_path):
    for name in NAMES:
        shutil.copytree(tiny_folder / name, tmp_path / name)
    path = tmp_path / NAMES[0] / "configs" / "inference.json"
    config = json.loads(path.read_text())

    def with_schedule(definition):
        path.write_text(json.dumps({**config, "schedule": definition}))
        return Generator.load(*(bundle.find(tmp_path / name) for name in NAMES), device="cpu")

    flow = with_schedule({"_target_": "monai_mammo.sampling.RectifiedFlowSchedule", "shift": 2.0})
    assert flow.sampler.schedule.shift == 2.0
    cosine = with_schedule({"_target_": "monai_mammo.sampling.CosineSchedule"})
    assert not (images(flow, [planned()]) == images(cosine, [planned()])).all()
    with pytest.raises(MammoError, match="schedule 'Popen' of bundle mammo_diffusion is not one of"):
        with_schedule({"_target_": "subprocess.Popen", "args": "x"})


def test_the_lesion_bundle_states_what_counts_as_found(tiny_folder, tmp_path):
    for name in NAMES:
        shutil.copytree(tiny_folder / name, tmp_path / name)
    path = tmp_path / NAMES[2] / "configs" / "metadata.json"
    areas = []
    for threshold in (0.0, UNTRAINED_PROBABILITY, 1.0):
        path.write_text(json.dumps({**json.loads(path.read_text()), "mask_threshold": threshold}))
        strict = Generator.load(*(bundle.find(tmp_path / name) for name in NAMES), device="cpu")
        results = strict.draw([planned()], DrawSettings(seed=7, steps=1, guidance=1.0, dice_threshold=0.0))
        areas.append(results[0][0].found.mean())
    assert areas[0] > areas[1] > areas[2] == 0


def test_devices_are_named():
    assert pick_device("cpu") == "cpu"
    with pytest.raises(RequestError, match="device 'tpu' is not one of auto, cpu, cuda"):
        pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(RequestError, match="torch sees no CUDA device"):
            pick_device("cuda")


def test_each_stage_matters_and_counts_its_evaluations(staged):
    generator = Generator.load(staged, *(bundle.find(name) for name in NAMES[1:]), device="cpu")
    steps = []
    settings = DrawSettings(seed=7, steps=5, guidance=2.0)
    picture = generator._sample([planned()], settings, attempt=0, on_step=lambda: steps.append(1))
    assert len(steps) == generator.n_evaluations(5) == 8
    for network in (generator.sampler.layout, generator.sampler.detail):
        with torch.no_grad():
            network.output[-1].weight.mul_(0.5)
        other = generator._sample([planned()], settings, attempt=0, on_step=None)
        assert not np.array_equal(picture, other)
        picture = other


@pytest.fixture(scope="module")
def told_of_texts(tiny_folder, tmp_path_factory):
    """A diffusion bundle whose layout network is told of texts by the built-in encoder."""
    root = Path(shutil.copytree(tiny_folder / NAMES[0], tmp_path_factory.mktemp("texts") / NAMES[0]))
    write_stages(root, text_channels=64)
    return bundle.find(root)


def with_text(text, index=0):
    sample = planned(index)
    return dataclasses.replace(sample, conditions=sample.conditions.replace(text=text))


def test_a_text_reaches_the_pixels_beside_the_same_conditions(told_of_texts):
    generator = Generator.load(told_of_texts, *[bundle.find(name) for name in NAMES[1:]], device="cpu")
    none, one, same, other = (
        images(generator, [with_text(text)])[0]
        for text in (None, "irregular spiculated mass", "Irregular STELLATE nodule", "oval mass")
    )
    assert np.array_equal(one, same), "one meaning, one vector"
    assert np.abs(one - none).max() > 1e-4 and np.abs(one - other).max() > 1e-4
    assert np.array_equal(images(generator, [with_text("oval mass")])[0], other)


def test_a_bundle_without_an_encoder_draws_the_same_whatever_the_text(generator):
    assert generator.text_encoder is None
    assert np.array_equal(images(generator, [with_text("oval mass")]), images(generator, [with_text(None)]))


def test_an_encoder_that_does_not_fit_its_network_is_one_sentence(told_of_texts, tmp_path):
    root = Path(shutil.copytree(told_of_texts.root, tmp_path / "b"))
    path = root / "configs" / "inference.json"
    values = json.loads(path.read_text())
    others = [bundle.find(name) for name in NAMES[1:]]
    for definition, words in ((None, "gives none"), ({**values["text_encoder"], "channels": 32}, "gives 32")):
        changed = {**values, "text_encoder": definition}
        path.write_text(json.dumps({key: value for key, value in changed.items() if value is not None}))
        with pytest.raises(MammoError, match=f"takes texts of 64 channels and its text_encoder {words}$"):
            Generator.load(bundle.find(root), *others, device="cpu")
