"""Guidance against its formula, and against Gaussian data, where the guided distribution is known."""

from __future__ import annotations

import math

import pytest
import torch

from monai_mammo.errors import RequestError
from monai_mammo.sampling import (
    CosineSchedule,
    GaussianOracle,
    Guidance,
    RectifiedFlowSchedule,
    dpm_solver_pp_2m,
    guided_prediction,
    initial_noise,
    per_sample,
    time_grid,
    z0_eps_to_v,
    z0_predictor,
    z0_to_eps,
)

Z = torch.stack([initial_noise(1, i, (4, 6, 5)) for i in range(3)])
T = torch.tensor([0.2, 0.5, 0.8])
UNCONDITIONAL, SOME, ALL = (
    torch.stack([initial_noise(2, f"{name}{i}", (4, 6, 5)) for i in range(3)]) for name in "usa"
)


class Network:
    """Answers its first condition plus its latent, and counts its calls."""

    def __init__(self):
        self.rows = []

    def __call__(self, z_t, t, condition, offset):
        self.rows.append(len(z_t))
        assert len(z_t) == len(t) == len(condition) == len(offset)
        return condition + z_t * t[:, None, None, None] + offset[:, None, None, None]


def guide(guidance, t=T, between=(), network=None):
    none, some = torch.zeros(3), torch.ones(3)
    return guided_prediction(
        network or Network(),
        Z,
        t,
        conditional=(ALL, some),
        unconditional=(UNCONDITIONAL, none),
        between=[(condition, some) for condition in between],
        guidance=guidance,
    )


CONDITIONAL = guide(Guidance(1.0))


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 2.0, 7.5])
def test_one_scale_by_its_formula(scale):
    plain = Z * T[:, None, None, None]
    expected = plain + (1 - scale) * UNCONDITIONAL + scale * (ALL + 1)
    torch.testing.assert_close(guide(Guidance(scale)), expected)


def test_a_scale_for_each_group_of_conditions():
    plain = Z * T[:, None, None, None]
    expected = plain + UNCONDITIONAL + 3 * (SOME + 1 - UNCONDITIONAL) + 0.5 * (ALL - SOME)
    torch.testing.assert_close(guide(Guidance((3.0, 0.5)), between=[SOME]), expected)
    torch.testing.assert_close(guide(Guidance((2.0, 2.0)), between=[SOME]), guide(Guidance(2.0)))


@pytest.mark.parametrize(
    ("guidance", "between", "rows"),
    [
        (Guidance(2.0), [], [6]),
        (Guidance((2.0, 1.0)), [SOME], [9]),
        (Guidance(1.0), [], [3]),
        (Guidance(2.0, interval=(0.9, 1.0)), [], [3]),
    ],
)
def test_one_network_call_and_no_more_rows_than_needed(guidance, between, rows):
    network = Network()
    guide(guidance, between=between, network=network)
    assert network.rows == rows


def test_outside_the_interval_the_conditional_prediction_stands_alone():
    guided = guide(Guidance(3.0))
    mixed = guide(Guidance(3.0, interval=(0.5, 0.7)))
    assert torch.equal(mixed[1], guided[1])
    assert torch.equal(mixed[[0, 2]], CONDITIONAL[[0, 2]])
    assert torch.equal(guide(Guidance(3.0, interval=(0.9, 1.0))), CONDITIONAL)


def test_rescaling_brings_the_spread_of_each_sample_back():
    guided, half, full = (guide(Guidance(5.0, rescale=share)) for share in (0.0, 0.5, 1.0))
    spread = {name: x.flatten(1).std(dim=1) for name, x in (("guided", guided), ("half", half), ("full", full))}
    wanted = CONDITIONAL.flatten(1).std(dim=1)
    assert (spread["guided"] > 1.5 * wanted).all()
    torch.testing.assert_close(spread["full"], wanted)
    torch.testing.assert_close(spread["half"], (spread["guided"] + wanted) / 2)
    torch.testing.assert_close(
        full / full.flatten(1).norm(dim=1)[:, None, None, None],
        guided / guided.flatten(1).norm(dim=1)[:, None, None, None],
    )


def test_v_eps_and_z0_guide_alike():
    alpha, sigma = (per_sample(level(T), Z) for level in (CosineSchedule().alpha, CosineSchedule().sigma))

    def guided(to_prediction):
        return guided_prediction(
            lambda z_t, t, z0: to_prediction(z_t, t, z0), Z, T, conditional=(ALL,), unconditional=(UNCONDITIONAL,)
        )

    def as_eps(z_t, t, z0):
        return z0_to_eps(z0, z_t, alpha=alpha.repeat(2, 1, 1, 1), sigma=sigma.repeat(2, 1, 1, 1))

    def as_v(z_t, t, z0):
        return z0_eps_to_v(z0, as_eps(z_t, t, z0), alpha=alpha.repeat(2, 1, 1, 1), sigma=sigma.repeat(2, 1, 1, 1))

    z0 = guided(lambda z_t, t, z0: z0)
    eps = z0_to_eps(z0, Z, alpha=alpha, sigma=sigma)
    torch.testing.assert_close(guided(as_eps), eps)
    torch.testing.assert_close(guided(as_v), z0_eps_to_v(z0, eps, alpha=alpha, sigma=sigma))


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
def test_guided_sampling_of_gaussian_data_lands_on_the_guided_mean(scale):
    """Conditional N(1, s^2) and unconditional N(-1, s^2): the guided score is that of N(2 scale - 1, s^2)."""
    schedule, spread = CosineSchedule(), torch.tensor([0.3, 1.0, 1.7], dtype=torch.float64)
    n_evaluations = 200

    def network(z_t, t, mean):
        alpha, sigma = schedule.alpha(t)[:, None], schedule.sigma(t)[:, None]
        return GaussianOracle(mean, spread).z0(z_t, alpha=alpha, sigma=sigma)

    def predict_z0(z_t, t):
        ones = torch.ones_like(z_t)
        return guided_prediction(network, z_t, t, conditional=(ones,), unconditional=(-ones,), guidance=Guidance(scale))

    score = torch.tensor([[-1.0], [0.0], [2.0]], dtype=torch.float64).expand(3, 3)
    exact = 2 * scale - 1 + spread * score
    ts = time_grid(schedule, n_evaluations, lambda_range=(-10.0, 8.0))
    result = dpm_solver_pp_2m(predict_z0, score, ts, schedule)
    # 200 steps of order 2 leave 4e-4 of a standard deviation, start and end less
    torch.testing.assert_close(result, exact, rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"scale": -1.0}, "guidance -1.0"),
        ({"scale": math.inf}, "guidance inf"),
        ({"scale": ()}, "guidance"),
        ({"scale": (1.0, math.nan)}, "guidance"),
        ({"interval": (0.5, 0.2)}, "interval"),
        ({"interval": (0.0, 1.5)}, "interval"),
        ({"rescale": 1.5}, "rescale 1.5"),
    ],
)
def test_guidance_that_makes_no_sense_does_not_exist(wrong, named):
    with pytest.raises(RequestError, match=named):
        Guidance(**wrong)


def test_scales_must_fit_the_groups():
    with pytest.raises(RequestError, match="2 guidance scales for 1 groups"):
        guide(Guidance((2.0, 2.0)))


@pytest.mark.parametrize("schedule", [CosineSchedule(1.5), RectifiedFlowSchedule()])
def test_a_solver_gets_the_guided_clean_latent_of_either_schedule(schedule):
    attributes, spatial = torch.rand(3, 10), torch.rand(3, 2, 6, 5)
    given, nothing = torch.full((1, 4, 6, 5), 0.5), torch.full((1, 4, 6, 5), -1.5)

    def network(z_t, t, attributes, spatial):
        is_nothing = (attributes == -1).all(dim=1) & (spatial == 0).flatten(1).all(dim=1)
        z0 = torch.where(is_nothing[:, None, None, None], nothing, given)
        eps = z0_to_eps(z0, z_t, alpha=per_sample(schedule.alpha(t), z_t), sigma=per_sample(schedule.sigma(t), z_t))
        return schedule.target(z0, eps, t)

    predict_z0 = z0_predictor(network, schedule, attributes=attributes, spatial=spatial, guidance=Guidance(3.0))
    torch.testing.assert_close(predict_z0(Z, T), (nothing + 3.0 * (given - nothing)).expand_as(Z), atol=1e-4, rtol=0)


def test_a_text_is_a_condition_that_the_unconditional_branch_does_not_see():
    seen = []

    def network(z_t, t, attributes, spatial, text):
        seen.append(text.clone())
        return text[:, :1, None, None].expand_as(z_t)

    schedule = CosineSchedule()
    text = torch.tensor([[2.0, 1.0], [0.0, 0.0], [4.0, 1.0]])
    given = {"attributes": torch.zeros(3, 2), "spatial": torch.zeros(3, 2, 6, 5)}
    predict_z0 = z0_predictor(network, schedule, **given, text=text, guidance=Guidance(3.0))
    answer = (text[:, 0] * 3)[:, None, None, None].expand_as(Z)  # 0 + 3 * (text - 0)
    torch.testing.assert_close(predict_z0(Z, T), schedule.to_z0(answer, Z, T))
    assert torch.equal(seen[0], torch.cat([torch.zeros_like(text), text]))
