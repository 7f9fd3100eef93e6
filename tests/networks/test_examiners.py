"""Lesion network and judge answer the same questions, in the same form."""

from __future__ import annotations

import functools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from monai_mammo import bundle
from monai_mammo.attributes import HEADS
from monai_mammo.networks import PRESENCE, EfficientNetLite, LesionNetwork, PyramidJudge, load_pretrained
from monai_mammo.networks.class_heads import Calibration, ClassHeads, OrdinalHead
from monai_mammo.terms import BIRADS_CATEGORIES, Density, Finding, Pathology, View

ENCODER = bundle.find("mammo_lesion_segmentation").root / "models" / "encoder_lite0.pt"


@functools.cache
def pretrained(variant: str) -> dict[str, torch.Tensor]:
    """Weights with which training starts; without them deep features of small pictures are all alike."""
    encoder = EfficientNetLite(variant)
    load_pretrained(encoder, ENCODER if variant == "lite0" else None)
    return encoder.state_dict()


def started(network):
    network.encoder.load_state_dict(pretrained(network.encoder.variant))
    return network


EXAMINERS = {
    "lesion network": lambda: started(LesionNetwork((16, 24, 32), n_frozen_stages=0)),
    "judge": lambda: started(PyramidJudge(16, n_frozen_stages=0)),
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
        "presence": (3, 2),
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
    padded = functional.pad(x, (0, 3, 0, 31), mode="replicate")
    with torch.no_grad():
        torch.testing.assert_close(network(x)["mask"], network(padded)["mask"][..., :33, :29])


def read(heads, x, mask=None, breast=None):
    mask = torch.full((len(x), 1, 4, 4), -9.0) if mask is None else mask
    with torch.no_grad():
        return heads(x, mask, torch.ones(len(x), 1, *x.shape[-2:]) if breast is None else breast)


def channels(*values: float, others=(1.0, 2.0, 3.0)) -> torch.Tensor:
    """Features (1, 4, 2, 2) of which the first channel has these values and the others are even."""
    x = torch.tensor(others)[None, :, None, None].expand(1, 3, 2, 2)
    return torch.cat([torch.tensor(values).reshape(1, 1, 2, 2), x], dim=1)


def lesion_at(quarter: int) -> torch.Tensor:
    """Logits (1, 1, 4, 4) of a lesion in one quarter: 0 upper left, 3 lower right."""
    mask = torch.full((1, 1, 4, 4), -30.0)
    row, column = 2 * (quarter // 2), 2 * (quarter % 2)
    mask[..., row : row + 2, column : column + 2] = 30
    return mask


def test_classes_are_read_from_the_mean_and_from_the_largest_value():
    """A small finding moves the largest value, density the mean."""
    heads = ClassHeads(4).eval()
    even, peak, dim = channels(1, 1, 1, 1), channels(4, 0, 0, 0), channels(1, 0, 0, 0)
    for one, other in ((even, peak), (even, dim)):  # of one mean, of one largest value
        logits = [read(heads, x, lesion_at(0))["view"] for x in (one, other)]
        assert not torch.allclose(*logits, atol=1e-3)


def test_air_does_not_dilute_the_mean():
    """Features of a small breast in much air are read as those of a large one."""
    heads, breast = ClassHeads(4).eval(), torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    small, large = channels(1, 0.5, 0.5, 0.5), channels(1, 1, 1, 1)
    diluted, expected = read(heads, small, lesion_at(0)), read(heads, large, lesion_at(0))
    for name, logits in read(heads, small, lesion_at(0), breast).items():
        torch.testing.assert_close(logits, expected[name])
        assert not torch.allclose(diluted[name], expected[name], atol=1e-4)


def test_classes_are_read_where_the_lesion_is():
    heads, x = ClassHeads(4).eval(), channels(4, 0, 0, 0)
    here, there = (read(heads, x, lesion_at(quarter))["pathology"] for quarter in (0, 3))
    assert not torch.allclose(here, there, atol=1e-3)


def test_probabilities_of_ordered_classes_are_those_of_proportional_odds():
    """Score 0.7 against cuts at -2, 0 and 2, by hand from the logistic function; class 0 of five is never named."""
    head = OrdinalHead(1, 5, first=1)
    with torch.no_grad():
        head.score.weight.fill_(1)
        head.score.bias.zero_()
        head.lowest.fill_(-2)
        head.steps.fill_(math.log(math.e**2 - 1))  # softplus of it is 2
        found = head(torch.tensor([[0.7]])).softmax(dim=1)[0].tolist()
    below = [1 / (1 + math.exp(0.7 - cut)) for cut in (-2, 0, 2)]
    expected = [0, below[0], below[1] - below[0], below[2] - below[1], 1 - below[2]]
    assert found == pytest.approx(expected, abs=1e-6)


def test_birads_0_is_never_named_and_every_other_class_of_every_head_can_be():
    heads, x = ClassHeads(4).eval(), channels(1, 0.5, 2, 0)
    named = read(heads, x, lesion_at(0))
    assert set(named) == {*HEADS, PRESENCE}
    for name, logits in named.items():
        least = logits.softmax(dim=1)[0].tolist()
        if name == "birads":
            assert least.pop(0) < 1e-9
        assert min(least) > 1e-4, name


def test_a_higher_score_never_names_a_lower_class():
    head = OrdinalHead(1, 4)
    with torch.no_grad():
        head.score.weight.fill_(-1)
        named = head(torch.linspace(-9, 9, 50)[:, None]).argmax(dim=1).tolist()
    rising = sorted(named)
    assert named in (rising, rising[::-1]) and set(named) == {0, 1, 2, 3}


def test_calibration_divides_each_head_by_its_temperature_and_moves_the_mask():
    calibration = Calibration(["view", "presence"])
    calibration.temperature.copy_(torch.tensor([2.0, 4.0]))
    calibration.mask_scale.fill_(0.5)
    calibration.mask_shift.fill_(1)
    out = calibration({name: torch.tensor([[8.0, 4.0]]) for name in ("mask", "view", "presence")})
    assert {name: logits.tolist() for name, logits in out.items()} == {
        "mask": [[5, 3]],
        "view": [[4, 2]],
        "presence": [[2, 1]],
    }


def test_every_weight_has_a_gradient(examiner, awake, silent):
    out = awake(examiner)(images(2, 1, 32, 24))
    # nothing is said of BI-RADS 0, whatever the image
    finite = [logits.flatten()[logits.flatten() > -25] for logits in out.values()]
    assert silent(examiner, torch.cat(finite)) == []


def test_each_head_alone_reaches_the_first_layer(examiner, awake):
    network = awake(examiner)
    for logits in network(images(2, 1, 64, 32)).values():
        network.zero_grad()
        logits.square().sum().backward(retain_graph=True)
        assert network.encoder.stem.conv.weight.grad.any()


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

    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for _ in range(50):
        x, mask, present = squares(8)
        out = network(x)
        loss = functional.binary_cross_entropy_with_logits(out["mask"], mask)
        loss = loss + functional.cross_entropy(out["presence"], present)
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
    assert (out["presence"].argmax(dim=1) == present).float().mean() > 0.9


def test_features_are_maps_from_fine_to_coarse(awake):
    network = awake(LesionNetwork((16, 24, 32)))
    maps = network.features(images(1, 1, 33, 24))
    sizes = [(16, 32, 16), (24, 16, 8), (40, 8, 4), (112, 4, 2), (320, 2, 1)]
    assert [tuple(m.shape[1:]) for m in maps] == sizes


def test_lesion_network_and_judge_are_of_two_architectures():
    """Encoders of other width and depth; no tensor of one decoder fits one of the other by name and shape."""
    bodies = [
        {(name, p.shape) for name, p in network.named_parameters() if not name.startswith(("heads.", "encoder."))}
        for network in (LesionNetwork(), PyramidJudge())
    ]
    assert not bodies[0] & bodies[1] - {("mask.bias", torch.Size([1]))}
    assert LesionNetwork().encoder.variant != PyramidJudge().encoder.variant


def test_frozen_stages_stay_and_their_maps_still_teach_the_rest(awake):
    network = awake(LesionNetwork((8, 8, 8), n_frozen_stages=3)).train()
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    sum(logits.clamp_min(-20).square().mean() for logits in network(images(2, 1, 64, 32)).values()).backward()
    optimiser.step()
    kept = {name for name, p in network.named_parameters() if torch.equal(p, before[name])}
    assert {n for n in before if n.startswith(("encoder.stem", "encoder.stages.0", "encoder.stages.2"))} <= kept
    assert {n for n in before if ".depthwise." in n} <= kept
    assert "encoder.stages.3.0.expand.conv.weight" not in kept and "encoder.stages.6.0.project.conv.weight" not in kept


def test_widths_that_make_no_decoder_are_refused():
    with pytest.raises(ValueError, match="a decoder has 3 widths, not 2"):
        LesionNetwork((8, 8))
