"""Layouts are what they are said to be, the layout stage sees what is shown to it, the detail stage works by tiles."""

from __future__ import annotations

import pytest
import torch
from scipy import ndimage

from monai_mammo.networks import (
    DetailUNet,
    LayoutUNet,
    MaskedViT,
    TextTokens,
    enlarged_layout,
    layout_of,
    layout_planes,
)
from monai_mammo.networks.detail_unet import _distances, distance_to_air

SMALL = {"channels": (16, 24), "n_blocks": 1, "context_channels": 16}


def _layout_network(awake, seed=0):
    torch.manual_seed(seed)
    return awake(LayoutUNet(**SMALL, attention_scales=(1,), spatial_channels=2))


def test_a_layout_is_the_quarter_size_mean_of_the_folded_picture():
    z = torch.randn(2, 4, 16, 24)
    picture = torch.nn.functional.pixel_shuffle(z, 2)  # (2, 1, 32, 48)
    layout = torch.nn.functional.pixel_shuffle(layout_of(z), 2)
    assert layout.shape == (2, 1, 8, 12)
    assert layout[1, 0, 3, 5].item() == pytest.approx(picture[1, 0, 12:16, 20:24].mean().item(), abs=1e-6)


def test_a_latent_that_is_no_multiple_of_four_is_continued_by_its_edge():
    z = torch.randn(1, 4, 10, 7)
    layout = layout_of(z)
    assert layout.shape == (1, 4, 3, 2)
    assert enlarged_layout(layout, (10, 7)).shape == z.shape
    # the last row of the layout's cells: two rows of the latent, then the last one twice more
    rows = torch.nn.functional.pixel_shuffle(torch.cat([z, z[:, :, -1:], z[:, :, -1:]], dim=2), 2)
    expected = rows[0, 0, 20:24, 4:8].mean().item()
    assert torch.nn.functional.pixel_shuffle(layout, 2)[0, 0, 5, 1].item() == pytest.approx(expected, abs=1e-6)


def test_planes_at_a_grid_that_is_no_multiple_of_four():
    plane = torch.zeros(1, 1, 10, 7)
    plane[..., 8:, 4:] = 1  # the corner, up to both edges
    plane[..., 0, 0] = 1
    coarse = layout_planes(plane)
    assert coarse.shape == (1, 1, 3, 2)
    assert coarse[0, 0].tolist() == [[1 / 16, 0], [0, 0], [0, 1]]


def test_an_even_layout_enlarges_to_an_even_latent():
    assert torch.allclose(enlarged_layout(torch.full((1, 4, 5, 6), 0.7), (20, 24)), torch.full((1, 4, 20, 24), 0.7))


def test_enlarged_noise_has_the_variance_that_the_residual_scale_counts_with():
    torch.manual_seed(0)
    network = DetailUNet(**SMALL)
    network.residual_std.fill_(1e-6)
    enlarged = enlarged_layout(torch.randn(16, 4, 24, 18), (96, 72))[..., 8:-8, 8:-8]
    scale = network.residual_scale(torch.zeros(1, 10), torch.ones(1)).item()
    assert scale == pytest.approx(enlarged.std().item(), rel=0.02)


def test_the_residual_scale_is_that_of_the_kind():
    network = DetailUNet(**SMALL)
    network.residual_std.copy_(torch.tensor([0.1, 0.2, 0.3]))
    attributes = torch.tensor([[0.0] * 10, [2.0] * 10])
    assert network.residual_scale(attributes, torch.zeros(2)).flatten().tolist() == pytest.approx([0.1, 0.3])


def test_distance_to_air_in_shares_of_the_rows():
    layout = torch.ones(1, 4, 4, 4)
    layout[..., 2:] = -2  # air on the right half: columns 4 to 7 of the 8 x 8 picture
    distance = distance_to_air(layout, -2.0)
    assert distance[0, 0, 3].tolist() == [4 / 8, 3 / 8, 2 / 8, 1 / 8, 0, 0, 0, 0]
    assert distance_to_air(torch.ones(1, 4, 4, 4), -2.0).min() == 1  # no air anywhere


def test_the_planes_of_the_detail_stage_stand_in_the_order_that_its_weights_know():
    network, noisy = DetailUNet(**SMALL), torch.randn(1, 4, 2, 3)
    network.air.fill_(-2.0)
    layout, mask = torch.ones(1, 4, 2, 3), torch.zeros(1, 1, 8, 12)
    layout[..., 2:] = -2  # air on the right third
    mask[..., 2, 5] = 1
    planes = network.planes(layout, noisy, mask)
    assert planes.shape == (1, DetailUNet.N_PLANES, 8, 12)
    assert torch.equal(planes[:, :4], enlarged_layout(noisy, (8, 12))) and torch.equal(planes[:, 4:5], mask)
    assert planes[0, 5, :, 3].tolist() == pytest.approx(torch.linspace(-1, 1, 8).tolist())  # which row
    assert planes[0, 6, 3].tolist() == pytest.approx(torch.linspace(-1, 1, 12).tolist())  # which column
    assert planes[0, 7, 4, 0] == 1 and planes[0, 7, :, 9:].abs().max() == 0  # far from the air, and in it


def test_what_is_hidden_has_no_effect_and_what_is_seen_has(awake):
    network = _layout_network(awake)
    x, t = torch.randn(2, 4, 12, 12), torch.tensor([0.3, 0.8])
    attributes, spatial = torch.zeros(2, 10), torch.zeros(2, 2, 12, 12)
    layout, seen = torch.randn(2, 4, 12, 12), torch.ones(2, 1, 12, 12)
    seen[..., 4:9, 3:8] = 0
    other = torch.where(seen > 0, layout, torch.randn_like(layout))

    def run(anatomy):
        return network(x, t, attributes, spatial, anatomy)

    shown = run(torch.cat([layout, seen], dim=1))
    assert torch.equal(shown, run(torch.cat([other, seen], dim=1)))
    assert not torch.allclose(shown, run(torch.cat([layout + 1, seen], dim=1)), atol=1e-4)
    assert torch.equal(run(None), run(torch.cat([layout, 0 * seen], dim=1)))


def test_patches_know_their_place():
    torch.manual_seed(0)
    tokens = MaskedViT(16, depth=1)(torch.zeros(1, 1, 12, 18), torch.ones(1, 1, 12, 18))
    assert tokens.shape == (1, 6, 16)
    assert not torch.allclose(tokens[:, 0], tokens[:, 1], atol=1e-3)


@pytest.mark.parametrize("kind", ["layout", "detail"])
def test_a_gradient_reaches_every_weight(awake, silent, kind):
    if kind == "layout":
        network = _layout_network(awake)
        planes = torch.rand(2, 2, 8, 8)
        anatomy = torch.cat([torch.randn(2, 4, 8, 8), torch.ones(2, 1, 8, 8)], dim=1)
        given = {"anatomy": anatomy, "numbers": torch.rand(2, 6)}
    else:
        network = awake(DetailUNet(**SMALL))
        planes, given = torch.rand(2, DetailUNet.N_PLANES, 8, 8), {"numbers": torch.rand(2, 1)}
    attributes = torch.tensor([[0.0, 1, 0, 1, 2, 3, 0.1, 0.2, 0.5, 0.6], [-1.0] * 10])
    output = network(torch.randn(2, 4, 8, 8), torch.tensor([0.2, 0.7]), attributes, planes, **given)
    assert silent(network, output) == []


def test_dropout_is_at_work_in_training_alone(awake):
    torch.manual_seed(0)
    network = awake(DetailUNet(**SMALL, dropout=0.5))
    arguments = torch.randn(1, 4, 8, 8), torch.tensor([0.5]), torch.zeros(1, 10), torch.rand(1, 8, 8, 8)
    assert torch.equal(network(*arguments), network(*arguments))
    network.train()
    assert not torch.equal(network(*arguments), network(*arguments))


def test_the_middle_of_a_large_picture_is_drawn_as_in_a_tile(awake):
    """No attention, and norms aside: a far change does not move what lies beyond the reach of the convolutions."""
    network = awake(DetailUNet(channels=(16,), n_blocks=1, context_channels=16))
    for module in network.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.forward = lambda x: x  # group norms look at the whole picture
    x, planes = torch.randn(1, 4, 16, 64), torch.rand(1, 8, 16, 64)
    changed = x.clone()
    changed[..., 48:] += 1
    t, attributes = torch.tensor([0.5]), torch.zeros(1, 10)
    one, other = network(x, t, attributes, planes), network(changed, t, attributes, planes)
    assert torch.allclose(one[..., :16], other[..., :16], atol=1e-5)
    assert not torch.allclose(one[..., 48:], other[..., 48:], atol=1e-2)


def test_a_text_reaches_each_sample_by_itself_and_none_is_the_same_as_zeros(awake):
    torch.manual_seed(0)
    network = awake(LayoutUNet(**SMALL, attention_scales=(1,), text_channels=24))
    x, spatial, anatomy = torch.randn(3, 4, 8, 8), torch.zeros(3, 2, 8, 8), torch.zeros(3, 5, 8, 8)
    inputs = (x, torch.full((3,), 0.5), torch.full((3, 16), -1.0), spatial, anatomy)
    text = torch.nn.functional.normalize(torch.randn(3, 24), dim=1)
    text[0] = 0
    with torch.no_grad():
        none, told = network(*inputs), network(*inputs, text)
        assert torch.equal(network(*inputs, torch.zeros(3, 24)), none)
        other = network(*inputs, text[[0, 2, 1]])
    assert torch.equal(told[0], none[0])
    assert (told[1:] - none[1:]).abs().amax(dim=(1, 2, 3)).min() > 1e-3
    assert not torch.allclose(other[1], told[1], atol=1e-4)


def test_a_network_without_text_takes_none(awake):
    network = _layout_network(awake)
    assert network.text_channels is None
    inputs = (torch.randn(1, 4, 8, 8), torch.full((1,), 0.5), torch.full((1, 16), -1.0), torch.zeros(1, 2, 8, 8))
    with pytest.raises(ValueError, match="a text is given to a network that takes none"):
        network(*inputs, None, torch.ones(1, 24))


def test_tokens_of_a_text_start_with_a_deviation_like_the_others():
    torch.manual_seed(0)
    tokens = TextTokens(256, 128)
    out = tokens(torch.nn.functional.normalize(torch.randn(64, 256), dim=1))
    assert out.shape == (64, 4, 128) and 0.1 < out.std() < 1.0
    assert torch.equal(tokens(torch.zeros(1, 256))[0], tokens.null)


def test_distances_on_a_device_are_those_on_the_processor():
    torch.manual_seed(0)
    inside = torch.rand(5, 24, 18) > torch.tensor([0.02, 0.2, 0.9, 1.0, -1.0])[:, None, None]
    wanted = [torch.from_numpy(ndimage.distance_transform_edt(one.numpy())).float() for one in inside]
    wanted[4] = torch.full((24, 18), 1e3)  # nothing is outside
    assert torch.allclose(_distances(inside), torch.stack(wanted), rtol=1e-6, atol=0)
    assert not inside[3].any() and inside[4].all()
