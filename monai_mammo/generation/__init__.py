"""From a request to a run: lesion masks, pipeline, check and redraw, outputs, manifest, verification.

Names resolve on first use (PEP 562): `verify` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "ContourBank": "masks",
    "OutputFormat": "request",
    "Request": "request",
    "RequestDataset": "items",
    "Run": "run",
    "UnsupportedPolicy": "request",
    "VerifyReport": "verification",
    "ReconstructReport": "reconstruction",
    "build_contour_bank": "masks",
    "conditions_from_file": "request",
    "conditions_of_image": "like",
    "generate": "run",
    "request_items": "items",
    "reconstruct": "reconstruction",
    "verify": "verification",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'monai_mammo.generation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
