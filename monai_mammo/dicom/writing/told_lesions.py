"""Where an edited image says that its lesions lie, so that it can be edited again."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydicom.dataset import Dataset

from monai_mammo.conditions import Box
from monai_mammo.errors import RequestError

__all__ = ["lesions_told", "told_lesions"]

_PREFIX = "lesions="
_MOST = 100


def lesions_told(lesions: Sequence[Box]) -> str:
    """Words of ImageComments that say where lesions lie.

    Parameters
    ----------
    lesions : sequence of Box
        In fractions of the picture; empty where none is left.

    Returns
    -------
    str
    """
    return _PREFIX + json.dumps([[round(float(v), 4) for v in box] for box in lesions[:_MOST]], separators=(",", ":"))


def told_lesions(dataset: Dataset) -> tuple[Box, ...]:
    """Lesions that an edited image says it has.

    Words that are not of the form, as another program may have left them, tell of none.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    tuple of Box
        In fractions of the picture, by the edit that was made last: it says all that were known then.
    """
    if dataset.get("SyntheticData") != "YES":
        return ()
    _, prefix, text = str(dataset.get("ImageComments") or "").partition(_PREFIX)
    if not prefix:
        return ()
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
        return tuple(Box.parse(box) for box in found[:_MOST])
    except (ValueError, TypeError, RequestError):
        return ()
