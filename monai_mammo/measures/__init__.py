"""How alike two masks, boxes or pictures are: overlap and similarity, each measure once.

Names resolve on first use (PEP 562), so that an overlap costs neither scikit-image nor MONAI.
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "BreastPSNR": "breast_psnr",
    "box_iou": "overlap",
    "box_of_largest": "overlap",
    "dice": "overlap",
    "ms_ssim": "multi_scale_ssim",
    "psnr": "similarity",
    "ssim_map": "similarity",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
