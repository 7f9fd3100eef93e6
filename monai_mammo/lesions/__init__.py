"""Lesions that are requested: outlines of real lesions, placed in a box, as masks and as planes for a network.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "ContourBank": "contour_bank",
    "RequestedLesion": "placing",
    "build_contour_bank": "contour_bank",
    "draw_outline": "placing",
    "lesion_planes": "planes",
    "refuse_unlike": "placing",
    "request_lesion": "placing",
    "shipped_bank": "contour_bank",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
