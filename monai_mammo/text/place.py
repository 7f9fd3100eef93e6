"""Where a part of the breast lies in a picture as displayed."""

from __future__ import annotations

from monai_mammo.conditions import Box
from monai_mammo.errors import RequestError
from monai_mammo.terms import Depth, Laterality, Quadrant, View

__all__ = ["box_of_place", "quadrant_of_clock"]

# Fractions of the picture of a left breast, chest wall at the left edge. Breasts are cropped to the picture, so that
# the level of the nipple lies near its middle; toward the nipple the breast narrows, and so does the region.
_DEPTHS = {Depth.POSTERIOR: (0.02, 0.30), Depth.MIDDLE: (0.22, 0.50), Depth.ANTERIOR: (0.42, 0.72)}
_ANY_DEPTH = (0.05, 0.60)
_UPPER_EDGE = {Depth.POSTERIOR: 0.12, Depth.MIDDLE: 0.18, Depth.ANTERIOR: 0.30, None: 0.15}
_RETROAREOLAR = Box(0.45, 0.38, 0.75, 0.62)
_AXILLARY_TAIL = {View.MLO: Box(0.05, 0.05, 0.40, 0.30), View.CC: Box(0.02, 0.08, 0.30, 0.35)}
_TOWARD_TOP = {View.CC: "outer", View.MLO: "upper"}
_TOWARD_BOTTOM = {View.CC: "inner", View.MLO: "lower"}


def box_of_place(
    quadrant: Quadrant | None, *, view: View, laterality: Laterality, depth: Depth | None = None
) -> Box | None:
    """Coarse region in which a part of the breast lies, in the picture as displayed.

    A projection shows two of the three directions: in a CC view inner and outer (outer toward the top edge), in an MLO
    view upper and lower (upper toward the top edge). What the view cannot show is left open, so that the upper outer
    quadrant is the outer half in a CC view and the upper half in an MLO view.

    Parameters
    ----------
    quadrant : Quadrant or None
        `None` where only the depth is known.
    view : View
    laterality : Laterality
        The chest wall lies at the left edge for L, at the right edge for R.
    depth : Depth or None

    Returns
    -------
    Box or None
        Fractions of the picture, origin top left; `None` where neither argument narrows the place in this view.
    """
    view, laterality = View.parse(view), Laterality.parse(laterality)
    if quadrant is Quadrant.RETROAREOLAR:
        box = _RETROAREOLAR
    elif quadrant is Quadrant.AXILLARY_TAIL:
        box = _AXILLARY_TAIL[view]
    else:
        said = set() if quadrant is None else set(quadrant.value.split("_"))
        x0, x1 = _ANY_DEPTH if depth is None else _DEPTHS[depth]
        top = _UPPER_EDGE[depth]
        if _TOWARD_TOP[view] in said:
            y0, y1 = top, 0.5
        elif _TOWARD_BOTTOM[view] in said:
            y0, y1 = 0.5, 1 - top
        elif "central" in said:
            y0, y1 = 0.36, 0.64
        elif depth is not None:
            y0, y1 = top, 1 - top
        else:
            return None
        box = Box(x0, y0, x1, y1)
    return box.mirrored if laterality is Laterality.R else box


def quadrant_of_clock(hour: float, laterality: Laterality) -> Quadrant:
    """Part of the breast at an hour of the clock face, as the examiner sees the person.

    Parameters
    ----------
    hour : float
        1 to 12.75; half past ten is 10.5. Of a left breast 3 o'clock is outer, of a right breast inner.
    laterality : Laterality

    Returns
    -------
    Quadrant
        A half at 12, 3, 6 and 9 o'clock, otherwise a quadrant.

    Raises
    ------
    RequestError
        There is no such hour.
    """
    if not 1 <= hour < 13:
        raise RequestError(f"clock face position {hour:g} is not an hour from 1 to 12")
    turn = hour % 12  # 0 is up, 3 toward the left breast's outer side
    vertical = "upper" if turn < 3 or turn > 9 else "lower" if 3 < turn < 9 else ""
    toward_three, toward_nine = ("outer", "inner") if laterality is Laterality.L else ("inner", "outer")
    horizontal = toward_three if 0 < turn < 6 else toward_nine if turn > 6 else ""
    return Quadrant("_".join(word for word in (vertical, horizontal) if word))
