"""Real lesions of equal kind, size and density beside inserted ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from monai_mammo.evaluation.edits.measured_place import Place

__all__ = ["alike"]

_OTHER_DENSITY = 0.5
_TAKEN = 1.0


def alike(places: Sequence[Place], real: Sequence[Place]) -> list[int]:
    """Position of a real lesion for each place: of its kind, and as near in size and density as there are.

    Size counts by its logarithm, and another or an unknown density as much as a size off by 1.65 times. A lesion is
    taken again only where others are further off than 2.7 times for each time that it was taken.

    Parameters
    ----------
    places, real : sequence of Place
        All on the prepared grid.

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
            return size + _OTHER_DENSITY * (place.density != real[i].density) + _TAKEN * taken[i]

        best = min(of_kind, key=distance)
        taken[best] += 1
        out.append(best)
    return out
