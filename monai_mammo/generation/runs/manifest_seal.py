"""Hashes over a manifest, so that nothing in it changes without notice.

Each sample's entry is hashed with the hash of the one before it, the first with the run's; one hash covers all. Whoever
means to deceive can compute them anew: they tell of edits, accidents and mixed folders, and stand for no signature.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from monai_mammo.files.digest import bytes_sha256

__all__ = ["ENTRY_SHA256", "MANIFEST_SHA256", "broken_seals", "canonical_json", "sealed"]

ENTRY_SHA256 = "entry_sha256"
MANIFEST_SHA256 = "manifest_sha256"


def canonical_json(values: Any) -> str:
    """JSON text that is the same for equal values: sorted keys, no blanks, no NaN.

    Parameters
    ----------
    values : dict, list, str, int, float, bool or None

    Returns
    -------
    str
    """
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Manifest with the hash of each entry and of all.

    Parameters
    ----------
    values : mapping
        With ``run_sha256`` and ``samples``; hashes that it has are replaced.

    Returns
    -------
    dict
    """
    plain: dict[str, Any] = json.loads(json.dumps(values))
    previous = str(plain["run_sha256"])
    for entry in plain["samples"]:
        entry[ENTRY_SHA256] = previous = _entry_sha256(previous, entry)
    plain[MANIFEST_SHA256] = _without(plain, MANIFEST_SHA256)
    return plain


def broken_seals(values: Mapping[str, Any]) -> Iterator[str]:
    """Sentences for what changed since it was sealed.

    Parameters
    ----------
    values : mapping
        As `sealed` gave it, and read from a file.

    Yields
    ------
    str
    """
    previous = str(values["run_sha256"])
    for entry in values["samples"]:
        stated = entry.get(ENTRY_SHA256)
        if stated != _entry_sha256(previous, entry):
            yield f"sample {entry['index']}: its entry in manifest.json was changed since the run wrote it"
        previous = str(stated)
    if values.get(MANIFEST_SHA256) != _without(values, MANIFEST_SHA256):
        yield "manifest.json was changed since the run wrote it: its sha256 is not the one that it states"


def _entry_sha256(previous: str, entry: Mapping[str, Any]) -> str:
    return bytes_sha256(f"{previous}{_without(entry, ENTRY_SHA256)}".encode())


def _without(values: Mapping[str, Any], name: str) -> str:
    """SHA-256 of all that a mapping holds but one key."""
    return bytes_sha256(canonical_json({key: value for key, value in values.items() if key != name}).encode())
