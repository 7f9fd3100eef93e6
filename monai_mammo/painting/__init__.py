"""Regions of a picture painted by the lesion painter, for samples that are mended and files that are edited.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "Change": "local_edit",
    "LesionPainter": "painter",
    "PaintedCrop": "painter",
    "paint_region": "local_edit",
    "region_in_picture": "local_edit",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
