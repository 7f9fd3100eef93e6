"""Requests for what acquired images show, so that generated and acquired images are compared on equal terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo.attributes import TABLE
from monai_mammo.bundle import DEFAULT_BUNDLES, find
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation.request import Request
from monai_mammo.prepare.datalist_items import load_items

__all__ = ["requests_like_acquired"]

_REQUESTED = tuple(one.name for one in TABLE if one.values and one.is_learnt and not one.is_optional)


def requests_like_acquired(
    datalist: str | Path, *, n: int, seed: int = 0, split: str = "validation", bundle: str = DEFAULT_BUNDLES[0]
) -> list[dict[str, Any]]:
    """Conditions of acquired images drawn at random, for the option ``--conditions`` of `generate`.

    Images of which the finding is not known, and what no training image shows, are left out. Places of lesions are not
    requested, so that they are drawn as in any request.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of a prepared folder.
    n : int
        Number of requests; no image is taken twice.
    seed : int
        The same seed draws the same images.
    split : str
        Of the datalist, such as ``validation``.
    bundle : str
        Diffusion bundle whose support table counts.

    Returns
    -------
    list of dict
        Condition names and values.

    Raises
    ------
    RequestError
        There is no such datalist, split or bundle, or there are fewer images.
    """
    Request(seed=seed)  # refuses one that is not allowed
    support = find(bundle).support
    known = [Conditions.from_dict(item["conditions"]) for item in load_items(datalist, split=split)]
    known = [one for one in known if one.finding is not None]
    requested = [Conditions(**{name: getattr(one, name) for name in _REQUESTED}) for one in known]
    requested = [one for one in requested if support.check(one).is_supported]
    if not 0 < n <= len(requested):
        raise RequestError(f"{n} requests cannot be drawn from {len(requested)} images of known finding")
    drawn = np.random.default_rng(seed).permutation(len(requested))[:n]
    return [requested[i].to_dict() for i in drawn]
