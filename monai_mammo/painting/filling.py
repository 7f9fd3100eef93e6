"""Ways in which a region is filled with healthy tissue, in the order in which they are tried."""

from __future__ import annotations

import dataclasses

from monai_mammo.lesions.painter_crops import DEFAULT_RIM_SHARE
from monai_mammo.terms import AcquisitionKind

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


FILLINGS = (Filling(), Filling(rim_share=0.4), Filling(rim_share=0.4, texture=0.5))
"""In turn, each time from other noise."""

_FAINT = Filling(rim_share=0.4, texture=0.3)


def filling_of(attempt: int, *, kind: AcquisitionKind | None = None) -> Filling:
    """Filling of an attempt; on subtracted contrast views, which show few fibres, also one of faint texture.

    Parameters
    ----------
    attempt : int
        From 0.
    kind : AcquisitionKind or None

    Returns
    -------
    Filling
    """
    fillings = (*FILLINGS, _FAINT) if kind is AcquisitionKind.CONTRAST else FILLINGS
    return fillings[attempt % len(fillings)]
