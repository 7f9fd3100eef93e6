"""Whether a generator that copies would be caught, on a prepared folder of drawn mammograms."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from monai_mammo.bundle import find
from monai_mammo.bundle.fingerprint import TrainingFingerprint
from monai_mammo.errors import MammoError
from monai_mammo.evaluation import fingerprint_bundle, markdown_table, memorisation_figures
from monai_mammo.phantom import draw_mammogram

SHAPE = (64, 48)
IMAGES = [draw_mammogram(seed=seed, shape=SHAPE).pixels for seed in range(36)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    items = []
    for i, image in enumerate(IMAGES):
        np.save(folder / f"{i}.npy", np.rint(image * 65535).astype(np.uint16))
        Image.fromarray(((image > 0) * 255).astype(np.uint8)).save(folder / f"{i}.png")
        sha256 = hashlib.sha256(image.tobytes()).hexdigest()
        item = {"image": f"{i}.npy", "breast": f"{i}.png", "image_id": str(i), "person_id": str(i), "boxes": []}
        items.append({**item, "source": "drawn", "source_sha256": sha256, "conditions": {"kind": "film"}})
    path = folder / "datalist.json"
    splits = {"training": items[:24], "validation": items[24:], "test": [], "external": []}
    path.write_text(json.dumps({"version": 1, "shape": list(SHAPE), **splits}))
    return path


def run_of(make_run, images):
    nothing = np.zeros(SHAPE, dtype=bool)
    return make_run([("L", image, nothing) for image in images])


def test_copies_are_suspected_and_new_images_are_not(prepared, make_run):
    fingerprint_bundle(prepared)
    new = [draw_mammogram(seed=100 + seed, shape=SHAPE).pixels for seed in range(4)]
    copies = [IMAGES[i] * np.float32(0.9) for i in range(3)]
    figures = memorisation_figures([run_of(make_run, [*new, *copies])], prepared)
    rows = {row["images"]: row for row in figures["rows"]}
    assert rows["synthetic"]["n"] == 7 and rows["synthetic"]["n_suspected"] == 3
    assert rows["planted copies"]["n"] == 24
    assert rows["acquired, not trained on"]["n"] == 12
    assert rows["planted copies"]["ratio_median"] < rows["acquired, not trained on"]["ratio_median"]
    assert "| synthetic | 7 |" in markdown_table(figures)


def test_a_run_of_one_kind_is_judged_by_acquired_images_of_that_kind(prepared, make_run):
    """Films are further apart than drawn digital images may be: they say nothing of what is a copy."""
    fingerprint_bundle(prepared)
    content = json.loads(prepared.read_text())
    for split in ("training", "validation"):
        for i, item in enumerate(content[split]):
            item["conditions"] = {"kind": "digital" if i % 3 == 0 else "film"}
    mixed = prepared.with_name("mixed.json")
    mixed.write_text(json.dumps(content))
    figures = memorisation_figures([run_of(make_run, IMAGES[:2])], mixed)
    rows = {row["images"]: row["n"] for row in figures["rows"]}
    assert rows == {"synthetic": 2, "acquired, not trained on": 4, "planted copies": 8}
    assert figures["data"]["n_images"] == 4


def test_the_fingerprint_knows_the_files_of_the_training_split_alone(prepared):
    fingerprint_bundle(prepared)
    content = json.loads(prepared.read_text())
    prints = TrainingFingerprint.load(find("mammo_diffusion"))
    assert len(prints) == 24
    assert all(prints.holds(item["source_sha256"]) for item in content["training"])
    assert not any(prints.holds(item["source_sha256"]) for item in content["validation"])


def test_a_bundle_without_fingerprint_says_so(prepared, make_run):
    with pytest.raises(MammoError, match="carries no fingerprint"):
        memorisation_figures([run_of(make_run, IMAGES[:1])], prepared, bundle="mammo_autoencoder")
