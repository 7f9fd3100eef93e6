"""The code of a mammogram's texture, and the detail stage that is told of it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from monai_mammo.attributes import COLUMNS
from monai_mammo.networks import DetailUNet, TextureCode, layout_of
from monai_mammo.networks.detail_unet import distance_to_air

KIND = COLUMNS.index("kind")


def _latent(grain, *, seed, contrast=1.0, clumps=0.1):
    """A breast on the left whose layout varies by `contrast`, with white grain and clumps of those deviations."""
    generator = torch.Generator().manual_seed(seed)
    half = torch.full((1, 1, 96, 80), -2.0)
    smooth = functional.interpolate(torch.randn(1, 1, 6, 4, generator=generator), size=(96, 56), mode="bicubic")
    half[..., :56] = 0.5 + 0.2 * contrast * smooth
    half[..., :56] += grain * torch.randn(1, 1, 96, 56, generator=generator)
    half[..., :56] += clumps * torch.randn(1, 1, 48, 28, generator=generator).repeat_interleave(2, 2).repeat_interleave(
        2, 3
    )
    return functional.pixel_unshuffle(half, 2)


def _parts(z):
    layout = layout_of(z)
    return z, layout, distance_to_air(layout, -2.0)


@pytest.fixture
def fitted():
    """A code fitted to 40 films of many grains and to too few contrast views; its films' parts."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.rand(40, 3, generator=generator).tolist()
    films = [
        _parts(_latent(0.02 + 0.2 * grain, seed=i, contrast=0.3 + contrast, clumps=0.02 + 0.2 * clumps))
        for i, (grain, contrast, clumps) in enumerate(drawn)
    ]
    code = TextureCode(16)
    few = [_parts(_latent(0.3, seed=100 + i)) for i in range(4)]
    code.fit([tuple(part[0] for part in parts) for parts in films + few], [0] * 40 + [2] * 4)
    return code, films


def _codes(code, all_parts, kind=0):
    kinds = torch.full((len(all_parts),), kind)
    return code.code(*(torch.cat(parts) for parts in zip(*all_parts, strict=True)), kinds)


def test_codes_of_a_kind_have_mean_0_and_no_covariance_whatever_the_layout(fitted):
    code, films = fitted
    found = _codes(code, films)
    assert found.mean(dim=0).abs().max() < 0.1
    assert torch.allclose(torch.cov(found.T, correction=0), torch.eye(2), atol=0.15)
    contrast = torch.stack([parts[1][:, 0].std() for parts in films])
    assert abs(float(torch.corrcoef(torch.stack([found[:, 0], contrast]))[0, 1])) < 0.2


def test_the_first_number_rises_with_grain_and_is_bounded(fitted):
    code, _ = fitted
    coarse, fine, absurd = (_parts(_latent(grain, seed=7)) for grain in (0.03, 0.15, 90.0))
    numbers = _codes(code, [coarse, fine, absurd])
    assert numbers[0, 0] + 1 < numbers[1, 0] <= numbers[2, 0] and numbers.abs().max() == 4


def test_a_kind_of_which_few_were_seen_takes_what_all_give(fitted):
    code, _ = fitted
    assert torch.equal(code.regression[1], code.regression[2]) and torch.equal(code.whitening[1], code.whitening[2])
    assert not torch.equal(code.regression[0], code.regression[2])


def test_a_detail_stage_that_is_told_of_texture_begins_as_one_that_is_not():
    torch.manual_seed(0)
    told = DetailUNet(channels=(8,), n_blocks=1, context_channels=8, is_told_texture=True)
    for name, parameter in told.named_parameters():  # many start at 0 and would hide what comes before
        if not name.startswith("texture.") and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    x, planes = torch.randn(2, 4, 16, 16), torch.randn(2, 8, 16, 16)
    attributes = torch.zeros(2, len(COLUMNS))
    level, code = torch.tensor([0.1, 0.0]), torch.tensor([[1.0, -1.0], [2.0, 0.5]])
    numbers = told.numbers_told(level, code)
    assert numbers.shape == (2, 3)

    def answer(given):
        return told(x, torch.full((2,), 0.5), attributes, planes, numbers=given)

    assert torch.equal(answer(numbers), answer(level[:, None]))
    torch.nn.init.normal_(told.texture.embed[-1].weight)
    assert not torch.allclose(answer(numbers), answer(level[:, None]))


def test_a_detail_stage_that_is_not_told_of_texture_gets_the_noise_level_alone():
    plain = DetailUNet(channels=(8,), n_blocks=1, context_channels=8)
    level, attributes = torch.tensor([0.1, 0.0]), torch.zeros(2, len(COLUMNS))
    assert plain.numbers_told(level, torch.ones(2, 2)).tolist() == level[:, None].tolist()
    assert not plain.texture_of(torch.randn(2, 4, 16, 16), attributes).any()


def test_the_texture_of_latents_is_the_code_of_their_kind(fitted):
    code, films = fitted
    network = DetailUNet(channels=(4,), n_blocks=1, context_channels=8, is_told_texture=True)
    network.texture.load_state_dict(code.state_dict())
    network.air.fill_(-2.0)
    attributes = torch.zeros(2, len(COLUMNS))
    attributes[1, KIND] = 2
    z = torch.cat([films[3][0], films[3][0]])
    found = network.texture_of(z, attributes)
    assert torch.allclose(found[:1], _codes(code, films[3:4]))
    assert torch.allclose(found[1:], _codes(code, films[3:4], kind=2)) and not torch.allclose(found[0], found[1])
