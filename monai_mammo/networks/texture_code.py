"""How fine-grained a whole mammogram is, as numbers that the detail stage is told.

Film and digitiser, dose and subtraction give each mammogram its own grain, the same all over the breast and hardly to
be seen in its layout. A network of convolutions that is not told of it draws the same middling grain everywhere; told,
it keeps one grain from edge to edge, and a generated set has as many grains as the acquired one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.networks.blocks import zeroed
from monai_mammo.networks.texture_prior import TexturePrior
from monai_mammo.terms import AcquisitionKind

__all__ = ["TextureCode"]

_INSIDE = 0.03
"""Distance to air, as a share of the rows, from which on tissue counts: the skin line has a texture of its own."""
_BINOMIAL = (0.25, 0.5, 0.25)
_LEAST = 1e-4
_FURTHEST = 4.0
_N_OF_LAYOUT = 3


class TextureCode(nn.Module):
    """Code of a latent's texture, and what it adds to a network's embedding: nothing before training.

    The code holds the logarithms of the mean size of two bands of the half-size picture that a latent folds (finest,
    and next), less what a linear regression on its layout expects for the acquisition kind, whitened: over the
    acquired mammograms of a kind it has mean 0 and the identity as covariance, whatever the layout. A generated
    mammogram's code is drawn from what acquired ones of its view and density have (`TexturePrior`), or from the
    standard Gaussian.

    Parameters
    ----------
    width : int
        Of the embedding.
    by_condition : bool
        Whether it has a `prior`.

    Notes
    -----
    Buffers, set before training by `fit`: `regression`, shape (3, 4, 2), and `whitening`, shape (3, 2, 2), for each
    acquisition kind.
    """

    is_addition = True
    N_NUMBERS = 2

    def __init__(self, width: int, *, by_condition: bool = False) -> None:
        super().__init__()
        n = self.N_NUMBERS
        self.prior = TexturePrior(n) if by_condition else None
        self.embed = nn.Sequential(nn.Linear(n, width), nn.SiLU(), zeroed(nn.Linear(width, width)))
        self.register_buffer("regression", torch.zeros(len(AcquisitionKind), 1 + _N_OF_LAYOUT, n))
        self.register_buffer("whitening", torch.eye(n).repeat(len(AcquisitionKind), 1, 1))

    def forward(self, code: Tensor) -> Tensor:
        """What a code adds to the embedding.

        Parameters
        ----------
        code : Tensor, shape (B, 2)

        Returns
        -------
        Tensor, shape (B, width)
        """
        added: Tensor = self.embed(code)
        return added

    def code(self, z: Tensor, layout: Tensor, distance: Tensor, kinds: Tensor) -> Tensor:
        """Code of latents.

        Parameters
        ----------
        z : Tensor, shape (B, 4, h, w)
            Scaled latent.
        layout : Tensor, shape (B, 4, h', w')
            Its layout.
        distance : Tensor, shape (B, 1, 2 h', 2 w')
            To air, of `networks.detail_unet.distance_to_air`.
        kinds : Tensor, shape (B,), int64
            Place of the acquisition kind among `AcquisitionKind`.

        Returns
        -------
        Tensor, shape (B, 2)
            From -4 to 4.
        """
        textures, layouts = _measured(z.float(), layout.float(), distance)
        expected = torch.einsum("bi,bij->bj", _with_one(layouts), self.regression[kinds])
        code = torch.einsum("bij,bj->bi", self.whitening[kinds], textures - expected)
        return code.clamp(-_FURTHEST, _FURTHEST)

    @torch.no_grad()
    def fit(self, latents: Sequence[tuple[Tensor, Tensor, Tensor]], kinds: Sequence[int]) -> None:
        """Set the buffers from acquired mammograms.

        Parameters
        ----------
        latents : sequence of tuple of Tensor, of shapes (4, h, w), (4, h', w') and (1, 2 h', 2 w')
            Latent, layout and distance to air of each.
        kinds : sequence of int
            Place of the acquisition kind of each. A kind with fewer than 12 mammograms takes what all give together.
        """
        measured = [_measured(*(one[None].float() for one in parts)) for parts in latents]
        textures, layouts = (torch.cat([pair[i] for pair in measured]).double() for i in range(2))
        places = torch.tensor(kinds)
        for kind in range(len(AcquisitionKind)):
            chosen = places == kind
            if chosen.sum() < 3 * (1 + _N_OF_LAYOUT):
                chosen = torch.ones_like(chosen)
            regression, whitening = _whitened(textures[chosen], layouts[chosen])
            self.regression[kind], self.whitening[kind] = regression, whitening


def _whitened(textures: Tensor, layouts: Tensor) -> tuple[Tensor, Tensor]:
    """Regression of textures on layouts, (4, 2), by a hair of ridge, and what whitens its residuals, (2, 2)."""
    x = _with_one(layouts)
    middle = textures.mean(dim=0)
    ridge = _LEAST * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    found = torch.linalg.solve(x.T @ x + ridge, x.T @ (textures - middle))
    residual = textures - middle - x @ found
    found[0] += middle
    n = textures.shape[1]
    covariance = residual.T @ residual / len(x) + _LEAST * torch.eye(n, dtype=x.dtype)
    return found, torch.linalg.inv(torch.linalg.cholesky(covariance))


def _measured(z: Tensor, layout: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:
    """Texture (B, 2) and layout (B, 3) of latents: logarithms of the mean size of bands, mean and deviation."""
    half, small = (functional.pixel_shuffle(one, 2) for one in (z, layout))
    inside = (distance > _INSIDE).to(half)
    inside_half = functional.interpolate(inside, size=half.shape[-2:], mode="nearest")
    smooth = _blurred(half)
    textures = [_log_mean(half - smooth, inside_half), _log_mean(smooth - _blurred(smooth, spread=2), inside_half)]
    mean = (small * inside).sum(dim=(1, 2, 3)) / inside.sum(dim=(1, 2, 3)).clamp_min(1)
    off = (small - mean[:, None, None, None]).square() * inside
    deviation = (off.sum(dim=(1, 2, 3)) / inside.sum(dim=(1, 2, 3)).clamp_min(1)).sqrt()
    return torch.stack(textures, dim=1), torch.stack([_log_mean(small - _blurred(small), inside), mean, deviation], 1)


def _log_mean(band: Tensor, inside: Tensor) -> Tensor:
    """Logarithm of the mean size of a band inside, (B,)."""
    mean = (band.abs() * inside).sum(dim=(1, 2, 3)) / inside.sum(dim=(1, 2, 3)).clamp_min(1)
    return mean.clamp_min(_LEAST).log()


def _blurred(picture: Tensor, *, spread: int = 1) -> Tensor:
    """A picture (B, 1, h, w) under a 3 x 3 binomial whose taps lie `spread` apart."""
    taps = torch.tensor(_BINOMIAL).to(picture)
    kernel = (taps[:, None] * taps)[None, None]
    padded = functional.pad(picture, (spread,) * 4, mode="replicate")
    return functional.conv2d(padded, kernel, dilation=spread)


def _with_one(layouts: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(layouts[:, :1]), layouts], dim=1)
