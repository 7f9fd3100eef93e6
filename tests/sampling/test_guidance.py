"""Guidance against its formula, and against Gaussian data, where the guided distribution is known."""

from __future__ import annotations

import math

import pytest
import torch

from monai_mammo.attributes import COLUMNS, GUIDED, TABLE
from monai_mammo.errors import RequestError
from monai_mammo.sampling import (
    CosineSchedule,
    GaussianOracle,
    Guidance,
    RectifiedFlowSchedule,
    autoguided,
    dpm_solver_pp_2m,
    guided_prediction,
    initial_noise,
    per_sample,
    time_grid,
    without_condition,
    z0_eps_to_v,
    z0_predictor,
    z0_to_eps,
)

Z = torch.stack([initial_noise(1, i, (4, 6, 5)) for i in range(3)])
T = torch.tensor([0.2, 0.5, 0.8])
UNCONDITIONAL, LESS, ALL = (
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


def guide(guidance, level=None, network=None):
    none, some = torch.zeros(3), torch.ones(3)
    return guided_prediction(
        network or Network(),
        Z,
        T,
        conditional=(ALL, some),
        unconditional=(UNCONDITIONAL, none),
        without={name: (LESS, some) for name in guidance.extra},
        guidance=guidance,
        level=level,
    )


PLAIN = Z * T[:, None, None, None]
CONDITIONAL = guide(Guidance(1.0))


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 2.0, 7.5])
def test_one_scale_by_its_formula(scale):
    torch.testing.assert_close(guide(Guidance(scale)), PLAIN + (1 - scale) * UNCONDITIONAL + scale * (ALL + 1))


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_scale_for_a_group_of_conditions(scale):
    expected = PLAIN + (1 - scale) * UNCONDITIONAL + scale * (ALL + 1) + (3 - scale) * (ALL - LESS)
    torch.testing.assert_close(guide(Guidance(scale, {"mask": 3.0})), expected)


def test_groups_of_the_common_scale_change_nothing_and_cost_nothing():
    network = Network()
    torch.testing.assert_close(guide(Guidance(2.0, {"mask": 2.0}), network=network), guide(Guidance(2.0)))
    assert network.rows == [6]


@pytest.mark.parametrize(
    ("guidance", "level", "rows"),
    [
        (Guidance(2.0), None, [6]),
        (Guidance(2.0, {"mask": 1.0}), None, [9]),
        (Guidance(2.0, {"mask": 1.0, "density": 3.0}), None, [12]),
        (Guidance(1.0, {"mask": 3.0}), None, [6]),
        (Guidance(1.0), None, [3]),
        (Guidance(2.0, interval=(0.9, 1.0)), torch.tensor([0.1, 2.0, 5.0]), [3]),
    ],
)
def test_one_network_call_and_no_more_rows_than_needed(guidance, level, rows):
    network = Network()
    guide(guidance, level=level, network=network)
    assert network.rows == rows


def test_outside_the_interval_the_conditional_prediction_stands_alone():
    guided, levels = guide(Guidance(3.0)), torch.tensor([0.2, 0.6, 9.0])
    mixed = guide(Guidance(3.0, interval=(0.5, 0.7)), level=levels)
    assert torch.equal(mixed[1], guided[1])
    assert torch.equal(mixed[[0, 2]], CONDITIONAL[[0, 2]])
    assert torch.equal(guide(Guidance(3.0, interval=(10.0, 12.0)), level=levels), CONDITIONAL)


@pytest.mark.parametrize("schedule", [CosineSchedule(1.5), RectifiedFlowSchedule()])
def test_the_interval_is_one_of_noise_levels(schedule):
    """The time at which sigma is as large as alpha lies in (0.99, 1.01), those beside it do not."""
    middle = float(schedule.t_of_lambda(0.0))
    network = Network()

    def counted(z_t, t, attributes, spatial):
        return network(z_t, t, torch.zeros_like(z_t), torch.zeros(len(z_t)))

    given = {"attributes": torch.zeros(3, 10), "spatial": torch.zeros(3, 2, 6, 5)}
    predict = z0_predictor(counted, schedule, **given, guidance=Guidance(2.0, interval=(0.99, 1.01)))
    for t in (middle, middle - 0.05, middle + 0.05):
        predict(Z, torch.full((3,), t))
    assert network.rows == [6, 3, 3]


def test_a_network_is_pushed_away_from_a_weaker_one_by_the_weight_of_each_item():
    strong, weak = Network(), Network()

    def weaker(z_t, t, condition, offset):
        return weak(z_t, t, condition, offset) - 0.5

    weights = torch.tensor([1.0, 1.5, 3.0])[:, None, None, None]
    pushed = autoguided(strong, weaker, weights)
    torch.testing.assert_close(guide(Guidance(1.0), network=pushed), CONDITIONAL + 0.5 * (weights - 1))
    # with and without conditions alike, so guidance by them stays what it was
    torch.testing.assert_close(guide(Guidance(2.0), network=pushed), guide(Guidance(2.0)) + 0.5 * (weights - 1))
    assert strong.rows == weak.rows == [3, 6]
    assert autoguided(strong, weaker, torch.ones(3, 1, 1, 1)) is strong


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


class TestGroups:
    """Guidance by group on Gaussian data whose dimensions follow one condition each, and so each their own scale."""

    schedule = CosineSchedule()
    spread = torch.tensor([0.3, 1.0, 0.6], dtype=torch.float64)

    def network(self, z_t, t, attributes, spatial):
        """Perfect: the means are 1 where density, mask and view are given, in this order, and -1 where not."""
        is_given = torch.stack([attributes[:, 1] >= 0, spatial[:, 0].flatten(1).any(1), attributes[:, 2] >= 0], dim=1)
        mean = torch.where(is_given, 1.0, -1.0).to(z_t)[:, :, None, None]
        levels = {"alpha": per_sample(self.schedule.alpha(t), z_t), "sigma": per_sample(self.schedule.sigma(t), z_t)}
        z0 = GaussianOracle(mean, self.spread[:, None, None]).z0(z_t, **levels)
        return z0_eps_to_v(z0, z0_to_eps(z0, z_t, **levels), **levels)

    @pytest.mark.parametrize(
        ("guidance", "scales"),
        [
            (Guidance(1.0, {"density": 2.0, "mask": 3.0}), (2.0, 3.0, 1.0)),
            (Guidance(1.5, {"density": 0.0}), (0.0, 1.5, 1.5)),
            (Guidance(0.0, {"view": 2.5}), (0.0, 0.0, 2.5)),
            (Guidance(2.0, {"mask": 2.0}), (2.0, 2.0, 2.0)),
        ],
    )
    def test_each_dimension_lands_on_the_mean_of_its_own_scale(self, guidance, scales):
        """As in the composition of Liu et al. 2022: mean 2 * scale - 1 and the spread as it was."""
        score = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64)[:, None, None, None].expand(3, 3, 1, 1)
        attributes = torch.zeros(3, 10, dtype=torch.float64)
        spatial = torch.ones(3, 2, 1, 1, dtype=torch.float64)
        given = {"attributes": attributes, "spatial": spatial}
        predict_z0 = z0_predictor(self.network, self.schedule, **given, guidance=guidance)
        ts = time_grid(self.schedule, 200, lambda_range=(-10.0, 8.0))
        result = dpm_solver_pp_2m(predict_z0, score, ts, self.schedule)
        exact = (2 * torch.tensor(scales, dtype=torch.float64) - 1)[:, None, None] + self.spread[:, None, None] * score
        torch.testing.assert_close(result, exact, rtol=0, atol=0.01)


def test_a_group_is_taken_away_alone():
    attributes, spatial, text = torch.rand(2, len(COLUMNS)), torch.rand(2, 2, 3, 3), torch.rand(2, 5)
    for name in GUIDED:
        less, planes, words = without_condition(attributes, spatial, text, name)
        changed = [column for column, same in zip(COLUMNS, (less == attributes).all(dim=0), strict=True) if not same]
        attribute = next((one for one in TABLE if one.name == name), None)
        assert tuple(changed) == (attribute.columns if attribute else ())
        assert (less[:, [COLUMNS.index(column) for column in changed]] == -1).all()
        assert bool(planes[:, 0].any()) == (name != "mask") and bool(planes[:, 1].any()) == (name != "box")
        assert bool(words.any()) == (name != "text")
    assert attributes.min() >= 0 and spatial.min() >= 0  # what was given is as it was


def test_what_manifests_state_is_guidance():
    assert Guidance.from_json(1.5) == Guidance(1.5)
    stated = {"all": 1.0, "mask": 2.0, "interval": [0.2, 5.0]}
    assert Guidance.from_json(stated) == Guidance(1.0, {"mask": 2.0}, interval=(0.2, 5.0))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"scale": -1.0}, "guidance -1.0"),
        ({"scale": math.inf}, "guidance inf"),
        ({"groups": {"mask": math.nan}}, "guidance nan"),
        ({"groups": {"colour": 1.0}}, "guidance of 'colour' is not one of kind, density"),
        ({"interval": (0.5, 0.2)}, "interval"),
        ({"interval": (-0.1, 1.5)}, "interval"),
        ({"rescale": 1.5}, "rescale 1.5"),
    ],
)
def test_guidance_that_makes_no_sense_does_not_exist(wrong, named):
    with pytest.raises(RequestError, match=named):
        Guidance(**wrong)


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
