"""Texture of a lesion that is added, no deeper beside that of the tissue round it than real lesions have it."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from monai_mammo.lesions.painter_crops import CROP_PX, region_round
from monai_mammo.painting.blending import enlarged
from monai_mammo.painting.held_texture import COARSE_PX, LEAST_PX, texture_depth, tissue_round
from monai_mammo.painting.local_edit import Change, shrunk
from monai_mammo.prepare.geometry import resize

__all__ = ["DEEPEST", "depth_beside_surround", "held_lesion_texture"]

DEEPEST = 2.2
"""Texture of a lesion over that of the tissue round it, which 95 of 100 real ones do not pass."""

_HALVINGS = 10


def held_lesion_texture(change: Change, picture: np.ndarray, outline: np.ndarray, breast: np.ndarray) -> Change:
    """A lesion whose texture is no deeper beside that of its surround than nearly all real ones have it.

    On smooth tissue a conspicuous lesion may come out in bright and dark lumps. What is added within the outline is
    then made smoother; its mean and its edge stay. Where the tissue had such a texture by itself, it keeps it.

    Parameters
    ----------
    change : Change
    picture : ndarray, shape (rows, columns), float32
        Brightness in [0, 1] before the change.
    outline, breast : ndarray, shape (rows, columns), bool

    Returns
    -------
    Change
        `change` itself where its texture is not too deep, or cannot be measured.
    """
    own, inside, tissue = (one[change.window] for one in (picture, outline, breast))
    before, drawn = (depth_beside_surround(one, inside, tissue) for one in (own, own + change.added))
    if before is None or drawn is None or drawn <= max(DEEPEST, before):
        return change
    lesion = shrunk(inside).astype(np.float32)
    added = resize(change.added, (CROP_PX, CROP_PX))
    sums, share = (ndimage.gaussian_filter(one, COARSE_PX) for one in (added * lesion, lesion))
    soft = np.clip(ndimage.distance_transform_edt(lesion) / COARSE_PX, 0, 1)
    fine = enlarged(soft * (added - sums / np.maximum(share, 1e-6)), own.shape)
    least, most = 0.0, 1.0
    for _ in range(_HALVINGS):
        kept = (least + most) / 2
        found = depth_beside_surround(own + change.added - (1 - kept) * fine, inside, tissue)
        least, most = (least, kept) if found is not None and found > max(DEEPEST, before) else (kept, most)
    return dataclasses.replace(change, added=(change.added - np.float32(1 - least) * fine).astype(np.float32))


def depth_beside_surround(picture: np.ndarray, outline: np.ndarray, tissue: np.ndarray) -> float | None:
    """Depth of the texture of a lesion over that of the tissue round it, on the pixels of the painter.

    Parameters
    ----------
    picture : ndarray, shape (side, side)
        Brightness in [0, 1] of a window round the lesion.
    outline, tissue : ndarray, shape (side, side), bool
        The lesion, and the breast.

    Returns
    -------
    float or None
        `None` where either is too small to be measured.
    """
    crop = resize(picture.astype(np.float32), (CROP_PX, CROP_PX))
    lesion, breast = (shrunk(one) for one in (outline, tissue))
    inside = ndimage.binary_erosion(lesion, iterations=3)
    around = tissue_round(region_round(lesion), breast)
    if min(inside.sum(), around.sum()) < LEAST_PX:
        return None
    return texture_depth(crop, inside) / max(texture_depth(crop, around), 1e-6)
