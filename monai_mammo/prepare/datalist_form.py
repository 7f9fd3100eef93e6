"""Form of an item of a datalist: which values stand where, so that what reads one can trust it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError

__all__ = ["ROUGH_MASK_KINDS", "check_item"]

ROUGH_MASK_KINDS = ("box", "circle", "point")
"""Kinds of lesion masks that say where a lesion is, but not what its outline is."""

_MASK_KINDS = ("contour", *ROUGH_MASK_KINDS, "none", "unknown")
_SHA256 = re.compile(r"[0-9a-f]{64}|")


def check_item(item: Any, *, where: str) -> None:
    """Raise where an item is not one that `prepare` writes; names that it does not know are left alone.

    Parameters
    ----------
    item : dict, list, str, int, float, bool or None
        Of any JSON file.
    where : str
        Place of the item, for the message.

    Raises
    ------
    RequestError
        The sentence names the place, and what is allowed there.
    """
    if not isinstance(item, dict) or not isinstance(item.get("conditions"), dict) or "image" not in item:
        raise RequestError(f"{where} is not an object with an image and conditions")
    Conditions.from_dict(item["conditions"], where=where)
    for name, (is_allowed, words) in _FIELDS.items():
        if name in item and not is_allowed(item[name]):
            raise RequestError(f"{name} in {where} must be {words}")
    for name in ("boxes", "diffuse_boxes"):
        for box in item.get(name, []):
            Box.parse(box, where=f"{name} of {where}")


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _is_name(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""


_A_NAME = (_is_name, "a text or a whole number")
_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "person_id": _A_NAME,
    "image_id": _A_NAME,
    "study_id": _A_NAME,
    "source": (_is(str), "a text"),
    "source_sha256": (
        lambda value: isinstance(value, str) and _SHA256.fullmatch(value) is not None,
        "64 hexadecimal digits, or empty",
    ),
    "mask_kind": (lambda value: value in _MASK_KINDS, f"one of {', '.join(_MASK_KINDS)}"),
    "is_mirrored": (_is(bool), "true or false"),
    "boxes": (_is(list), "a list of boxes"),
    "diffuse_boxes": (_is(list), "a list of boxes"),
    "findings": (_is(list), "a list"),
    "labels": (_is(dict), "an object"),
    "record": (_is(dict), "an object"),
    "trace": (_is(dict), "an object"),
    "full": (_is(dict), "an object"),
}
