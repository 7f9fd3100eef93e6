"""Ways in which a region is filled with healthy tissue, in the order in which they are tried."""

from __future__ import annotations

import dataclasses

from monai_mammo.lesions.painter_crops import DEFAULT_RIM_SHARE

__all__ = ["FILLINGS", "Filling", "filling_of"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """How a region is filled.

    Parameters
    ----------
    rim_share : float
        Width of the rim round the outline, as for `monai_mammo.lesions.painter_crops.region_round`: what a lesion does
        to the tissue next to it tells of it, and an outline may be drawn tight.
    texture : float
        Share of what the painter draws over the smooth filling of the region: where the surround is busier than what
        belongs into the region, its texture makes lumps there.
    """

    rim_share: float = DEFAULT_RIM_SHARE
    texture: float = 1.0


FILLINGS = (Filling(), Filling(rim_share=0.4), Filling(rim_share=0.4, texture=0.5), Filling(rim_share=0.4, texture=0.3))
"""In turn, each time from other noise."""


def filling_of(attempt: int) -> Filling:
    """Filling of an attempt.

    Parameters
    ----------
    attempt : int
        From 0.

    Returns
    -------
    Filling
    """
    return FILLINGS[attempt % len(FILLINGS)]
