"""Bundles on disk: find them, read what they state of themselves, check their weights."""

from __future__ import annotations

from monai_mammo.bundle.card import write_metrics, write_support
from monai_mammo.bundle.fingerprint import Nearest, TrainingFingerprint, image_features
from monai_mammo.bundle.folder import BundleFolder, seal
from monai_mammo.bundle.places import ENVIRONMENT_VARIABLE, find, list_bundles, notice, root
from monai_mammo.bundle.support import FEW_PERSONS, Support, SupportRow, SupportTable, describe, support_rows

__all__ = [
    "ENVIRONMENT_VARIABLE",
    "FEW_PERSONS",
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
