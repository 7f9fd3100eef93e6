"""From a request to a run: lesion masks, pipeline, check and redraw, outputs, manifest, verification.

Names resolve on first use (PEP 562): `verify` needs no torch.
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

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

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
