"""Variational autoencoder over the autoencoder's latents: the baseline beside the diffusion model.

One vector of a few dozen numbers stands for a whole mammogram, so that what is drawn from it is smooth: the vector has
no room for tissue. A conditional one (Sohn et al. 2015) is told the conditions on both sides of that vector.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.attributes import COLUMNS, NOT_GIVEN
from monai_mammo.networks.blocks import group_norm, pad_to_multiple, zeroed
from monai_mammo.networks.context import ConditionTokens
from monai_mammo.networks.diffusion_unet import FilmBlock

__all__ = ["LatentVAE"]

_FOLD = 4
_GRID_FACTOR = 8  # latent positions for each position of the coarsest grid
_FINE = 32  # channels at half the size of the latent
_THIN = 16  # channels at the coarsest grid where the vector is read


class LatentVAE(nn.Module):
    """VAE (Kingma & Welling 2014) whose data are scaled latents of `networks.Autoencoder`.

    Parameters
    ----------
    latent_shape : sequence of int
        Rows and columns of the latents; 96 x 72 for images of 384 x 288.
    conditional : bool
        Whether encoder and decoder are told attributes (FiLM in every block) and lesion planes (beside the latent).
    latent_channels : int
        Of the autoencoder.
    channels : sequence of int
        Width at a quarter and at an eighth of the latent's size.
    n_vector : int
        Length of the vector that stands for an image.
    context_channels : int
        Width of the token of an attribute.
    spatial_channels : int
        Planes on the latent grid, such as lesion mask and box.
    more_attributes : sequence of str
        Which of `monai_mammo.attributes.OPTIONAL` a conditional one takes too.
    dropout : float
        In every residual block, in training.
    """

    def __init__(
        self,
        *,
        latent_shape: Sequence[int] = (96, 72),
        conditional: bool = False,
        latent_channels: int = 4,
        channels: Sequence[int] = (64, 128),
        n_vector: int = 128,
        context_channels: int = 64,
        spatial_channels: int = 2,
        more_attributes: Sequence[str] = (),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        wide, deep = channels
        width = 4 * wide
        self.latent_shape = (int(latent_shape[0]), int(latent_shape[1]))
        self.conditional, self.n_vector = bool(conditional), n_vector
        self.grid = tuple(-(-side // _GRID_FACTOR) for side in self.latent_shape)
        n_places = self.grid[0] * self.grid[1]
        self.spatial_channels = planes = spatial_channels if self.conditional else 0

        def block(channels_in: int, channels_out: int) -> FilmBlock:
            return FilmBlock(channels_in, channels_out, width, dropout=dropout)

        if self.conditional:
            self.tokens = ConditionTokens(context_channels, more=more_attributes)
            self.told = nn.Sequential(
                nn.Linear(self.tokens.n_tokens * context_channels, width), nn.SiLU(), nn.Linear(width, width)
            )
        self.always = nn.Parameter(torch.zeros(width))
        self.input = nn.Conv2d((latent_channels + planes) * _FOLD**2, wide, 3, padding=1)
        self.encode_wide = block(wide, wide)
        self.shrink = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * wide, deep, 1))
        self.encode_deep = block(deep, deep)
        self.read = nn.Sequential(group_norm(deep), nn.SiLU(), nn.Conv2d(deep, _THIN, 1), nn.Flatten())
        self.to_mu = nn.Linear(_THIN * n_places, n_vector)
        self.to_log_variance = zeroed(nn.Linear(_THIN * n_places, n_vector))
        self.style = nn.Sequential(nn.Linear(n_vector, width), nn.SiLU(), nn.Linear(width, width))
        self.spread = nn.Linear(n_vector, _THIN * n_places)
        self.decode_input = nn.Conv2d(_THIN + planes * _GRID_FACTOR**2, deep, 3, padding=1)
        self.decode_deep = nn.ModuleList([block(deep, deep), block(deep, deep)])
        self.enlarge = nn.Sequential(nn.Conv2d(deep, 4 * wide, 1), nn.PixelShuffle(2))
        self.decode_wide = nn.ModuleList([block(wide + planes * _FOLD**2, wide), block(wide, wide)])
        self.to_fine = nn.Sequential(nn.Conv2d(wide, 4 * _FINE, 1), nn.PixelShuffle(2), nn.SiLU())
        self.output = nn.Sequential(zeroed(nn.Conv2d(_FINE, 4 * latent_channels, 3, padding=1)), nn.PixelShuffle(2))

    def forward(
        self, x: Tensor, attributes: Tensor | None = None, spatial: Tensor | None = None, noise: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction of a latent, with mean and log-variance of the vector that stands for it.

        Parameters
        ----------
        x : Tensor, shape (B, 4, h, w)
            Scaled latents of `latent_shape`.
        attributes : Tensor, shape (B, len(monai_mammo.attributes.COLUMNS)), or None
            A plain one ignores them; `None` stands for nothing given.
        spatial : Tensor, shape (B, spatial_channels, h, w), or None
        noise : Tensor, shape (B, n_vector), or None
            Standard Gaussian noise by which the vector is drawn; `None` takes its mean.

        Returns
        -------
        z : Tensor, shape (B, 4, h, w)
        mu, log_variance : Tensor, shape (B, n_vector)
        """
        mu, log_variance = self.encode(x, attributes, spatial)
        vector = mu if noise is None else mu + noise * (0.5 * log_variance).exp()
        return self.decode(vector, attributes, spatial), mu, log_variance

    def encode(
        self, x: Tensor, attributes: Tensor | None = None, spatial: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the vector that stands for a latent; arguments as in `forward`.

        Parameters
        ----------
        x : Tensor, shape (B, 4, h, w)
        attributes : Tensor, shape (B, n), or None
        spatial : Tensor, shape (B, c, h, w), or None

        Returns
        -------
        mu, log_variance : Tensor, shape (B, n_vector), float32

        Raises
        ------
        ValueError
            The latent is of another size.
        """
        if tuple(x.shape[-2:]) != self.latent_shape:
            raise ValueError(f"latent of {tuple(x.shape[-2:])}: this network takes {self.latent_shape}")
        embedding = self._embedding(len(x), attributes)
        if self.conditional:
            x = torch.cat([x, self._planes(spatial, x)], dim=1)
        h = self.input(functional.pixel_unshuffle(pad_to_multiple(x, _GRID_FACTOR), _FOLD))
        h = self.encode_deep(self.shrink(self.encode_wide(h, embedding)), embedding)
        features = self.read(h)
        return self.to_mu(features).float(), self.to_log_variance(features).float().clamp(-12, 4)

    def decode(self, vector: Tensor, attributes: Tensor | None = None, spatial: Tensor | None = None) -> Tensor:
        """Latent that a vector stands for; further arguments as in `forward`.

        Parameters
        ----------
        vector : Tensor, shape (B, n_vector)
        attributes : Tensor, shape (B, n), or None
        spatial : Tensor, shape (B, c, h, w), or None

        Returns
        -------
        Tensor, shape (B, 4, h, w), float32
        """
        embedding = self._embedding(len(vector), attributes) + self.style(vector)
        h = self.spread(vector).unflatten(1, (_THIN, *self.grid))
        planes = None
        if self.conditional:
            planes = pad_to_multiple(self._planes(spatial, vector), _GRID_FACTOR)
            h = torch.cat([h, functional.pixel_unshuffle(planes, _GRID_FACTOR)], dim=1)
        h = self.decode_input(h)
        for block in self.decode_deep:
            h = block(h, embedding)
        h = self.enlarge(h)
        if planes is not None:
            h = torch.cat([h, functional.pixel_unshuffle(planes, _FOLD)], dim=1)
        for block in self.decode_wide:
            h = block(h, embedding)
        rows, columns = self.latent_shape
        return self.output(self.to_fine(h))[..., :rows, :columns].float()

    def _embedding(self, n: int, attributes: Tensor | None) -> Tensor:
        embedding = self.always.expand(n, -1)
        if not self.conditional:
            return embedding
        if attributes is None:
            attributes = self.always.new_full((n, len(COLUMNS)), NOT_GIVEN)
        return embedding + self.told(self.tokens(attributes).flatten(1))

    def _planes(self, spatial: Tensor | None, like: Tensor) -> Tensor:
        if spatial is None:
            return like.new_zeros(len(like), self.spatial_channels, *self.latent_shape)
        return spatial.to(like.dtype)
