"""The VAE baseline: what its vector stands for, and what a conditional one is told."""

from __future__ import annotations

import pytest
import torch

from monai_mammo.conditions import Conditions
from monai_mammo.networks import LatentVAE, encode_conditions
from monai_mammo.sampling import VectorPrior, stack_noise

SMALL = {"latent_shape": (24, 20), "channels": (8, 16), "n_vector": 6}


def made(**more) -> LatentVAE:
    torch.manual_seed(0)
    network = LatentVAE(**{**SMALL, **more}).eval()
    for parameter in network.parameters():  # what starts at 0 is made to count
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return network


def rows(**kinds) -> torch.Tensor:
    return encode_conditions([Conditions.from_dict(kinds)] * 2)


def test_latents_that_are_no_multiple_of_the_grid_come_back_whole():
    network = made()
    z, mu, log_variance = network(torch.randn(2, 4, 24, 20))
    assert z.shape == (2, 4, 24, 20) and mu.shape == log_variance.shape == (2, 6)
    with pytest.raises(ValueError, match=r"latent of \(24, 24\): this network takes \(24, 20\)"):
        network(torch.randn(2, 4, 24, 24))


def test_noise_moves_the_vector_by_its_deviation():
    network, x, noise = made(), torch.randn(2, 4, 24, 20), torch.randn(2, 6)
    z, mu, log_variance = network(x, noise=noise)
    assert torch.allclose(z, network.decode(mu + noise * (log_variance / 2).exp()), atol=1e-6)
    assert not torch.allclose(z, network(x)[0], atol=1e-3)


def test_a_plain_one_ignores_conditions_and_has_no_weights_for_them():
    network, vector = made(), torch.randn(2, 6)
    told = network.decode(vector, rows(density="A", view="CC"), torch.rand(2, 2, 24, 20))
    assert torch.equal(told, network.decode(vector))
    assert not any(name.startswith(("tokens", "told")) for name in network.state_dict())


@pytest.mark.parametrize("side", ["encode", "decode"])
@pytest.mark.parametrize("given", ["density", "mask", "age_years"])
def test_a_conditional_one_is_told_on_both_sides_of_the_vector(side, given):
    network = made(conditional=True, context_channels=8, more_attributes=["pathology", "age_years"])
    plain, planes = rows(view="CC"), torch.zeros(2, 2, 24, 20)
    other = {"density": rows(view="CC", density="D"), "age_years": rows(view="CC", age_years=70)}.get(given, plain)
    mask = planes.clone()
    mask[:, 0, 4:8, 4:8] = given == "mask"
    if side == "encode":
        x = torch.randn(2, 4, 24, 20)
        one, two = network.encode(x, plain, planes)[0], network.encode(x, other, mask)[0]
    else:
        vector = torch.randn(2, 6)
        one, two = network.decode(vector, plain, planes), network.decode(vector, other, mask)
    assert (one - two).abs().max() > 1e-4


def test_nothing_given_is_every_condition_dropped():
    network, vector = made(conditional=True, context_channels=8), torch.randn(2, 6)
    assert torch.equal(network.decode(vector), network.decode(vector, rows(), torch.zeros(2, 2, 24, 20)))


def test_a_draw_is_the_decoded_noise_of_its_sample_alone():
    network = made(conditional=True, context_channels=8)
    prior = VectorPrior(network)
    noise = [prior.noise(3, index, 0, (4, 24, 20)) for index in (0, 1)]
    assert not torch.equal(noise[0].vector, prior.noise(3, 0, 1, (4, 24, 20)).vector), "another try, another vector"
    steps = []
    planes = torch.rand(2, 2, 24, 20)
    attributes = torch.cat([rows(density="A")[:1], rows(density="D")[:1]])
    both = prior.draw(
        stack_noise(noise),
        attributes=attributes,
        spatial=planes,
        guidance=9.0,
        steps=20,
        on_step=lambda: steps.append(1),
    )
    alone = prior.draw(stack_noise(noise[1:]), attributes=attributes[1:], spatial=planes[1:])
    assert len(steps) == prior.n_evaluations(20) == 1
    assert torch.allclose(both[1:], alone, atol=1e-5)
    assert torch.equal(VectorPrior.noise_of_length(6, 3, 1, 0).vector, noise[1].vector)


@pytest.mark.parametrize("silenced", ["decode_input", "decode_wide"])
def test_planes_enter_the_decoder_at_two_scales(silenced):
    network, vector = made(conditional=True, context_channels=8), torch.randn(1, 6)
    with torch.no_grad():
        if silenced == "decode_input":
            network.decode_input.weight[:, 16:] = 0
        else:
            block = network.decode_wide[0]
            block.conv1.weight[:, 8:] = 0
            block.shortcut.weight[:, 8:] = 0
    mask = torch.zeros(1, 2, 24, 20)
    other = mask.clone()
    other[:, 0, 8:12, 8:12] = 1
    one, two = network.decode(vector, rows()[:1], mask), network.decode(vector, rows()[:1], other)
    assert (one - two).abs().max() > 1e-3
