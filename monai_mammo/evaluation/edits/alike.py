"""Real lesions of equal kind, size and density beside inserted ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from monai_mammo.evaluation.edits.measured_place import Place

__all__ = ["alike"]

_OTHER_DENSITY = 0.5
_TAKEN = 1.0
_CONTRAST = 0.1
"""Difference in contrast that counts as much as a size off by 2.7 times."""


def alike(places: Sequence[Place], real: Sequence[Place], *, with_contrast: bool = False) -> list[int]:
    """Position of a real lesion for each place: of its kind, and as near in size and density as there are.

    Size counts by its logarithm, and another or an unknown density as much as a size off by 1.65 times. A lesion is
    taken again only where others are further off than 2.7 times for each time that it was taken. Contrast to the ring
    counts, where it does, as much as a size off by 1.65 times for each 0.05 of full brightness.

    Parameters
    ----------
    places, real : sequence of Place
        All on the prepared grid.
    with_contrast : bool
        Whether they are to be near in contrast too.

    Returns
    -------
    list of int
        -1 where there is no lesion of the kind.
    """
    taken = Counter[int]()
    out = []
    for place in places:
        of_kind = [i for i, one in enumerate(real) if place.kind in (None, one.kind)]
        if not of_kind:
            out.append(-1)
            continue

        def distance(i: int, place: Place = place) -> float:
            size = abs(math.log(place.size_share / real[i].size_share))
            far = _contrast_apart(place, real[i]) if with_contrast else 0.0
            return size + _OTHER_DENSITY * (place.density != real[i].density) + far + _TAKEN * taken[i]

        best = min(of_kind, key=distance)
        taken[best] += 1
        out.append(best)
    return out


def _contrast_apart(place: Place, other: Place) -> float:
    if place.contrast is None or other.contrast is None:
        return 1.0
    return abs(place.contrast - other.contrast) / _CONTRAST
