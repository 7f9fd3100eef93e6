"""What the built-in networks say of how long they take."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from monai_mammo.evaluation.report.measure_cache import MeasureCache
from monai_mammo.evaluation.utility import built_in_scorers
from monai_mammo.evaluation.utility.built_in_scorers import FrozenFeatures, SmallNetwork
from monai_mammo.evaluation.utility.training_sets import TrainingSet


def training_set(n: int, *, seed: int = 0, is_augmented: bool = False) -> TrainingSet:
    rng = np.random.default_rng(seed)
    return TrainingSet(
        images=tuple(rng.random((24, 18), dtype=np.float32) for _ in range(n)),
        truth=np.arange(n) % 2.0,
        chances=np.full(n, 1 / n),
        digests=tuple(f"{seed} {i}" for i in range(n)),
        may_flip=np.zeros(n, dtype=bool),
        is_augmented=is_augmented,
    )


class Encoder:
    """Counts the images that it is given."""

    n_images = 0

    def features(self, image):
        self.n_images += len(image)
        return [image.repeat(1, 4, 1, 1), image.repeat(1, 3, 1, 1)]


@pytest.fixture
def one_second(monkeypatch):
    """A clock on which an image takes a second, and a step none."""
    monkeypatch.setattr(built_in_scorers, "_seconds_of", lambda *_: 0.0)
    encoder = Encoder()
    monkeypatch.setattr(built_in_scorers.time, "perf_counter", lambda: float(encoder.n_images))
    return encoder


@pytest.mark.parametrize("is_kept", [False, True])
def test_features_that_are_known_take_no_time_and_others_as_many_seconds_as_they_are(one_second, tmp_path, is_kept):
    """Sets that share images, one of them changed too, and images that are tested on; then a second call."""
    acquired, drawn = training_set(70), training_set(20, seed=1)
    sets = [acquired, dataclasses.replace(acquired, is_augmented=True), drawn, acquired.joined(drawn, dose=1)]
    tested = [one.astype(np.float32) for one in np.random.default_rng(2).random((40, 24, 18))]
    words = {"sha256": "0" * 64, "n_steps": 3, "device": torch.device("cpu")}
    words["cache"] = MeasureCache(tmp_path) if is_kept else None
    scorer = FrozenFeatures(one_second, **words)
    stated = scorer.seconds(sets, tested, 4)
    before = one_second.n_images
    scorer.prepare(sets, tested, lambda seconds: None)
    assert stated == one_second.n_images - before > 70 * 3 + 20 + 40
    assert scorer.seconds(sets, tested, 4) == 0 == scorer.seconds(sets, tested, 0)
    later = FrozenFeatures(one_second, **words)
    assert later.seconds(sets, tested, 4) == (0 if is_kept else stated)


def test_steps_on_changed_images_count_by_their_share(monkeypatch):
    """Two of three arms are of unchanged images, whose steps take 1 second, and those of the third 4."""
    monkeypatch.setattr(SmallNetwork, "_seconds_of_step", lambda self, one: 4.0 if one.is_augmented else 1.0)
    whole, changed = training_set(8), training_set(8, is_augmented=True)
    stages = [whole, dataclasses.replace(whole, share=0.25), dataclasses.replace(whole, share=0.75), changed]
    scorer = SmallNetwork(n_steps=10, device=torch.device("cpu"))
    assert scorer.seconds(stages, [], 6) == pytest.approx(6 * 10 * (2 * 1 + 4) / 3)
    assert scorer.seconds_of_training == pytest.approx(20)
