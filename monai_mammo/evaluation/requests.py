"""Requests for what acquired images show, so that generated and acquired images are compared on equal terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.attributes import TABLE
from monai_mammo.bundle import DEFAULT_BUNDLES, BundleFolder, find
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation.request import MAX_COUNT, Request
from monai_mammo.generation.taken_attributes import taken_attributes
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.prepare.datalist_items import load_items

__all__ = ["requested_attributes", "requested_conditions", "requests_like_acquired"]

_ALWAYS = tuple(one.name for one in TABLE if one.values and one.is_learnt and not one.is_optional)
_OPTIONAL = tuple(one.name for one in TABLE if one.is_optional)


def requests_like_acquired(
    datalist: str | Path,
    *,
    n: int,
    seed: int = 0,
    split: str = "validation",
    bundle: str = DEFAULT_BUNDLES[0],
    announce: Callable[[str], None] | None = None,
) -> list[dict[str, Any]]:
    """Conditions of acquired images drawn at random, for the option ``--conditions`` of `generate`.

    Images of which the finding is not known, and what no training image shows, are left out. Places of lesions are not
    requested, so that they are drawn as in any request. Pathology and the like are requested where an image states
    them, of a bundle that is told of them and was not measured to ignore them; which images are drawn does not depend
    on that.

    Where more are wanted than there are images, images are taken again: all of them equally often, and what is left
    over spread over acquisition kinds as evenly as their images allow. `generate` draws each row with noise of its
    own, so that such a case is drawn anew; cases and persons do not become more.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of a prepared folder.
    n : int
        Number of requests, 1 to 100 000; no image is taken twice before each was taken once.
    seed : int
        The same seed draws the same images.
    split : str
        Of the datalist, such as ``validation``.
    bundle : str
        Diffusion bundle whose support table counts, and what it responds to.
    announce : callable or None
        Called with a sentence on how many images and persons the requests are of.

    Returns
    -------
    list of dict
        Condition names and values.

    Raises
    ------
    RequestError
        There is no such datalist, split or bundle, the number is out of range, or there are no images.
    """
    Request(seed=seed)  # refuses one that is not allowed
    n = parse_whole(n, name="n", low=1, high=MAX_COUNT)
    folder = find(bundle)
    support, attributes = folder.support, requested_attributes(folder)
    known = [(item, Conditions.from_dict(item["conditions"])) for item in load_items(datalist, split=split)]
    requested = [
        (str(item["person_id"]), requested_conditions(one, attributes))
        for item, one in known
        if one.finding is not None
    ]
    requested = [(person, one) for person, one in requested if support.check(one).is_supported]
    if not requested:
        raise RequestError(f"{n} requests cannot be drawn from 0 images of known finding")
    drawn = _drawn_cases([str(one.kind) for _, one in requested], n, np.random.default_rng(seed))
    if announce is not None:
        announce(_words_of_cases(drawn, [person for person, _ in requested]))
    return [requested[i][1].to_dict() for i in drawn]


def requested_attributes(folder: BundleFolder) -> tuple[str, ...]:
    """Names of what is requested of a bundle where an acquired image states it.

    Parameters
    ----------
    folder : BundleFolder
        Of a generator.

    Returns
    -------
    tuple of str
        Kind, density, view, laterality, finding and BI-RADS; of what a generator need not be told, such as the
        pathology, that which this one is told of and was not measured to ignore.

    Raises
    ------
    MammoError
        The bundle's definition or metadata cannot be read.
    """
    taken, measured = taken_attributes(folder), folder.responds_to
    answered = [name for name in taken if measured.get(name, {}).get("responds") is not False]
    return (*_ALWAYS, *(name for name in _OPTIONAL if name in answered))


def requested_conditions(shown: Conditions, attributes: Sequence[str]) -> Conditions:
    """What is requested of a generated image that is to be compared with an acquired one.

    Parameters
    ----------
    shown : Conditions
        Of the acquired image.
    attributes : sequence of str
        As `requested_attributes` gives them; the place of the lesion is none.

    Returns
    -------
    Conditions
    """
    return Conditions(**{name: getattr(shown, name) for name in attributes})


def _drawn_cases(kinds: Sequence[str], n: int, rng: np.random.Generator) -> list[int]:
    """Positions of n cases: whole rounds of all, each in an order of its own, and of the last one a part.

    A first round that is not whole is n cases at random; a later one takes kinds in turn.
    """
    rounds = [rng.permutation(len(kinds)).tolist()]
    if n <= len(kinds):
        return [int(i) for i in rounds[0][:n]]
    while len(kinds) * len(rounds) < n:
        rounds.append(rng.permutation(len(kinds)).tolist())
    place: dict[str, int] = {}
    turns = []
    for i in rounds[-1]:
        turns.append((place.setdefault(kinds[i], 0), i))
        place[kinds[i]] += 1
    rounds[-1] = [i for _, i in sorted(turns, key=lambda turn: turn[0])]
    return [int(i) for one in rounds for i in one][:n]


def _words_of_cases(drawn: Sequence[int], persons: Sequence[str]) -> str:
    n_cases, n_persons = len(set(drawn)), len({persons[i] for i in drawn})
    words = f"{len(drawn)} requests of {n_cases} acquired images of {n_persons} persons"
    most = max(np.bincount(drawn))
    if most < 2:
        return words
    return f"{words}: more were asked for than there are, so an image is requested up to {most} times, with other noise"
