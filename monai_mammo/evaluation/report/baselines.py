"""What best and bad look like: one half of the acquired images against the other, and copies of it that are spoilt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import ndimage

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.realism.compared_sets import control_positions, halved_by_person
from monai_mammo.prepare.datalist_items import breast_of, pixels_of

__all__ = ["BASELINES", "baseline_positions", "spoilt_items"]

_UNIT = 65535
_BLUR_SHARE = 1 / 384  # of the rows: a pixel of 384, and at least
_NOISE = 0.1
_TILES = (8, 6)


def _blurred(image: np.ndarray, breast: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return ndimage.gaussian_filter(image, max(1.0, image.shape[0] * _BLUR_SHARE))


def _noised(image: np.ndarray, breast: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(breast, image + rng.normal(0, _NOISE, image.shape), image)


def _shuffled(image: np.ndarray, breast: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Squares that lie wholly in the breast change places: texture and outline stay, anatomy goes."""
    height, width = (n // t for n, t in zip(image.shape, _TILES, strict=True))
    tiles = [
        (slice(r * height, (r + 1) * height), slice(c * width, (c + 1) * width))
        for r in range(_TILES[0])
        for c in range(_TILES[1])
    ]
    inside = [tile for tile in tiles if breast[tile].all()]
    out = image.copy()
    for tile, source in zip(inside, rng.permutation(len(inside)), strict=True):
        out[tile] = image[inside[source]]
    return out


BASELINES: dict[str, Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]] = {
    "blurred": _blurred,
    "shuffled": _shuffled,
    "noised": _noised,
}
"""Ways in which acquired images are spoilt, by name."""


def baseline_positions(
    persons: Sequence[str], kinds: Sequence[str | None], synthetic_kinds: Sequence[str | None], *, seed: int = 0
) -> tuple[list[int], list[int]]:
    """Positions of acquired images that take the place of generated ones, and of those that they are compared with.

    Parameters
    ----------
    persons : sequence of str
        Of the reference's images.
    kinds : sequence of str or None
        Their acquisition kinds.
    synthetic_kinds : sequence of str or None
        Of the generated images: as many of each kind are taken, as far as one half of the persons lasts.
    seed : int
        Decides all that is drawn by chance.

    Returns
    -------
    taken, others : list of int
        Of no person in common, and of the same mix of kinds.

    Raises
    ------
    RequestError
        There is a single person.
    """
    first, second = halved_by_person(persons, kinds=kinds, seed=seed)
    chosen = control_positions([kinds[i] for i in first], synthetic_kinds, seed=seed)
    taken = [first[i] for i in chosen or range(len(first))]
    others = _of_equal_mix([kinds[i] for i in second], [kinds[i] for i in taken], seed=seed)
    return taken, [second[i] for i in others or range(len(second))]


def _of_equal_mix(kinds: Sequence[str | None], mix: Sequence[str | None], *, seed: int) -> list[int]:
    """Positions of images whose kinds have the shares that they have in `mix`, as many as can be."""
    there, shares = Counter(kinds), Counter(mix)
    most = min(Fraction(there[kind], n) for kind, n in shares.items())
    return control_positions(kinds, [kind for kind, n in shares.items() for _ in range(int(most * n))], seed=seed)


def spoilt_items(items: Sequence[dict[str, Any]], how: str, *, seed: int = 0) -> list[dict[str, Any]]:
    """Copies of acquired images, spoilt in one way; what is stated of them stays.

    Parameters
    ----------
    items : sequence of dict
        With breast masks.
    how : str
        One of `BASELINES`.
    seed : int
        Of the noise and the order of squares.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        There is no such way.
    """
    if how not in BASELINES:
        raise RequestError(f"baseline {how!r} is not one of {', '.join(BASELINES)}")
    out = []
    for i, item in enumerate(items):
        image = pixels_of(item).astype(np.float64) / _UNIT
        changed = BASELINES[how](image, breast_of(item, image.shape), np.random.default_rng((seed, i)))
        out.append({**item, "image": np.rint(np.clip(changed, 0, 1) * _UNIT).astype(np.uint16)})
    return out
