"""Requests for what acquired images show, so that generated and acquired images are compared on equal terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from monai_mammo import bundle
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.prepare.datalist_items import load_items

__all__ = ["requests_like_acquired"]

_ASKED = ("kind", "density", "view", "laterality", "finding", "birads")


def requests_like_acquired(
    datalist: str | Path, *, n: int, seed: int = 0, split: str = "validation", name: str = "mammo_diffusion"
) -> list[dict[str, Any]]:
    """Conditions of acquired images drawn at random, for the option ``--conditions`` of `generate`.

    Images of which the finding is not known, and what no training image shows, are left out. Places of lesions are not
    asked for, so that they are drawn as in any request.

    Parameters
    ----------
    datalist : str or Path
        ``datalist.json`` of a prepared folder.
    n : int
        Number of requests; no image is taken twice.
    seed : int
        The same seed draws the same images.
    split : str
    name : str
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
    support = bundle.find(name).support
    asked = [Conditions.from_dict(item["conditions"]) for item in load_items(datalist, split=split)]
    asked = [Conditions(**{field: getattr(one, field) for field in _ASKED}) for one in asked if one.finding is not None]
    asked = [one for one in asked if support.check(one).is_supported]
    if not 0 < n <= len(asked):
        raise RequestError(f"{n} requests can not be drawn from {len(asked)} images of known finding")
    drawn = np.random.default_rng(seed).permutation(len(asked))[:n]
    return [asked[i].to_dict() for i in drawn]
