"""Pieces of the networks against what they are in plain arithmetic."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_mammo.networks.blocks import (
    CrossAttention,
    ResidualBlock,
    SelfAttention,
    attend,
    group_norm,
    pad_to_multiple,
    timestep_features,
)

sides = st.integers(1, 30)


@given(rows=sides, columns=sides, multiple=st.sampled_from([1, 2, 4, 8]))
def test_padding_reaches_the_next_multiple_and_keeps_all_pixel_values(rows, columns, multiple):
    x = torch.arange(rows * columns, dtype=torch.float32).reshape(1, 1, rows, columns)
    padded = pad_to_multiple(x, multiple)
    assert padded.shape[2:] == (math.ceil(rows / multiple) * multiple, math.ceil(columns / multiple) * multiple)
    assert torch.equal(padded[..., :rows, :columns], x)
    assert (padded[..., rows:, columns - 1] == x[0, 0, -1, -1]).all()
    assert torch.equal(padded[0, 0, -1, :columns], x[0, 0, -1])


@given(channels=st.integers(1, 256))
def test_groups_divide_the_channels_and_are_not_tiny(channels):
    norm = group_norm(channels)
    assert channels % norm.num_groups == 0 and norm.num_groups <= 32
    assert channels // norm.num_groups >= min(8, channels)


@pytest.mark.parametrize("n_keys", [3, 32, 33, 50])
def test_attention_is_a_softmax_average_by_head(n_keys):
    """Both ways of calculating it, for few keys and for many, against a loop."""
    generator = torch.Generator().manual_seed(n_keys)
    query, key, value = (torch.randn(2, n, 6, generator=generator) for n in (5, n_keys, n_keys))
    expected = torch.zeros(2, 5, 6)
    for b in range(2):
        for head in (slice(0, 3), slice(3, 6)):
            for i in range(5):
                weights = torch.exp(key[b, :, head] @ query[b, i, head] / math.sqrt(3))
                expected[b, i, head] = weights @ value[b, :, head] / weights.sum()
    torch.testing.assert_close(attend(query, key, value, heads=2), expected)


def test_attention_is_an_addition_that_starts_as_nothing():
    x, context = torch.randn(2, 64, 3, 4), torch.randn(2, 5, 16)
    assert torch.equal(SelfAttention(64)(x), x)
    assert torch.equal(CrossAttention(64, 16)(x, context), x)
    assert torch.equal(ResidualBlock(64, 64)(x), x)


def test_positions_keep_their_place_through_attention(awake):
    """Mirroring the image mirrors what attention makes of it: rows and columns are not mixed up."""
    x, context = torch.randn(1, 64, 3, 4), torch.randn(1, 5, 16)
    itself, others = awake(SelfAttention(64)), awake(CrossAttention(64, 16))
    for result in (itself, lambda image: others(image, context)):
        torch.testing.assert_close(result(x.flip(3)), result(x).flip(3))


def test_the_order_of_context_tokens_does_not_matter_but_their_content_does(awake):
    attention = awake(CrossAttention(64, 16))
    x, context = torch.randn(1, 64, 3, 4), torch.randn(1, 5, 16)
    torch.testing.assert_close(attention(x, context.flip(1)), attention(x, context))
    assert not torch.allclose(attention(x, context + 1), attention(x, context))


def test_timestep_features_by_hand():
    features = timestep_features(torch.tensor([0.0, 0.002]), 4)
    angles = [2.0, 2.0 / 100]
    assert features[0].tolist() == [1, 1, 0, 0]
    assert features[1].tolist() == pytest.approx(
        [math.cos(a) for a in angles] + [math.sin(a) for a in angles], abs=1e-6
    )


def test_times_a_thousandth_apart_look_different():
    features = timestep_features(torch.linspace(0, 1, 1001), 80)
    assert torch.cdist(features[None], features[None])[0].fill_diagonal_(9).min() > 0.3
