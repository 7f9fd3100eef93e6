"""Is what was requested there? Dice of requested and found lesion, and whether a try is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Box
from monai_mammo.errors import MammoError
from monai_mammo.lesions.placing import MIN_LESION_PX
from monai_mammo.measures.overlap import dice, meets
from monai_mammo.prepare.breast import beside_breast, breast_mask, chest_wall_side
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.terms import AcquisitionKind, ChestWall

if TYPE_CHECKING:
    from monai_mammo.networks.probable_regions import Region

__all__ = [
    "AIR_FLOOR",
    "MAX_BREAST_SHARE",
    "MAX_OUTSIDE",
    "CheckResult",
    "RegionLimits",
    "best_of",
    "check_image",
    "clean_air",
    "seen_breast",
]

AIR_FLOOR = 0.03
"""Brightness below which a generated pixel counts as air when the breast is looked for.

Prepared images with noise of 0.012, as an autoencoder leaves it: the outline agrees with the true
one to an IoU of 0.995 (digital, contrast), and 0.4 % of the breast at most is lost.
"""

MAX_SPECK_PX = 4
"""Pixels of a part beside the breast that is a speck of noise; acquired films have none at all."""

MAX_OUTSIDE = 0.1
"""Share of the requested lesion that may lie outside the breast; above it a try is not kept."""

MAX_BREAST_SHARE = 0.4
"""Share of the breast that the requested lesion may cover; above it a try is not kept."""

NO_BREAST = "no breast"
WRONG_SIDE = "chest wall on the wrong side"
OUTSIDE = "requested lesion outside the breast"
LOW_DICE = "Dice below the threshold"
LOW_SCORE = "score of the requested region below that of acquired lesions"
OTHER_REGION = "another region scores above those beside acquired lesions"
NOT_CLEAR = "more of a lesion is seen than in acquired images without one"
NOTHING_LEFT = "nothing of the requested lesion in the breast"
TOO_LARGE = "requested lesion covers too much of the breast"
SUSPECTED_COPY = "suspected copy of a training image"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RegionLimits:
    """What the scores of regions must meet, as acquired images do.

    Parameters
    ----------
    lesion : float
        Least score of the region that meets the requested lesion.
    other : float
        Most that another region may score beside a requested lesion.
    clear : float
        Most that any region may score where no lesion is requested.
    presence : float
        Most that the probability of any lesion may be there.
    """

    lesion: float = 0.0
    other: float = 1.0
    clear: float = 1.0
    presence: float = 1.0

    def defect(self, score: float | None, other_score: float, presence: float | None) -> str:
        """Criterion that is failed; empty for none.

        Parameters
        ----------
        score : float or None
            Of the region that meets the requested lesion; `None` where none is requested.
        other_score : float
            Best of all other regions.
        presence : float or None
            Probability of any lesion; `None` where it is not read.

        Returns
        -------
        str
        """
        if score is None:
            is_clear = other_score <= self.clear and (presence is None or presence <= self.presence)
            return "" if is_clear else NOT_CLEAR
        if score < self.lesion:
            return LOW_SCORE
        return OTHER_REGION if other_score > self.other else ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckResult:
    """What one try shows, in the prepared frame.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        Brightness in [0, 1], air set to 0.
    requested : ndarray, shape (rows, columns), bool
        The requested lesion as far as it lies in the breast.
    found : ndarray, shape (rows, columns), bool
        What the lesion network outlines, inside the breast.
    probabilities : dict
        Of finding, birads, density, view, pathology, as the lesion network reads them.
    dice : float or None
        Of `requested` and `found`; `None` where no lesion was requested.
    outside_share : float
        Share of the requested lesion that lies outside the breast.
    defect : str
        Empty for a try to be kept.
    score : float or None
        Of the region that meets the requested lesion, 0 where none does; `None` where no lesion was requested, or no
        region was looked for.
    other_score : float
        Best score of all other regions; 0 without one.
    regions : tuple of Region
        Places that may be lesions, best first.
    copy_ratio : float or None
        Distance to the closest training image over that to the second closest; `None` where no image was looked for.
    mended : tuple of str
        What was painted into the drawn picture; empty for a picture as it was drawn.
    is_elsewhere : bool
        Whether the lesion was requested at the place of `PlannedSample.elsewhere`.
    """

    image: np.ndarray
    requested: np.ndarray
    found: np.ndarray
    probabilities: dict[str, dict[str, float]]
    dice: float | None
    outside_share: float
    defect: str
    score: float | None = None
    other_score: float = 0.0
    regions: tuple[Region, ...] = ()
    copy_ratio: float | None = None
    mended: tuple[str, ...] = ()
    is_elsewhere: bool = False

    @property
    def shows_unrequested(self) -> bool:
        """Whether no lesion was requested and the lesion network outlines one all the same."""
        return self.dice is None and bool(self.found.any())

    @property
    def is_failure(self) -> bool:
        """Whether the picture shows no breast of the requested side, or no place of the requested lesion."""
        return self.defect in (NO_BREAST, WRONG_SIDE, NOTHING_LEFT)

    @property
    def found_box(self) -> Box | None:
        """Box round what was found."""
        return box_of_mask(self.found)

    def to_dict(self) -> dict[str, Any]:
        """Figures of the try for the manifest.

        Returns
        -------
        dict
        """
        rounded = None if self.dice is None else round(self.dice, 4)
        return {
            "dice": rounded,
            "score": None if self.score is None else round(self.score, 4),
            "other_score": round(self.other_score, 4),
            "outside_share": round(self.outside_share, 4),
            **({} if self.copy_ratio is None else {"copy_ratio": round(self.copy_ratio, 4)}),
            "defect": self.defect,
            **({"mended": list(self.mended)} if self.mended else {}),
            **({"elsewhere": True} if self.is_elsewhere else {}),
        }


def check_image(
    image: np.ndarray,
    found: np.ndarray,
    probabilities: dict[str, dict[str, float]],
    *,
    requested: np.ndarray,
    breast: np.ndarray | None,
    dice_threshold: float,
    regions: Sequence[Region] = (),
    presence: float | None = None,
    limits: RegionLimits | None = None,
    copy_ratio: float | None = None,
    copy_limit: float = 0.0,
) -> CheckResult:
    """What a try shows, and whether it is kept.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        As `clean_air` left it.
    found, requested : ndarray, shape (rows, columns), bool
    probabilities : dict
        Of each class, by head.
    breast : ndarray, shape (rows, columns), bool, or None
        `None` where there is none.
    dice_threshold : float
        Least agreement of what was found with what was requested, in [0, 1].
    regions : sequence of Region
        Places that may be lesions, best first.
    presence : float or None
        Probability of any lesion; `None` where it is not read.
    limits : RegionLimits or None
        What their scores must meet; `None` for nothing.
    copy_ratio : float or None
        Distance to the closest training image over that to the second closest, in [0, 1]; `None` where no training
        image was looked for.
    copy_limit : float
        Under this ratio the try is not kept.

    Returns
    -------
    CheckResult
    """
    inside = np.ones(image.shape, dtype=bool) if breast is None else breast
    visible = requested & inside
    outside_share = 1 - float(visible.sum() / requested.sum()) if requested.any() else 0.0
    agreement = dice(visible, found & inside) if requested.any() else None
    score, other_score = _region_scores(regions, visible)
    defect = "" if limits is None else limits.defect(score, other_score, presence)
    if agreement is not None and agreement < dice_threshold:
        defect = LOW_DICE
    if outside_share > MAX_OUTSIDE:
        defect = OUTSIDE
    if breast is not None and visible.sum() > MAX_BREAST_SHARE * breast.sum():
        defect = TOO_LARGE
    if copy_ratio is not None and copy_ratio < copy_limit:
        defect = SUSPECTED_COPY
    if requested.any() and visible.sum() < MIN_LESION_PX:
        defect = NOTHING_LEFT
    if breast is not None and chest_wall_side(breast) is ChestWall.RIGHT:
        defect = WRONG_SIDE
    if breast is None:
        defect = NO_BREAST
    return CheckResult(
        image=image,
        requested=visible,
        found=found & inside,
        probabilities=probabilities,
        dice=agreement,
        outside_share=outside_share,
        defect=defect,
        score=None if limits is None else score,
        other_score=other_score,
        regions=tuple(regions),
        copy_ratio=copy_ratio,
    )


def _region_scores(regions: Sequence[Region], requested: np.ndarray) -> tuple[float | None, float]:
    """Best score of the regions that meet the requested lesion, `None` where there is none, and of the others."""
    box = box_of_mask(requested)
    if box is None:
        return None, max((region.score for region in regions), default=0.0)
    met = [meets(region.box, region.center, box) for region in regions]
    ours = max((region.score for region, is_met in zip(regions, met, strict=True) if is_met), default=0.0)
    return ours, max((region.score for region, is_met in zip(regions, met, strict=True) if not is_met), default=0.0)


def best_of(results: Sequence[CheckResult]) -> CheckResult:
    """The first result without a defect, else the best of all.

    Where no lesion was requested, one in which none is outlined comes before those in which one is, and then that
    whose regions score least. A mammogram is
    better than none, and any other than a suspected copy; then the score of the requested region less that of the best
    other one decides, where regions were looked for, then the Dice, then which came first.

    Parameters
    ----------
    results : sequence of CheckResult
        Of all tries of a sample and of what was mended, one at least.

    Returns
    -------
    CheckResult
    """
    kept = [result for result in results if not result.defect]
    return min(kept, key=_shows_unrequested) if kept else max(results, key=_quality)


def _shows_unrequested(result: CheckResult) -> tuple[bool, float]:
    """How much of a lesion is seen where none was requested, equal for all where one was."""
    return result.shows_unrequested, result.other_score if result.dice is None else 0.0


def _quality(result: CheckResult) -> tuple[bool, bool, float, float]:
    is_other = result.defect != SUSPECTED_COPY
    return not result.is_failure, is_other, (result.score or 0.0) - result.other_score, result.dice or 0.0


def clean_air(image: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Picture with everything outside the breast, and specks at its edge, set to 0, and the breast.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32

    Returns
    -------
    image : ndarray, shape (rows, columns), float32
        Unchanged where no breast is found.
    breast : ndarray, shape (rows, columns), bool, or None
    """
    breast = seen_breast(image)
    return (image if breast is None else np.where(breast & ~_specks(image), image, np.float32(0))), breast


def seen_breast(image: np.ndarray) -> np.ndarray | None:
    """Where the breast is in a picture whose air is nearly black, of any acquisition kind.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32

    Returns
    -------
    ndarray, shape (rows, columns), bool, or None
        `None` where none is found.
    """
    try:
        # air is nearly 0 whatever the kind, so what is right for digital pictures is right here
        return breast_mask(np.where(image < AIR_FLOOR, np.float32(0), image), kind=AcquisitionKind.DIGITAL)
    except MammoError:
        return None


def _specks(image: np.ndarray) -> np.ndarray:
    """Parts of 4 pixels or fewer that are no air, beside the largest part and not enclosed by it.

    A skin line that fades into air leaves such specks of noise.
    """
    parts, _ = ndimage.label(beside_breast(image > AIR_FLOOR))
    is_speck: np.ndarray = (np.bincount(parts.ravel()) <= MAX_SPECK_PX)[parts] & (parts > 0)
    return is_speck
