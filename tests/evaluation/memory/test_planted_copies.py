"""Planted copies are found among many images, however they are disguised, and other images are not suspected."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.evaluation import evaluate, markdown_table
from monai_mammo.evaluation.memory.copy_search import CopySearch, suspicion_limit
from monai_mammo.evaluation.memory.planted import ALTERATIONS, altered
from monai_mammo.phantom import draw_mammogram

SHAPE = (96, 72)
KINDS = ("film", "digital")


def drawn(seed: int) -> np.ndarray:
    return draw_mammogram(Conditions(laterality="L", kind=KINDS[seed % 2]), seed=seed, shape=SHAPE).pixels


IMAGES = [drawn(seed) for seed in range(60)]
TRAINED, OTHERS = IMAGES[:40], IMAGES[40:]


@pytest.fixture(scope="module")
def search():
    return CopySearch.of(TRAINED)


@pytest.fixture(scope="module")
def limit(search):
    return suspicion_limit([search.closest(image).similarity for image in OTHERS])


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_each_alteration_is_seen_through_and_changes_the_image(search, limit, alteration):
    copies = [altered(TRAINED[i], alteration, seed=i) for i in range(0, 40, 8)]
    assert all(np.abs(copy - TRAINED[8 * i]).max() > 0.03 for i, copy in enumerate(copies))
    assert all(
        copy.shape == SHAPE and copy.dtype == np.float32 and 0 <= copy.min() < copy.max() <= 1 for copy in copies
    )
    found = [search.closest(copy) for copy in copies]
    assert [one.position for one in found] == list(range(0, 40, 8))
    assert sum(one.similarity > limit for one in found) >= 4, "one drawn breast in five may be too plain"


def test_an_alteration_is_the_same_for_the_same_seed():
    for alteration in ("noised", "shifted", "gamma", "edited in one place", "several at once"):
        first, again, other = (altered(TRAINED[0], alteration, seed=seed) for seed in (3, 3, 4))
        assert (first == again).all() and (first != other).any()


def test_a_copy_that_is_moved_further_than_is_looked_for_is_lost(search):
    """The reach is 4 fields of 64: the test would not fail if places were not looked at."""
    near, far = (np.roll(TRAINED[8], rows, axis=0) for rows in (6, 24))
    assert search.closest(near).position == 8
    assert search.closest(near).similarity > search.closest(far).similarity + 0.2


def test_an_image_of_air_is_like_nothing(search):
    assert search.closest(np.zeros(SHAPE, np.float32)).similarity == 0
    assert search.closest(np.full(SHAPE, 0.5, np.float32)).similarity < 0.5


def write(folder, *, shared_person: bool = False):
    items = []
    for i, image in enumerate(IMAGES):
        np.save(folder / f"{i}.npy", np.rint(image * 65535).astype(np.uint16))
        Image.fromarray(((image > 0) * 255).astype(np.uint8)).save(folder / f"{i}.png")
        item = {"image": f"{i}.npy", "breast": f"{i}.png", "image_id": str(i), "person_id": str(i), "boxes": []}
        items.append({**item, "source": "drawn", "conditions": {"kind": KINDS[i % 2]}})
    if shared_person:
        items[-1]["person_id"] = "0"
    path = folder / "datalist.json"
    splits = {"training": items[:40], "validation": items[50:], "test": items[:3], "external": []}
    path.write_text(json.dumps({"version": 1, "shape": list(SHAPE), **splits}))
    return path


def test_figures_name_each_alteration_and_each_way_of_looking(tmp_path, make_run):
    datalist, out = write(tmp_path), tmp_path / "copies.json"
    copied = [TRAINED[i] * np.float32(0.9) for i in (0, 2)]
    run = make_run([("L", image[:64, :48], np.zeros((64, 48), bool)) for image in copied])
    told = []
    words = {"runs": [run], "n_copies": 2, "device": "cpu", "progress": told.append}
    figures = evaluate("copies", datalist=datalist, out=out, **words)
    assert json.loads(out.read_text()) == figures
    rows = {row["images"]: row for row in figures["rows"]}
    assert list(rows) == [*ALTERATIONS, "acquired, not trained on", run.name]
    assert rows["gamma"]["n"] == 2 and rows["acquired, not trained on"]["n"] == 10
    assert set(figures["limits"]) == {"structure", "fingerprint", "radiomic"}, "this bundle carries no encoder"
    assert rows["noised"]["structure"]["mean"] == 1.0
    assert rows["acquired, not trained on"]["structure"]["mean"] <= 0.1, "1 of 10, as the limit is set"
    assert told[-1].n_done == told[-1].n_all
    assert "| gamma | 2 |" in markdown_table(figures)


def test_limits_of_the_same_persons_and_of_too_few_are_refused(tmp_path):
    datalist = write(tmp_path, shared_person=True)
    with pytest.raises(RequestError, match="1 persons have images in training and validation"):
        evaluate("copies", datalist=datalist, device="cpu")
    with pytest.raises(RequestError, match="40 training images and 3 of split 'test'"):
        evaluate("copies", datalist=datalist, split="test", device="cpu")
    with pytest.raises(RequestError, match="n_copies"):
        evaluate("copies", datalist=datalist, n_copies=0, device="cpu")
