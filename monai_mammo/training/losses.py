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

from monai_mammo.training.precision import autocast_dtype
from monai_mammo.training.ranks import average_gradients

__all__ = [
    "Adversary",
    "AutoencoderLoss",
    "fine_detail",
    "gradient_l1",
    "kl_divergence",
    "seen_with_detail",
]


def gradient_l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring differences, along rows and along columns.

    Parameters
    ----------
    a, b : Tensor, shape (B, 1, H, W)

    Returns
    -------
    Tensor, shape ()
    """
    difference = a - b
    return difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()


def kl_divergence(mu: Tensor, sigma: Tensor) -> Tensor:
    """Divergence of N(mu, sigma^2) from N(0, 1), mean over all values (Kingma & Welling 2014).

    Parameters
    ----------
    mu, sigma : Tensor, shape (B, C, h, w)

    Returns
    -------
    Tensor, shape ()
    """
    return 0.5 * (mu**2 + sigma**2 - 1 - 2 * sigma.clamp_min(1e-12).log()).mean()


class Adversary(nn.Module):
    """Discriminator that learns beside a network what acquired images have and made ones have not.

    Parameters
    ----------
    discriminator : nn.Module
        Gives patch logits of an image, such as `PatchDiscriminator`.
    learning_rate : float
        Of Adam.
    betas : tuple of float
        Of Adam.
    """

    def __init__(
        self, discriminator: nn.Module, *, learning_rate: float = 2e-4, betas: tuple[float, float] = (0.5, 0.9)
    ) -> None:
        super().__init__()
        self.discriminator: Any = discriminator
        self._optimizer = torch.optim.Adam(discriminator.parameters(), learning_rate, betas=betas)

    def get_extra_state(self) -> dict[str, Any]:
        """State of the discriminator's optimiser, so that a resumed run goes on exactly.

        Returns
        -------
        dict
        """
        return self._optimizer.state_dict()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_extra_state` gave.

        Parameters
        ----------
        state : dict
            As `state_dict` gave it.
        """
        self._optimizer.load_state_dict(state)

    def train_on(self, made: Any, acquired: Any) -> Tensor:
        """One step of the discriminator by the hinge loss (Esser et al. 2021), and its loss.

        Parameters
        ----------
        made, acquired : Tensor, shape (B, C, H, W), or SeenPictures
            As the discriminator takes them.

        Returns
        -------
        Tensor, shape ()
        """
        self._optimizer.zero_grad(set_to_none=True)
        loss = functional.relu(1 - self.discriminator(acquired)).mean()
        loss = loss + functional.relu(1 + self.discriminator(made.detach())).mean()
        loss.backward()
        average_gradients(self.discriminator)
        self._optimizer.step()
        return loss.detach()

    def forward(self, made: Any) -> Tensor:
        """What the network is to lower: minus the mean logit. No gradient reaches the discriminator.

        Parameters
        ----------
        made : Tensor, shape (B, C, H, W), or SeenPictures

        Returns
        -------
        Tensor, shape ()
        """
        self.discriminator.requires_grad_(False)
        logits = self.discriminator(made)
        self.discriminator.requires_grad_(True)
        return -logits.mean()


class AutoencoderLoss(nn.Module):
    """Reconstruction: L1, squared error, gradient and KL; perceptual and adversarial where requested.

    Parameters
    ----------
    l1, l2, gradient, kl : float
        Weights; 0 switches a term off.
    perceptual : float
        Weight of the distance in `features`.
    features : nn.Module or None
        Frozen network whose `features(x)` gives a list of maps; the lesion network is one.
    adversarial : float
        Weight of what `Adversary` gives.
    discriminator : nn.Module or None
        Of two channels: the image, and its `fine_detail` eightfold; one channel is the image alone.
    discriminator_learning_rate : float
        Of Adam, for the discriminator.
    warm_up_iterations : int
        Iterations before the adversarial term begins.
    autocast : str or None
        Number format in which features and discriminator are computed, as in `AutocastInferer`.
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
        autocast: str | None = "bfloat16",
    ) -> None:
        super().__init__()
        if perceptual and features is None:
            raise ValueError("the perceptual term needs a network in `features`")
        if adversarial and discriminator is None:
            raise ValueError("the adversarial term needs a `discriminator`")
        self.weights = {"l1": l1, "l2": l2, "gradient": gradient, "kl": kl}
        self.perceptual, self.adversarial = perceptual, adversarial
        self.features: Any = None if features is None else features.eval().requires_grad_(False)
        self.adversary: Any = (
            None if discriminator is None else Adversary(discriminator, learning_rate=discriminator_learning_rate)
        )
        self.warm_up_iterations, self.autocast = warm_up_iterations, autocast
        self.register_buffer("iteration", torch.zeros((), dtype=torch.int64))

    def forward(self, call: Callable[..., Any], batch: dict[str, Any]) -> dict[str, Tensor]:
        """Terms of the loss for a batch with ``"image"`` of shape (B, 1, H, W) in [0, 1].

        Parameters
        ----------
        call : callable
        batch : dict
            Of `CropDataset`.

        Returns
        -------
        dict of str to Tensor, each of shape ()
            ``loss`` and its terms.
        """
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
        dtype = autocast_dtype(self.autocast, image.device)
        with torch.autocast(image.device.type, dtype, enabled=dtype is not None):
            if self.perceptual:
                terms["perceptual"] = self._perceptual_distance(reconstruction, image)
                total = total + self.perceptual * terms["perceptual"]
            if self._is_adversarial:
                seen_made, seen_image = self._seen(reconstruction), self._seen(image)
                if torch.is_grad_enabled():  # first: a step changes weights that the generator's gradient needs
                    terms["discriminator"] = self.adversary.train_on(seen_made, seen_image)
                terms["adversarial"] = self.adversary(seen_made)
                total = total + self.adversarial * terms["adversarial"]
        if torch.is_grad_enabled():
            self.iteration += 1
        return {"loss": total, **{name: term.detach() for name, term in terms.items()}}

    @property
    def _is_adversarial(self) -> bool:
        return bool(self.adversarial) and int(self.iteration) >= self.warm_up_iterations

    def _seen(self, image: Tensor) -> Tensor:
        return seen_with_detail(image) if self.adversary.discriminator.in_channels == 2 else image

    def _perceptual_distance(self, a: Tensor, b: Tensor) -> Tensor:
        with torch.no_grad():
            expected = self.features.features(b)
        found = self.features.features(a)
        distances = [
            (functional.normalize(f.float(), dim=1) - functional.normalize(w.float(), dim=1)).square().sum(1).mean()
            for f, w in zip(found, expected, strict=True)
        ]
        return torch.stack(distances).mean()


def fine_detail(image: Tensor) -> Tensor:
    """What is lost where a picture is shrunk to half its size and enlarged again (bicubic, antialiased).

    Parameters
    ----------
    image : Tensor, shape (B, 1, H, W)
        H and W are even.

    Returns
    -------
    Tensor, shape (B, 1, H, W)
    """
    half = functional.interpolate(image, scale_factor=0.5, mode="bicubic", antialias=True, align_corners=False)
    return image - functional.interpolate(half, size=image.shape[-2:], mode="bicubic", align_corners=False)


def seen_with_detail(image: Tensor) -> Tensor:
    """What a discriminator of two channels is shown: the image, and its `fine_detail` eightfold about 0.5.

    Parameters
    ----------
    image : Tensor, shape (B, 1, H, W)
        H and W are even.

    Returns
    -------
    Tensor, shape (B, 2, H, W)
    """
    return torch.cat([image, 0.5 + 8 * fine_detail(image)], dim=1)
