"""Bundles on disk: find them, read what they state of themselves, check their weights.

What needs numpy resolves on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.bundle.bundle_folder import (
    CROP_TRANSLATOR,
    DETAIL,
    DETAIL_GUIDE,
    DRAWING_PARTS,
    FINISH,
    GUIDE,
    JUDGE,
    PAINTER,
    VIEW_TRANSLATOR,
    BundleFolder,
    seal,
)
from monai_mammo.bundle.card import write_metrics, write_support
from monai_mammo.bundle.places import (
    DEFAULT_BUNDLES,
    ENVIRONMENT_VARIABLE,
    beside,
    find,
    list_bundles,
    notice,
    root,
    root_of_config,
)
from monai_mammo.bundle.retrained import put_weights
from monai_mammo.bundle.support import FEW_PERSONS, Support, SupportRow, SupportTable, describe, support_rows
from monai_mammo.bundle.training_record import PartInTraining, write_trained_with
from monai_mammo.lazy_names import lazy_names

__all__ = [
    "DEFAULT_BUNDLES",
    "ENVIRONMENT_VARIABLE",
    "FEW_PERSONS",
    "DETAIL",
    "DETAIL_GUIDE",
    "DRAWING_PARTS",
    "FINISH",
    "GUIDE",
    "JUDGE",
    "PAINTER",
    "CROP_TRANSLATOR",
    "VIEW_TRANSLATOR",
    "BundleFolder",
    "Nearest",
    "PartInTraining",
    "Support",
    "SupportRow",
    "SupportTable",
    "TrainingFingerprint",
    "beside",
    "describe",
    "find",
    "image_features",
    "list_bundles",
    "notice",
    "put_weights",
    "root",
    "root_of_config",
    "seal",
    "support_rows",
    "write_metrics",
    "write_support",
    "write_trained_with",
]

_WITH_NUMPY = dict.fromkeys(("Nearest", "TrainingFingerprint", "image_features"), "fingerprint")

__getattr__, __dir__ = lazy_names(__name__, _WITH_NUMPY, names=__all__)
