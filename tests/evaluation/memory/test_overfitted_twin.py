"""A generator that knows its few training images by heart fails both examinations; held-out images pass both."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image

from monai_mammo.bundle import find
from monai_mammo.bundle.fingerprint import TrainingFingerprint
from monai_mammo.conditions import Conditions
from monai_mammo.evaluation import evaluate, fingerprint_bundle
from monai_mammo.evaluation.memory.membership import denoising_losses, membership_area
from monai_mammo.phantom import draw_mammogram
from monai_mammo.sampling import CosineSchedule, dpm_solver_pp_2m, time_grid
from monai_mammo.sampling.schedule import per_sample
from monai_mammo.training.diffusion_loss import DiffusionLoss

SHAPE = (64, 48)
LATENT = (32, 24)
N_TRAINED, N_HELD_OUT = 6, 104
IMAGES = [
    draw_mammogram(Conditions(laterality="L", kind="film"), seed=seed, shape=SHAPE).pixels
    for seed in range(N_TRAINED + N_HELD_OUT)
]
TASK = DiffusionLoss(CosineSchedule())


class Twin(torch.nn.Module):
    """A generator whose conditions tell its training images apart: it knows what goes with each by heart.

    It does not look at the noise any more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.known = torch.nn.Linear(N_TRAINED, LATENT[0] * LATENT[1])

    def z0(self, z_t, attributes):
        return self.known(attributes).reshape(z_t.shape)

    def forward(self, z_t, *, timesteps, attributes, spatial):
        alpha, sigma = (per_sample(level(timesteps), z_t) for level in (TASK.schedule.alpha, TASK.schedule.sigma))
        return (alpha * z_t - self.z0(z_t, attributes)) / sigma.clamp_min(0.3)


def attributes_of(n):
    """Conditions, of which there are as many as training images; others share them."""
    return torch.nn.functional.one_hot(torch.arange(n) % N_TRAINED, N_TRAINED).float()


def batch_of(images):
    """Means of 2 x 2 pixels stand for latents."""
    means = [image.reshape(LATENT[0], 2, LATENT[1], 2).mean(axis=(1, 3)) for image in images]
    stack = torch.from_numpy(np.stack(means))[:, None].float() * 4 - 1
    return {"image": stack, "attributes": attributes_of(len(stack)), "spatial": torch.zeros(len(stack), 1)}


@pytest.fixture(scope="module")
def twin():
    torch.manual_seed(0)
    network, known = Twin(), batch_of(IMAGES[:N_TRAINED])
    optimizer = torch.optim.Adam(network.parameters(), 5e-2)
    for _ in range(200):
        optimizer.zero_grad()
        TASK(network, known)["loss"].backward()
        optimizer.step()
    return network.eval()


@pytest.fixture(scope="module")
def drawn(twin):
    """Images that the twin draws from noise."""
    noise, asked = torch.randn(8, 1, *LATENT, generator=torch.Generator().manual_seed(1)), attributes_of(8)
    with torch.inference_mode():
        z0 = dpm_solver_pp_2m(lambda z_t, t: twin.z0(z_t, asked), noise, time_grid(TASK.schedule, 12), TASK.schedule)
    small = [np.clip((one[0].numpy() + 1) / 4, 0, 1).astype(np.float32) for one in z0]
    return [image.repeat(2, axis=0).repeat(2, axis=1) for image in small]


@pytest.fixture(scope="module")
def datalist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    items = []
    for i, image in enumerate(IMAGES):
        np.save(folder / f"{i}.npy", np.rint(image * 65535).astype(np.uint16))
        Image.fromarray(((image > 0) * 255).astype(np.uint8)).save(folder / f"{i}.png")
        names = {"image": f"{i}.npy", "breast": f"{i}.png", "image_id": str(i), "person_id": str(i), "boxes": []}
        digest = hashlib.sha256(image.tobytes()).hexdigest()
        items.append({**names, "source": "drawn", "source_sha256": digest, "conditions": {"kind": "film"}})
    path = folder / "datalist.json"
    splits = {"training": items[:N_TRAINED], "validation": items[N_TRAINED:], "test": [], "external": []}
    path.write_text(json.dumps({"version": 1, "shape": list(SHAPE), **splits}))
    return path


def area(network, trained, others):
    losses = [denoising_losses(TASK, network, [batch_of(images)]) for images in (trained, others)]
    names = [[f"{side}{i}" for i in range(len(images))] for side, images in enumerate((trained, others))]
    return membership_area(*losses, persons=names[0], others=names[1])


def test_losses_tell_whom_the_twin_was_trained_on_and_nobody_else(twin):
    held_out = IMAGES[N_TRAINED:]
    known = area(twin, IMAGES[:N_TRAINED], held_out)
    assert known["low"] > 0.9, "the twin fails"
    halves = area(twin, held_out[::2], held_out[1::2])
    assert halves["low"] < 0.5 < halves["high"], "images that it never saw pass"
    torch.manual_seed(1)
    before = area(Twin(), IMAGES[:N_TRAINED], held_out)
    assert before["low"] < 0.9, "an untrained network does not know them: six images may still be easier than others"


def test_what_the_twin_draws_is_suspected_and_held_out_images_are_not(twin, drawn, datalist, make_run):
    fingerprint_bundle(datalist)
    prints = TrainingFingerprint.load(find("mammo_diffusion"))
    assert prints.n_held_out == N_HELD_OUT
    assert all(prints.nearest(image).ratio < prints.copy_ratio for image in drawn), "so `generate` would draw anew"
    nothing = np.zeros(SHAPE, bool)
    runs = [make_run([("L", image, nothing) for image in some]) for some in (drawn, IMAGES[-8:])]
    ways = {"ways": "structure,gate,radiomic", "device": "cpu"}
    figures = evaluate("copies", datalist=datalist, runs=runs, n_copies=N_TRAINED, **ways)
    rows = {row["images"]: row for row in figures["rows"]}
    of_twin, of_held_out = (rows[run.name] for run in runs)
    for way in ("structure", "gate"):
        assert of_twin[way]["mean"] == 1 and of_twin[way]["low"] > 0.5, "the twin fails"
        assert of_held_out[way]["mean"] == 0, "images that it never saw pass"
        assert rows["all copies"][way]["mean"] >= 0.97, "66 copies"
        assert rows["acquired, not trained on"][way]["mean"] <= 0.03
    closeness = evaluate("memorisation", runs=runs[:1], datalist=datalist)
    suspected = {row["images"]: row["n_suspected"] for row in closeness["rows"]}
    assert suspected["synthetic"] == len(drawn) and suspected["acquired, not trained on"] <= 2
