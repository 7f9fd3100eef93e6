"""Edits for the eye: pages of pairs before and after, and pairs of a real and an edited place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from monai_mammo.evaluation.edits.edited_places import EditedPlace
from monai_mammo.evaluation.edits.measured_place import CROPS_PX, Place
from monai_mammo.files.png import png_bytes

__all__ = ["pair_page", "shown_edits", "two_alternatives"]

_SIDE = max(CROPS_PX)
_N_ACROSS = 5
_GAP_PX, _PAIR_GAP_PX, _TITLE_PX = 2, 10, 20
_BACKGROUND = 24
_TITLE = "{what}: {n} pairs, 1:1. Left of each: acquired. Right: a part is SYNTHETIC, not for diagnosis."


def shown_edits(edits: Sequence[EditedPlace], *, n: int, seed: int) -> list[EditedPlace]:
    """Edits with a crop of 128 x 128 pixels, persons in turn, drawn by chance.

    Parameters
    ----------
    edits : sequence of EditedPlace
    n : int
        At most so many.
    seed : int
        Decides the order.

    Returns
    -------
    list of EditedPlace
    """
    usable = [one for one in edits if _SIDE in one.after.crops]
    order = [usable[i] for i in np.random.default_rng(seed).permutation(len(usable))]
    seen: dict[str, int] = {}
    turns = []
    for place, one in enumerate(order):
        turns.append((seen.setdefault(one.after.person, 0), place))
        seen[one.after.person] += 1
    return [order[place] for _, place in sorted(turns)][:n]


def pair_page(edits: Sequence[EditedPlace], *, what: str) -> bytes:
    """PNG of places before and after at 1:1, five pairs in a row.

    Parameters
    ----------
    edits : sequence of EditedPlace
        Of `shown_edits`; one or more.
    what : str
        For the title.

    Returns
    -------
    bytes
    """
    n_rows = -(-len(edits) // _N_ACROSS)
    width = _N_ACROSS * (2 * _SIDE + _GAP_PX + _PAIR_GAP_PX)
    page = np.full((_TITLE_PX + n_rows * (_SIDE + _PAIR_GAP_PX), width), _BACKGROUND, dtype=np.uint8)
    for i, one in enumerate(edits):
        top = _TITLE_PX + i // _N_ACROSS * (_SIDE + _PAIR_GAP_PX)
        left = i % _N_ACROSS * (2 * _SIDE + _GAP_PX + _PAIR_GAP_PX)
        for number, place in enumerate((one.before, one.after)):
            start = left + number * (_SIDE + _GAP_PX)
            page[top : top + _SIDE, start : start + _SIDE] = _grey(place.crops[_SIDE])
    picture = Image.fromarray(page)
    ImageDraw.Draw(picture).text((4, 4), _TITLE.format(what=what, n=len(edits)), fill=255)
    return png_bytes(np.asarray(picture), description="Acquired beside edited mammograms, not for diagnosis.")


def two_alternatives(
    edits: Sequence[EditedPlace], others: Sequence[Place], *, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of an acquired place and an edited one of the same kind, each acquired place once.

    Parameters
    ----------
    edits : sequence of EditedPlace
        Of `shown_edits`.
    others : sequence of Place
        Real lesions, or healthy places.
    seed : int
        Decides which acquired place comes first.

    Returns
    -------
    list of (ndarray, ndarray), each of shape (128, 128), float32
        Acquired and edited.
    """
    order = np.random.default_rng(seed).permutation(len(others))
    free = [others[i] for i in order if _SIDE in others[i].crops]
    pairs = []
    for one in edits:
        fitting = next((i for i, other in enumerate(free) if one.after.kind in (None, other.kind)), None)
        if fitting is not None:
            pairs.append((free.pop(fitting).crops[_SIDE], one.after.crops[_SIDE]))
    return pairs


def _grey(image: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
