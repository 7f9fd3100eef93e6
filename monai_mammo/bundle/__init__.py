"""Bundles on disk: find them, read what they state of themselves, check their weights.

What needs numpy resolves on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from monai_mammo.bundle.card import write_metrics, write_support
from monai_mammo.bundle.folder import TEXTURE, BundleFolder, seal
from monai_mammo.bundle.places import ENVIRONMENT_VARIABLE, find, list_bundles, notice, root
from monai_mammo.bundle.support import FEW_PERSONS, Support, SupportRow, SupportTable, describe, support_rows

__all__ = [
    "ENVIRONMENT_VARIABLE",
    "FEW_PERSONS",
    "TEXTURE",
    "BundleFolder",
    "Nearest",
    "Support",
    "SupportRow",
    "SupportTable",
    "TrainingFingerprint",
    "describe",
    "find",
    "image_features",
    "list_bundles",
    "notice",
    "root",
    "seal",
    "support_rows",
    "write_metrics",
    "write_support",
]

_WITH_NUMPY = ("Nearest", "TrainingFingerprint", "image_features")


def __getattr__(name: str) -> Any:
    if name in _WITH_NUMPY:
        return getattr(import_module("monai_mammo.bundle.fingerprint"), name)
    raise AttributeError(f"module 'monai_mammo.bundle' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
