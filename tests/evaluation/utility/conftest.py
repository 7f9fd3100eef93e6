"""Prepared folders of small drawn images whose class shows as the brightness of a square, and networks that read it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from monai_mammo.bundle import find, seal
from monai_mammo.networks import EfficientNetLite

SHAPE = (64, 48)
_PLACE = (slice(24, 40), slice(8, 24))


def ridge(stages, test_images, seed):
    """Regression on coarse pixels over all stages, each stage weighing as its share: a network without training."""
    rng = np.random.default_rng(seed)
    rows = [np.stack([coarse(image) for image in stage.images]) for stage in stages]
    x, truth = np.concatenate(rows), np.concatenate([stage.truth for stage in stages])
    weight = np.concatenate([stage.share * stage.chances for stage in stages])
    drawn = rng.choice(len(x), size=400, p=weight / weight.sum())
    mean = x[drawn].mean(axis=0)
    centred = x[drawn] - mean
    slope = np.linalg.solve(centred.T @ centred + 0.3 * np.eye(x.shape[1]), centred.T @ (truth[drawn] - 0.5))
    return (np.stack([coarse(image) for image in test_images]) - mean) @ slope


def coarse(image):
    """Means of 8 x 8 pixels, shape (48,)."""
    return image.reshape(8, 8, 6, 8).mean(axis=(1, 3)).ravel().astype(np.float64)


def drawn_image(place: int, rng, *, contrast: float) -> np.ndarray:
    """Noise in a breast; the square is brighter the higher the class."""
    image = np.zeros(SHAPE)
    image[4:60, :40] = 0.4
    image[_PLACE] += contrast * place
    blocks = 0.05 * rng.standard_normal((8, 6))
    return np.clip(image + np.kron(blocks, np.ones((8, 8))) + 0.02 * rng.standard_normal(SHAPE), 0, 1)


@pytest.fixture(scope="session")
def write_folder():
    """Function that writes a prepared folder: for each split how many images, and of which class each is drawn."""

    def write(folder, splits, *, contrast=0.05, seed=0, name="a", drawn_as=None, values=None, per_person=1):
        rng = np.random.default_rng(seed)
        named = {split: [] for split in ("training", "validation", "test", "external")}
        values = values or {"finding": ("none", "mass")}
        ((condition, words),) = values.items()
        for split, n in splits.items():
            for i in range(n):
                place = i % len(words)
                shown = place if drawn_as is None else drawn_as(place, rng)
                image_id = f"{name}_{split}_{i}"
                image = drawn_image(shown, rng, contrast=contrast)
                np.save(folder / f"{image_id}.npy", np.rint(image * 65535).astype(np.uint16))
                Image.fromarray(((image > 0.2) * 255).astype(np.uint8)).save(folder / f"{image_id}_breast.png")
                conditions = {"kind": "film", "view": "CC", "laterality": "L", condition: words[place]}
                item = {"image": f"{image_id}.npy", "breast": f"{image_id}_breast.png", "image_id": image_id}
                item |= {"person_id": f"{name}_{split}_p{i // per_person}", "source": "drawn", "boxes": []}
                named[split].append({**item, "mask_kind": "unknown", "conditions": conditions})
        (folder / "datalist.json").write_text(json.dumps({"version": 1, "shape": list(SHAPE), **named}))
        return folder

    return write


@pytest.fixture(scope="session")
def acquired(write_folder, tmp_path_factory):
    """Few images to train on, 200 of other persons to test on."""
    folder = tmp_path_factory.mktemp("acquired")
    return write_folder(folder, {"training": 24, "validation": 200}, seed=1, per_person=2)


@pytest.fixture(scope="session")
def synthetic(write_folder, tmp_path_factory):
    """Many synthetic images that carry the signal."""
    return write_folder(tmp_path_factory.mktemp("synthetic"), {"training": 200}, seed=2, name="s")


@pytest.fixture(scope="session")
def small(write_folder, tmp_path_factory):
    """Folders of few acquired and few synthetic images."""
    acquired, synthetic = (tmp_path_factory.mktemp(name) for name in ("few_acquired", "few_synthetic"))
    write_folder(acquired, {"training": 24, "validation": 40}, seed=1, per_person=2)
    return acquired, write_folder(synthetic, {"training": 24}, seed=2, name="s")


@pytest.fixture(scope="session")
def _with_encoder(bundles):
    folder = find(str(bundles / "mammo_lesion_segmentation"))
    path = folder.root / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["encoder_def"] = {"_target_": "monai_mammo.networks.EfficientNetLite", "variant": "lite0"}
    path.write_text(json.dumps(config))
    torch.manual_seed(0)
    torch.save(EfficientNetLite("lite0").half().state_dict(), folder.root / "models" / "encoder_lite0.pt")
    seal(folder.root)


@pytest.fixture
def read_by():
    """The regression, as what trains and reads."""
    return ridge
