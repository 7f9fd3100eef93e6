"""The lesion painter's network: bands that lose nothing, scales that follow the surroundings."""

from __future__ import annotations

import pytest
import torch

from monai_mammo.attributes import COLUMNS
from monai_mammo.networks.painter_unet import N_BANDS, PainterUNet, from_bands, pixel_numbers, to_bands


def tiny_painter():
    torch.manual_seed(0)
    return PainterUNet(channels=[8, 16], n_blocks=1, context_channels=8)


def test_bands_are_orthonormal_and_put_the_mean_first():
    z = torch.randn(2, 4, 16, 12, generator=torch.Generator().manual_seed(0))
    bands = to_bands(z)
    assert bands.shape == (2, N_BANDS, 8, 6)
    assert torch.allclose(from_bands(bands), z, atol=1e-5)
    assert float(bands.square().sum()) == pytest.approx(float(z.square().sum()), rel=1e-5)
    flat = to_bands(torch.full((1, 4, 8, 8), 0.5))
    assert torch.allclose(flat[:, 0], torch.tensor(2.0)) and flat[:, 1:].abs().max() < 1e-6


def test_the_scale_follows_the_texture_of_the_surroundings_and_not_of_the_region():
    network = tiny_painter()
    z = 0.3 * torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(1))
    region = torch.zeros(1, 1, 32, 32)
    region[..., 10:20, 10:20] = 1
    pixels = pixel_numbers([0.5])
    plain = network.seen(z, region, region, pixels)
    twice = network.seen(2 * z, region, region, pixels)
    assert torch.allclose(twice.scale, 2 * plain.scale, rtol=1e-4)
    louder = torch.where(region > 0, 9 * z, z)
    assert torch.allclose(network.seen(louder, region, region, pixels).scale, plain.scale)
    assert plain.drawn.shape == (1, 1, 16, 16) and int(plain.drawn.sum()) == 25
    assert pixels[0].tolist() == [1.0, 1.0] and pixel_numbers([None])[0].tolist() == [0.0, 0.0]


def test_every_condition_reaches_the_answer():
    network = tiny_painter()
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    x, t = torch.randn(1, N_BANDS, 16, 16), torch.full((1,), 0.5)
    attributes = torch.full((1, len(COLUMNS)), -1.0)
    given = {"spatial": torch.zeros(1, 4, 16, 16), "known": torch.randn(1, 20, 16, 16), "numbers": torch.zeros(1, 3)}
    answer = network(x, t, attributes, **given)
    assert answer.shape == x.shape
    finding = attributes.clone()
    finding[:, COLUMNS.index("finding")] = 1
    assert (network(x, t, finding, **given) - answer).abs().max() > 1e-4
    for name, value in given.items():
        assert (network(x, t, attributes, **{**given, name: value + 1}) - answer).abs().max() > 1e-4, name
