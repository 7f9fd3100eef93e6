"""The U-Net hears each condition, ignores what is not given and keeps samples apart."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from monai_mammo.attributes import COLUMNS
from monai_mammo.networks.blocks import CrossAttention
from monai_mammo.networks.diffusion_unet import DiffusionUNet, FilmBlock

NOT_GIVEN = torch.full((1, 10), -1.0)
EVERYTHING = torch.tensor([[1.0, 2.0, 1.0, 0.0, 1.0, 4.0, 0.2, 0.3, 0.5, 0.6]])
GROUPS = {name: [column] for column, name in enumerate(COLUMNS[:6])} | {"box": [6, 7, 8, 9]}


def small() -> DiffusionUNet:
    torch.manual_seed(0)
    return DiffusionUNet(channels=(16, 32), n_blocks=1, attention_scales=(1,), context_channels=16).eval()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def network(awake):
    return awake(small())


def ask(network, attributes=NOT_GIVEN, *, x=None, t=0.5, spatial=None, **more):
    x = noise(len(attributes), 4, 8, 12) if x is None else x
    spatial = torch.zeros(len(x), 2, *x.shape[2:]) if spatial is None else spatial
    with torch.no_grad():
        return network(x, torch.full((len(x),), t), attributes, spatial, **more)


def changed(a: torch.Tensor, b: torch.Tensor) -> float:
    """Change of an output, as a share of its spread."""
    return ((a - b).std() / b.std()).item()


@settings(max_examples=10)
@given(rows=st.integers(1, 17), columns=st.integers(1, 17))
def test_any_size_of_latent(rows, columns):
    x = noise(1, 4, rows, columns)
    out = ask(small(), x=x)
    assert out.shape == x.shape and out.dtype == torch.float32


def test_untrained_it_predicts_nothing():
    assert not ask(small(), EVERYTHING).any()


def test_the_last_row_and_column_of_an_odd_size_are_seen(network):
    x = noise(1, 4, 9, 7)
    before = ask(network, x=x)
    for index in ((..., -1, slice(None)), (..., slice(None), -1)):
        other = x.clone()
        other[index] += 1
        assert changed(ask(network, x=other)[index], before[index]) > 0.1


def test_an_odd_size_is_the_upper_left_part_of_the_padded_one(network):
    x = noise(1, 4, 9, 7)
    padded = torch.cat([x, x[..., -1:]], dim=3)
    padded = torch.cat([padded, padded[..., -1:, :].expand(1, 4, 3, 8)], dim=2)
    torch.testing.assert_close(ask(network, x=x), ask(network, x=padded)[..., :9, :7])


def test_the_memory_format_changes_nothing(network):
    x = noise(1, 4, 8, 12)
    torch.testing.assert_close(ask(network, x=x.to(memory_format=torch.channels_last)), ask(network, x=x))


@pytest.mark.parametrize("name", GROUPS)
def test_each_condition_alone_is_heard(network, name):
    only = NOT_GIVEN.clone()
    only[:, GROUPS[name]] = EVERYTHING[:, GROUPS[name]]
    assert changed(ask(network, only), ask(network)) > 0.01


@pytest.mark.parametrize("name", GROUPS)
def test_each_condition_can_be_dropped_alone(network, name):
    without = EVERYTHING.clone()
    without[:, GROUPS[name]] = -1
    assert changed(ask(network, without), ask(network, EVERYTHING)) > 0.01


def test_what_is_not_given_is_not_heard(network):
    """Below 0 every number means the same, and the rest of a box without x0 means nothing."""
    odd = torch.tensor([[-1.0] * 6 + [-1.0, 0.3, 0.5, 0.6]])
    assert torch.equal(ask(network, odd), ask(network))
    assert torch.equal(ask(network, 3 * NOT_GIVEN), ask(network))


@pytest.mark.parametrize("plane", [0, 1])
def test_lesion_mask_and_box_are_seen_where_they_are(network, plane):
    spatial = torch.zeros(1, 2, 16, 32)
    spatial[:, plane, 6:10, 2:6] = 1
    x = noise(1, 4, 16, 32)
    difference = (ask(network, x=x, spatial=spatial) - ask(network, x=x)).abs().mean(dim=(0, 1))
    assert difference[6:10, 2:6].mean() > 3 * difference[:, 24:].mean()
    assert difference[6:10, 2:6].mean() > 0.01


def test_mask_and_box_planes_are_told_apart(network):
    spatial = torch.zeros(1, 2, 8, 12)
    spatial[:, 0, 2:5, 2:6] = 1
    assert changed(ask(network, spatial=spatial.flip(1)), ask(network, spatial=spatial)) > 0.01


def test_time_is_heard(network):
    assert changed(ask(network, t=0.2), ask(network, t=0.8)) > 0.05
    assert changed(ask(network, t=0.500), ask(network, t=0.501)) > 1e-4


def test_further_tokens_are_heard(network):
    assert changed(ask(network, extra_tokens=noise(1, 3, 16)), ask(network)) > 0.01


@pytest.mark.parametrize("deaf", [CrossAttention, FilmBlock])
def test_conditions_arrive_by_attention_and_by_film(network, deaf):
    """With either way closed the other still carries them."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, deaf):
                for parameter in (module.out if deaf is CrossAttention else module.film).parameters():
                    parameter.zero_()
    assert changed(ask(network, EVERYTHING), ask(network)) > 0.01


def test_every_weight_has_a_gradient(network, silent):
    x = noise(3, 4, 8, 12)
    attributes = torch.cat([NOT_GIVEN, EVERYTHING, EVERYTHING])
    out = network(x, torch.tensor([0.1, 0.5, 0.9]), attributes, torch.rand(3, 2, 8, 12))
    assert silent(network, out) == []


def test_there_is_attention_to_the_context_at_every_scale():
    network = DiffusionUNet(channels=(16, 24, 32), n_blocks=1, attention_scales=())
    widths = [m.out.out_features for m in network.modules() if isinstance(m, CrossAttention)]
    assert sorted(widths) == [16, 16, 24, 24, 32, 32, 32]  # down and up at each scale, and the middle


def test_batch_and_order_change_no_sample(network):
    x, spatial = noise(4, 4, 8, 12), noise(4, 2, 8, 12, seed=1).sigmoid()
    attributes = torch.cat([NOT_GIVEN, EVERYTHING, NOT_GIVEN, EVERYTHING])
    together = ask(network, attributes, x=x, spatial=spatial)
    order = [3, 1, 0, 2]
    alone = torch.cat([ask(network, attributes[[i]], x=x[[i]], spatial=spatial[[i]]) for i in order])
    torch.testing.assert_close(together[order], alone, rtol=0, atol=1e-5)


def test_bf16_autocast_answers_in_float32_nearly_the_same(network):
    exact = ask(network, EVERYTHING)
    with torch.autocast("cpu", torch.bfloat16):
        rough = ask(network, EVERYTHING)
    assert rough.dtype == torch.float32
    # bfloat16 has 8 bits, 0.4 % a layer, over some 20 layers
    assert changed(rough, exact) < 0.05


@pytest.mark.parametrize("n_scales", [1, 2, 4])
def test_any_number_of_scales(n_scales):
    network = DiffusionUNet(channels=(8,) * n_scales, n_blocks=2, attention_scales=(0,), context_channels=8)
    assert ask(network, x=noise(1, 4, 10, 6)).shape == (1, 4, 10, 6)


def test_film_at_zero_is_the_identity():
    torch.manual_seed(0)
    block = FilmBlock(8, 8, 4)
    nn.init.normal_(block.conv2.weight)
    nn.init.zeros_(block.film.weight)
    nn.init.zeros_(block.film.bias)
    x, embedding = torch.randn(2, 8, 5, 6), torch.randn(2, 4)
    inner = block.conv1(functional.silu(block.norm1(x)))
    plain = x + block.conv2(functional.silu(block.norm2(inner)))
    assert torch.allclose(block(x, embedding), plain, atol=1e-6)
    nn.init.constant_(block.film.bias[:8], 1.0)  # scales by two
    doubled = x + block.conv2(functional.silu(2 * block.norm2(inner)))
    assert torch.allclose(block(x, embedding), doubled, atol=1e-5)
