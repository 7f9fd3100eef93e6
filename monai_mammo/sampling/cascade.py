"""From noise to a full latent in two stages: the layout under all conditions, then the detail under the layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from monai_mammo.errors import RequestError
from monai_mammo.networks.blocks import pad_to_multiple
from monai_mammo.networks.context import kind_places
from monai_mammo.networks.detail_unet import LAYOUT_FACTOR, DetailUNet, enlarged_layout, layout_of, layout_planes
from monai_mammo.networks.picture_finish import PictureFinish
from monai_mammo.networks.texture_code import TextureCode
from monai_mammo.parsed_numbers import parse_number
from monai_mammo.sampling.guidance import Guidance, autoguided, z0_predictor
from monai_mammo.sampling.known import KnownLatent, joined, keeping, noise_in, partial_time_grid, started_from
from monai_mammo.sampling.latents import sample_latents
from monai_mammo.sampling.noise import gaussian
from monai_mammo.sampling.schedule import Schedule
from monai_mammo.sampling.solvers import ddim_inversion, dpm_solver_pp_2m
from monai_mammo.sampling.tiles import Tiling
from monai_mammo.terms import AcquisitionKind

__all__ = ["Cascade", "CascadeNoise", "by_kind"]

DETAIL_LEAD = 1.25
"""Strength of the detail stage over that of the layout: the skin line of a layout that has moved would stay else."""


class CascadeNoise(NamedTuple):
    """Standard Gaussian noise that a draw starts from; the draw is a function of it.

    Attributes
    ----------
    layout, on_layout : Tensor, shape (B, 4, h', w')
        Start of the layout stage, and what is laid over the finished layout.
    detail : Tensor, shape (B, 4, h, w)
        Start of the detail stage.
    texture : Tensor, shape (B, 2)
        What the code of the mammogram's texture is made of, for a detail stage that is told of it
        (`networks.TextureCode`).

    Notes
    -----
    Of a single sample all are without the batch axis.
    """

    layout: Tensor
    on_layout: Tensor
    detail: Tensor
    texture: Tensor


@dataclass(frozen=True)
class Cascade:
    """Two diffusion networks as one sampler of latents.

    Parameters
    ----------
    layout : callable
        As `networks.LayoutUNet`.
    detail : DetailUNet
    layout_schedule, detail_schedule : Schedule
        That the networks were trained with.
    layout_noise : float
        Deviation of the noise on the finished layout, told to the detail stage, which draws what it hides anew.
    guide : callable, optional
        A weaker layout network, which the layout stage is pushed away from (`sampling.autoguided`), with and without
        conditions; it is asked as `layout` is.
    layout_guidance : float or mapping of str to float
        How far: 1 is not at all. A mapping gives each acquisition kind a weight of its own, 1 where it names none.
    layout_range : tuple of float, optional
        Least and largest value of the layouts of acquired mammograms, black air and white; drawn ones stay between.
    detail_guide : callable, optional
        A weaker detail network, which the detail stage is pushed away from; it is asked as `detail` is, but not told
        of the texture.
    detail_guidance : float or mapping of str to float
        How far, as `layout_guidance`.
    finer_texture : float or mapping of str to float
        Added to the first number of the texture's code, in deviations of acquired mammograms: what a sampler loses of
        fine texture may be asked for on top. A mapping is by acquisition kind, 0 where it names none.
    finish : PictureFinish, optional
        What it says of a drawn residual is added to it: what a discriminator missed in drawn mammograms
        (`training.FinishLoss`). Where an acquired mammogram takes part it acts where and as far as is drawn anew.
    finish_weight : float or mapping of str to float
        How much of that is added; a mapping is by acquisition kind, 1 where it names none.
    tiling : Tiling
        How the detail stage works on latents that are larger than a tile: blended at each step, in the memory of one.
    """

    layout: Callable[..., Tensor]
    detail: DetailUNet
    layout_schedule: Schedule
    detail_schedule: Schedule
    layout_noise: float = 0.05
    guide: Callable[..., Tensor] | None = None
    layout_guidance: float | Mapping[str, float] = 1.5
    layout_range: tuple[float, float] | None = None
    detail_guide: Callable[..., Tensor] | None = None
    detail_guidance: float | Mapping[str, float] = 1.5
    finer_texture: float | Mapping[str, float] = 0.0
    finish: PictureFinish | None = None
    finish_weight: float | Mapping[str, float] = 1.0
    tiling: Tiling = Tiling()

    def draw(
        self,
        noise: CascadeNoise,
        *,
        attributes: Tensor,
        spatial: Tensor,
        text: Tensor | None = None,
        known: KnownLatent | None = None,
        guidance: Guidance | float | None = None,
        steps: int = 20,
        steer: Callable[[Tensor], Tensor] | None = None,
        on_step: Callable[[], None] | None = None,
    ) -> Tensor:
        """Scaled latents for a batch of conditions.

        Parameters
        ----------
        noise : CascadeNoise
        attributes : Tensor, shape (B, n)
            The acquisition kind is given.
        spatial : Tensor, shape (B, 2, h, w)
            Share of each latent position that the lesion's mask, and its box, cover.
        text : Tensor, shape (B, channels), or None
            Vectors of texts for a layout network that takes them; zeros say "not given".
        known : KnownLatent, optional
            An acquired mammogram that is seen, kept or started from.
        guidance : Guidance or float, optional
            By the conditions, of the layout stage; what both stages are pushed away from besides is the sampler's own.
        steps : int
            Network evaluations of the layout stage; the detail stage takes `detail_steps` of it.
        steer : callable, optional
            Of the detail stage, as in `draw_detail`.
        on_step : callable, optional
            Called after each network evaluation.

        Returns
        -------
        Tensor, shape (B, 4, h, w)
        """
        layout = self.draw_layout(
            noise.layout,
            attributes=attributes,
            spatial=spatial,
            text=text,
            known=known,
            guidance=guidance,
            steps=steps,
            on_step=on_step,
        )
        return self.draw_detail(
            noise,
            layout,
            attributes=attributes,
            mask=spatial[:, :1],
            known=known,
            steps=self.detail_steps(steps),
            steer=steer,
            on_step=on_step,
        )

    @staticmethod
    def detail_steps(steps: int) -> int:
        """Network evaluations of the detail stage beside those of the layout stage: 12 beside 20.

        Parameters
        ----------
        steps : int
            Of the layout stage.

        Returns
        -------
        int
        """
        return max(1, round(0.6 * steps))

    def n_evaluations(self, steps: int) -> int:
        """Network evaluations of a draw.

        Parameters
        ----------
        steps : int
            Of the layout stage.

        Returns
        -------
        int
        """
        return steps + self.detail_steps(steps)

    @classmethod
    def noise(cls, seed: int, sample_id: str | int, attempt: int, latent_shape: tuple[int, int, int]) -> CascadeNoise:
        """Noise of one sample, a function of the arguments alone, without a batch axis.

        Parameters
        ----------
        seed : int
            Seed of the run.
        sample_id : str or int
        attempt : int
            Number of the try, 0 the first.
        latent_shape : tuple of int
            Channels, rows and columns of the latent.

        Returns
        -------
        CascadeNoise
            Of shapes (4, h', w'), (4, h', w'), `latent_shape` and (2,).
        """
        small = cls.layout_shape(latent_shape)
        return CascadeNoise(
            layout=gaussian(seed, f"layout of {sample_id}", attempt, small),
            on_layout=gaussian(seed, f"on layout of {sample_id}", attempt, small),
            detail=gaussian(seed, sample_id, attempt, latent_shape),
            texture=gaussian(seed, f"texture of {sample_id}", attempt, (TextureCode.N_NUMBERS,)),
        )

    def draw_layout(
        self,
        noise: Tensor,
        *,
        attributes: Tensor,
        spatial: Tensor,
        text: Tensor | None = None,
        known: KnownLatent | None = None,
        guidance: Guidance | float | None = None,
        steps: int = 20,
        on_step: Callable[[], None] | None = None,
    ) -> Tensor:
        """Layouts from noise.

        Parameters
        ----------
        noise : Tensor, shape (B, 4, h', w')
        attributes : Tensor, shape (B, n)
        spatial : Tensor, shape (B, 2, h, w)
            On the grid of the latent.
        text : Tensor, shape (B, channels), or None
            As in `draw`.
        known : KnownLatent, optional
            An acquired mammogram that is seen, kept or started from.
        guidance : Guidance or float, optional
            A number is the weight of all conditions.
        steps : int
            Network evaluations.
        on_step : callable, optional
            Called after each.

        Returns
        -------
        Tensor, shape (B, 4, h', w')
        """
        coarse = layout_planes(spatial)
        anatomy = noise.new_zeros(len(noise), noise.shape[1] + 1, *noise.shape[-2:])
        kept: tuple[Tensor, Tensor] | None = None
        if known is not None:
            kept = layout_of(known.latent), _drawn_layout(known.drawn)
            anatomy = _anatomy(known)
        network = self.layout
        if self.guide is not None:
            weights = by_kind(self.layout_guidance, attributes, name="layout_guidance", otherwise=1.0).to(noise)
            network = autoguided(network, self.guide, weights)
        layout = sample_latents(
            network,
            self.layout_schedule,
            noise,
            attributes=attributes,
            spatial=coarse,
            always=(anatomy,),
            text=text,
            steps=steps,
            guidance=Guidance() if guidance is None else guidance,
            known=kept,
            strength=1.0 if known is None else known.strength,
            limits=self.layout_range,
            on_step=on_step,
        )
        return layout if kept is None else joined(layout, *kept)

    def draw_detail(
        self,
        noise: CascadeNoise,
        layout: Tensor,
        *,
        attributes: Tensor,
        mask: Tensor,
        known: KnownLatent | None = None,
        steps: int = 12,
        steer: Callable[[Tensor], Tensor] | None = None,
        on_step: Callable[[], None] | None = None,
    ) -> Tensor:
        """Scaled latents over layouts.

        Parameters
        ----------
        noise : CascadeNoise
        layout : Tensor, shape (B, 4, h', w')
        attributes : Tensor, shape (B, n)
            The acquisition kind is given.
        mask : Tensor, shape (B, 1, h, w)
            Share of each latent position that the lesion's mask covers.
        known : KnownLatent, optional
            An acquired mammogram that is kept or started from.
        steps : int
            Network evaluations.
        steer : callable, optional
            ``steer(latent)`` gives the scaled latent, (B, 4, h, w), that takes the place of a predicted one.
        on_step : callable, optional
            Called after each.

        Returns
        -------
        Tensor, shape (B, 4, h, w)
        """
        schedule, strength = self.detail_schedule, 1.0
        if known is not None:
            strength = min(1.0, DETAIL_LEAD * known.strength)
        predict_z0, finished, smooth, scale = self._residual_over(
            noise, layout, attributes=attributes, mask=mask, known=known
        )
        shape = (mask.shape[-2], mask.shape[-1])
        times, start = partial_time_grid(schedule, steps, strength), noise.detail
        predict: Callable[[Tensor, Tensor], Tensor] = predict_z0
        if known is not None:
            kept = (known.latent - smooth) / scale
            if len(times) == 0:
                return smooth + kept * scale
            # where it is drawn anew, the known detail is that over its own layout, so that a new layout is not undone
            own = kept + enlarged_layout(layout - layout_of(known.latent), shape) / scale
            predict = keeping(predict_z0, kept, known.drawn)
            begun = kept + known.drawn * (own - kept)
            start = started_from(begun, noise.detail, times[0], schedule, strength=strength)
        if steer is not None:
            predict = _steered(predict, steer, smooth=smooth, scale=scale)
        callback = None if on_step is None else lambda i, z_t, z0: on_step()
        residual = dpm_solver_pp_2m(predict, start, times, schedule, callback=callback)
        share = 1.0 if known is None else strength * known.drawn
        return smooth + (residual + share * (finished(residual) - residual)) * scale

    def inverted(
        self,
        noise: CascadeNoise,
        *,
        attributes: Tensor,
        spatial: Tensor,
        known: KnownLatent,
        text: Tensor | None = None,
        steps: int = 20,
    ) -> CascadeNoise:
        """Noise from which a draw that starts from an acquired mammogram comes to it again (DDIM inversion).

        Parameters
        ----------
        noise : CascadeNoise
            What is laid over the layout is kept, the rest is found.
        attributes : Tensor, shape (B, n)
            What the mammogram shows.
        spatial : Tensor, shape (B, 2, h, w)
            Its lesion, as in `draw`.
        known : KnownLatent
            Above strength 0.
        text : Tensor, shape (B, channels), or None
            As in `draw`.
        steps : int
            Network evaluations of the layout stage for the whole way, as in `draw`; guidance has no part in it.

        Returns
        -------
        CascadeNoise
        """
        layout = layout_of(known.latent)
        predict_layout = z0_predictor(
            self.layout,
            self.layout_schedule,
            attributes=attributes,
            spatial=layout_planes(spatial),
            always=(_anatomy(known),),
            text=text,
            guidance=Guidance(scale=1.0),
        )
        predict_detail, _, smooth, scale = self._residual_over(
            noise, layout, attributes=attributes, mask=spatial[:, :1], known=known
        )
        lead = min(1.0, DETAIL_LEAD * known.strength)
        stages = (
            (predict_layout, layout, self.layout_schedule, steps, known.strength),
            (predict_detail, (known.latent - smooth) / scale, self.detail_schedule, self.detail_steps(steps), lead),
        )
        found = []
        for predict, clean, schedule, n, strength in stages:
            times = partial_time_grid(schedule, n, strength)
            start = ddim_inversion(predict, clean, times, schedule)
            found.append(noise_in(start, clean, times[0], schedule, strength=strength))
        return noise._replace(layout=found[0], detail=found[1])

    def _residual_over(
        self, noise: CascadeNoise, layout: Tensor, *, attributes: Tensor, mask: Tensor, known: KnownLatent | None
    ) -> tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor], Tensor, Tensor]:
        """Predictor and finish of the detail over a layout, the enlarged layout, the scale of the detail over it."""
        level = noise.detail.new_full((len(layout),), self.layout_noise)
        noisy = layout + level[:, None, None, None] * noise.on_layout
        planes = self.detail.planes(layout, noisy, mask)
        numbers = self.detail.numbers_told(level, self._texture(noise, attributes, known))
        network: Callable[..., Tensor] = self.detail
        if self.detail_guide is not None:
            weights = by_kind(self.detail_guidance, attributes, name="detail_guidance", otherwise=1.0).to(noise.detail)
            network = autoguided(self.detail, _untold(self.detail_guide), weights)

        def predict_z0(z_t: Tensor, t: Tensor) -> Tensor:
            def velocity(tile: Tensor, seen: Tensor) -> Tensor:
                return network(tile, t, attributes, seen, numbers=numbers)

            return self.detail_schedule.to_z0(self.tiling.apply(velocity, z_t, planes), z_t, t)

        def finished(residual: Tensor) -> Tensor:
            finish = self.finish
            share = by_kind(self.finish_weight, attributes, name="finish_weight", otherwise=1.0).to(residual)
            if finish is None or not share.any():
                return residual

            def change(tile: Tensor, seen: Tensor) -> Tensor:
                return finish(tile, attributes, seen)

            return residual + share * self.tiling.apply(change, residual, planes)

        smooth = enlarged_layout(noisy, (mask.shape[-2], mask.shape[-1]))
        return predict_z0, finished, smooth, self.detail.residual_scale(attributes, level)

    def _texture(self, noise: CascadeNoise, attributes: Tensor, known: KnownLatent | None) -> Tensor:
        """Code of the texture to draw, (B, 2): that of the known latent where anything of it stays."""
        finer = by_kind(self.finer_texture, attributes, name="finer_texture", otherwise=0.0).to(noise.texture)
        own = self.detail.texture_drawn(noise.texture, attributes)
        drawn = own + functional.pad(finer.flatten(1), (0, TextureCode.N_NUMBERS - 1))
        if known is None:
            return drawn
        stays = (known.drawn < 1).flatten(1).any(dim=1, keepdim=True) | (known.strength < 1)
        return torch.where(stays, self.detail.texture_of(known.latent, attributes).to(drawn), drawn)

    @staticmethod
    def layout_shape(latent_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Channels, rows and columns of the layout of a latent.

        Parameters
        ----------
        latent_shape : tuple of int
            Channels, rows and columns of the latent.

        Returns
        -------
        tuple of int
        """
        channels, rows, columns = latent_shape
        return channels, -(-rows // LAYOUT_FACTOR), -(-columns // LAYOUT_FACTOR)


def by_kind(values: float | Mapping[str, float], attributes: Tensor, *, name: str, otherwise: float) -> Tensor:
    """Number of each item's acquisition kind.

    Parameters
    ----------
    values : float or mapping of str to float
        One for all, or by acquisition kind.
    attributes : Tensor, shape (B, n)
        The acquisition kind is given.
    name : str
        Of the numbers, for messages.
    otherwise : float
        Of a kind that a mapping does not name.

    Returns
    -------
    Tensor, shape (B, 1, 1, 1)

    Raises
    ------
    RequestError
        A value is not a number from 0 to 10, or a key is not the name of an acquisition kind.
    """
    kinds = [kind.value for kind in AcquisitionKind]
    stated = values if isinstance(values, Mapping) else dict.fromkeys(kinds, values)
    if unknown := [str(key)[:40] for key in stated if key not in kinds]:
        raise RequestError(f"{name} of {unknown[0]!r} is not one of {', '.join(kinds)}")
    numbers = [parse_number(stated.get(kind, otherwise), name=name, low=0, high=10) for kind in kinds]
    places = kind_places(attributes)
    return torch.tensor(numbers, device=attributes.device)[places.to(attributes.device)][:, None, None, None]


def _untold(guide: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A guide of the detail stage, told of the noise level alone."""

    def predict(*told: Any, numbers: Tensor) -> Tensor:
        return guide(*told, numbers=numbers[:, :1])

    return predict


def _steered(
    predict_z0: Callable[[Tensor, Tensor], Tensor], steer: Callable[[Tensor], Tensor], *, smooth: Tensor, scale: Tensor
) -> Callable[[Tensor, Tensor], Tensor]:
    """A predictor of residuals whose latent, over the enlarged layout, is steered at each step."""

    def predict(z_t: Tensor, t: Tensor) -> Tensor:
        return (steer(smooth + predict_z0(z_t, t) * scale) - smooth) / scale

    return predict


def _anatomy(known: KnownLatent) -> Tensor:
    """What the layout stage is shown of an acquired mammogram, (B, 5, h', w')."""
    return torch.cat([layout_of(known.latent) * known.seen, known.seen], dim=1)


def _drawn_layout(drawn: Tensor) -> Tensor:
    """Where a layout is drawn anew, (B, 1, h', w'): where the latent is, and one position more."""
    touched = functional.max_pool2d((pad_to_multiple(drawn, LAYOUT_FACTOR) > 0).to(drawn), LAYOUT_FACTOR)
    return functional.max_pool2d(touched, 3, stride=1, padding=1)
