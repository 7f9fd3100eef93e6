"""The bound by which the VAE baselines learn, and that their vector does not fall silent."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from monai_mammo.networks import LatentVAE
from monai_mammo.training.checkpoints import CheckpointHandler
from monai_mammo.training.data import PreparedDataset
from monai_mammo.training.ema import ExponentialMovingAverage
from monai_mammo.training.trainer import AutocastInferer, NetworkTrainer, data_loader
from monai_mammo.training.variational_loss import VariationalLoss, active_units

SMALL = {"latent_shape": (16, 8), "channels": (8, 8), "n_vector": 4}


def batch(n: int = 8) -> dict[str, torch.Tensor]:
    """Latents that two hidden numbers decide."""
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(n, 2, generator=generator)
    shapes = torch.stack([torch.linspace(-1, 1, 16).repeat_interleave(8), torch.linspace(-1, 1, 8).repeat(16)])
    z = (hidden @ shapes).reshape(n, 1, 16, 8).expand(-1, 4, -1, -1).contiguous()
    return {"image": z, "attributes": torch.full((n, 16), -1.0), "spatial": torch.zeros(n, 2, 16, 8)}


class Known:
    """A network whose answer is known: a reconstruction off by `error`, and the vector's mean and log-variance."""

    def __init__(self, error: float, mu: torch.Tensor, log_variance: torch.Tensor) -> None:
        self.error, self.mu, self.log_variance = error, mu, log_variance

    def __call__(self, z, *, attributes, spatial, noise):
        self.noise = noise
        return z + self.error, self.mu, self.log_variance


def test_the_bound_of_known_gaussians():
    """KL of N(m, s^2) from N(0, 1) is (m^2 + s^2 - 1 - ln s^2) / 2."""
    given = batch()
    mu, log_variance = torch.full((8, 4), 0.5), torch.full((8, 4), math.log(0.25))
    call = Known(0.1, mu, log_variance)
    with torch.no_grad():
        terms = VariationalLoss(n_vector=4, beta=3.0)(call, given)
    kl = 4 * 0.5 * (0.25 + 0.25 - 1 - math.log(0.25))
    assert terms["kl"].item() == pytest.approx(kl, rel=1e-6)
    assert terms["mse"].item() == pytest.approx(0.01, rel=1e-5)
    assert terms["loss"].item() == pytest.approx(0.5 * math.log(0.01) + 3 * kl / (4 * 16 * 8), rel=1e-5)
    assert call.noise.shape == (8, 4) and call.noise.std() > 0.5


def test_half_the_logarithm_of_the_error_is_the_best_gaussian():
    """-ln N(z; x, s^2) with s^2 at its best is ln(s^2) / 2 and a constant."""
    z = torch.randn(1000, dtype=torch.float64)
    deviation = z.square().mean().sqrt()
    best = -torch.distributions.Normal(0.0, deviation).log_prob(z).mean()
    assert best.item() == pytest.approx((0.5 * z.square().mean().log() + 0.5 * math.log(2 * math.pi) + 0.5).item())
    for other in (0.9 * deviation, 1.1 * deviation):
        assert -torch.distributions.Normal(0.0, other).log_prob(z).mean() > best


def test_free_nats_cost_nothing_and_validation_has_none():
    loss = VariationalLoss(n_vector=4, beta=1.0, free_nats=0.5)
    silent = Known(0.1, torch.zeros(8, 4, requires_grad=True), torch.full((8, 4), -0.1))
    with torch.no_grad():
        validated = loss(silent, batch())
    trained = loss(silent, batch())
    n = 4 * 16 * 8
    assert (trained["loss"] - validated["loss"]).item() == pytest.approx(
        (4 * 0.5 - validated["kl"].item()) / n, rel=1e-4
    )
    trained["loss"].backward()
    assert not silent.mu.grad.any(), "below the free nats nothing pulls the mean to 0"


def test_the_weight_rises_with_training_and_goes_on_from_its_state():
    call = Known(0.1, torch.full((8, 4), 2.0), torch.zeros(8, 4))
    loss, kl = VariationalLoss(n_vector=4, beta=8.0, warm_up_iterations=4), 8.0
    seen = [loss(call, batch())["loss"].item() for _ in range(6)]
    first = 0.5 * math.log(0.01)
    weights = [(value - first) * 4 * 16 * 8 / kl for value in seen]
    assert weights == pytest.approx([0, 2, 4, 6, 8, 8], abs=1e-2)
    resumed = VariationalLoss(n_vector=4, beta=8.0, warm_up_iterations=4)
    resumed.load_state_dict(loss.state_dict())
    assert resumed(call, batch())["loss"].item() == pytest.approx(seen[-1])


def test_active_numbers_are_those_that_tell_images_apart():
    mu = torch.zeros(100, 3)
    mu[:, 1] = torch.linspace(-1, 1, 100)
    mu[:, 2] = 0.05 * torch.linspace(-1, 1, 100)  # variance 0.0008
    assert active_units(mu).item() == 1
    assert active_units(torch.ones(50, 7)).item() == 0, "posterior collapse"


@pytest.fixture(scope="module")
def latents():
    class Latents(PreparedDataset):
        def __init__(self):
            images = [np.full((4, 4), 1000 + i, np.uint16) for i in range(32)]
            super().__init__(
                [{"image": image, "conditions": {}, "person_id": str(i)} for i, image in enumerate(images)]
            )
            self.given = batch(32)

        def __getitem__(self, index):
            return {name: values[index] for name, values in self.given.items()}

    return Latents()


def trainer(latents, max_epochs: int, checkpoint=None) -> NetworkTrainer:
    torch.manual_seed(0)
    network = LatentVAE(**SMALL)
    return NetworkTrainer(
        "cpu",
        max_epochs,
        data_loader(latents, batch_size=16, seed=2),
        network,
        torch.optim.AdamW(network.parameters(), 3e-3),
        VariationalLoss(n_vector=4, beta=1.0, warm_up_iterations=6, free_nats=0.02),
        inferer=AutocastInferer(None),
        ema=ExponentialMovingAverage(network, decay=0.9),
        warm_up_iterations=2,
        seed=5,
        train_handlers=[] if checkpoint is None else [CheckpointHandler(checkpoint)],
    )


def test_a_stopped_training_ends_bitwise_where_an_uninterrupted_one_does(latents, tmp_path):
    """The annealing's count is part of the checkpoint: without it the resumed run would start again at weight 0."""
    whole = trainer(latents, 4)
    whole.run()
    trainer(latents, 2, tmp_path / "checkpoint.pt").run()
    torch.rand(7)
    resumed = trainer(latents, 4, tmp_path / "checkpoint.pt")
    resumed.run()
    assert resumed.loss_function.n_iterations.item() == whole.loss_function.n_iterations.item() == 8
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name


def test_the_vector_does_not_fall_silent(latents):
    """Two numbers decide these latents: a trained VAE tells them apart, and its prior draws latents of their spread."""
    fitted = trainer(latents, 60)
    fitted.run()
    network = fitted.network.eval()
    with torch.no_grad():
        z = latents.given["image"]
        mu, _ = network.encode(z)
        error = (network.decode(mu) - z).square().mean() / z.square().mean()
        drawn = network.decode(torch.randn(200, 4))
    assert active_units(mu).item() >= 2
    assert error < 0.1
    assert 0.4 < drawn.std() / z.std() < 2.0


def test_a_weight_that_is_far_too_heavy_silences_it(latents):
    """The test above can fail."""
    fitted = trainer(latents, 20)
    fitted.loss_function = VariationalLoss(n_vector=4, beta=1e5)
    fitted.run()
    with torch.no_grad():
        mu, _ = fitted.network.eval().encode(latents.given["image"])
    assert active_units(mu).item() == 0


def test_the_loss_is_a_module_whose_count_is_all_it_keeps():
    assert isinstance(VariationalLoss(n_vector=2), nn.Module)
    assert list(VariationalLoss(n_vector=2).state_dict()) == ["n_iterations"]
