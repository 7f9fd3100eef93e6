"""The fingerprint of training images: copies are close, others are not, and no pixel can be had back from it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.fft import dctn

from monai_mammo.bundle import BundleFolder
from monai_mammo.bundle.breast_structure import breast_structure, placed_sums, structure_sums
from monai_mammo.bundle.fingerprint import COPY_RATIO, FILE, TrainingFingerprint, image_features
from monai_mammo.bundle.first_fingerprint import placed_first_features
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


@pytest.mark.parametrize("turned", ["as it is", "upside down", "mirrored", "both"])
def test_a_copy_that_is_turned_and_moved_is_found(prints, turned):
    """By 4 of 96 rows and 3 of 72 columns, whole fields, so the sums are the same wherever no structure is lost."""
    flipped = IMAGES[4][
        :: -1 if turned in ("upside down", "both") else 1, :: -1 if turned in ("mirrored", "both") else 1
    ]
    copy = np.roll(flipped, (4, -3), axis=(0, 1))
    found = prints.nearest(copy)
    assert found.position == 4 and found.ratio < 0.3
    assert prints.nearest(np.roll(flipped, (24, 0), axis=(0, 1))).ratio > 0.5, "further than is looked for"


def test_placed_sums_are_those_of_moved_pictures():
    """The cosine transform of a mirrored picture is that with odd waves of the other sign."""
    picture = np.zeros((64, 48))
    picture[8:56, 6:42] = 0.3 + 0.2 * np.random.default_rng(0).random((48, 36))
    sums = placed_sums(picture)
    middle = len(sums) // 8  # of 35 places, each in four orientations, that which is not moved
    orientations = picture, picture[::-1], picture[:, ::-1], picture[::-1, ::-1]
    for i, turned in enumerate(orientations):
        np.testing.assert_allclose(sums[4 * middle + i], structure_sums(turned), atol=2e-4)
    moved = np.roll(picture, (-3, 2), axis=(0, 1))  # rows from the last places, columns from the first
    assert (sums @ structure_sums(moved)).argmax() % 4 == 0
    assert (sums @ structure_sums(moved)).max() == pytest.approx(1, abs=1e-4)


def test_structure_does_not_know_brightness_and_is_nothing_in_air():
    picture = np.zeros((128, 96))
    picture[:, :60] = 0.3 + 0.2 * np.random.default_rng(1).random((128, 60))
    structure = breast_structure(picture)
    assert structure.shape == (64, 48) and (structure[:, 28:] == 0).all() and np.abs(structure).max() <= 3
    inner = structure[4:-4, 4:24]
    assert (
        np.corrcoef(inner.ravel(), breast_structure(0.2 + 0.5 * picture * (picture > 0))[4:-4, 4:24].ravel())[0, 1]
        > 0.99
    )
    assert (structure_sums(np.zeros((64, 48))) == 0).all()


def test_the_dot_product_estimates_the_correlation_of_structure():
    """Of the slow waves that it is made of: four standard errors."""
    pairs = [(IMAGES[i], IMAGES[j]) for i in range(3) for j in range(3, 6)] + [(IMAGES[0], IMAGES[0][::-1] * 0.5)]
    for left, right in pairs:
        waves = [dctn(breast_structure(image), norm="ortho")[:24, :18].ravel() for image in (left, right)]
        true = float(waves[0] @ waves[1] / np.linalg.norm(waves[0]) / np.linalg.norm(waves[1]))
        assert abs(float(image_features(left) @ image_features(right)) - true) < 4 * (1 - true**2) / np.sqrt(192)


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
    assert back.version == 2 and back.copy_ratio == COPY_RATIO and back.n_held_out == 0


def test_the_limit_lies_midway_between_copies_and_other_images(prints, folder):
    others, copies = np.linspace(0.8, 1, 101), np.linspace(0, 0.4, 101)
    mended = prints.calibrated(others, copies)
    assert mended.copy_ratio == pytest.approx((0.802 + 0.396) / 2, abs=1e-4) and mended.n_held_out == 101
    assert prints.calibrated(others, others).copy_ratio == pytest.approx(0.802), "not one in ten others for its sake"
    assert prints.calibrated(others[:99], copies) is prints, "1 in 100 of so few is nothing"
    mended.save(folder)
    assert TrainingFingerprint.load(folder).copy_ratio == mended.copy_ratio


def test_a_fingerprint_of_the_first_version_is_still_read(folder):
    """As the autoencoder carries it: files by hash, copies by the features and the limit of their time."""
    shipped = TrainingFingerprint.load(BundleFolder(Path(__file__).parents[2] / "bundles" / "mammo_autoencoder"))
    assert shipped.version == 1 and len(shipped) == 2063 and shipped.copy_ratio == 0.615
    assert 0 < shipped.nearest(IMAGES[0]).ratio <= 1
    sums = np.stack([placed_first_features(image)[0] for image in IMAGES[:10]])
    hashes = np.frombuffer(b"".join(bytes.fromhex(text[:16]) for text in HASHES[:10]), np.uint8).reshape(-1, 8)
    TrainingFingerprint(sums.astype(np.float16), hashes, 0.615).save(folder)
    back = TrainingFingerprint.load(folder)
    assert back.version == 1 and back.holds(HASHES[2])
    found = back.nearest(IMAGES[4][::-1] * 0.9)
    assert found.position == 4 and found.ratio < 0.5 < back.nearest(IMAGES[11]).ratio


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
