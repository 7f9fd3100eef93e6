"""Acquired and generated images of like conditions, two and two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["matched_pairs"]

_ALIKE = {"view": 4, "finding": 3, "density": 2, "birads": 1}
"""Conditions that are better equal, and how much better."""


def matched_pairs(
    acquired: Sequence[Mapping[str, Any]], synthetic: Sequence[Mapping[str, Any]], *, n: int, seed: int
) -> list[tuple[int, int]]:
    """Pairs of an acquired and a generated image, of one acquisition kind and as like in what they show as there are.

    No image stands in two pairs. Persons take turns, so that a second image of a person comes only after a first one of
    everybody.

    Parameters
    ----------
    acquired, synthetic : sequence of mapping
        Items with ``conditions`` and ``person_id``. An image that states no kind goes with any other.
    n : int
        Pairs at most.
    seed : int
        Decides between images that fit as well.

    Returns
    -------
    list of (int, int)
        Places in both sequences; fewer than `n` where no more images go together.
    """
    rng = np.random.default_rng(seed)
    order, seen = [], Counter[str]()
    for i in rng.permutation(len(acquired)):
        person = str(acquired[i]["person_id"])
        order.append((seen[person], int(i)))
        seen[person] += 1
    free = [int(i) for i in rng.permutation(len(synthetic))]
    pairs: list[tuple[int, int]] = []
    for _, i in sorted(order, key=lambda turn: turn[0]):
        if len(pairs) == n:
            break
        fitting = [j for j in free if _is_of_one_kind(acquired[i], synthetic[j])]
        if fitting:
            best = max(fitting, key=lambda j: _likeness(acquired[i], synthetic[j]))
            free.remove(best)
            pairs.append((i, best))
    return pairs


def _is_of_one_kind(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    kinds = {item["conditions"].get("kind") for item in (one, other)} - {None}
    return len(kinds) < 2


def _likeness(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    ours, theirs = one["conditions"], other["conditions"]
    return sum(points for name, points in _ALIKE.items() if ours.get(name) == theirs.get(name))
