"""A try that fails its check mended in place: the requested lesion painted, what was not requested filled.

A new draw of the whole breast costs more and may fail alike; the lesion painter works on the region alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation.engine.check import LOW_DICE, LOW_SCORE, NOT_CLEAR, OTHER_REGION, CheckResult, RegionLimits
from monai_mammo.generation.engine.drawn_contrast import conspicuity_of
from monai_mammo.generation.engine.plan import PlannedSample
from monai_mammo.lesions.contrast_ranges import brightest, longer_side, shipped_contrast_ranges
from monai_mammo.painting.filling import FILLINGS, Filling, filling_of
from monai_mammo.painting.held_contrast import held_contrast
from monai_mammo.painting.local_edit import Change, paint_region, region_in_picture, without_lesion
from monai_mammo.painting.painter import LesionPainter

__all__ = ["MENDED_TURNS", "Mended", "Mender"]

MENDED_TURNS = 3
"""Times that a try is mended at most: where no lesion was requested, each time from what the time before left."""

_PLAIN = 0.8
_LESION_TURNS = 2
"""Times that a lesion is painted, each from the picture as it was drawn.

First as conspicuous as the sample's is to be, then plain to see, at `_PLAIN` of the range of real ones.
"""

_MOST_FILLED = 3
_STEPS = 10
_RIM_PX = 2
_MENDABLE = (LOW_DICE, LOW_SCORE, OTHER_REGION, NOT_CLEAR)


class Mended(NamedTuple):
    """A mended picture.

    Attributes
    ----------
    image : ndarray, shape (rows, columns), float32
    what : tuple of str
        What was done, for the manifest.
    """

    image: np.ndarray
    what: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Mender:
    """The lesion painter at work on generated pictures.

    Parameters
    ----------
    painter : LesionPainter
    spacing_mm : float
        Nominal, of the prepared grid.
    limits : RegionLimits
        What scores of regions must meet.
    """

    painter: LesionPainter
    spacing_mm: float
    limits: RegionLimits

    def mended(
        self, result: CheckResult, sample: PlannedSample, *, seed: int, attempt: int, turn: int
    ) -> Mended | None:
        """The picture of a try with the requested lesion painted, and without what was found and not requested.

        Parameters
        ----------
        result : CheckResult
            Of the try as it was drawn, or, where no lesion was requested, as it was mended last.
        sample : PlannedSample
            What was requested.
        seed, attempt, turn : int
            Seed of the run, number of the try, and how often it was mended before: noise depends on them.

        Returns
        -------
        Mended or None
            `None` where nothing is to be mended, or no region of it can be painted.
        """
        is_requested = bool(sample.lesion.mask.any())
        if is_requested and turn >= _LESION_TURNS:
            return None
        if result.defect not in _MENDABLE and (result.defect or not result.shows_unrequested):
            return None
        breast = ndimage.binary_fill_holes(result.image > 0)
        may_change = ndimage.binary_erosion(breast, iterations=_RIM_PX, border_value=1)
        conditions, picture, what = sample.prepared_conditions, result.image, []

        def painted(
            region: np.ndarray, outline: np.ndarray, shown: Conditions, number: int, how: Filling = FILLINGS[0]
        ) -> Change | None:
            try:
                return paint_region(
                    self.painter,
                    picture,
                    region_in_picture(region, rim_share=how.rim_share) & breast,
                    outline,
                    shown,
                    spacing_mm=self.spacing_mm,
                    may_change=may_change,
                    noise_of=(seed, f"mend {sample.index}/{attempt}/{turn}", number),
                    steps=_STEPS,
                    texture=how.texture,
                )
            except RequestError:  # larger than the painter allows
                return None

        nothing, healthy = np.zeros_like(result.requested), without_lesion(conditions)
        for number, region in enumerate(self._unrequested(result, sample, turn=turn), start=1):
            if (change := painted(region, nothing, healthy, number, filling_of(turn))) is not None:
                picture = change.laid_over(picture)
                what.append("filled what was not requested")
        outline = result.requested
        is_painted = is_requested and (result.defect in (LOW_DICE, LOW_SCORE) or turn > 0)
        if is_painted and (change := painted(outline, outline, conditions, 0)) is not None:
            size_share = longer_side(outline) / outline.shape[0]
            change, _ = held_contrast(
                change,
                picture,
                outline,
                breast,
                shipped_contrast_ranges().of(conditions, size_share=size_share),
                bright=brightest(picture, breast),
                conspicuity=_PLAIN if turn else conspicuity_of(sample, seed=seed),
            )
            picture = change.laid_over(picture)
            what.append("painted the requested lesion")
        return Mended(picture, tuple(dict.fromkeys(what))) if what else None

    def _unrequested(self, result: CheckResult, sample: PlannedSample, *, turn: int) -> Iterator[np.ndarray]:
        """Regions that are seen and were not requested, best first."""
        near = ndimage.binary_dilation(result.requested, iterations=2 * _RIM_PX)
        if (sample.conditions.n_findings or 1) > 1:
            return
        found = 0
        for region in result.regions:
            if (region.mask & near).any():
                continue
            is_outlined = bool((region.mask & result.found).any())
            limit = self.limits.other if result.requested.any() else self.limits.clear
            if region.score <= limit and not (is_outlined and (turn > 0 or not result.requested.any())):
                continue
            yield ndimage.binary_dilation(region.mask, iterations=_RIM_PX)
            found += 1
            if found == _MOST_FILLED:
                return
