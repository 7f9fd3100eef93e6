"""A known latent that is kept or started from, against closed forms."""

from __future__ import annotations

import pytest
import torch

from monai_mammo.errors import RequestError
from monai_mammo.networks import DetailUNet, enlarged_layout, layout_of
from monai_mammo.sampling import (
    Cascade,
    CascadeNoise,
    CosineSchedule,
    GaussianOracle,
    KnownLatent,
    dpm_solver_pp_2m,
    joined,
    keeping,
    partial_time_grid,
    per_sample,
    started_from,
    time_grid,
)

SCHEDULE = CosineSchedule(shift=1.5)
ORACLE = GaussianOracle(torch.tensor(0.4, dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64))


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_what_is_kept_is_the_known_latent_and_on_the_way_there_the_known_latent_with_the_noise_of_the_start():
    known, noise = draw(1, 2, 6, 5), draw(1, 2, 6, 5, seed=1)
    drawn = torch.zeros(1, 1, 6, 5, dtype=torch.float64)
    drawn[..., 2:4, 1:3] = 1
    times = partial_time_grid(SCHEDULE, 20, 0.7)
    seen = []
    result = dpm_solver_pp_2m(
        keeping(ORACLE.predictor(SCHEDULE), known, drawn),
        started_from(known, noise, times[0], SCHEDULE, strength=0.7),
        times,
        SCHEDULE,
        callback=lambda i, z_t, z0: seen.append((times[i], z_t)),
    )
    kept = (drawn == 0).expand_as(known)
    assert torch.equal(result[kept], known[kept])
    assert not torch.isclose(result[~kept], known[~kept], atol=1e-3).any()
    for t, z_t in seen:
        expected = SCHEDULE.alpha(t) * known + SCHEDULE.sigma(t) * noise
        torch.testing.assert_close(z_t[kept], expected[kept], rtol=0, atol=1e-9)


def test_a_seam_mixes_the_two():
    known, half = torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.25)
    mixed = keeping(lambda z_t, t: torch.ones_like(z_t), known, half)(known, torch.zeros(1))
    assert torch.equal(mixed, half)


@pytest.mark.parametrize("strength", [0.2, 0.5, 0.9])
def test_a_start_from_gaussian_data_ends_where_its_exact_path_ends(strength):
    """The start lies a known number of deviations from the mean of its time, and keeps it (see `GaussianOracle`)."""
    known, noise = draw(3, 2, 4, 4), draw(3, 2, 4, 4, seed=1)
    times = partial_time_grid(SCHEDULE, 400, strength)
    assert float(times[0]) == pytest.approx(strength)
    start = started_from(known, noise, times[0], SCHEDULE, strength=strength)
    levels = {"alpha": SCHEDULE.alpha(times[0]), "sigma": SCHEDULE.sigma(times[0])}
    score = (start - levels["alpha"] * ORACLE.mean) / ORACLE.deviation(**levels)
    result = dpm_solver_pp_2m(ORACLE.predictor(SCHEDULE), start, times, SCHEDULE)
    # the noise left at the end of the grid, sigma 0.007, and the solver's error
    torch.testing.assert_close(result, ORACLE.mean + ORACLE.spread * score, rtol=0, atol=0.01)


def test_the_whole_way_is_the_usual_grid_and_pure_noise():
    known, noise = draw(1, 2, 4, 4), draw(1, 2, 4, 4, seed=1)
    assert torch.equal(partial_time_grid(SCHEDULE, 20, 1.0), time_grid(SCHEDULE, 20))
    assert started_from(known, noise, torch.tensor(1.0), SCHEDULE, strength=1.0) is noise


def test_no_way_has_no_times_and_a_short_one_has_one():
    assert len(partial_time_grid(SCHEDULE, 20, 0.0)) == 0
    assert len(partial_time_grid(SCHEDULE, 20, 1e-6)) == 1
    n = [len(partial_time_grid(SCHEDULE, 20, strength)) for strength in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert n == sorted(n) and n[-1] == 20


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_outside_its_range_is_refused(strength):
    with pytest.raises(RequestError, match="strength .* is not a number from 0 to 1"):
        partial_time_grid(SCHEDULE, 20, strength)


class TestJoined:
    known = draw(1, 2, 12, 10)
    hole = torch.zeros(1, 1, 12, 10, dtype=torch.float64)
    hole[..., 3:9, 2:8] = 1

    def test_an_offset_of_what_was_drawn_goes_away(self):
        shifted = self.known + torch.tensor([2.0, -0.5])[None, :, None, None]
        torch.testing.assert_close(joined(shifted, self.known, self.hole), self.known, rtol=0, atol=1e-6)

    def test_what_stands_out_of_its_surroundings_stays(self):
        lesion = torch.zeros_like(self.known)
        lesion[..., 5:7, 4:6] = 3.0
        result = joined(self.known + lesion + 1.0, self.known, self.hole)
        torch.testing.assert_close(result, self.known + lesion, rtol=0, atol=1e-6)

    def test_a_difference_that_rises_along_the_rim_is_continued_linearly(self):
        ramp = torch.linspace(0, 1, 12, dtype=torch.float64)[:, None].expand(12, 10)
        result = joined(self.known - ramp, self.known, self.hole)
        torch.testing.assert_close(result, self.known, rtol=0, atol=1e-6)

    def test_outside_nothing_changes_and_a_hole_that_is_all_is_left_alone(self):
        other = draw(1, 2, 12, 10, seed=3)
        kept = (self.hole == 0).expand_as(other)
        assert torch.equal(joined(other, self.known, self.hole)[kept], self.known[kept])
        assert torch.equal(joined(other, self.known, torch.ones_like(self.hole)), other)


@pytest.fixture(scope="module")
def cascade():
    torch.manual_seed(0)
    detail = DetailUNet(channels=(8,), n_blocks=1, context_channels=8).eval()
    detail.residual_std.copy_(torch.tensor([0.1, 0.2, 0.4]))
    told = []

    def layout(z_t, t, attributes, spatial, anatomy):
        told.append(anatomy)
        return torch.sin(3 * z_t) + 0.5

    return Cascade(layout, detail.requires_grad_(False), SCHEDULE, CosineSchedule(), layout_noise=0.1), told


class TestCascade:
    """Two stages with random weights: what is promised of a known latent holds whatever they say."""

    latent = torch.randn(1, 4, 24, 20, generator=torch.Generator().manual_seed(5))
    given = {"attributes": torch.zeros(1, 18), "spatial": torch.zeros(1, 2, 24, 20), "guidance": 1.0}

    @staticmethod
    def noise():
        generator = torch.Generator().manual_seed(1)
        small, full = (1, 4, 6, 5), (1, 4, 24, 20)
        return CascadeNoise(*(torch.randn(*shape, generator=generator) for shape in (small, small, full, (1, 2))))

    def known(self, *, drawn=1.0, seen=0.0, strength=1.0):
        drawn = torch.as_tensor(drawn).expand(1, 1, 24, 20)
        return KnownLatent(self.latent, drawn, torch.full((1, 1, 6, 5), seen), strength)

    def test_strength_0_gives_the_known_latent_without_a_network(self, cascade):
        made, told = cascade
        told.clear()
        z = made.draw(self.noise(), known=self.known(strength=0.0), steps=5, **self.given)
        torch.testing.assert_close(z, self.latent, rtol=0, atol=1e-5)
        assert not told

    def test_the_higher_the_strength_the_farther_the_result(self, cascade):
        made, _ = cascade
        distances = [
            float((made.draw(self.noise(), known=self.known(strength=s), steps=8, **self.given) - self.latent).std())
            for s in (0.05, 0.3, 0.6, 1.0)
        ]
        assert distances == sorted(distances) and distances[0] < 0.2 * distances[-1]

    def test_where_nothing_is_drawn_the_latent_stays(self, cascade):
        made, _ = cascade
        drawn = torch.zeros(1, 1, 24, 20)
        drawn[..., 8:16, 6:14] = 1
        z = made.draw(self.noise(), known=self.known(drawn=drawn), steps=5, **self.given)
        kept = (drawn == 0).expand_as(z)
        torch.testing.assert_close(z[kept], self.latent[kept], rtol=0, atol=1e-5)
        assert (z - self.latent)[~kept].std() > 0.3

    def test_what_is_seen_is_the_known_layout(self, cascade):
        made, told = cascade
        told.clear()
        made.draw(self.noise(), known=self.known(seen=1.0), steps=2, **self.given)
        torch.testing.assert_close(told[0], torch.cat([layout_of(self.latent), torch.ones(1, 1, 6, 5)], dim=1))

    def test_without_a_known_latent_nothing_is_seen_and_one_that_is_not_used_changes_nothing(self, cascade):
        made, told = cascade
        told.clear()
        plain = made.draw(self.noise(), steps=3, **self.given)
        assert not told[0].any()
        torch.testing.assert_close(made.draw(self.noise(), known=self.known(), steps=3, **self.given), plain)


class _Believing(DetailUNet):
    """Takes what it is given for the clean residual with little noise on it: all residuals are alike to it."""

    oracle = GaussianOracle(torch.tensor(0.0), torch.tensor(1e3))

    def forward(self, x, timesteps, attributes, spatial, extra_tokens=None, *, numbers=None):
        schedule = CosineSchedule()
        levels = {"alpha": per_sample(schedule.alpha(timesteps), x), "sigma": per_sample(schedule.sigma(timesteps), x)}
        return (levels["alpha"] * x - self.oracle.z0(x, **levels)) / levels["sigma"]


def test_the_known_detail_lies_on_a_new_layout_and_does_not_undo_it():
    detail = _Believing(channels=(8,), n_blocks=1, context_channels=8).eval().requires_grad_(False)
    made = Cascade(lambda *_: None, detail, SCHEDULE, CosineSchedule(), layout_noise=0.1)
    latent = TestCascade.latent
    new = layout_of(latent) + 0.7
    noise = CascadeNoise(
        torch.zeros(1, 4, 6, 5), draw(1, 4, 6, 5).float(), torch.zeros(1, 4, 24, 20), torch.zeros(1, 2)
    )
    known = KnownLatent(latent, torch.ones(1, 1, 24, 20), torch.zeros(1, 1, 6, 5), 0.1)
    given = {"attributes": torch.zeros(1, 18), "mask": torch.zeros(1, 1, 24, 20)}
    z = made.draw_detail(noise, new, **given, known=known, steps=12)
    expected = enlarged_layout(new, (24, 20)) + latent - enlarged_layout(layout_of(latent), (24, 20))
    torch.testing.assert_close(z, expected, rtol=0, atol=0.02)
