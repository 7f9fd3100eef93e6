"""What a picture leaves open about itself: told where a breast is located, and found by `doctor`."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from monai_mammo.terms import ChestWall

__all__ = ["Doubt", "picture_doubts"]

_BLACK_AIR = 0.006  # 1.5 grey levels of 8 bit
_NEARLY_BLACK = 0.12
_WHOLE_FRAME = 0.95


class Doubt(StrEnum):
    """Code with which the note on a picture starts."""

    AIR_NOT_BLACK = "air_not_black"
    NEARLY_BLACK = "nearly_black"
    FILLS_FRAME = "fills_frame"
    SIDE_NOT_TOLD = "side_not_told"


def picture_doubts(
    pixels: np.ndarray, breast: np.ndarray, *, air: float | None, side: ChestWall | None
) -> dict[Doubt, str]:
    """What is doubtful about a picture in which a breast was found, a sentence each.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Brightness in [0, 1].
    breast : ndarray, shape (rows, columns), bool
    air : float or None
        Brightness of the air, `None` where no part of the picture is flat enough to be air.
    side : ChestWall or None
        Edge at which the breast is cut off, by the pixels.

    Returns
    -------
    dict of Doubt to str
        A sentence for each.
    """
    doubts: dict[Doubt, str] = {}
    if air is not None and air > _BLACK_AIR:
        doubts[Doubt.AIR_NOT_BLACK] = f"the air has a brightness of {air:.3f}, not 0"
    brightest = float(np.percentile(pixels[breast], 99)) if breast.any() else 0.0
    if brightest < _NEARLY_BLACK:
        doubts[Doubt.NEARLY_BLACK] = f"99 % of the breast lies below {brightest:.3f} of full brightness"
    if breast.mean() > _WHOLE_FRAME:
        share = f"{100 * breast.mean():.0f} % of the picture"
        doubts[Doubt.FILLS_FRAME] = f"the breast takes {share}: no air is told from it"
    if side is None:
        doubts[Doubt.SIDE_NOT_TOLD] = "the pixels do not tell at which edge the chest wall is"
    return doubts
