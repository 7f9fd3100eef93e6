"""Form of a manifest: which values stand where, so that what reads one can trust it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import PureWindowsPath
from typing import Any

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation.engine.source import Keep
from monai_mammo.generation.runs.edited_form import is_edited_run

__all__ = ["check_manifest"]

Check = Callable[[Any, str], None]
"""Takes a value and the words for its place; raises `ValueError` where it is not of the form."""


def check_manifest(values: Any) -> None:
    """Raise where a value is not one of a run's manifest.

    Parameters
    ----------
    values : dict, list, str, int, float, bool or None
        Of any JSON file.

    Raises
    ------
    ValueError
        The sentence names the place, and what is allowed there.
    """
    if isinstance(values, dict) and "not_made" in values:
        _versions(values["not_made"], "not_made")
    if isinstance(values, dict) and is_edited_run(values):
        _EDITED_HEAD(values, "it")
        _different_numbers(values)
        return
    _HEAD(values, "it")
    if "criteria" in values:
        _criteria(values["criteria"], "criteria")
    if "source" in values:
        _SOURCE(values["source"], "source")
    _different_numbers(values)


def _different_numbers(values: Any) -> None:
    numbers = [entry["index"] for entry in values["samples"]]
    if len(set(numbers)) != len(numbers):
        raise ValueError("samples must have different numbers")


def _is(kind: type | tuple[type, ...], words: str) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{place} must be {words}")

    return check


def _whole(low: int) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value < 2**63:
            raise ValueError(f"{place} must be a whole number from {low}")

    return check


def _number(value: Any, place: str) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not abs(value) < 1e300 or not math.isfinite(value):
        raise ValueError(f"{place} must be a number")


def _or_null(check: Check) -> Check:
    def check_some(value: Any, place: str) -> None:
        if value is not None:
            check(value, place)

    return check_some


def _list(check: Check, *, least: int = 0) -> Check:
    def check_all(value: Any, place: str) -> None:
        if not isinstance(value, list) or len(value) < least:
            raise ValueError(f"{place} must be a list of {least} values or more")
        for i, one in enumerate(value):
            check(one, f"{place}[{i}]")

    return check_all


def _object(**checks: Check) -> Check:
    def check_all(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise ValueError(f"{place} must be an object")
        for name, check in checks.items():
            if name not in value:
                raise ValueError(f"{place} must state {name}")
            check(value[name], name if place == "it" else f"{place}.{name}")

    return check_all


def _files(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{place} must be an object")
    for name, sha256 in value.items():
        path = PureWindowsPath(name)
        if len(path.parts) != 1 or path.drive or path.root or name in (".", "..", "") or "/" in name or len(name) > 200:
            raise ValueError(f"{place} must name files of its own folder, not {name[:80]!r}")
        _text(sha256, f"{place}.{name}")


def _conditions(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{place} must be an object")
    try:
        conditions = Conditions.from_dict(value)
    except (RequestError, TypeError) as error:
        raise ValueError(f"{place} must be conditions: {error}") from None
    if conditions.laterality is None or conditions.view is None:
        raise ValueError(f"{place} must state laterality and view")


def _box(value: Any, place: str) -> None:
    try:
        Box.parse(value)
    except RequestError as error:
        raise ValueError(f"{place} must be a box: {error}") from None


_text = _is(str, "a text")
_bool = _is(bool, "true or false")
_TRY = _object(dice=_or_null(_number), outside_share=_number, defect=_text)
_ENTRY_FIELDS = _object(
    index=_whole(0),
    id=_text,
    conditions=_conditions,
    tries=_list(_TRY, least=1),
    kept_try=_whole(0),
    outcome=_text,
    is_failure=_bool,
    found=_object(dice=_or_null(_number), box=_or_null(_box)),
    warnings=_list(_text),
    files=_files,
)


def _entry(value: Any, place: str) -> None:
    _ENTRY_FIELDS(value, place)
    if "mammogram.png" not in value["files"]:
        raise ValueError(f"{place}.files must state mammogram.png")
    if value["kept_try"] >= len(value["tries"]):
        raise ValueError(f"{place}.kept_try must be one of its {len(value['tries'])} tries")


def _request(value: Any, place: str) -> None:
    _object(count=_whole(1), seed=_whole(0))(value, place)
    _bool(value.get("only_passed", False), f"{place}.only_passed")


def _versions(value: Any, place: str) -> None:
    _object()(value, place)
    for name, version in value.items():
        _text(version, f"{place}.{name}")


def _guidance(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        _number(value, place)
        return
    _object(all=_number)(value, place)
    for name, weight in value.items():
        check = _list(_number, least=2) if name == "interval" else _number
        check(weight, f"{place}.{name}")


def _criteria(value: Any, place: str) -> None:
    _object()(value, place)
    for name, limit in value.items():
        _share(limit, f"{place}.{name}")


def _share(value: Any, place: str) -> None:
    _number(value, place)
    if not 0 <= value <= 1:
        raise ValueError(f"{place} must be a number from 0 to 1")


def _keep(value: Any, place: str) -> None:
    if value not in tuple(Keep):
        raise ValueError(f"{place} must be one of {', '.join(Keep)}")


_SOURCE = _object(like_sha256=_text, beside_sha256=_list(_text), keep=_keep, strength=_share)
_RUN = {
    "version": _whole(0),
    "synthetic": _text,
    "run_sha256": _text,
    "request_sha256": _text,
    "request": _request,
    "identity": _object(),
    "guidance": _guidance,
    "device": _text,
    "weights": _list(_object(name=_text, version=_text, sha256=_text)),
    "versions": _versions,
    "warnings": _list(_text),
    "times": _object(started=_text, finished=_or_null(_text)),
    "files": _files,
    "is_complete": _bool,
}
_HEAD = _object(
    **_RUN,
    shape=_list(_whole(1), least=2),
    spacing_mm=_number,
    spacing_source=_text,
    samples=_list(_entry),
)
_EDITED_ENTRY = _object(
    index=_whole(0),
    id=_text,
    source=_object(name=_text, sha256=_text, pixels_sha256=_text, unchanged_sha256=_text),
    conditions=_object(),
    shape=_list(_whole(1), least=2),
    box=_or_null(_box),
    n_changed=_whole(0),
    warnings=_list(_text),
    files=_files,
)
_EDITED_HEAD = _object(**_RUN, command=_text, samples=_list(_EDITED_ENTRY))
