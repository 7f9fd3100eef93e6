"""What each network learns from, as modules that take a network call and a batch.

A loss is called as ``loss(call, batch)`` where `call` runs the network under the trainer's
inferer. It returns its terms by name; ``"loss"`` is the one that is followed downhill.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["AutoencoderLoss", "gradient_l1", "kl_divergence"]


def gradient_l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring differences, along rows and along columns.

    Parameters
    ----------
    a, b : Tensor, shape (B, 1, H, W)
    """
    difference = a - b
    return difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()


def kl_divergence(mu: Tensor, sigma: Tensor) -> Tensor:
    """Divergence of N(mu, sigma^2) from N(0, 1), mean over all values (Kingma & Welling 2014)."""
    return 0.5 * (mu**2 + sigma**2 - 1 - 2 * sigma.clamp_min(1e-12).log()).mean()


class AutoencoderLoss(nn.Module):
    """Reconstruction: L1, squared error, gradient and KL; perceptual and adversarial where asked.

    Parameters
    ----------
    l1, l2, gradient, kl : float
        Weights; 0 switches a term off.
    perceptual : float
        Weight of the distance in `features`.
    features : nn.Module or None
        Frozen network whose `features(x)` gives a list of maps; the lesion network is one.
    adversarial : float
        Weight of the discriminator's hinge loss (Esser et al. 2021).
    discriminator : nn.Module or None
        Gives patch logits of an image, such as `PatchDiscriminator`.
    discriminator_learning_rate : float
    warm_up_iterations : int
        Iterations before the adversarial term begins.
    """

    def __init__(
        self,
        *,
        l1: float = 1.0,
        l2: float = 0.0,
        gradient: float = 0.5,
        kl: float = 1e-6,
        perceptual: float = 0.0,
        features: nn.Module | None = None,
        adversarial: float = 0.0,
        discriminator: nn.Module | None = None,
        discriminator_learning_rate: float = 2e-4,
        warm_up_iterations: int = 0,
    ) -> None:
        super().__init__()
        if perceptual and features is None:
            raise ValueError("the perceptual term needs a network in `features`")
        if adversarial and discriminator is None:
            raise ValueError("the adversarial term needs a `discriminator`")
        self.weights = {"l1": l1, "l2": l2, "gradient": gradient, "kl": kl}
        self.perceptual, self.adversarial = perceptual, adversarial
        self.features: Any = None if features is None else features.eval().requires_grad_(False)
        self.discriminator: Any = discriminator
        self.warm_up_iterations = warm_up_iterations
        self.register_buffer("iteration", torch.zeros((), dtype=torch.int64))
        self._optimizer: Any = (
            torch.optim.Adam(discriminator.parameters(), discriminator_learning_rate, betas=(0.5, 0.9))
            if discriminator is not None
            else None
        )

    def get_extra_state(self) -> dict[str, Any]:
        """State of the discriminator's optimiser, so that a resumed run goes on exactly; empty without one."""
        return {} if self._optimizer is None else self._optimizer.state_dict()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_extra_state` gave."""
        if self._optimizer is not None and state:
            self._optimizer.load_state_dict(state)

    def forward(self, call: Callable[..., Any], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Terms of the loss for a batch with ``"image"`` of shape (B, 1, H, W) in [0, 1]."""
        image = batch["image"]
        reconstruction, mu, sigma = call(image)
        reconstruction = reconstruction.float()
        terms = {
            "l1": (reconstruction - image).abs().mean(),
            "l2": (reconstruction - image).square().mean(),
            "gradient": gradient_l1(reconstruction, image),
            "kl": kl_divergence(mu, sigma),
        }
        total = sum(self.weights[name] * term for name, term in terms.items())
        if self.perceptual:
            terms["perceptual"] = self._perceptual_distance(reconstruction, image)
            total = total + self.perceptual * terms["perceptual"]
        if self._is_adversarial:
            if torch.is_grad_enabled():  # first: a step changes weights that the generator's gradient needs
                terms["discriminator"] = self._train_discriminator(reconstruction.detach(), image)
            terms["adversarial"] = -self._frozen_logits(reconstruction).mean()
            total = total + self.adversarial * terms["adversarial"]
        if torch.is_grad_enabled():
            self.iteration += 1
        return {"loss": total, **{name: term.detach() for name, term in terms.items()}}

    @property
    def _is_adversarial(self) -> bool:
        return bool(self.adversarial) and int(self.iteration) >= self.warm_up_iterations

    def _perceptual_distance(self, a: Tensor, b: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.features.features(b)
        found = self.features.features(a)
        distances = [
            (functional.normalize(f, dim=1) - functional.normalize(w, dim=1)).square().sum(1).mean()
            for f, w in zip(found, wanted, strict=True)
        ]
        return torch.stack(distances).mean()

    def _frozen_logits(self, image: Tensor) -> Tensor:
        self.discriminator.requires_grad_(False)
        logits = self.discriminator(image)
        self.discriminator.requires_grad_(True)
        return logits

    def _train_discriminator(self, reconstruction: Tensor, image: Tensor) -> Tensor:
        self._optimizer.zero_grad(set_to_none=True)
        loss = functional.relu(1 - self.discriminator(image)).mean()
        loss = loss + functional.relu(1 + self.discriminator(reconstruction)).mean()
        loss.backward()
        self._optimizer.step()
        return loss.detach()
