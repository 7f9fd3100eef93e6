"""The two networks that are trained where no other is named: a small one, and a head on frozen features."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.evaluation.realism.frozen_encoder import FeatureEncoder, encoder_features
from monai_mammo.evaluation.report.measure_cache import VECTOR, MeasureCache
from monai_mammo.evaluation.utility.training_sets import TrainingSet
from monai_mammo.training.precision import autocast_dtype

__all__ = ["FrozenFeatures", "SmallNetwork", "trained_scores"]

_BATCH, _SHRUNK = 32, 3
_HIDDEN = 64
_N_VIEWS = 2  # changed copies of an image of which features are taken
_CHUNK = 32
_TEST_BATCH = 64
_CHANNELS = (12, 24, 48, 96)
_OnSeconds = Callable[[float], None]


def trained_scores(
    network: nn.Module,
    stages: Sequence[TrainingSet],
    n_steps: int,
    *,
    batch_of: Callable[[TrainingSet, np.random.Generator], tuple[Tensor, Tensor]],
    test_batches: Iterator[Tensor],
    seed: int,
    learning_rate: float,
    decay: float,
) -> np.ndarray:
    """Train a network on each stage after the other, and score images with it.

    Parameters
    ----------
    network : nn.Module
        Gives a number for each image: the logarithm of the odds of the highest class.
    stages : sequence of TrainingSet
    n_steps : int
        In all; each stage takes its share, with a learning rate that falls to 0 as a cosine.
    batch_of : callable
        Input of the network and truth of a step, from a stage and a source of chance.
    test_batches : iterator of Tensor, each of shape (B, …)
        Inputs that are scored.
    seed : int
        Of the order of images.
    learning_rate, decay : float
        Of AdamW.

    Returns
    -------
    ndarray, shape (n test images,), float64
    """
    rng = np.random.default_rng([seed, 1])
    network.train()
    for stage in stages:
        n = max(1, round(stage.share * n_steps))
        optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n)
        for _ in range(n):
            x, truth = batch_of(stage, rng)
            loss = functional.binary_cross_entropy_with_logits(network(x)[:, 0], truth)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    network.eval()
    with torch.inference_mode():
        return np.concatenate([network(x)[:, 0].cpu().numpy() for x in test_batches]).astype(np.float64)


class SmallNetwork:
    """Four convolutions on images of a third of the size, trained from nothing.

    Parameters
    ----------
    n_steps : int
        Of a training, with 32 images each.
    device : torch.device
    """

    def __init__(self, *, n_steps: int, device: torch.device) -> None:
        self.n_steps, self._device = n_steps, device
        self._small: dict[str, np.ndarray] = {}
        self.seconds_of_training = 0.0
        self.settings = {"n_steps": n_steps, "channels": _CHANNELS, "shrunk": _SHRUNK, "batch": _BATCH, "version": 1}

    def __call__(self, stages: Sequence[TrainingSet], test_images: Sequence[np.ndarray], seed: int) -> np.ndarray:
        """Scores of a network that is trained from nothing; see `Scorer`.

        Parameters
        ----------
        stages : sequence of TrainingSet
        test_images : sequence of ndarray, shape (rows, columns), float32
        seed : int

        Returns
        -------
        ndarray, shape (n test images,)
        """
        chunks = (test_images[i : i + _TEST_BATCH] for i in range(0, len(test_images), _TEST_BATCH))
        return trained_scores(
            self._network(seed),
            [self._shrunk(stage) for stage in stages],
            self.n_steps,
            batch_of=self._batch,
            test_batches=(self._input([_shrunk(image) for image in images]) for images in chunks),
            seed=seed,
            learning_rate=3e-3,
            decay=0.01,
        )

    def seconds(self, sets: Sequence[TrainingSet], test_images: Sequence[np.ndarray], n_trainings: int) -> float:
        """How long some trainings take, by the time of a few steps.

        Parameters
        ----------
        sets : sequence of TrainingSet
            Stages of all arms; steps on changed images take longer, and count by their share.
        test_images : sequence of ndarray, shape (rows, columns), float32
        n_trainings : int
            That are still to be done.

        Returns
        -------
        float
        """
        if not n_trainings:
            return 0.0
        steps = {one.is_augmented: one for one in sets}
        shares = {sort: sum(one.share for one in sets if one.is_augmented == sort) for sort in steps}
        of_step = sum(shares[sort] / sum(shares.values()) * self._seconds_of_step(one) for sort, one in steps.items())
        self.seconds_of_training = self.n_steps * of_step
        return n_trainings * self.seconds_of_training

    def prepare(self, sets: Sequence[TrainingSet], test_images: Sequence[np.ndarray], on_seconds: _OnSeconds) -> None:
        """Nothing is prepared.

        Parameters
        ----------
        sets : sequence of TrainingSet
        test_images : sequence of ndarray, shape (rows, columns), float32
        on_seconds : callable
        """

    def _seconds_of_step(self, one: TrainingSet) -> float:
        some = self._shrunk(one)
        return _seconds_of(self._network(0), lambda rng: self._batch(some, rng))

    def _network(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers: list[nn.Module] = []
            for before, width in zip((1, *_CHANNELS), _CHANNELS, strict=False):
                layers += [nn.Conv2d(before, width, 3, stride=2, padding=1), nn.GroupNorm(4, width), nn.ReLU()]
            layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(_CHANNELS[-1], 1)]
            return nn.Sequential(*layers).to(self._device, memory_format=torch.channels_last)

    def _shrunk(self, stage: TrainingSet) -> TrainingSet:
        for digest, image in zip(stage.digests, stage.images, strict=True):
            if digest not in self._small:
                self._small[digest] = _shrunk(image)
        return dataclasses.replace(stage, images=tuple(self._small[digest] for digest in stage.digests))

    def _batch(self, stage: TrainingSet, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        rows = stage.drawn(rng, _BATCH)
        return self._input([stage.image_at(int(i), rng) for i in rows]), self._truth(stage, rows)

    def _truth(self, stage: TrainingSet, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(stage.truth[rows].astype(np.float32)).to(self._device)

    def _input(self, images: Sequence[np.ndarray]) -> Tensor:
        x = torch.from_numpy(np.stack(images))[:, None]
        return x.to(self._device).contiguous(memory_format=torch.channels_last)


class FrozenFeatures:
    """A head of two layers on features of a frozen pretrained encoder, which are taken once of each image.

    Parameters
    ----------
    encoder : FeatureEncoder
        On `device`, in evaluation mode.
    sha256 : str
        Of its weights.
    n_steps : int
        Of a training, with 32 images each.
    device : torch.device
    cache : MeasureCache or None
        Where features are looked up, and put.
    """

    def __init__(
        self,
        encoder: FeatureEncoder,
        *,
        sha256: str,
        n_steps: int,
        device: torch.device,
        cache: MeasureCache | None = None,
    ) -> None:
        self.n_steps, self._encoder, self._sha256, self._device = n_steps, encoder, sha256, device
        self._cache = cache
        self._known: dict[str, np.ndarray] = {}
        self._on_seconds: _OnSeconds = _nobody
        self.seconds_of_training = 0.0
        self.settings = {
            "n_steps": n_steps,
            "hidden": _HIDDEN,
            "batch": _BATCH,
            "views": _N_VIEWS,
            "encoder": sha256,
            "version": 1,
        }

    def __call__(self, stages: Sequence[TrainingSet], test_images: Sequence[np.ndarray], seed: int) -> np.ndarray:
        """Scores of a head that is trained from nothing; see `Scorer`.

        Parameters
        ----------
        stages : sequence of TrainingSet
        test_images : sequence of ndarray, shape (rows, columns), float32
        seed : int

        Returns
        -------
        ndarray, shape (n test images,)
        """
        features = {stage.digest: self._features_of(stage) for stage in stages}
        every = np.concatenate([f[0] for f in features.values()])
        mean, scale = every.mean(axis=0), np.maximum(every.std(axis=0), 1e-6)

        def scaled(x: np.ndarray) -> Tensor:
            return torch.from_numpy(((x - mean) / scale).astype(np.float32)).to(self._device)

        def batch(stage: TrainingSet, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
            rows, of = stage.drawn(rng, _BATCH), features[stage.digest]
            views = rng.integers(0, len(of), _BATCH)
            truth = torch.from_numpy(stage.truth[rows].astype(np.float32)).to(self._device)
            return scaled(of[views, rows]), truth

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = nn.Sequential(nn.Linear(len(mean), _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 1)).to(self._device)
            return trained_scores(
                head,
                stages,
                self.n_steps,
                batch_of=batch,
                test_batches=iter([scaled(self._taken(list(test_images), None))]),
                seed=seed,
                learning_rate=3e-4,
                decay=0.1,
            )

    def seconds(self, sets: Sequence[TrainingSet], test_images: Sequence[np.ndarray], n_trainings: int) -> float:
        """How long features that are not known yet, and some trainings, take, by the time of a few of each.

        Parameters
        ----------
        sets : sequence of TrainingSet
        test_images : sequence of ndarray, shape (rows, columns), float32
        n_trainings : int
            That are still to be done.

        Returns
        -------
        float
        """
        if not n_trainings:
            return 0.0
        self._vectors(sets[0].images[:8])  # the first call also takes memory
        start = time.perf_counter()
        vectors = self._vectors(sets[0].images[:8])
        of_image = (time.perf_counter() - start) / min(8, len(sets[0]))
        head = nn.Sequential(nn.Linear(vectors.shape[1], _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 1))
        x = torch.from_numpy(np.repeat(vectors[:1], _BATCH, axis=0).astype(np.float32))
        of_step = _seconds_of(head, lambda rng: (x, torch.zeros(_BATCH)))
        self.seconds_of_training = self.n_steps * of_step
        return of_image * self._n_unknown(sets, test_images) + n_trainings * self.seconds_of_training

    def prepare(self, sets: Sequence[TrainingSet], test_images: Sequence[np.ndarray], on_seconds: _OnSeconds) -> None:
        """Take features of all images that are not known yet.

        Parameters
        ----------
        sets : sequence of TrainingSet
        test_images : sequence of ndarray, shape (rows, columns), float32
        on_seconds : callable
            Called with the seconds that each part took.
        """
        self._on_seconds = on_seconds
        for one in sets:
            self._features_of(one)
        self._taken(list(test_images), None)
        self._on_seconds = _nobody

    def _n_unknown(self, sets: Sequence[TrainingSet], test_images: Sequence[np.ndarray]) -> int:
        """Images, as they are or changed, whose features are neither known nor kept."""
        chunks = [(list(one.images), view, one) for one in sets for view in _views(one)]
        n_of_key: dict[str, int] = {}
        for images, view, one in [*chunks, (list(test_images), None, None)]:
            for start in range(0, len(images), _CHUNK):
                some = images[start : start + _CHUNK]
                n_of_key[_key_of(some, view, one, start)] = len(some)
        return sum(
            n
            for key, n in n_of_key.items()
            if key not in self._known and not (self._cache is not None and self._cache.has(VECTOR, key, self._sha256))
        )

    def _features_of(self, one: TrainingSet) -> np.ndarray:
        """Features of a set's images, as they are and, where it is augmented, changed, shape (n views, n, d)."""
        return np.stack([self._taken(list(one.images), view, one) for view in _views(one)])

    def _taken(self, images: list[np.ndarray], view: int | None, one: TrainingSet | None = None) -> np.ndarray:
        """Features of images in chunks, which are found again by what is in them."""
        out = []
        for start in range(0, len(images), _CHUNK):
            some = images[start : start + _CHUNK]
            key = _key_of(some, view, one, start)
            if key not in self._known:
                self._known[key] = self._looked_up(key, some, start, view, one)
            out.append(self._known[key])
        return np.concatenate(out)

    def _looked_up(
        self, key: str, images: Sequence[np.ndarray], start: int, view: int | None, one: TrainingSet | None
    ) -> np.ndarray:
        began = time.perf_counter()
        vectors = None if self._cache is None else self._cache.get(VECTOR, key, self._sha256)
        if vectors is None or len(vectors) != len(images):
            if view is not None and one is not None:
                rng = np.random.default_rng([int(key[:12], 16), view])
                images = [one.image_at(start + i, rng) for i in range(len(images))]
            vectors = self._vectors(images)
            if self._cache is not None:
                self._cache.put(VECTOR, vectors, key, self._sha256)
        self._on_seconds(time.perf_counter() - began)
        return vectors

    def _vectors(self, images: Sequence[np.ndarray]) -> np.ndarray:
        dtype = autocast_dtype("bfloat16", self._device.type)
        with torch.autocast(self._device.type, dtype, enabled=dtype is not None):
            found = encoder_features(self._encoder, images, device=self._device)
        return np.concatenate([found["last layer"], found["inner layers"]], axis=1).astype(np.float32)


def _views(one: TrainingSet) -> list[int | None]:
    """Copies of a set's images of which features are taken: as they are, and where it is augmented, changed."""
    return [None, *range(_N_VIEWS)] if one.is_augmented else [None]


def _shrunk(image: np.ndarray) -> np.ndarray:
    """Means of three by three pixels, shape (rows / 3, columns / 3)."""
    rows, columns = image.shape[0] // _SHRUNK, image.shape[1] // _SHRUNK
    whole = image[: _SHRUNK * rows, : _SHRUNK * columns]
    return np.ascontiguousarray(whole.reshape(rows, _SHRUNK, columns, _SHRUNK).mean(axis=(1, 3)))


def _key_of(images: Sequence[np.ndarray], view: int | None, one: TrainingSet | None, start: int) -> str:
    """sha256 of some images, and of how they are changed."""
    found = hashlib.sha256(f"{view} {images[0].shape}".encode())
    if one is None:
        for image in images:
            found.update(image.tobytes())
        return found.hexdigest()
    for digest in one.digests[start : start + len(images)]:
        found.update(digest.encode())
    if view is not None:
        found.update(one.may_flip[start : start + len(images)].tobytes())
    return found.hexdigest()


def _nobody(seconds: float) -> None:
    """Tell nobody how long something took."""


def _seconds_of(network: nn.Module, batch: Callable[[np.random.Generator], tuple[Tensor, Tensor]]) -> float:
    """Seconds of a step, mean of three after one that is not counted."""
    optimizer, rng = torch.optim.AdamW(network.parameters()), np.random.default_rng(0)
    start = 0.0
    for i in range(4):
        if i == 1:
            start = time.perf_counter()
        x, truth = batch(rng)
        loss: Any = functional.binary_cross_entropy_with_logits(network(x)[:, 0], truth)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return (time.perf_counter() - start) / 3
