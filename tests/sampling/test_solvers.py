"""Solvers against Gaussian data, whose every path is known, and one uneven step against a sum done by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_mammo.errors import RequestError
from monai_mammo.sampling import (
    CosineSchedule,
    GaussianOracle,
    RectifiedFlowSchedule,
    ddim,
    ddim_inversion,
    dpm_solver_pp_2m,
    time_grid,
)

SCHEDULES = [CosineSchedule(), CosineSchedule(shift=2.0), RectifiedFlowSchedule()]
# From the noisiest to the cleanest of the 1,000 levels of MONAI's cosine table: the figures below were measured on it.
TABLE = (-9.92, 5.05)


@pytest.fixture(scope="module")
def oracle():
    """64 dimensions, means from -1.5 to 1.5, spreads from 0.05 to 2 in an order of their own."""
    shuffled = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    spread = torch.logspace(math.log10(0.05), math.log10(2), 64, dtype=torch.float64)[shuffled]
    return GaussianOracle(torch.linspace(-1.5, 1.5, 64, dtype=torch.float64), spread)


def run(oracle, solver, schedule, ts, z_T):
    """Result, and the latent and prediction at each time."""
    latents, predictions = [], []

    def record(i, z_t, z0):
        assert i == len(latents)
        latents.append(z_t)
        predictions.append(z0)

    result = solver(oracle.predictor(schedule), z_T, ts, schedule, callback=record)
    return result, latents, predictions


def path_error(oracle, solver, n_steps, schedule=SCHEDULES[0], lambda_range=TABLE):
    return oracle.path_error(solver, time_grid(schedule, n_steps + 1, lambda_range=lambda_range), schedule)


def test_oracle_prediction_is_the_posterior_mean():
    """Mean of the data behind noisy values near 0.5, from a million draws."""
    generator = torch.Generator().manual_seed(3)
    oracle = GaussianOracle(torch.tensor([0.8], dtype=torch.float64), torch.tensor([0.5], dtype=torch.float64))
    z0 = 0.8 + 0.5 * torch.randn(1_000_000, generator=generator, dtype=torch.float64)
    z_t = 0.6 * z0 + 0.8 * torch.randn(1_000_000, generator=generator, dtype=torch.float64)
    drawn = z0[(z_t - 0.5).abs() < 0.02]
    expected = oracle.z0(torch.tensor([[0.5]], dtype=torch.float64), alpha=torch.tensor(0.6), sigma=torch.tensor(0.8))
    assert len(drawn) > 10_000
    # 4 standard errors of the mean of 10,000 values with a spread under 0.5
    assert drawn.mean().item() == pytest.approx(expected.item(), abs=0.02)


@pytest.mark.parametrize(("n_steps", "published"), [(20, 0.0246), (40, 0.0081), (80, 0.0021), (160, 0.00054)])
def test_path_error_of_2m_is_the_known_one(oracle, n_steps, published):
    """Figures of an independent implementation on MONAI's cosine table; their last digit is rounded."""
    assert path_error(oracle, dpm_solver_pp_2m, n_steps) == pytest.approx(published, rel=0.025)


@pytest.mark.parametrize(("n_steps", "published"), [(5, 0.52), (10, 0.31), (20, 0.17), (50, 0.072)])
def test_path_error_of_ddim_is_the_known_one(oracle, n_steps, published):
    assert path_error(oracle, ddim, n_steps) == pytest.approx(published, rel=0.015)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@pytest.mark.parametrize(("solver", "order"), [(ddim, 1), (dpm_solver_pp_2m, 2)])
def test_error_falls_with_the_order_of_the_solver(oracle, schedule, solver, order):
    errors = [path_error(oracle, solver, n_steps, schedule) for n_steps in (80, 160, 320)]
    for coarse, fine in zip(errors, errors[1:], strict=False):
        # halving the step divides the error by 2**order, but for terms of the next order
        assert coarse / fine == pytest.approx(2**order, rel=0.05)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_every_sample_stays_on_its_exact_path(oracle, schedule):
    """Not only at the end: at each of 160 steps every one of 50 samples is where the ODE has it."""
    ts = time_grid(schedule, 161)
    score = torch.randn(50, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    start = oracle.latent(score, alpha=schedule.alpha(ts[0]), sigma=schedule.sigma(ts[0]))
    result, latents, _ = run(oracle, dpm_solver_pp_2m, schedule, ts, start)
    for t, z_t in zip(ts, latents, strict=True):
        levels = {"alpha": schedule.alpha(t), "sigma": schedule.sigma(t)}
        wrong = (z_t - oracle.latent(score, **levels)) / oracle.deviation(**levels)
        # 160 steps: rms 4e-4 (order 2), a sample at 4 standard deviations up to ten times that
        assert wrong.abs().max() < 0.004
    # the last prediction for the rest of the path: less than 2 % of the smallest spread, 0.05, at lambda 5
    assert ((result - oracle.mean - oracle.spread * score) / oracle.spread).abs().max() < 0.09


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_twenty_evaluations_from_pure_noise_give_the_data(oracle, schedule):
    """The default grid, start and end included: rms 0.017, where DDIM has 0.14."""
    ts = time_grid(schedule, 20)
    assert oracle.data_error(dpm_solver_pp_2m, ts, schedule) < 0.02
    assert oracle.data_error(ddim, ts, schedule) > 0.1
    ends = torch.tensor([[0.0], [1.0]], dtype=torch.float64).expand(2, 64)
    zero, one = dpm_solver_pp_2m(oracle.predictor(schedule), ends, ts, schedule)
    assert ((zero - oracle.mean) / oracle.spread).abs().max() < 0.05
    assert ((one - zero) / oracle.spread - 1).abs().max() < 0.05


def test_an_uneven_grid_by_hand():
    """Signal over noise 1/4, 1/2, 4 in steps of log 2 and 3 log 2, on straight paths (Lu et al. 2022, algorithm 2)."""
    schedule = RectifiedFlowSchedule()
    ts = torch.tensor([0.8, 2 / 3, 0.2], dtype=torch.float64)
    predictions = iter([2.0, 1.0, 7.0])
    seen = []

    def predict_z0(z_t, t):
        seen.append((z_t.item(), t.item()))
        return torch.full_like(z_t, next(predictions))

    result = dpm_solver_pp_2m(predict_z0, torch.tensor([[6.0]], dtype=torch.float64), ts, schedule)
    # first order: 5/6 * 6 + 1/3 * (1 - 1/2) * 2
    first = 5 + 1 / 3
    # r = log 2 / (3 log 2): 1 + (1 - 2) * 3/2 = -1/2; 0.3 * first + 0.8 * (1 - 1/8) * -1/2
    second = 1.6 - 0.35
    assert seen == [pytest.approx((6, 0.8)), pytest.approx((first, 2 / 3)), pytest.approx((second, 0.2))]
    assert result.item() == 7.0


def test_an_uneven_grid_converges_with_order_two(oracle):
    """Steps that grow and shrink by a third: a wrong step ratio leaves an error of first order."""
    schedule = CosineSchedule()

    def wavy(n):
        grid = torch.linspace(0, 1, n + 1, dtype=torch.float64)
        lambdas = -8 + 13 * (grid + 0.3 * torch.sin(2 * math.pi * grid) / (2 * math.pi))
        return schedule.t_of_lambda(lambdas)

    errors = [oracle.path_error(dpm_solver_pp_2m, wavy(n), schedule) for n in (160, 320)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("solver", [ddim, dpm_solver_pp_2m])
def test_one_evaluation_at_each_time_and_the_last_prediction_comes_back(oracle, solver):
    schedule, calls = CosineSchedule(), []
    ts = time_grid(schedule, 7)

    def predict_z0(z_t, t):
        calls.append(t)
        return oracle.z0(z_t, alpha=schedule.alpha(t)[:, None], sigma=schedule.sigma(t)[:, None])

    seen, z_T = [], torch.ones(3, 64, dtype=torch.float64)
    result = solver(predict_z0, z_T, ts, schedule, callback=lambda i, z_t, z0: seen.append((i, z0)))
    assert [t.tolist() for t in calls] == [[t] * 3 for t in ts.tolist()]
    assert [i for i, _ in seen] == list(range(7))
    assert result is seen[-1][1]


@pytest.mark.parametrize("solver", [ddim, dpm_solver_pp_2m])
def test_samples_do_not_know_of_each_other(oracle, solver):
    schedule = CosineSchedule()
    ts, z_T = time_grid(schedule, 10), torch.randn(4, 64, generator=torch.Generator().manual_seed(5)).double()
    together = solver(oracle.predictor(schedule), z_T, ts, schedule)
    alone = torch.cat([solver(oracle.predictor(schedule), z_T[i : i + 1], ts, schedule) for i in (3, 2, 1, 0)]).flip(0)
    assert torch.equal(together, alone)


@pytest.mark.parametrize("solver", [ddim, dpm_solver_pp_2m])
def test_float32_latents_stay_so_whatever_the_network_answers(oracle, solver):
    schedule, dtypes = CosineSchedule(), set()
    ts = time_grid(schedule, 20)

    def predict_z0(z_t, t):
        dtypes.add((z_t.dtype, t.dtype))
        return oracle.z0(z_t.double(), alpha=schedule.alpha(t)[:, None], sigma=schedule.sigma(t)[:, None])

    z_T = torch.randn(2, 64, generator=torch.Generator().manual_seed(5))
    result = solver(predict_z0, z_T, ts, schedule)
    assert result.dtype == torch.float32 and dtypes == {(torch.float32, torch.float32)}
    exact = solver(oracle.predictor(schedule), z_T.double(), ts, schedule)
    # 20 steps of float32, 6e-8 each, times a gain of at most a few
    torch.testing.assert_close(result.double(), exact, rtol=0, atol=1e-5)


def test_the_latent_that_came_in_is_not_changed(oracle):
    schedule, z_T = CosineSchedule(), torch.ones(2, 64).double()
    dpm_solver_pp_2m(oracle.predictor(schedule), z_T, time_grid(schedule, 4), schedule)
    assert (z_T == 1).all()


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 60), low=st.floats(-9, 0), width=st.floats(0.5, 8))
def test_the_grid_is_even_in_log_snr(n, low, width):
    schedule = CosineSchedule(shift=1.5)
    lambdas = schedule.lambda_(time_grid(schedule, n, lambda_range=(low, low + width)))
    assert len(lambdas) == n and lambdas[0].item() == pytest.approx(low, abs=1e-6)
    assert lambdas[-1].item() == pytest.approx(low + width, abs=1e-6)
    torch.testing.assert_close(lambdas.diff(), torch.full((n - 1,), width / (n - 1)).double(), rtol=0, atol=1e-6)


def test_the_grid_keeps_inside_the_schedule():
    schedule = CosineSchedule(lambda_min=-4.0, lambda_max=3.0)
    lambdas = schedule.lambda_(time_grid(schedule, 8))
    assert lambdas[0].item() == pytest.approx(-4) and lambdas[-1].item() == pytest.approx(3)


def test_one_evaluation_is_the_prediction_from_noise(oracle):
    schedule, z_T = CosineSchedule(), torch.ones(1, 64).double()
    result = dpm_solver_pp_2m(oracle.predictor(schedule), z_T, time_grid(schedule, 1), schedule)
    # at lambda -6 the signal is 0.25 % of the noise: nothing but the mean can be known
    torch.testing.assert_close(result, oracle.mean[None], rtol=0, atol=0.02)


@pytest.mark.parametrize("n_evaluations", [0, -3])
def test_no_evaluation_samples_nothing(n_evaluations):
    with pytest.raises(RequestError, match=f"^{n_evaluations} network evaluations .* 1 and more"):
        time_grid(CosineSchedule(), n_evaluations)


def test_an_empty_range_is_refused():
    with pytest.raises(RequestError, match="lambda_range"):
        time_grid(CosineSchedule(), 5, lambda_range=(3.0, 3.0))


@pytest.mark.parametrize("solver", [ddim, dpm_solver_pp_2m])
@pytest.mark.parametrize("ts", [[], [0.2, 0.8], [0.8, 0.8], [1.0, 0.9999999]])
def test_times_that_do_not_fall_are_refused(oracle, solver, ts):
    with pytest.raises(RequestError, match="fall"):
        solver(oracle.predictor(SCHEDULES[0]), torch.zeros(1, 64).double(), torch.tensor(ts).double(), SCHEDULES[0])


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_inversion_ends_where_the_exact_path_begins_and_the_way_back_where_it_ended(oracle, schedule):
    ts = time_grid(schedule, 600)
    score = torch.randn(3, 64, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    z_0 = oracle.mean + oracle.spread * score
    z_T = ddim_inversion(oracle.predictor(schedule), z_0, ts, schedule)
    exact = oracle.latent(score, alpha=schedule.alpha(ts[0]), sigma=schedule.sigma(ts[0]))
    assert (z_T - exact).abs().max() < 0.05
    back = ddim(oracle.predictor(schedule), z_T, ts, schedule)
    assert (back - z_0).abs().max() < 0.05
