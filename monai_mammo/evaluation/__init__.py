"""Figures: what the autoencoder keeps, what the lesion network sees, whether what was asked for is there.

Every figure of the model cards comes from ``python -m monai_mammo.evaluation``. Names resolve on
first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "adherence_figures": "adherence",
    "comparison_sheet": "sheets",
    "fill_card": "cards",
    "fingerprint_bundle": "memorisation",
    "items_of_run": "items",
    "lesion_figures": "lesions",
    "load_items": "items",
    "load_judge": "items",
    "markdown_table": "tables",
    "memorisation_figures": "memorisation",
    "reconstruction_figures": "reconstruction",
    "requests_like_acquired": "requests",
    "spot_figures": "spots",
    "summary": "intervals",
    "texture_figures": "texture",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'monai_mammo.evaluation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
