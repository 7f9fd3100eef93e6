"""Fréchet distance against its closed form."""

from __future__ import annotations

import numpy as np
import pytest

from monai_mammo.evaluation.realism.feature_spread import has_one_unit
from monai_mammo.evaluation.realism.frechet import (
    FeatureSpace,
    frechet_distance,
    frechet_distance_of_features,
    gaussian_frechet_distance,
)


def test_two_known_gaussians():
    """N(0, diag(1, 4)) and N((1, 2), diag(9, 1)): 1 + 4 + (1 - 3)^2 + (2 - 1)^2 = 10."""
    found = gaussian_frechet_distance(np.zeros(2), np.diag([1.0, 4.0]), np.array([1.0, 2.0]), np.diag([9.0, 1.0]))
    assert found == pytest.approx(10)


def test_covariances_that_do_not_commute():
    """Against the definition with the matrix square root of scipy."""
    from scipy.linalg import sqrtm

    a, b = (np.cov(np.random.default_rng(s).normal(size=(5, 40)) * np.arange(1, 6)[:, None]) for s in (0, 1))
    expected = np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert gaussian_frechet_distance(np.zeros(5), a, np.zeros(5), b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n_same", [1, 4])
def test_features_that_follow_from_others_have_the_distance_of_the_definition(n_same):
    """No triangular root exists of covariances of less than full rank, which is seen at once, late or not at all."""
    rng = np.random.default_rng(2)
    mix, other = rng.normal(size=(6 - n_same, 6)), rng.normal(size=(6 - n_same, 6))
    x, y = rng.normal(size=(50, 6 - n_same)) @ mix, rng.normal(size=(50, 6 - n_same)) @ other
    left, right = (z - z.mean(axis=0) for z in (x, y))
    nuclear = np.linalg.svd(left @ right.T, compute_uv=False).sum()  # sum of the roots, without any matrix of 6 x 6
    expected = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum() + ((left**2).sum() + (right**2).sum() - 2 * nuclear) / 49
    assert frechet_distance_of_features(x, y) == pytest.approx(expected, rel=1e-6)
    assert gaussian_frechet_distance(np.zeros(6), np.diag([1.0, 0, 0, 0, 0, 4]), np.zeros(6), np.eye(6)) == 5


def test_the_distance_of_features_is_that_of_monai():
    """MONAI's FIDMetric on the same features, more images than features."""
    import torch
    from monai.metrics import FIDMetric

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 12)) * 1.3 + 0.2, rng.normal(size=(80, 12)) @ rng.normal(size=(12, 12))
    expected = float(FIDMetric()(torch.from_numpy(x), torch.from_numpy(y)))
    assert frechet_distance_of_features(x, y) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("n", "m"), [(9, 30), (30, 9), (22, 40), (40, 23), (60, 40)])
def test_any_number_of_images_has_the_distance_of_the_covariances(n, m):
    """Fewer than the 20 features, a few more, and many more, on either side."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(n, 20)) + 0.1, rng.normal(size=(m, 20)) * 2
    moments = [part for z in (x, y) for part in (z.mean(axis=0), np.cov(z.T))]
    assert frechet_distance_of_features(x, y) == pytest.approx(gaussian_frechet_distance(*moments), rel=1e-6)
    assert frechet_distance_of_features(x, x) == pytest.approx(0, abs=1e-9)


def test_components_are_those_of_the_features():
    x = np.random.default_rng(0).normal(size=(400, 3)) @ np.diag([5.0, 1.0, 0.0])
    space = FeatureSpace.of(x, n_components=2)
    projected = space.project(x)
    assert projected.shape == (400, 2)
    assert projected.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert projected.var(axis=0).sum() == pytest.approx(2), "each feature that varies counts with 1"


def drawn(n, seed, shift=0.0, spread=1.0):
    return np.random.default_rng(seed).normal(size=(n, 4)) * spread + shift


def test_share_of_the_variance_for_samples_of_known_laws():
    """A shift of half a deviation and twice the spread in 4 of 4 features: (0.25 + 1) a feature, of variance 1."""
    reference, other = drawn(40000, 0), drawn(40000, 1, shift=0.5, spread=2.0)
    names = [f"p{i % 500}" for i in range(40000)]
    found = frechet_distance(other, reference, space=FeatureSpace.of(reference), persons=names, reference_persons=names)
    assert found["value"] == pytest.approx(1.25, rel=0.02)  # standard errors of mean and spread are 1 in 200
    assert found["low"] < found["value"] < found["high"]
    assert found["high"] - found["low"] < 0.2
    assert (found["n"], found["n_persons"]) == (40000, 500)


def test_equal_laws_have_a_distance_near_0_and_few_images_have_none():
    reference, other = drawn(4000, 0), drawn(4000, 1)
    names = [f"p{i}" for i in range(4000)]
    space = FeatureSpace.of(reference)
    found = frechet_distance(other, reference, space=space, persons=names, reference_persons=names)
    assert found["value"] < 0.01
    two = frechet_distance(other[:2], reference, space=space, persons=names[:2], reference_persons=names)
    assert two is None


def moved_by(shift: float, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reference of mean 0 and covariance 1 exactly, moved by `shift` along one of 5 features; and a feature beside."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 5))
    x = np.linalg.qr(x - x.mean(axis=0))[0] * np.sqrt(200)
    step = np.zeros(5)
    step[0] = shift
    other = noise[::-1] + 3 * np.abs(noise - noise.mean()).max()  # told apart by the rounding alone
    return np.column_stack([x, noise]), np.column_stack([x + step, other])


ROUNDED = np.float64(np.float32(5000 + 1e-3 * np.random.default_rng(5).normal(size=200)))  # of a constant 5000
SILENT = np.maximum(1e-8 * np.random.default_rng(6).normal(size=200), 0)  # what cancelling leaves of a unit of 1


@pytest.mark.parametrize(("noise", "is_one_unit"), [(ROUNDED, False), (ROUNDED, True), (SILENT, True)])
def test_rounding_of_a_feature_that_does_not_vary_has_no_part_in_a_distance(noise, is_one_unit):
    """Equal covariances and a mean moved by 2: 4 of a variance of 5 x 200 / 199, whatever the sixth feature does."""
    reference, other = moved_by(2.0, noise)
    space = FeatureSpace.of(reference, is_one_unit=is_one_unit)
    names = [str(i) for i in range(200)]
    found = frechet_distance(other, reference, space=space, persons=names, reference_persons=names)
    assert found["value"] == pytest.approx(4 / (5 * 200 / 199), abs=1e-4)
    assert np.isinf(space.scale).tolist() == [False] * 5 + [True]


def test_the_unit_of_a_radiomic_feature_does_not_matter():
    """A feature in units of 1e-9 counts as one in units of 1e9: what is small beside others is no rounding."""
    reference, other = moved_by(2.0, 1 + np.random.default_rng(7).normal(size=200))
    units = np.array([1e-12, 1e9, 1.0, 1e-3, 1e5, 1e-9])
    names = [str(i) for i in range(200)]
    values = []
    for unit in (1.0, units):
        space = FeatureSpace.of(reference * unit, is_one_unit=has_one_unit("filtered radiomic"))
        assert np.isfinite(space.scale).all()
        words = {"space": space, "persons": names, "reference_persons": names}
        values.append(frechet_distance(other * unit, reference * unit, **words)["value"])
    assert values[0] == pytest.approx(values[1], rel=1e-6) and has_one_unit("judge")


def test_there_is_no_distance_where_nothing_varies():
    x, names = np.full((9, 4), 5000.0) + 1e-4 * np.random.default_rng(0).normal(size=(9, 4)), list("abcdefghi")
    assert frechet_distance(x + 1, x, space=FeatureSpace.of(x), persons=names, reference_persons=names) is None
