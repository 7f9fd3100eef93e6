"""A region drawn anew by the generator of whole mammograms, from the noised original or from its own noise.

From the original under drawn noise this is SDEdit (Meng et al. 2022), from the noise that leads to the original again
it is DDIM inversion (Song et al. 2020). The generator works on the whole breast at its own size; what it changes is
brought back to the pixels of the file.
"""

from __future__ import annotations

import dataclasses
from typing import Self

import numpy as np

from monai_mammo.bundle import BundleFolder, describe
from monai_mammo.conditions import Conditions
from monai_mammo.editing.edit_method import EditedPlace
from monai_mammo.editing.whole_image import WholeImageGenerator
from monai_mammo.errors import RequestError
from monai_mammo.generation.engine.source import drawn_round
from monai_mammo.painting.local_edit import Change, blended_change, grain_draws, window_round, without_fine_structure
from monai_mammo.prepare.array import PreparedMammogram
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.terms import Finding

__all__ = ["Redrawing"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Redrawing:
    """Generator of whole mammograms, and how far from the original it starts.

    Parameters
    ----------
    generator : WholeImageGenerator
    diffusion : BundleFolder
        Its bundle, which knows what it was trained on.
    strength : float
        In (0, 1], time of the schedule that sampling starts at.
    steps : int
        Network evaluations of the layout stage from pure noise.
    is_inverted : bool
        Whether the noise is that of the original itself.
    """

    generator: WholeImageGenerator
    diffusion: BundleFolder
    strength: float
    steps: int
    is_inverted: bool

    @classmethod
    def load(
        cls,
        diffusion: BundleFolder,
        autoencoder: BundleFolder,
        *,
        device: str,
        strength: float,
        steps: int,
        guidance: float,
        is_inverted: bool,
    ) -> Self:
        """Redrawing by the generator of two bundles.

        Parameters
        ----------
        diffusion, autoencoder : BundleFolder
        device : str
            Such as ``cpu`` or ``cuda``.
        strength, steps, is_inverted
            As the class has them.
        guidance : float
            Weight of classifier-free guidance of the layout stage; 1 is none.

        Returns
        -------
        Redrawing

        Raises
        ------
        RequestError
            The bundle does not draw in two stages.
        MammoError
            Weights are missing, damaged, or do not fit the networks.
        """
        generator = WholeImageGenerator.load(diffusion, autoencoder, scale=guidance, groups={}, device=device)
        return cls(generator=generator, diffusion=diffusion, strength=strength, steps=steps, is_inverted=is_inverted)

    def change(self, place: EditedPlace) -> Change:
        """What the generator changes of a picture.

        Parameters
        ----------
        place : EditedPlace

        Returns
        -------
        Change

        Raises
        ------
        RequestError
            The region is larger than an edit may be, or no pixel of the generator; the kind of the file is not known;
            or nothing like it was in training.
        """
        window, source = window_round(place.region), place.source
        mammogram = source.mammogram.replace(pixels=place.picture)
        prepared = dataclasses.replace(source.located, mammogram=mammogram).on_grid(self.generator.shape)
        region, outline = (prepared.trace.forward(mask) for mask in (place.region, place.outline))
        if not region.any() or (place.outline.any() and not outline.any()):
            raise RequestError(
                f"the region in {source.path} is smaller than a pixel of the generator: name a larger one"
            )
        sought, own = self._conditions(place, region, outline)
        latent = self.generator.latent(prepared.image)
        drawn = self.generator.drawn(
            latent,
            sought,
            outline,
            region=drawn_round(region),
            inverted_from=(own, np.zeros_like(region) if outline.any() else region) if self.is_inverted else None,
            strength=self.strength,
            noise_of=(place.noise_of[0], f"{place.noise_of[1]}/{place.noise_of[2]}"),
            steps=self.steps,
        )
        added = self._on_file(prepared, drawn - self.generator.image(latent), window)
        before = place.picture[window].astype(np.float32)
        masks = place.region[window], place.may_change[window]
        shrinking = prepared.trace.padded_shape[0] / prepared.image.shape[0]
        if not outline.any():
            coarse, rng = self._on_file(prepared, prepared.image, window), grain_draws(place.noise_of)
            added = without_fine_structure(added, before, coarse, *masks, rng)
        return blended_change(window, added, before, *masks, shrinking, outline=place.outline[window])

    def _conditions(self, place: EditedPlace, region: np.ndarray, outline: np.ndarray) -> tuple[Conditions, Conditions]:
        """What is to be seen of the whole mammogram, and what is seen before."""
        source = place.source
        if source.conditions.kind is None:
            raise RequestError(f"{source.path} does not state its kind, which the generator needs: name it with kind")
        sought = place.conditions.replace(box=box_of_mask(outline) if outline.any() else None)
        requested = Conditions(kind=sought.kind, finding=sought.finding)
        # that nothing is there is asked of every kind, also of films, none of which is known to be without a lesion
        if outline.any() and not self.diffusion.support.check(requested).is_supported:
            raise RequestError(f"no training image shows {describe(requested)}: another finding can be asked")
        own = source.conditions.replace(finding=Finding.NONE)
        if not outline.any():
            shown = source.mammogram.conditions.finding
            is_known = shown is not None and shown is not Finding.NONE
            own = own.replace(finding=shown if is_known else None, box=box_of_mask(region))
        return sought, own

    def _on_file(self, prepared: PreparedMammogram, array: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
        """Picture of the generator's grid on the file's pixels in a window."""
        return prepared.trace.inverse(array.astype(np.float32), order=3)[window]
