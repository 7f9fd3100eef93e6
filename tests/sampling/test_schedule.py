"""Schedules against their closed forms, conversions against a sum done by hand and each other."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_mammo.errors import RequestError
from monai_mammo.sampling import (
    CosineSchedule,
    RectifiedFlowSchedule,
    add_noise,
    per_sample,
    u_to_eps,
    u_to_z0,
    v_to_eps,
    v_to_z0,
    z0_eps_to_u,
    z0_eps_to_v,
    z0_to_eps,
)

SCHEDULES = [CosineSchedule, RectifiedFlowSchedule]
inner_times = st.floats(0.001, 0.999)
shifts = st.floats(0.25, 8.0)
values = st.floats(-5, 5)


@settings(deadline=None)
@given(t=inner_times)
def test_cosine_levels_are_cosine_and_sine(t):
    schedule = CosineSchedule()
    assert schedule.alpha(t).item() == pytest.approx(math.cos(math.pi * t / 2), rel=1e-9)
    assert schedule.sigma(t).item() == pytest.approx(math.sin(math.pi * t / 2), rel=1e-9)


@settings(deadline=None)
@given(t=inner_times, shift=shifts)
def test_flow_levels_are_straight_and_shift_as_esser_2024(t, shift):
    sigma = shift * t / (1 + (shift - 1) * t)
    assert RectifiedFlowSchedule(shift).sigma(t).item() == pytest.approx(sigma, rel=1e-9)
    assert RectifiedFlowSchedule(shift).alpha(t).item() == pytest.approx(1 - sigma, rel=1e-9)


@settings(deadline=None)
@given(t=inner_times, shift=shifts)
def test_cosine_shift_multiplies_noise_over_signal(t, shift):
    """Hoogeboom et al. 2023 add 2 log(small / large) to the log-SNR: sigma / alpha grows by large / small."""
    shifted = CosineSchedule(shift)
    assert (shifted.sigma(t) / shifted.alpha(t)).item() == pytest.approx(shift * math.tan(math.pi * t / 2), rel=1e-9)
    assert (shifted.sigma(t) ** 2 + shifted.alpha(t) ** 2).item() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("kind", SCHEDULES)
@settings(deadline=None)
@given(t=inner_times, shift=shifts)
def test_lambda_is_log_of_signal_over_noise_and_t_its_inverse(kind, t, shift):
    schedule = kind(shift)
    lambda_ = schedule.lambda_(t)
    assert lambda_.item() == pytest.approx(math.log(schedule.alpha(t) / schedule.sigma(t)), abs=1e-9)
    assert schedule.t_of_lambda(lambda_).item() == pytest.approx(t, rel=1e-9)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_time_runs_from_data_to_noise_within_the_stated_range(kind):
    schedule = kind(lambda_min=-7.0, lambda_max=6.0)
    lambdas = schedule.lambda_(torch.linspace(0, 1, 201, dtype=torch.float64))
    assert (lambdas.diff() <= 0).all() and (lambdas[2:-2].diff() < 0).all()
    assert lambdas[0] == 6 and lambdas[-1] == -7
    ends = schedule.t_of_lambda(torch.tensor([-100.0, -7.0, 6.0, 100.0], dtype=torch.float64))
    assert ends[0] == ends[1] and ends[2] == ends[3] and 0 < ends[2] < ends[1] < 1


@pytest.mark.parametrize("kind", SCHEDULES)
def test_ends_are_finite_and_nearly_pure(kind):
    schedule = kind()
    assert 0 < schedule.alpha(1.0) < 5e-5 and schedule.sigma(1.0) > 0.9999
    assert 0 < schedule.sigma(0.0) < 5e-5 and schedule.alpha(0.0) > 0.9999


@pytest.mark.parametrize("kind", SCHEDULES)
def test_float32_times_lose_nothing_in_the_calculation(kind):
    t = torch.tensor([1e-3, 0.3, 0.9, 0.999])
    for level in (kind().alpha, kind().sigma, kind().lambda_):
        assert level(t).dtype == torch.float32 and level(t).shape == t.shape
        assert torch.equal(level(t), level(t.double()).float())
    assert kind().alpha(0).dtype == kind().alpha(torch.tensor(0)).dtype == torch.float64


@pytest.mark.parametrize("wrong", [{"shift": 0.0}, {"shift": math.nan}, {"lambda_min": 3.0, "lambda_max": 3.0}])
def test_a_schedule_that_makes_no_sense_does_not_exist(wrong):
    with pytest.raises(RequestError, match=next(iter(wrong))):
        CosineSchedule(**wrong)


def test_conversions_by_hand():
    alpha, sigma, z0, eps = (torch.tensor(x, dtype=torch.float64) for x in (0.6, 0.8, 1.0, 2.0))
    z_t = add_noise(z0, eps, alpha, sigma)
    assert z_t.item() == pytest.approx(2.2)
    assert z0_eps_to_v(z0, eps, alpha=alpha, sigma=sigma).item() == pytest.approx(0.4)
    assert v_to_z0(torch.tensor(0.4), z_t, alpha=alpha, sigma=sigma).item() == pytest.approx(1.0)
    assert v_to_eps(torch.tensor(0.4), z_t, alpha=alpha, sigma=sigma).item() == pytest.approx(2.0)


def test_flow_conversions_by_hand():
    alpha, sigma, z0, eps = (torch.tensor(x, dtype=torch.float64) for x in (0.25, 0.75, 1.0, 3.0))
    z_t = add_noise(z0, eps, alpha, sigma)
    assert z_t.item() == 2.5
    u = z0_eps_to_u(z0, eps)
    assert u.item() == 2.0
    assert u_to_z0(u, z_t, sigma=sigma).item() == 1.0
    assert u_to_eps(u, z_t, alpha=alpha).item() == 3.0


@settings(deadline=None)
@given(t=inner_times, z0=values, eps=values)
def test_conversions_return_what_went_in(t, z0, eps):
    z0, eps = (torch.full((1, 1, 1, 1), x, dtype=torch.float64) for x in (z0, eps))
    levels = {"alpha": CosineSchedule().alpha(t), "sigma": CosineSchedule().sigma(t)}
    z_t, v = add_noise(z0, eps, **levels), z0_eps_to_v(z0, eps, **levels)
    torch.testing.assert_close(v_to_z0(v, z_t, **levels), z0, rtol=0, atol=1e-12)
    torch.testing.assert_close(v_to_eps(v, z_t, **levels), eps, rtol=0, atol=1e-12)
    # divided by sigma, at least 0.0016 here
    torch.testing.assert_close(z0_to_eps(z0, z_t, **levels), eps, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_velocities_are_the_slope_of_the_noisy_latent(kind):
    """v is the slope along the angle, u along t: what an ODE solver in those variables would integrate."""
    schedule, step = kind(), 1e-5
    z0, eps, t = torch.tensor(0.7), torch.tensor(-1.3), 0.37
    ahead, behind = (
        add_noise(z0.double(), eps.double(), schedule.alpha(t + h), schedule.sigma(t + h)) for h in (step, -step)
    )
    slope = (ahead - behind) / (2 * step)
    if kind is CosineSchedule:
        velocity = z0_eps_to_v(z0, eps, alpha=schedule.alpha(t), sigma=schedule.sigma(t)) * math.pi / 2
    else:
        velocity = z0_eps_to_u(z0, eps)
    # central difference: error of order step**2; velocity in float32
    assert slope.item() == pytest.approx(velocity.item(), abs=1e-6)


def test_per_sample_levels_multiply_whole_samples():
    like = torch.ones(3, 4, 2, 5)
    level = per_sample(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64), like)
    assert level.shape == (3, 1, 1, 1) and level.dtype == torch.float32
    assert (like * level).mean(dim=(1, 2, 3)).tolist() == [1, 2, 3]


@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_target_of_a_schedule_leads_back_to_the_clean_latent(kind):
    schedule = kind(1.7)
    generator = torch.Generator().manual_seed(3)
    z0, eps = torch.randn(2, 4, 3, 5, 5, generator=generator, dtype=torch.float64)
    t = torch.tensor([0.05, 0.3, 0.6, 0.95], dtype=torch.float64)
    z_t = add_noise(z0, eps, per_sample(schedule.alpha(t), z0), per_sample(schedule.sigma(t), z0))
    torch.testing.assert_close(schedule.to_z0(schedule.target(z0, eps, t), z_t, t), z0)
