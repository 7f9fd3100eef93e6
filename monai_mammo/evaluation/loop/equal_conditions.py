"""Generated images each beside an acquired one of equal conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from monai_mammo.conditions import Box
from monai_mammo.measures.overlap import box_iou

__all__ = ["EQUAL_CONDITIONS", "pairs_of_equal_conditions"]

EQUAL_CONDITIONS = ("kind", "view", "density", "finding")
"""What both images of a pair state alike; BI-RADS and box are as alike as the acquired images allow."""

_BIRADS_COUNTS = 0.5


def pairs_of_equal_conditions(
    synthetic: Sequence[Mapping[str, Any]], acquired: Sequence[Mapping[str, Any]]
) -> list[tuple[int, int]]:
    """Positions of a generated and of an acquired image of equal conditions, each image once at most.

    Among images of equal conditions the pairs are those whose lesions lie most alike and whose BI-RADS agree
    (the assignment of the largest sum of box IoU, and 0.5 where BI-RADS is equal).

    Parameters
    ----------
    synthetic, acquired : sequence of mapping
        Items with ``conditions`` and ``boxes``, in the prepared frame.

    Returns
    -------
    list of tuple of int
        In the order of `synthetic`; images without a partner are left out.
    """
    groups: dict[tuple[Any, ...], tuple[list[int], list[int]]] = {}
    for side, items in enumerate((synthetic, acquired)):
        for i, item in enumerate(items):
            key = tuple(item["conditions"].get(name) for name in EQUAL_CONDITIONS)
            groups.setdefault(key, ([], []))[side].append(i)
    pairs = []
    for ours, theirs in groups.values():
        if ours and theirs:
            likeness = np.array([[_likeness(synthetic[i], acquired[j]) for j in theirs] for i in ours])
            rows, columns = linear_sum_assignment(likeness, maximize=True)
            pairs += [(ours[int(i)], theirs[int(j)]) for i, j in zip(rows, columns, strict=True)]
    return sorted(pairs)


def _likeness(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    boxes = [Box.parse(item["boxes"][0]) if item.get("boxes") else None for item in (one, other)]
    grades = [item["conditions"].get("birads") for item in (one, other)]
    overlap = box_iou(*boxes) if None not in boxes else 0.0
    return overlap + _BIRADS_COUNTS * (grades[0] is not None and grades[0] == grades[1])
