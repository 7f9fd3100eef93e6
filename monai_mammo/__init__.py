"""Synthetic mammograms that a clinical imaging group can trust and use.

Names resolve on first use (PEP 562), so ``import monai_mammo`` costs neither torch nor MONAI.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Box": "monai_mammo.conditions",
    "Conditions": "monai_mammo.conditions",
    "Mammogram": "monai_mammo.study",
    "MammoError": "monai_mammo.errors",
    "RequestError": "monai_mammo.errors",
    "Study": "monai_mammo.study",
    "generate": "monai_mammo.generation",
    "reconstruct": "monai_mammo.generation",
    "verify": "monai_mammo.generation",
}

_ROOMS = frozenset({"bundle"})  # bundles' configs say ``$import monai_mammo`` and ``monai_mammo.bundle.root(...)``

__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return import_module(f"monai_mammo.{name}")
    raise AttributeError(f"module 'monai_mammo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
