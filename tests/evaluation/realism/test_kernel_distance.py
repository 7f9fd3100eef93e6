"""Unbiased kernel distance against its closed form for normal laws."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.evaluation.realism.frechet import FeatureSpace
from monai_mammo.evaluation.realism.kernel_distance import kernel_distance

ONE = FeatureSpace(mean=np.zeros(1), scale=np.ones(1), components=np.eye(1))


def persons(n: int) -> list[str]:
    return [f"p{i}" for i in range(n)]


def distance(x, y, **words):
    names = {"persons": persons(len(x)), "reference_persons": persons(len(y)), **words}
    return kernel_distance(x[:, None], y[:, None], space=ONE, **names)


def normal(n: int, seed: int, mean: float = 0.0, sd: float = 1.0) -> np.ndarray:
    return mean + sd * np.random.default_rng(seed).normal(size=n)


def exact(mean: float, sd: float) -> float:
    """Of N(mean, sd^2) and N(0, 1): ``(xy + 1)^3`` weighs squared differences of the first three moments 3, 3, 1."""
    return 3 * mean**2 + 3 * (mean**2 + sd**2 - 1) ** 2 + (mean**3 + 3 * mean * sd**2) ** 2


@pytest.mark.parametrize(("mean", "sd"), [(0.5, 1.0), (0.0, 1.5), (0.3, 0.7)])
def test_two_normal_laws(mean, sd):
    found = distance(normal(800, 1, mean, sd), normal(800, 0))
    assert found["value"] == pytest.approx(exact(mean, sd), rel=0.5)
    assert found["low"] < exact(mean, sd) < found["high"]


def test_few_images_do_not_make_it_larger():
    """Mean over 150 draws of 8 against 8 images of one law: 0 within four standard errors, and many are negative."""
    values = [distance(normal(8, 2 * i), normal(8, 2 * i + 1))["value"] for i in range(150)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    assert 0.25 < np.mean(np.array(values) < 0) < 0.9


def test_images_of_one_person_are_no_pair():
    """Each image three times, as three of one person: as if it stood once. As persons of their own, it differs."""
    x, y = normal(12, 3), normal(12, 4)
    once = distance(x, y)
    of_one = [name for name in persons(12) for _ in range(3)]
    thrice = distance(np.repeat(x, 3), np.repeat(y, 3), persons=of_one, reference_persons=of_one)
    assert thrice["value"] == pytest.approx(once["value"], abs=1e-4)
    assert (thrice["n"], thrice["n_persons"]) == (36, 12)
    apart = distance(np.repeat(x, 3), np.repeat(y, 3))
    assert apart["value"] > once["value"] + 0.05


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of 100 draws of 60 against 120 images in 16 dimensions, 88 to 99 intervals hold the exact distance."""
    k, square = 16, 4.0  # half a deviation apart in each
    space = FeatureSpace(mean=np.zeros(k), scale=np.ones(k), components=np.eye(k))
    third = square**3 + 6 * square**2 + (3 * k + 6) * square
    truth, held = 3 * square / k + 3 * square**2 / k**2 + third / k**3, 0
    for i in range(100):
        rng = np.random.default_rng(i)
        x, y = 0.5 + rng.normal(size=(60, k)), rng.normal(size=(120, k))
        found = kernel_distance(x, y, space=space, persons=persons(60), reference_persons=persons(120))
        held += found["low"] <= truth <= found["high"]
    assert 88 <= held <= 99


def test_scale_does_not_matter_and_too_little_has_no_figure():
    x, y = normal(30, 5, 0.4), normal(30, 6)
    assert distance(x, y)["value"] == pytest.approx(distance(x * 100, y * 100)["value"], abs=1e-3)
    assert distance(x[:2], y) is None
    assert distance(x, y, persons=["a"] * 15 + ["b"] * 15) is None
    assert distance(x, np.zeros(30)) is None


def test_against_the_definition():
    """Means of the kernel over pairs, written out."""
    x, y = normal(7, 8, 0.3), normal(9, 9)
    x, y = x / np.sqrt((y**2).mean()), y / np.sqrt((y**2).mean())
    within = [np.mean([(a * b + 1) ** 3 for i, a in enumerate(z) for j, b in enumerate(z) if i != j]) for z in (x, y)]
    between = np.mean([(a * b + 1) ** 3 for a in x for b in y])
    assert distance(x, y)["value"] == pytest.approx(sum(within) - 2 * between, abs=1e-4)
