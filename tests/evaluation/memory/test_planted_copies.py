"""Planted copies are found among many images, however they are disguised, and other images are not suspected."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from monai_mammo.bundle import BundleFolder, find
from monai_mammo.bundle.fingerprint import COPY_RATIO, TrainingFingerprint
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.evaluation import evaluate, fingerprint_bundle, markdown_table
from monai_mammo.evaluation.memory.planted import ALTERATIONS, altered
from monai_mammo.evaluation.memory.planted_figures import (
    _carried,
    _learned,
    _searches,
    _suspected_by_others,
    suspicion_limit,
)
from monai_mammo.networks import load_encoder
from monai_mammo.phantom import draw_mammogram

BUNDLES = Path(__file__).resolve().parents[3] / "bundles"
SHAPE = (96, 72)
KINDS = ("film", "digital")


def drawn(seed: int) -> np.ndarray:
    return draw_mammogram(Conditions(laterality="L", kind=KINDS[seed % 2]), seed=seed, shape=SHAPE).pixels


IMAGES = [drawn(seed) for seed in range(60)]
TRAINED, OTHERS = IMAGES[:40], IMAGES[40:]


@pytest.fixture(scope="module")
def prints():
    return TrainingFingerprint.of(TRAINED, ["0" * 64] * len(TRAINED))


@pytest.fixture(scope="module")
def limit(prints):
    return -suspicion_limit([-prints.nearest(image).ratio for image in OTHERS])


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_each_alteration_is_seen_through_and_changes_the_image(prints, limit, alteration):
    copies = [altered(TRAINED[i], alteration, seed=i) for i in range(0, 40, 4)]
    assert all(np.abs(copy - TRAINED[4 * i]).max() > 0.03 for i, copy in enumerate(copies))
    assert all(
        copy.shape == SHAPE and copy.dtype == np.float32 and 0 <= copy.min() < copy.max() <= 1 for copy in copies
    )
    found = [prints.nearest(copy) for copy in copies]
    assert [one.position for one in found] == list(range(0, 40, 4))
    assert all(one.ratio < limit for one in found)


def test_an_alteration_is_the_same_for_the_same_seed():
    for alteration in ("noised", "shifted", "gamma", "edited in one place", "scaled", "turned", "several at once"):
        first, again, other = (altered(TRAINED[0], alteration, seed=seed) for seed in (3, 3, 4))
        assert (first == again).all() and (first != other).any()


def test_an_image_of_air_is_like_nothing(prints):
    for picture in (np.zeros(SHAPE, np.float32), np.full(SHAPE, 0.5, np.float32)):
        found = prints.nearest(picture)
        assert found.similarity < 0.5 and found.ratio > 0.5


def write(folder, *, shared_person: bool = False):
    items = []
    for i, image in enumerate(IMAGES):
        np.save(folder / f"{i}.npy", np.rint(image * 65535).astype(np.uint16))
        Image.fromarray(((image > 0) * 255).astype(np.uint8)).save(folder / f"{i}.png")
        sha256 = hashlib.sha256(image.tobytes()).hexdigest()
        item = {"image": f"{i}.npy", "breast": f"{i}.png", "image_id": str(i), "person_id": str(i), "boxes": []}
        items.append({**item, "source": "drawn", "source_sha256": sha256, "conditions": {"kind": KINDS[i % 2]}})
    if shared_person:
        items[-1]["person_id"] = "0"
    path = folder / "datalist.json"
    splits = {"training": items[:40], "validation": items[48:], "test": items[:3], "external": items[40:48]}
    path.write_text(json.dumps({"version": 1, "shape": list(SHAPE), **splits}))
    return path


def test_figures_name_each_alteration_and_each_way_of_looking(tmp_path, make_run):
    datalist, out = write(tmp_path), tmp_path / "copies.json"
    fingerprint_bundle(datalist)
    copied = [TRAINED[i] * np.float32(0.9) for i in (0, 2)]
    run = make_run([("L", image[:64, :48], np.zeros((64, 48), bool)) for image in copied])
    told = []
    words = {"runs": [run], "n_copies": 2, "device": "cpu", "progress": told.append}
    figures = evaluate("copies", datalist=datalist, out=out, **words)
    assert json.loads(out.read_text()) == figures
    rows = {row["images"]: row for row in figures["rows"]}
    sets = ["acquired, not trained on", "acquired, split external", run.name]
    assert list(rows) == [*ALTERATIONS, "all copies", *sets]
    assert rows["gamma"]["n"] == 2 and rows["all copies"]["n"] == 2 * len(ALTERATIONS)
    assert rows["acquired, not trained on"]["n"] == 12 and rows["acquired, split external"]["n"] == 8
    assert set(figures["limits"]) == {"structure", "gate", "radiomic"}, "this bundle carries no encoder"
    assert figures["limits"]["gate"] == COPY_RATIO, "so few images calibrate nothing"
    assert rows["noised"]["structure"]["mean"] == rows["noised"]["gate"]["mean"] == 1.0
    assert rows["all copies"]["structure"]["low"] <= rows["all copies"]["structure"]["mean"]
    assert told[-1].n_done == told[-1].n_all
    table = markdown_table(figures)
    assert "| gamma | 2 |" in table and "its own limit 0.70" in table
    others = [{"source_sha256": hashlib.sha256(b"").hexdigest()}]
    assert _carried("mammo_diffusion", others) is None, "it was not made from these"
    assert _carried("mammo_autoencoder", []) is None, "it carries none"


def test_features_of_a_network_find_what_keeps_what_is_shown(tmp_path):
    """A slightly darker copy is nearest to its image by features of a network at half the size."""
    place = torch.device("cpu")
    encoder = load_encoder(BundleFolder(BUNDLES / "mammo_lesion_segmentation"))
    ours = _searches(TRAINED, ["learned"], None, encoder, place)["learned"]
    copies = [ours(TRAINED[i] * np.float32(0.98)) for i in range(0, 40, 8)]
    others = [ours(image) for image in OTHERS[:10]]
    assert min(copies) > max(others)
    features = _learned(encoder, TRAINED[0], place)
    assert features.shape == (640,), "mean and deviation of each of 320 maps"
    blocks = TRAINED[0].reshape(48, 2, 36, 2).mean(axis=(1, 3)).repeat(2, axis=0).repeat(2, axis=1)
    assert _learned(encoder, blocks, place) == pytest.approx(features, abs=1e-4), "seen at half the size"


def test_acquired_images_are_judged_by_the_limit_of_others():
    """By their own limit one of them would be suspected at most; by that of the others the lone low one is."""
    likeness = np.array([-0.9] * 10 + [-0.8] * 10)
    persons = [f"a{i}" for i in range(10)] + ["b"] * 10
    suspected = _suspected_by_others(likeness, persons)
    assert suspected.tolist() == [False] * 10 + [True] * 10
    assert not (likeness > suspicion_limit(likeness)).any()


def test_a_limit_is_calibrated_where_there_are_enough_images(tmp_path):
    """100 of other persons and 100 copies; one person of the held-out images who was trained on does not count."""
    path = write(tmp_path)
    content = json.loads(path.read_text())
    many = [{**content["external"][i % 8], "person_id": f"other {i}"} for i in range(100)]
    content["training"] = [{**content["training"][i % 40], "person_id": f"p{i}"} for i in range(100)]
    content["validation"] = [*many, {**content["training"][0], "image_id": "trained"}]
    path.write_text(json.dumps(content))
    fingerprint_bundle(path)
    prints = TrainingFingerprint.load(find("mammo_diffusion"))
    others = [prints.nearest(image).ratio for image in IMAGES[40:48]]
    assert prints.n_held_out == 100 and 0.3 < prints.copy_ratio < min(others)


def test_limits_of_the_same_persons_and_of_too_few_are_refused(tmp_path):
    datalist = write(tmp_path, shared_person=True)
    with pytest.raises(RequestError, match="1 persons have images in training and validation"):
        evaluate("copies", datalist=datalist, device="cpu")
    with pytest.raises(RequestError, match="40 training images and 3 of split 'test'"):
        evaluate("copies", datalist=datalist, split="test", device="cpu")
    with pytest.raises(RequestError, match="n_copies"):
        evaluate("copies", datalist=datalist, n_copies=0, device="cpu")
    with pytest.raises(RequestError, match="'structure,pixels' are not some of structure, gate, radiomic, learned"):
        evaluate("copies", datalist=datalist, ways="structure,pixels", device="cpu")
    apart = write(tmp_path)
    with pytest.raises(RequestError, match="none of the ways learned is at hand"):
        evaluate("copies", datalist=apart, ways=["learned"], n_copies=1, device="cpu")
