"""What the code of a generated mammogram's texture is drawn from."""

from __future__ import annotations

import pytest
import torch

from monai_mammo.attributes import COLUMNS, NOT_GIVEN
from monai_mammo.networks import DetailUNet, TexturePrior
from monai_mammo.terms import Density, View

N = 4000
FINER_BY_VIEW, FINER_BY_DENSITY = (-0.25, 0.25), (0.3, 0.1, -0.1, -0.3)


def _asked(*, kind=0, view=NOT_GIVEN, density=NOT_GIVEN, n=1):
    attributes = torch.full((n, len(COLUMNS)), NOT_GIVEN)
    for name, value in (("kind", kind), ("view", view), ("density", density)):
        attributes[:, COLUMNS.index(name)] = torch.as_tensor(value, dtype=torch.float32)
    return attributes


@pytest.fixture(scope="module")
def fitted():
    """A prior fitted to films whose first number follows view and density and whose numbers go together."""
    generator = torch.Generator().manual_seed(0)
    view = torch.randint(len(View), (N,), generator=generator)
    density = torch.randint(len(Density), (N,), generator=generator)
    noise = torch.randn(N, 2, generator=generator)
    codes = torch.stack([0.8 * noise[:, 0], 0.3 * noise[:, 0] + 0.6 * noise[:, 1]], dim=1)
    codes[:, 0] += torch.tensor(FINER_BY_VIEW)[view] + torch.tensor(FINER_BY_DENSITY)[density]
    prior = TexturePrior(2)
    few = _asked(kind=2, view=0, n=5)
    prior.fit(torch.cat([codes, torch.ones(5, 2)]), torch.cat([_asked(view=view, density=density, n=N), few]))
    return prior, codes


def test_a_drawn_code_is_that_of_its_view_and_density(fitted):
    prior, _ = fitted
    for view in range(2):
        for density in range(4):
            found = prior(torch.zeros(1, 2), _asked(view=view, density=density))[0]
            assert float(found[0]) == pytest.approx(FINER_BY_VIEW[view] + FINER_BY_DENSITY[density], abs=0.06)
            assert abs(float(found[1])) < 0.06


def test_codes_drawn_for_all_views_and_densities_spread_as_the_acquired_ones_do(fitted):
    prior, codes = fitted
    generator = torch.Generator().manual_seed(1)
    views, densities = (torch.randint(n, (N,), generator=generator) for n in (2, 4))
    drawn = prior(torch.randn(N, 2, generator=generator), _asked(view=views, density=densities, n=N))
    assert torch.allclose(torch.cov(drawn.T), torch.cov(codes.T), atol=0.05)
    assert torch.allclose(drawn.mean(dim=0), codes.mean(dim=0), atol=0.05)


def test_what_is_not_given_shifts_nothing(fitted):
    prior, _ = fitted
    assert not prior(torch.zeros(1, 2), _asked()).any()
    assert float(prior(torch.zeros(1, 2), _asked(view=1))[0, 0]) == pytest.approx(FINER_BY_VIEW[1], abs=0.06)


def test_a_kind_of_which_few_were_seen_keeps_the_standard_gaussian(fitted):
    prior, _ = fitted
    noise = torch.randn(3, 2)
    for kind in (1, 2):
        assert torch.equal(prior(noise, _asked(kind=kind, view=0, n=3)), noise)


def test_a_detail_stage_without_a_prior_draws_the_noise_and_with_one_what_that_makes_of_it(fitted):
    noise, asked = torch.randn(2, 2), _asked(view=1, density=3, n=2)
    small = {"channels": (8,), "n_blocks": 1, "context_channels": 8}
    for plain in (DetailUNet(**small), DetailUNet(**small, is_told_texture=True)):
        assert plain.texture_drawn(noise, asked) is noise
    told = DetailUNet(**small, is_told_texture=True, texture_by_condition=True)
    told.texture.prior.load_state_dict(fitted[0].state_dict())
    expected = fitted[0](noise, asked)
    assert torch.equal(told.texture_drawn(noise, asked), expected) and not torch.equal(noise, expected)
