"""The VAE baselines are generators like any other, and say what they do not respond to."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from tiny_bundles import ROWS, write_vae

from monai_mammo.bundle import BundleFolder
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation import generate, verify
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.taken_attributes import stated_as_drawn, taken_attributes

REQUESTED = {"kind": "digital", "density": "C", "view": "MLO", "laterality": "R", "finding": "mass", "birads": 5}
QUICK = {"max_tries": 1, "steps": 2, "format": "png"}


@pytest.fixture(scope="module")
def vaes(tmp_path_factory):
    """Folders of a plain and of a conditional tiny VAE."""
    home = tmp_path_factory.mktemp("vaes")
    return {name: write_vae(home / name, conditional=name == "conditional") for name in ("plain", "conditional")}


def pixels(run, index: int = 0) -> np.ndarray:
    return np.asarray(Image.open(run.folder / f"sample_{index:04d}" / "mammogram.png")).astype(int)


def test_a_conditional_vae_draws_what_is_requested_with_its_own_weights(tiny, vaes, tmp_path):
    words = {**QUICK, "bundle": str(vaes["conditional"]), "seed": 4}
    run = generate(**REQUESTED, **words, count=2, out=tmp_path / "run")
    assert run.manifest["weights"][0]["name"] == "conditional"
    assert verify(run.folder).is_in_order
    conditions = [sample["conditions"] for sample in run.samples]
    assert all({**REQUESTED, "box": one["box"]}.items() <= one.items() for one in conditions)
    alone = generate(**REQUESTED, **words, count=1, out=tmp_path / "alone")
    assert (pixels(run) == pixels(alone)).all()
    other = generate(
        **{**REQUESTED, "density": "B", "view": "CC", "birads": 4, "finding": "calcification"},
        **words,
        out=tmp_path / "o",
    )
    assert (pixels(run) != pixels(other)).any()
    assert not any("guidance" in warning for warning in run.warnings)


@pytest.mark.parametrize("guided", [{"guidance": 4.0}, {"guidance_interval": (0.2, 5.0)}], ids=["weight", "interval"])
def test_steps_change_nothing_and_a_guidance_is_said_to_have_no_effect(tiny, vaes, tmp_path, guided):
    words = {**QUICK, "bundle": str(vaes["conditional"])}
    one = generate(**REQUESTED, **words, out=tmp_path / "one")
    two = generate(**REQUESTED, **{**words, "steps": 9, **guided}, out=tmp_path / "two")
    assert (pixels(one) == pixels(two)).all()
    assert any("bundle conditional draws in one network evaluation: guidance has no effect" in w for w in two.warnings)


@pytest.mark.parametrize("name", ["density", "view", "kind", "finding"])
def test_a_plain_vae_refuses_conditions(tiny, vaes, tmp_path, name):
    with pytest.raises(RequestError, match=rf"{name} is not among what bundle plain responds to \(laterality\)"):
        generate(**{name: REQUESTED[name]}, **QUICK, bundle=str(vaes["plain"]), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_plain_vae_leaves_conditions_out_where_that_is_allowed_and_every_output_says_so(tiny, vaes, tmp_path):
    words = {**QUICK, "unsupported": "override", "bundle": str(vaes["plain"])}
    run = generate(**REQUESTED, **words, out=tmp_path / "run")
    stated = json.loads((run.folder / "sample_0000" / "conditions.json").read_text())
    assert stated["laterality"] == "R" and "density" not in stated and "box" not in stated
    for sentence in ("density, finding", "responds to laterality alone: kind and view are stated as often as"):
        assert any(sentence.split(",")[0] in warning for warning in run.samples[0]["warnings"]), sentence
    left = generate(laterality="L", **{**QUICK, "bundle": str(vaes["plain"])}, out=tmp_path / "left")
    assert (pixels(run)[:, ::-1] == pixels(left)).all(), "a right breast is the mirrored left one"


def test_kinds_and_views_of_a_plain_vae_are_stated_as_often_as_training_images_have_them(vaes):
    folder = BundleFolder(vaes["plain"])
    taken = taken_attributes(folder)
    counts: Counter = Counter()
    for index in range(4000):
        stated, warnings = stated_as_drawn(
            Conditions(), taken, table=folder.support, bundle="plain", seed=1, index=index
        )
        assert len(warnings) == 1
        counts[str(stated.kind), str(stated.view)] += 1
    images: Counter = Counter()
    for kind, _, view, *_, n_images, _ in ROWS:
        images[kind, view] += n_images
    total = sum(images.values())
    for key, n in images.items():
        assert counts[key] / 4000 == pytest.approx(n / total, abs=0.03)
    assert stated_as_drawn(Conditions(), ("kind", "view"), table=folder.support, bundle="b", seed=1, index=0) == (
        Conditions(),
        (),
    )


def test_a_mask_asked_of_a_plain_vae_is_refused(tiny, vaes, tmp_path):
    picture = np.zeros((64, 48), np.uint8)
    picture[20:30, 5:15] = 255
    Image.fromarray(picture).save(tmp_path / "mask.png")
    with pytest.raises(RequestError, match="bundle plain draws no lesion that is requested: leave out the mask"):
        generate(mask=tmp_path / "mask.png", **QUICK, bundle=str(vaes["plain"]), out=tmp_path / "run")


def test_a_vae_whose_latents_have_another_ratio_than_its_pictures_is_refused(tiny, vaes, tmp_path):
    root = shutil.copytree(vaes["plain"], tmp_path / "wide")
    path = root / "configs" / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "prepared_shape": [64, 64]}))
    others = [BundleFolder(tiny / name) for name in ("mammo_autoencoder", "mammo_lesion_segmentation")]
    with pytest.raises(MammoError, match="the latents of bundle wide are 16 x 12, its pictures 64 x 64"):
        Generator.load(BundleFolder(root), *others, device="cpu")
