"""Contrast of an inserted lesion to its surround, held to that of real ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from monai_mammo.lesions.contrast_ranges import ContrastRange, Visibility, longer_side, ring_round, visibility
from monai_mammo.painting.local_edit import Change

__all__ = ["held_contrast", "toned_down"]

_GAINS = (0.05, 6.0)
_HALVINGS = 24
_TOLERANCE = 0.005
_SOFT_EDGE = 0.12
"""Softness of the edge of what is taken off a lesion, as a share of its longer side."""


def held_contrast(
    change: Change,
    picture: np.ndarray,
    outline: np.ndarray,
    breast: np.ndarray,
    contrasts: ContrastRange,
    *,
    bright: float,
    conspicuity: float | None,
) -> tuple[Change, bool]:
    """A lesion made fainter or stronger, so that it stands out of its surround as real ones do.

    What was added is multiplied by one number from 0.05 to 6. Without a conspicuity a lesion within the range stays as
    it is. In either case it is no brighter than real lesions are beside the brightest tissue of their breast, as long
    as the tissue at its place is not so by itself.

    Parameters
    ----------
    change : Change
    picture : ndarray, shape (rows, columns), float32
        Brightness in [0, 1] before the change.
    outline, breast : ndarray, shape (rows, columns), bool
    contrasts : ContrastRange
        Of real lesions of the same sort.
    bright : float
        Brightness that 1 % of the breast pass.
    conspicuity : float or None
        0 for the faintest of the range, 1 for the most conspicuous.

    Returns
    -------
    change : Change
    is_held : bool
        Whether the contrast lies within the range of real lesions now, or, with a conspicuity, at the place that it
        names.
    """
    inside, own = outline[change.window], picture[change.window]
    ring = ring_round(inside, breast[change.window])

    def seen(gain: float) -> Visibility | None:
        return visibility(np.clip(own + gain * change.added, 0, 1), inside, ring, bright=bright)

    before, drawn = seen(0.0), seen(1.0)
    if before is None or drawn is None or drawn.contrast <= before.contrast:
        return change, False
    low, high = contrasts.contrast[0], contrasts.contrast[-1]
    target = float(np.clip(drawn.contrast, low, high)) if conspicuity is None else contrasts.at(conspicuity)
    highest_peak = max(contrasts.highest_peak, before.peak)

    def is_too_much(gain: float) -> bool:
        found = seen(gain)
        return found is not None and (found.contrast > target or found.peak > highest_peak)

    gain = 1.0
    if target != drawn.contrast or is_too_much(1.0):
        gain = _most_allowed(is_too_much, _GAINS)
    after = seen(gain)
    least, most = (low, high) if conspicuity is None else (target, target)
    is_held = after is not None and least - _TOLERANCE <= after.contrast <= most + _TOLERANCE
    return dataclasses.replace(change, added=(gain * change.added).astype(np.float32)), is_held


def toned_down(
    picture: np.ndarray,
    outline: np.ndarray,
    breast: np.ndarray,
    contrasts: ContrastRange,
    *,
    bright: float,
    conspicuity: float = 1.0,
) -> np.ndarray:
    """A picture whose lesion stands out of its surround no more than real ones do.

    What is taken off is as smooth as the outline is large, so that the texture of the lesion stays. A lesion within the
    range, one that cannot be measured, and all that lies outside the breast stay as they are.

    Parameters
    ----------
    picture : ndarray, shape (rows, columns), float32
        Brightness in [0, 1], drawn with its lesion.
    outline, breast : ndarray, shape (rows, columns), bool
    contrasts : ContrastRange
        Of real lesions of the same sort.
    bright : float
        Brightness that 1 % of the breast pass.
    conspicuity : float
        Place in the range, 0 to 1, above which nothing may stand out.

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    ring = ring_round(outline, breast)
    drawn = visibility(picture, outline, ring, bright=bright)
    lowest, highest = contrasts.contrast[0], contrasts.at(conspicuity)
    if drawn is None or (drawn.contrast <= highest and drawn.peak <= contrasts.highest_peak):
        return picture
    hump = ndimage.gaussian_filter(outline.astype(np.float32), _SOFT_EDGE * longer_side(outline)) * breast
    hump /= max(float(hump[outline].mean() - hump[ring].mean()), 1e-3)
    most = drawn.contrast - lowest  # a bright place of the breast is not made a hole of
    if most <= 0:
        return picture

    def is_too_much(kept: float) -> bool:
        found = visibility(np.clip(picture - (most - kept) * hump, 0, 1), outline, ring, bright=bright)
        return found is not None and (found.contrast > highest or found.peak > contrasts.highest_peak)

    kept = _most_allowed(is_too_much, (0.0, most))
    return np.clip(picture - np.float32(most - kept) * hump, 0, 1).astype(np.float32)


def _most_allowed(is_too_much: Callable[[float], bool], span: tuple[float, float]) -> float:
    """The largest number of a span that is not too much, its least where all are, by halving."""
    least, most = span
    for _ in range(_HALVINGS):
        middle = (least + most) / 2
        least, most = (least, middle) if is_too_much(middle) else (middle, most)
    return least
