"""Tiles leave no seam, and are the whole field where a tile sees as far as the network does."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from monai_mammo.networks import DetailUNet
from monai_mammo.sampling import Cascade, CascadeNoise, CosineSchedule, Tiling

LENGTHS = [1, 32, 33, 40, 47, 48, 49, 71, 72, 96, 100, 131]


@pytest.mark.parametrize("length", LENGTHS)
def test_tiles_cover_an_axis_and_their_weights_sum_to_one(length):
    tiling = Tiling(size=48, overlap=16, margin=4)
    spans, weights = tiling.spans(length), tiling.weights(length)
    assert spans[0][0] == 0 and spans[-1][1] == length
    assert all(start % 8 == 0 and stop - start <= 48 for start, stop in spans)
    assert all(before[1] - after[0] >= 16 for before, after in zip(spans, spans[1:], strict=False))
    total = torch.zeros(length)
    for (start, stop), weight in zip(spans, weights, strict=True):
        total[start:stop] += weight
        assert start == 0 or not weight[:4].any(), "an inner edge does not count"
        assert stop == length or not weight[-4:].any()
    assert torch.allclose(total, torch.ones(length), atol=1e-6)
    assert len(spans) == 1 or length > 48


def test_a_constant_answer_has_no_seam():
    x, planes = torch.randn(2, 4, 131, 100), torch.zeros(2, 8, 131, 100)
    blended = Tiling(size=48, overlap=16, margin=4).apply(lambda tile, seen: torch.full_like(tile, 0.7), x, planes)
    assert (blended - 0.7).abs().max() < 1e-6


def test_what_depends_on_its_own_place_alone_is_that_of_the_whole_field():
    x, planes = torch.randn(1, 4, 90, 131), torch.randn(1, 4, 90, 131)
    answer = Tiling(size=48, overlap=16, margin=0).apply(lambda tile, seen: tile.sin() + seen * tile, x, planes)
    assert torch.allclose(answer, x.sin() + planes * x, atol=1e-6)


class _Local(DetailUNet):
    """The detail network at one scale, without norms: each answer depends on a bounded neighbourhood."""

    REACH = 22  # ten 3 x 3 convolutions (input, four blocks of two, output) on positions folded 2 x 2, and the fold

    def __init__(self):
        super().__init__(channels=(16,), n_blocks=1, context_channels=16)
        _wake(self)
        for module in self.modules():
            if isinstance(module, nn.GroupNorm):
                module.forward = lambda x: x


def _wake(network):
    """The network with what starts at 0 away from it."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.copy_(0.2 * torch.randn_like(parameter))
    return network.eval()


def _draw(network, tiling, steps=4):
    torch.manual_seed(0)
    cascade = Cascade(lambda *_: None, network, CosineSchedule(), CosineSchedule(), tiling=tiling)
    noise = CascadeNoise(
        layout=torch.randn(1, 4, 30, 28),
        on_layout=torch.randn(1, 4, 30, 28),
        detail=torch.randn(1, 4, 120, 112),
        texture=torch.zeros(1, 2),
    )
    mask = torch.zeros(1, 1, 120, 112)
    mask[..., 40:60, 30:50] = 1
    layout = torch.randn(1, 4, 30, 28)
    with torch.inference_mode():
        return cascade.draw_detail(noise, layout, attributes=torch.zeros(1, 10), mask=mask, steps=steps)


def test_tiles_draw_what_the_whole_field_draws_where_the_margin_is_the_reach_of_the_network():
    network = _Local()
    whole = _draw(network, Tiling(size=240))
    tiles = _draw(network, Tiling(size=96, overlap=48, margin=_Local.REACH))
    assert (tiles - whole).abs().max() < 2e-5 * whole.std()
    narrow = _draw(network, Tiling(size=96, overlap=16, margin=0))
    assert (narrow - whole).abs().max() > 1e-3 * whole.std(), "without the margin a seam is there to be seen"


def test_a_field_that_fits_into_a_tile_is_drawn_at_once():
    network = _wake(DetailUNet(channels=(16,), n_blocks=1, context_channels=16))
    assert torch.equal(_draw(network, Tiling(size=120)), _draw(network, Tiling(size=240)))


@pytest.mark.parametrize("numbers", [(40, 36, 4), (44, 16, 4), (48, 16, 8), (48, 48, 4), (48, 16, -1)])
def test_tiles_that_do_not_fit_together_are_refused(numbers):
    size, overlap, margin = numbers
    with pytest.raises(ValueError, match="do not fit together"):
        Tiling(size=size, overlap=overlap, margin=margin)
