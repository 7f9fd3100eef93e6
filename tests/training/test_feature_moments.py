"""What tells the moments of made pictures from those of acquired ones, in closed form."""

from __future__ import annotations

import pytest
import torch

from monai_mammo.training.feature_moments import FeatureMoments, moments_of


def _pictures(n, shift, generator):
    """Correlated Gaussian moments of two sorts, the second twice as far away."""
    mixing = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.4, 0.0], [0.0, 0.0, 2.0]])
    kinds = torch.arange(n) % 2
    return torch.randn(n, 3, generator=generator) @ mixing.T + shift * (1 + kinds[:, None]), kinds


def test_moments_are_the_mean_and_the_deviation_of_each_map():
    maps = [torch.randn(2, 3, 8, 8), torch.randn(2, 1, 4, 4).to(torch.bfloat16)]
    found = moments_of(maps)
    assert found.shape == (2, 8) and found.dtype == torch.float32
    assert torch.allclose(found[:, :3], maps[0].mean((2, 3)))
    assert torch.allclose(found[:, 3:6], maps[0].std((2, 3), correction=0), atol=1e-4)
    flat = torch.zeros(1, 1, 4, 4, requires_grad=True)
    moments_of([flat]).sum().backward()
    assert flat.grad.isfinite().all(), "a flat map has a deviation of 0"


def test_the_distance_is_that_of_the_gaussians_and_its_gradient_is_a_linear_classifier_s():
    generator, shift = torch.Generator().manual_seed(0), torch.tensor([0.5, -0.3, 0.2])
    moments = FeatureMoments(3, n_kinds=2, memory=10**9, shrinkage=1e-6)
    acquired, kinds = _pictures(20000, torch.zeros(3), generator)
    made, _ = _pictures(20000, shift, generator)
    for start in range(0, 20000, 500):
        rows = slice(start, start + 500)
        moments.update(made[rows], acquired[rows], kinds[rows])
    mixing = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.4, 0.0], [0.0, 0.0, 2.0]])
    direction = torch.linalg.solve(mixing @ mixing.T, shift)
    one = torch.zeros(1, 3, requires_grad=True)
    for kind, times in ((0, 1), (1, 2)):
        found = moments(one, torch.tensor([kind]))
        assert float(found) == pytest.approx(float(times**2 * direction @ shift / 3), rel=0.1)
        (gradient,) = torch.autograd.grad(found, one)
        assert torch.allclose(gradient[0], 2 * times * direction / 3, rtol=0.15, atol=0.02)


def test_what_agrees_in_the_mean_has_no_gradient_whatever_a_batch_holds():
    generator = torch.Generator().manual_seed(1)
    moments, (pictures, kinds) = FeatureMoments(3, n_kinds=2), _pictures(64, torch.zeros(3), generator)
    moments.update(pictures, pictures, kinds)
    batch = torch.randn(4, 3, requires_grad=True)
    found = moments(batch, kinds[:4])
    assert found == 0 and not torch.autograd.grad(found, batch)[0].any()


def test_means_follow_the_last_pictures_and_a_sort_that_was_not_shown_stays():
    moments = FeatureMoments(2, n_kinds=3, memory=10)
    kinds = torch.zeros(5, dtype=torch.long)
    for value in (1.0, 3.0, *[5.0] * 40):
        moments.update(torch.full((5, 2), value), torch.full((5, 2), -value), kinds)
        if value == 3.0:
            assert torch.allclose(moments.made[0], torch.tensor(2.0))
    assert torch.allclose(moments.made[0], torch.tensor(5.0), atol=1e-3)
    assert torch.allclose(moments.acquired[0], torch.tensor(-5.0), atol=1e-3)
    assert not moments.made[1:].any() and moments.n_seen.tolist() == [210, 0, 0]


def test_a_covariance_of_one_direction_is_held_by_its_diagonal():
    with pytest.raises(ValueError, match="shrinkage must lie above 0"):
        FeatureMoments(2, shrinkage=0.0)
    moments, line = FeatureMoments(2, n_kinds=1), torch.linspace(-1, 1, 8)[:, None].expand(8, 2)
    moments.update(line + 1, line, torch.zeros(8, dtype=torch.long))
    assert moments(line, torch.zeros(8, dtype=torch.long)).isfinite()
