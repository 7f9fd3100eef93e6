"""Lesion network and judge answer the same questions, in the same form."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from monai_mammo.attributes import HEADS
from monai_mammo.networks import Judge, LesionNetwork
from monai_mammo.networks.lesion_network import ClassHeads
from monai_mammo.terms import BIRADS_CATEGORIES, Density, Finding, Pathology, View

EXAMINERS = {
    "lesion network": lambda: LesionNetwork((16, 24, 32)),
    "judge": lambda: Judge((16, 24), n_blocks=1, pyramid_channels=16),
}


@pytest.fixture(params=EXAMINERS)
def examiner(request):
    torch.manual_seed(0)
    return EXAMINERS[request.param]().eval()


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_a_logit_for_each_word_of_each_vocabulary(examiner):
    vocabularies = {
        "finding": Finding,
        "birads": BIRADS_CATEGORIES,
        "density": Density,
        "view": View,
        "pathology": Pathology,
    }
    with torch.no_grad():
        out = examiner(images(3, 1, 32, 24))
    assert {name: tuple(logits.shape) for name, logits in out.items()} == {
        "mask": (3, 1, 32, 24),
        **{name: (3, len(words)) for name, words in vocabularies.items()},
    }
    assert {name: len(words) for name, words in vocabularies.items()} == {
        name: len(head.values) for name, head in HEADS.items()
    }
    assert all(logits.dtype == torch.float32 for logits in out.values())


@settings(max_examples=8)
@given(rows=st.integers(9, 40), columns=st.integers(9, 40))
@pytest.mark.parametrize("name", EXAMINERS)
def test_any_size_is_padded_never_cropped(name, rows, columns):
    network = EXAMINERS[name]().eval()
    with torch.no_grad():
        assert network(images(1, 1, rows, columns))["mask"].shape == (1, 1, rows, columns)


def test_the_last_row_and_column_of_an_odd_size_are_seen(examiner, awake):
    network, x = awake(examiner), images(1, 1, 33, 29)
    with torch.no_grad():
        before = network(x)
        for index in ((..., -1, slice(None)), (..., slice(None), -1)):
            other = x.clone()
            other[index] = 1 - other[index]
            after = network(other)
            assert (after["mask"][index] - before["mask"][index]).abs().max() > 1e-3
            assert not torch.equal(after["density"], before["density"])


def test_an_odd_size_is_the_upper_left_part_of_the_padded_one(examiner, awake):
    network, x = awake(examiner), images(1, 1, 33, 29)
    padded = functional.pad(x, (0, 3, 0, 7), mode="replicate")
    with torch.no_grad():
        torch.testing.assert_close(network(x)["mask"], network(padded)["mask"][..., :33, :29])


def test_classes_are_read_from_the_mean_and_from_the_largest_value():
    """A small finding moves the largest value, density the mean."""
    heads = ClassHeads(1).eval()
    even, peak = torch.full((1, 1, 2, 2), 1.0), torch.tensor([[[[4.0, 0.0], [0.0, 0.0]]]])
    dim = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    with torch.no_grad():
        for one, other in ((even, peak), (even, dim)):
            assert not torch.equal(heads(one)["view"], heads(other)["view"])


def test_every_weight_has_a_gradient(examiner, awake, silent):
    out = awake(examiner)(images(2, 1, 32, 24))
    assert silent(examiner, torch.cat([logits.flatten() for logits in out.values()])) == []


def test_each_head_alone_reaches_the_first_layer(examiner, awake):
    network = awake(examiner)
    for logits in network(images(2, 1, 32, 24)).values():
        network.zero_grad()
        logits.square().sum().backward(retain_graph=True)
        assert next(network.parameters()).grad.any()


def test_batch_and_order_change_no_answer(examiner, awake):
    network, x = awake(examiner), images(4, 1, 32, 24)
    with torch.no_grad():
        together = network(x)
        alone = [network(x[[i]]) for i in range(4)]
    for name, logits in together.items():
        torch.testing.assert_close(logits, torch.cat([out[name] for out in alone]), rtol=0, atol=1e-5)


def test_dropout_is_for_training_only(examiner, awake):
    network, x = awake(examiner), images(2, 1, 32, 24)
    with torch.no_grad():
        assert torch.equal(network(x)["view"], network(x)["view"])
        network.train()
        assert not torch.equal(network(x)["view"], network(x)["view"])


def test_it_learns_where_a_bright_square_is_and_whether_there_is_one(examiner):
    """Fifty steps: rows and columns in their order, the mask in its place, class and picture belonging together."""
    torch.manual_seed(0)
    network, generator = examiner.train(), torch.Generator().manual_seed(1)

    def squares(n):
        x, mask = 0.3 * torch.rand(n, 1, 32, 48, generator=generator), torch.zeros(n, 1, 32, 48)
        for i in range(0, n, 2):
            row, column = (int(torch.randint(0, high, (1,), generator=generator)) for high in (20, 36))
            mask[i, :, row : row + 12, column : column + 12] = 1
        return x + 0.6 * mask, mask, mask.amax(dim=(1, 2, 3)).long()

    optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3)
    for _ in range(50):
        x, mask, present = squares(8)
        out = network(x)
        loss = functional.binary_cross_entropy_with_logits(out["mask"], mask)
        loss = loss + functional.cross_entropy(out["view"], present)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    x, mask, present = squares(32)
    with torch.no_grad():
        out = network.eval()(x)
    found = out["mask"] > 0
    dice = 2 * (found & mask.bool()).sum() / (found.sum() + mask.sum())
    # the judge sees at a quarter of the size: an edge pixel of 12 either way costs up to 0.15
    assert dice > 0.8
    assert (out["view"].argmax(dim=1) == present).float().mean() > 0.9


def test_features_are_maps_from_fine_to_coarse(awake):
    network = awake(LesionNetwork((16, 24, 32)))
    maps = network.features(images(1, 1, 33, 24))
    assert [tuple(m.shape[1:]) for m in maps] == [(16, 20, 12), (24, 10, 6), (32, 5, 3)]


def test_lesion_network_and_judge_share_no_body():
    """Apart from the linear heads no tensor of one fits a tensor of the other by name and shape."""
    bodies = [
        {(name, p.shape) for name, p in network.named_parameters() if not name.startswith("heads.")}
        for network in (LesionNetwork(), Judge())
    ]
    assert not bodies[0] & bodies[1]
