"""The fingerprint of training images: copies are close, others are not, and no pixel can be had back from it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from monai_mammo.bundle import BundleFolder
from monai_mammo.bundle.fingerprint import FILE, TrainingFingerprint, image_features
from monai_mammo.errors import MammoError
from monai_mammo.phantom import draw_mammogram

IMAGES = [draw_mammogram(seed=seed, shape=(96, 72)).pixels for seed in range(12)]
HASHES = [hashlib.sha256(bytes([i])).hexdigest() for i in range(len(IMAGES))]


@pytest.fixture
def prints() -> TrainingFingerprint:
    return TrainingFingerprint.of(IMAGES[:10], HASHES[:10])


@pytest.fixture
def folder(tmp_path) -> BundleFolder:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "metadata.json").write_text(json.dumps({"version": "1"}))
    return BundleFolder(tmp_path)


@pytest.mark.parametrize("index", [0, 4, 9])
def test_a_noised_copy_is_nearest_to_its_original_and_told_from_a_new_image(prints, index):
    copy = np.clip(IMAGES[index] * 0.9 + np.random.default_rng(index).normal(0, 0.02, IMAGES[index].shape), 0, 1)
    found, new = prints.nearest(copy), prints.nearest(IMAGES[11])
    assert found.position == index
    assert found.ratio < 0.5 < new.ratio
    assert found.similarity > new.similarity


def test_an_image_that_was_trained_on_twice_still_has_a_low_ratio():
    """The second closest is its double; what counts is the closest other image. Of equals the first is named."""
    twice = TrainingFingerprint.of([*IMAGES[:10], IMAGES[4]], [*HASHES[:10], HASHES[4]])
    copy = np.clip(IMAGES[4] * 0.9 + np.random.default_rng(4).normal(0, 0.02, IMAGES[4].shape), 0, 1)
    found, once = twice.nearest(copy), TrainingFingerprint.of(IMAGES[:10], HASHES[:10]).nearest(copy)
    assert found == once and found.position == 4 and found.ratio < 0.5


def test_a_fingerprint_of_one_image_over_and_over_still_answers():
    same = TrainingFingerprint.of([IMAGES[0]] * 3, HASHES[:3])
    assert same.nearest(IMAGES[0]).ratio < 0.01 and 0 < same.nearest(IMAGES[5]).ratio <= 1


def test_the_dot_product_estimates_the_correlation_of_structure():
    rng = np.random.default_rng(0)
    noise = [rng.random((64, 48)) for _ in range(2)]
    for share in (0.0, 0.5, 0.9):
        pictures = noise[0], np.sqrt(1 - share**2) * (noise[1] - 0.5) + share * (noise[0] - 0.5)
        estimate = float(image_features(pictures[0]) @ image_features(pictures[1]))
        assert abs(estimate - share) < 4 * (1 - share**2) / np.sqrt(128)  # four standard errors


def test_features_do_not_depend_on_the_size_of_the_picture():
    large = IMAGES[0].repeat(2, axis=0).repeat(3, axis=1)
    np.testing.assert_allclose(image_features(large), image_features(IMAGES[0]), atol=1e-5)


def test_a_file_is_known_by_its_hash_alone(prints):
    assert prints.holds(HASHES[3])
    assert not prints.holds(HASHES[11])


def test_what_a_bundle_carries_comes_back(prints, folder):
    assert prints.save(folder) == folder.root / FILE
    back = TrainingFingerprint.load(folder)
    np.testing.assert_array_equal(back.features, prints.features)
    np.testing.assert_array_equal(back.hashes, prints.hashes)


def test_a_missing_a_damaged_and_a_foreign_fingerprint_say_so(prints, folder):
    with pytest.raises(MammoError, match="carries no fingerprint"):
        TrainingFingerprint.load(folder)
    path = prints.save(folder)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(MammoError, match="damaged"):
        TrainingFingerprint.load(folder)
    np.savez(path, version=np.int64(99), features=prints.features, hashes=prints.hashes)
    with pytest.raises(MammoError, match="version 99"):
        TrainingFingerprint.load(folder)
