"""Weights of other projects as modules of MONAI: read, recognised, translated key by key, and compared.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "CompVisAutoencoderKL": "imported_modules",
    "CompVisUNet": "imported_modules",
    "ImportReport": "import_report",
    "TransposedAutoencoderKL": "imported_modules",
    "import_checkpoint": "importing",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
