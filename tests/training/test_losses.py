"""Every term of a loss has its closed form, and a gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from monai_mammo.attributes import HEADS
from monai_mammo.networks import Autoencoder, LesionNetwork, PatchDiscriminator
from monai_mammo.training.lesion_loss import LesionLoss, soft_dice
from monai_mammo.training.losses import AutoencoderLoss, fine_detail, gradient_l1, kl_divergence, seen_with_detail


def test_kl_of_a_known_gaussian():
    mu, sigma = torch.tensor([[1.5]]), torch.tensor([[0.5]])
    assert kl_divergence(mu, sigma).item() == pytest.approx(0.5 * (2.25 + 0.25 - 1) - math.log(0.5))
    assert kl_divergence(torch.zeros(1), torch.ones(1)).item() == 0


def test_gradient_term_ignores_a_constant_and_sees_a_slope():
    image = torch.rand(1, 1, 6, 5)
    assert gradient_l1(image + 0.25, image).item() == pytest.approx(0, abs=1e-6)
    slope = torch.arange(5.0).expand(1, 1, 6, 5)
    assert gradient_l1(image + 0.1 * slope, image).item() == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize("weights", [{"l1": 1.0}, {"l2": 1.0}, {"gradient": 1.0}, {"kl": 1.0}, {"perceptual": 1.0}])
def test_each_term_alone_reaches_the_network(weights):
    torch.manual_seed(0)
    network = Autoencoder((8, 16), n_blocks=1)
    features = LesionNetwork((8, 8, 8)) if "perceptual" in weights else None
    loss = AutoencoderLoss(**{"l1": 0, "gradient": 0, "kl": 0, **weights}, features=features)
    terms = loss(network, {"image": torch.rand(2, 1, 16, 16)})
    terms["loss"].backward()
    gradients = [p.grad.abs().sum().item() for p in network.parameters() if p.grad is not None]
    assert sum(gradients) > 0
    assert terms["loss"].item() == pytest.approx(terms[next(iter(weights))].item(), rel=1e-5)


def test_adversarial_term_waits_for_its_warm_up_and_trains_the_discriminator():
    torch.manual_seed(0)
    network, discriminator = Autoencoder((8, 16), n_blocks=1), PatchDiscriminator(8, n_layers=2)
    loss = AutoencoderLoss(adversarial=0.1, discriminator=discriminator, warm_up_iterations=2)
    before = discriminator[0].weight.detach().clone()
    seen = []
    for _ in range(3):
        terms = loss(network, {"image": torch.rand(2, 1, 16, 16)})
        terms["loss"].backward()
        seen.append("adversarial" in terms)
    assert seen == [False, False, True]
    assert not torch.equal(before, discriminator[0].weight)
    assert all(p.requires_grad for p in discriminator.parameters())


def test_a_loss_that_is_saved_and_read_back_goes_on_exactly(tmp_path):
    torch.manual_seed(0)
    batches = [{"image": torch.rand(2, 1, 32, 32)} for _ in range(4)]

    def reconstruct(image):
        return image.roll(1, -1) * 0.9, torch.zeros(2, 4, 8, 8), torch.ones(2, 4, 8, 8)

    def make():
        torch.manual_seed(1)
        return AutoencoderLoss(adversarial=0.1, discriminator=PatchDiscriminator(8, n_layers=2))

    def steps(loss, some):
        return [loss(reconstruct, batch)["discriminator"].item() for batch in some]

    straight = make()
    expected = steps(straight, batches)
    first = make()
    begun = steps(first, batches[:2])
    torch.save(first.state_dict(), tmp_path / "loss.pt")
    resumed = make()
    resumed.load_state_dict(torch.load(tmp_path / "loss.pt", weights_only=True))
    assert begun + steps(resumed, batches[2:]) == expected


def test_a_term_that_lacks_its_network_is_refused():
    with pytest.raises(ValueError, match="features"):
        AutoencoderLoss(perceptual=1.0)
    with pytest.raises(ValueError, match="discriminator"):
        AutoencoderLoss(adversarial=1.0)


def test_fine_detail_is_what_half_the_size_can_not_show():
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing="ij")
    flat, ramp, checks = torch.full((64, 48), 0.4), 0.01 * (x + y), (-1.0) ** (x + y)
    inside = slice(8, -8)
    assert fine_detail(flat[None, None]).abs().max() < 1e-6
    assert fine_detail(ramp[None, None])[0, 0, inside, inside].abs().max() < 0.1 * 0.02  # a tenth of a pixel's step
    assert fine_detail(checks[None, None])[0, 0, inside, inside] == pytest.approx(checks[inside, inside], abs=1e-5)


def test_a_discriminator_of_two_channels_is_shown_fine_detail_eightfold():
    torch.manual_seed(0)
    image = torch.rand(1, 1, 32, 32)
    seen = seen_with_detail(image)
    assert torch.equal(seen[:, :1], image)
    assert torch.allclose(seen[:, 1:], 0.5 + 8 * fine_detail(image))
    network, discriminator = Autoencoder((8, 16), n_blocks=1), PatchDiscriminator(8, n_layers=2, in_channels=2)
    loss = AutoencoderLoss(adversarial=0.1, discriminator=discriminator, autocast=None)
    terms = loss(network, {"image": torch.rand(2, 1, 32, 32)})
    assert {"adversarial", "discriminator"} <= set(terms)
    terms["loss"].backward()
    assert all(p.grad is not None and p.grad.any() for p in network.decoder[-1].parameters())


def test_soft_dice_of_known_masks():
    a, b = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    a[..., :2], b[..., 1:3] = 1, 1
    assert soft_dice(a, b).item() == pytest.approx((2 * 4 + 1) / (8 + 8 + 1))


SIZES = {name: len(head.values) for name, head in HEADS.items()} | {"presence": 2}


class _Fixed(nn.Module):
    """Answers with given logits, whatever is asked."""

    def __init__(self, mask: torch.Tensor, **heads: torch.Tensor) -> None:
        super().__init__()
        self.mask = nn.Parameter(mask)
        sizes = SIZES
        self.heads = nn.ParameterDict({name: heads.get(name, torch.zeros(len(mask), n)) for name, n in sizes.items()})

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"mask": self.mask, **self.heads}


def _batch(lesion: torch.Tensor, weight: torch.Tensor, *, certainty: float = 1.0, presence: int = -1, **labels) -> dict:
    n = len(lesion)
    return {
        "image": torch.zeros(n, 1, 8, 8),
        "lesion": lesion,
        "weight": weight,
        "certainty": torch.full((n,), certainty),
        "presence": torch.full((n,), presence),
        "classes": torch.tensor([[labels.get(name, -1) for name in HEADS]] * n),
    }


def test_the_mask_is_pulled_up_inside_down_outside_and_left_alone_where_nothing_is_known():
    lesion, weight = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    lesion[..., 3:5, 3:5], weight[..., 6:] = 1, 0
    network = _Fixed(torch.zeros(1, 1, 8, 8))
    LesionLoss()(network, _batch(lesion, weight))["loss"].backward()
    step = -network.mask.grad[0, 0]
    assert (step[3:5, 3:5] > 0).all()
    assert (step[:3, :6] < 0).all() and (step[5:, :6] < 0).all()
    assert not step[:, 6:].any()


def test_a_mask_counts_by_its_certainty():
    lesion, weight = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    lesion[..., 3:5, 3:5] = 1
    whole, half = (
        LesionLoss()(_Fixed(torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))), batch)["mask"]
        for batch in (_batch(lesion, weight), _batch(lesion, weight, certainty=0.5))
    )
    assert half.item() == pytest.approx(whole.item() / 2) and whole > 0.5


def test_an_unknown_lesion_teaches_the_mask_nothing():
    network, nothing = _Fixed(torch.randn(1, 1, 8, 8)), torch.zeros(1, 1, 8, 8)
    LesionLoss()(network, _batch(nothing, nothing, certainty=0.0))["loss"].backward()
    assert network.mask.grad.abs().sum() == 0


def test_an_image_without_lesion_pushes_the_mask_down_everywhere():
    network = _Fixed(torch.zeros(1, 1, 8, 8))
    LesionLoss()(network, _batch(torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)))["loss"].backward()
    assert (network.mask.grad > 0).all()


@pytest.mark.parametrize(("head", "n"), list(SIZES.items()))
def test_a_head_counts_where_its_label_is_known_and_no_other_does(head, n):
    nothing = torch.zeros(2, 1, 8, 8)
    network = _Fixed(nothing.clone())
    terms = LesionLoss(classes=1.0, heads={head: 1.0})(network, _batch(nothing, nothing, certainty=0.0, **{head: 1}))
    assert terms["loss"].item() == pytest.approx(math.log(n), rel=1e-5)
    terms["loss"].backward()
    assert {name for name, p in network.heads.items() if p.grad is not None and p.grad.any()} == {head}


def test_birads_0_has_no_place_in_the_order_and_teaches_nothing():
    nothing = torch.zeros(1, 1, 8, 8)
    assert LesionLoss()(_Fixed(nothing.clone()), _batch(nothing, nothing, certainty=0.0, birads=0))["loss"] == 0
