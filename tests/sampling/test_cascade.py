"""Two Gaussian stages, of which the exact distribution of the latents is known."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from monai_mammo.attributes import COLUMNS
from monai_mammo.errors import RequestError
from monai_mammo.networks import DetailUNet, PictureFinish, enlarged_layout
from monai_mammo.sampling import (
    Cascade,
    CascadeNoise,
    CosineSchedule,
    GaussianOracle,
    KnownLatent,
    by_kind,
    per_sample,
)

SCHEDULE, DETAIL_SCHEDULE = CosineSchedule(shift=1.5), CosineSchedule()


def _velocity(oracle, schedule, z_t, t):
    alpha, sigma = per_sample(schedule.alpha(t), z_t), per_sample(schedule.sigma(t), z_t)
    return (alpha * z_t - oracle.z0(z_t, alpha=alpha, sigma=sigma)) / sigma


class _PerfectDetail(DetailUNet):
    """The residual is Gaussian; what the network was told is kept."""

    def __init__(self):
        super().__init__(channels=(8,), n_blocks=1, context_channels=8)
        self.oracle = GaussianOracle(torch.tensor(0.3, dtype=torch.float64), torch.tensor(1.2, dtype=torch.float64))
        self.told = []

    def forward(self, x, timesteps, attributes, spatial, extra_tokens=None, *, numbers=None):
        self.told.append((spatial, numbers))
        return _velocity(self.oracle, DETAIL_SCHEDULE, x, timesteps)


def _noise(generator=None, n=2):
    def draw(*shape):
        return torch.randn(n, *shape, generator=generator, dtype=torch.float64)

    return CascadeNoise(layout=draw(4, 6, 5), on_layout=draw(4, 6, 5), detail=draw(4, 24, 20), texture=draw(2))


@pytest.fixture
def cascade():
    detail = _PerfectDetail()
    detail.residual_std.copy_(torch.tensor([0.1, 0.2, 0.4]))
    oracle = GaussianOracle(torch.tensor(-0.5, dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64))
    seen = []

    def layout(z_t, t, attributes, spatial, anatomy):
        seen.append((attributes, spatial, anatomy))
        return _velocity(oracle, SCHEDULE, z_t, t)

    made = Cascade(layout, detail, SCHEDULE, DETAIL_SCHEDULE, layout_noise=0.1)
    return made, seen


def test_latents_follow_their_noise_exactly(cascade):
    made, _ = cascade
    noise = _noise(torch.Generator().manual_seed(0))
    attributes = torch.tensor([[0.0] * 10, [2.0] * 10])
    spatial = torch.zeros(2, 2, 24, 20)
    z = made.draw(noise, attributes=attributes, spatial=spatial, steps=150)
    layout = -0.5 + 0.7 * noise.layout + 0.1 * noise.on_layout
    std = torch.tensor([0.1, 0.4]).square() + 0.74 * 0.01
    residual = (0.3 + 1.2 * noise.detail) * std.sqrt()[:, None, None, None]
    expected = enlarged_layout(layout, (24, 20)) + residual
    assert (z - expected).abs().max().item() < 0.01  # of deviation 0.7; second order, 150 and 90 steps


def test_each_stage_is_told_what_it_needs(cascade):
    made, seen = cascade
    noise = _noise(torch.Generator().manual_seed(1))
    attributes, spatial = torch.ones(2, 10), torch.zeros(2, 2, 24, 20)
    spatial[:, 0, 8:12, 4:8] = 1
    steps = []
    made.draw(noise, attributes=attributes, spatial=spatial, steps=5, on_step=lambda: steps.append(1))
    assert len(steps) == made.n_evaluations(5) == 5 + 3
    given, planes, anatomy = seen[0]
    assert given.tolist() == [[-1.0] * 10] * 2 + [[1.0] * 10] * 2  # without conditions, then with them
    assert planes[2, 0].nonzero().tolist() == [[2, 1]] and planes[2, 0, 2, 1] == 1 and not planes[:2].any()
    assert anatomy.shape == (4, 5, 6, 5) and not anatomy.any()
    planes, level = made.detail.told[0]
    assert torch.equal(planes[:, 4:5], spatial[:, :1].to(planes)) and level.flatten().tolist() == [0.1, 0.1]


def test_the_detail_stage_sees_the_noisy_layout_and_where_the_clean_one_has_air(cascade):
    made, _ = cascade
    noise = _noise(torch.Generator().manual_seed(2))
    noise = noise._replace(on_layout=20 * noise.on_layout)  # noise that would make air of breast
    layout = torch.ones(2, 4, 6, 5, dtype=torch.float64)
    made.draw_detail(noise, layout, attributes=torch.ones(2, 10), mask=torch.zeros(2, 1, 24, 20), steps=1)
    planes, _ = made.detail.told[0]
    assert torch.allclose(planes[:, :4], enlarged_layout(layout + 0.1 * noise.on_layout, (24, 20)))
    assert planes[:, 7].min() == 1  # no air anywhere


class _TextureTold(_PerfectDetail):
    """The code of any latent is (3, 4), that of a drawn one 0.25 above its noise."""

    def texture_drawn(self, noise, attributes):
        return noise + 0.25

    def numbers_told(self, noise_level, texture):
        return torch.cat([noise_level[:, None], texture.to(noise_level)], dim=1)

    def texture_of(self, z, attributes):
        return z.new_tensor([[3.0, 4.0]]).expand(len(z), 2)


def test_the_detail_stage_is_told_of_the_texture_that_is_drawn_and_of_a_known_one(cascade):
    made, _ = cascade
    detail = _TextureTold()
    made = dataclasses.replace(made, detail=detail, finer_texture={"film": 0.5})
    noise, layout = _noise(torch.Generator().manual_seed(4)), torch.ones(2, 4, 6, 5, dtype=torch.float64)
    attributes = torch.ones(2, 10)
    attributes[1, COLUMNS.index("kind")] = 0  # digital, film
    told = {"attributes": attributes, "mask": torch.zeros(2, 1, 24, 20), "steps": 1}
    made.draw_detail(noise, layout, **told)
    expected = noise.texture + torch.tensor([[0.25, 0.25], [0.75, 0.25]])
    assert torch.allclose(detail.told[-1][1][:, 1:], expected)
    drawn = torch.ones(2, 1, 24, 20, dtype=torch.float64)
    drawn[1, 0, 3, 4] = 0  # of the second something stays
    known = KnownLatent(torch.zeros(2, 4, 24, 20, dtype=torch.float64), drawn, torch.zeros(2, 1, 6, 5))
    made.draw_detail(noise, layout, **told, known=known)
    assert torch.allclose(detail.told[-1][1][:, 1:], torch.stack([expected[0], expected.new_tensor([3, 4])]))


@pytest.mark.parametrize("strength", [0.6, 1.0])
def test_the_noise_of_an_inversion_leads_back_to_the_known_latent(cascade, strength):
    made, seen = cascade
    noise = _noise(torch.Generator().manual_seed(5))
    told = {"attributes": torch.ones(2, 10), "spatial": torch.zeros(2, 2, 24, 20)}
    latent = made.draw(_noise(torch.Generator().manual_seed(6)), **told, steps=60)
    shown = torch.ones(2, 1, 6, 5, dtype=torch.float64)
    known = KnownLatent(latent, torch.ones(2, 1, 24, 20, dtype=torch.float64), shown, strength)
    seen.clear()
    found = made.inverted(noise, **told, known=known, steps=300)
    assert torch.equal(found.on_layout, noise.on_layout) and seen[0][2].shape[0] == 2  # no unconditional branch
    assert torch.equal(seen[0][2][:, 4:], shown)
    ways = [made.draw(start, **told, known=known, steps=60) for start in (found, noise)]
    near, far = (float((way - latent).abs().max()) for way in ways)
    assert near < 0.04 and far > 10 * near


def _guided(made, guide, weight):
    return dataclasses.replace(made, detail_guide=guide, detail_guidance=weight)


def _drawn(made):
    noise = _noise(torch.Generator().manual_seed(3))
    told = {"attributes": torch.ones(2, 10), "mask": torch.zeros(2, 1, 24, 20)}
    return made.draw_detail(noise, torch.ones(2, 4, 6, 5, dtype=torch.float64), **told, steps=60)


def test_the_detail_stage_is_pushed_away_from_a_weaker_network_by_the_weight(cascade):
    made, _ = cascade
    asked = []

    def scaled(factor):
        def guide(x, t, attributes, spatial, *, numbers):
            asked.append((spatial, numbers))
            return factor * made.detail(x, t, attributes, spatial, numbers=numbers)

        return guide

    plain = _drawn(made)
    assert torch.equal(_drawn(_guided(made, scaled(0.0), 1.0)), plain) and not asked  # weight 1 asks no guide
    assert torch.allclose(_drawn(_guided(made, scaled(1.0), 3.0)), plain, atol=1e-5)  # equal networks: nothing to push
    halved = _drawn(_guided(made, scaled(0.5), 2.0))  # 0.5 v + 2 (v - 0.5 v) = 1.5 v
    assert torch.allclose(halved, _drawn(_guided(made, scaled(0.0), 1.5)), atol=1e-5)
    assert (halved - plain).abs().mean() > 0.02
    assert torch.equal(asked[0][0], made.detail.told[0][0]) and asked[0][1].tolist() == [[0.1], [0.1]]


def test_the_detail_stage_goes_where_each_step_is_steered(cascade):
    made, _ = cascade
    noise, layout = _noise(torch.Generator().manual_seed(3)), torch.ones(2, 4, 6, 5, dtype=torch.float64)
    told = {"attributes": torch.ones(2, 10), "mask": torch.zeros(2, 1, 24, 20), "steps": 6}
    plain, n_steps = made.draw_detail(noise, layout, **told), []
    assert torch.allclose(made.draw_detail(noise, layout, **told, steer=lambda latent: latent), plain)
    there = torch.full_like(plain, 0.25)

    def steer(latent):
        n_steps.append(latent.shape)
        return there

    assert torch.allclose(made.draw_detail(noise, layout, **told, steer=steer), there, atol=1e-6)
    assert n_steps == [plain.shape] * 6


def test_each_acquisition_kind_may_have_a_weight_of_its_own(cascade):
    attributes = torch.full((3, len(COLUMNS)), -1.0)
    attributes[:, COLUMNS.index("kind")] = torch.tensor([2.0, 0.0, 1.0])  # contrast, film, digital

    def weights(stated):
        return by_kind(stated, attributes, name="detail_guidance", otherwise=1.0)

    assert weights({"film": 1.3, "contrast": 2}).flatten().tolist() == pytest.approx([2.0, 1.3, 1.0])
    assert weights(1.5).shape == (3, 1, 1, 1)
    for wrong, words in (({"tomosynthesis": 2}, "not one of film, digital, contrast"), ({"film": "much"}, "number")):
        with pytest.raises(RequestError, match=words):
            weights(wrong)
    made, _ = cascade  # its two items are digital
    nothing = _drawn(_guided(made, lambda x, *_, **__: 0 * x, {"film": 3.0}))
    assert torch.equal(nothing, _drawn(made))


def test_the_layout_stage_is_pushed_away_from_a_weaker_network_by_the_weight_of_the_kind(cascade):
    made, _ = cascade
    oracle = GaussianOracle(torch.tensor(-0.5, dtype=torch.float64), torch.tensor(0.4, dtype=torch.float64))
    asked = []

    def weaker(z_t, t, attributes, spatial, anatomy):
        asked.append(len(z_t))
        return _velocity(oracle, SCHEDULE, z_t, t)

    attributes = torch.ones(2, 10)
    attributes[1, COLUMNS.index("kind")] = 0  # digital, film
    told = {"attributes": attributes, "spatial": torch.zeros(2, 2, 24, 20), "steps": 60}
    start = _noise(torch.Generator().manual_seed(3)).layout
    plain = made.draw_layout(start, **told)
    for guidance, n_rows in ((1.0, 2), (2.0, 4)):  # without conditions too, where they pull
        pushed = dataclasses.replace(made, guide=weaker, layout_guidance={"film": 1.5})
        drawn = pushed.draw_layout(start, **told, guidance=guidance)
        assert torch.allclose(drawn[0], plain[0]) and drawn[1].std() > 1.1 * plain[1].std()
        assert asked == [n_rows] * 60
        asked.clear()
    dataclasses.replace(made, guide=weaker, layout_guidance=1.0).draw_layout(start, **told)
    assert not asked


def test_a_layout_stays_between_black_and_white(cascade):
    made, _ = cascade
    told = {"attributes": torch.ones(2, 10), "spatial": torch.zeros(2, 2, 24, 20), "steps": 20}
    start = _noise(torch.Generator().manual_seed(3)).layout
    free = made.draw_layout(start, **told)
    lowest, highest = float(free.quantile(0.1)), float(free.quantile(0.9))
    held = dataclasses.replace(made, layout_range=(lowest, highest)).draw_layout(start, **told)
    assert held.min() >= lowest and held.max() <= highest and held.std() > 0.5 * free.std()
    wide = dataclasses.replace(made, layout_range=(-100.0, 100.0)).draw_layout(start, **told)
    assert torch.equal(wide, free)


def test_a_guide_that_is_too_narrow_widens_the_details(cascade):
    """Where both stages are Gaussian, pushing away from one of less spread gives more spread, as far as is asked."""
    made, _ = cascade
    weaker = _PerfectDetail()
    weaker.oracle = GaussianOracle(torch.tensor(0.3, dtype=torch.float64), torch.tensor(0.8, dtype=torch.float64))
    smooth = enlarged_layout(
        torch.ones(2, 4, 6, 5, dtype=torch.float64) + 0.1 * _noise(torch.Generator().manual_seed(3)).on_layout, (24, 20)
    )
    spreads = [(_drawn(_guided(made, weaker, weight)) - smooth).std().item() for weight in (1.0, 1.2, 1.5)]
    assert spreads[0] < spreads[1] < spreads[2]


def test_a_layout_has_the_channels_of_the_latent_and_a_quarter_of_its_sides():
    assert Cascade.layout_shape((4, 96, 72)) == (4, 24, 18)
    assert Cascade.layout_shape((4, 63, 48)) == (4, 16, 12)


def test_noise_is_a_function_of_seed_sample_and_try_alone(cascade):
    made, _ = cascade
    one, again = made.noise(3, 7, 0, (4, 24, 20)), made.noise(3, 7, 0, (4, 24, 20))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert [tuple(part.shape) for part in one] == [(4, 6, 5), (4, 6, 5), (4, 24, 20), (2,)]
    assert not torch.equal(one.layout, one.on_layout)
    for other in (made.noise(4, 7, 0, (4, 24, 20)), made.noise(3, 8, 0, (4, 24, 20)), made.noise(3, 7, 1, (4, 24, 20))):
        assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))


class _Finish(PictureFinish):
    """Adds 1, and keeps what it was told."""

    def __init__(self):
        super().__init__(channels=4, dilations=(1,))
        self.told = []

    def forward(self, residual, attributes, planes):
        self.told.append((residual, planes))
        return torch.ones_like(residual)


def test_a_finish_is_added_to_the_drawn_residual_in_its_scale(cascade):
    made, _ = cascade
    finish = _Finish()
    plain, finished = _drawn(made), _drawn(dataclasses.replace(made, finish=finish))
    scale = made.detail.residual_scale(torch.ones(2, 10), torch.full((2,), 0.1, dtype=torch.float64))
    assert torch.allclose(finished - plain, scale.expand_as(plain))
    ((residual, planes),) = finish.told
    assert planes.shape == (2, 8, 24, 20) and torch.allclose(planes[:, :4] + residual * scale, plain)


def test_a_finish_acts_on_the_kinds_that_are_named_for_it(cascade):
    made, _ = cascade
    noise, layout = _noise(torch.Generator().manual_seed(4)), torch.ones(2, 4, 6, 5, dtype=torch.float64)
    kinds = torch.ones(2, 10)
    kinds[:, COLUMNS.index("kind")] = torch.tensor([0.0, 1.0])  # film, digital
    told = {"attributes": kinds, "mask": torch.zeros(2, 1, 24, 20), "steps": 4}
    plain = made.draw_detail(noise, layout, **told)
    weight = {"film": 0.5, "digital": 0.0}
    finished = dataclasses.replace(made, finish=_Finish(), finish_weight=weight).draw_detail(noise, layout, **told)
    scale = made.detail.residual_scale(kinds, torch.full((2,), 0.1, dtype=torch.float64))
    assert torch.allclose(finished[0] - plain[0], 0.5 * scale[0].expand_as(plain[0]))
    assert torch.equal(finished[1], plain[1])
    unused = _Finish()
    dataclasses.replace(made, finish=unused, finish_weight=0.0).draw_detail(noise, layout, **told)
    assert not unused.told


def test_a_finish_leaves_what_is_kept_and_acts_by_the_strength(cascade):
    made, _ = cascade
    noise, layout = _noise(torch.Generator().manual_seed(4)), torch.ones(2, 4, 6, 5, dtype=torch.float64)
    drawn = torch.ones(2, 1, 24, 20, dtype=torch.float64)
    drawn[:, :, :12] = 0
    known = KnownLatent(torch.zeros(2, 4, 24, 20, dtype=torch.float64), drawn, torch.zeros(2, 1, 6, 5), 0.4)
    told = {"attributes": torch.ones(2, 10), "mask": torch.zeros(2, 1, 24, 20), "steps": 4, "known": known}
    plain = made.draw_detail(noise, layout, **told)
    finished = dataclasses.replace(made, finish=_Finish()).draw_detail(noise, layout, **told)
    scale = made.detail.residual_scale(torch.ones(2, 10), torch.full((2,), 0.1, dtype=torch.float64))
    assert torch.equal(finished[:, :, :12], plain[:, :, :12])
    share = (finished - plain)[:, :, 12:] / scale
    assert torch.allclose(share, torch.full_like(share, 0.5))  # the detail stage leads by 1.25
