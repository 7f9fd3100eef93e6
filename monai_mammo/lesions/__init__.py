"""Lesions that are requested: outlines of real lesions, placed in a box, as masks and as planes for a network.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "ContourBank": "contour_bank",
    "ContrastRanges": "contrast_ranges",
    "GrowingOutline": "growing_outline",
    "PainterCrop": "painter_crops",
    "RequestedLesion": "placing",
    "build_contour_bank": "contour_bank",
    "build_contrast_ranges": "contrast_ranges",
    "draw_outline": "placing",
    "lesion_crop": "painter_crops",
    "lesion_free_crop": "painter_crops",
    "lesion_planes": "planes",
    "refuse_unlike": "placing",
    "region_round": "painter_crops",
    "request_lesion": "placing",
    "shipped_bank": "contour_bank",
    "shipped_contrast_ranges": "contrast_ranges",
    "smooth_fill": "smooth_filling",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
