"""What differs between two visits though the breast is the same: how it was compressed, and how it was exposed."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Self

import numpy as np
from scipy import ndimage

from monai_mammo.editing.edit_source import EditSource
from monai_mammo.lesions.hash_draw import drawn_share

__all__ = ["VisitVariation"]

_DEPTH, _HEIGHT, _EXPOSURE = 0.015, 0.01, 0.04
"""Most that the breast is longer from the chest wall, and along it, and that the logarithm of brightness changes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VisitVariation:
    """Small changes of a picture.

    Parameters
    ----------
    depth, height : float
        How many times as far a point lies from the chest wall, and from the middle of the breast along it.
    exposure : float
        Power of brightness in [0, 1]: black and white stay.
    """

    depth: float = 1.0
    height: float = 1.0
    exposure: float = 1.0

    @classmethod
    def drawn(cls, seed: int, visit: int, *, compression: bool, exposure: bool) -> Self:
        """Variation of a visit; none at the first.

        Parameters
        ----------
        seed : int
            Of the run.
        visit : int
            From 1.
        compression, exposure : bool
            What may vary.

        Returns
        -------
        VisitVariation
        """

        def spread(most: float, purpose: str) -> float:
            return most * (2 * drawn_share(seed, visit, purpose) - 1)

        is_first = visit == 1
        is_moved, is_exposed = compression and not is_first, exposure and not is_first
        return cls(
            depth=1 + spread(_DEPTH, "compressed depth") if is_moved else 1.0,
            height=1 + spread(_HEIGHT, "compressed height") if is_moved else 1.0,
            exposure=math.exp(spread(_EXPOSURE, "exposure")) if is_exposed else 1.0,
        )

    @property
    def is_moved(self) -> bool:
        """Whether anything lies elsewhere."""
        return (self.depth, self.height) != (1.0, 1.0)

    @property
    def is_none(self) -> bool:
        """Whether nothing varies."""
        return not self.is_moved and self.exposure == 1

    def pixels(self, pixels: np.ndarray, source: EditSource) -> np.ndarray:
        """Stored values as they would be at the visit.

        Parameters
        ----------
        pixels : ndarray, shape (rows, columns), unsigned
            Of the source, with or without an edit.
        source : EditSource

        Returns
        -------
        ndarray, shape (rows, columns), type of `pixels`
            The very same values where nothing varies.
        """
        if self.exposure != 1:
            shown = source.scale.shown(pixels, source.stored, source.mammogram.pixels)
            pixels = source.scale.changed(pixels, shown, np.clip(shown, 0, 1) ** self.exposure - shown)
        if not self.is_moved:
            return pixels
        moved = self._moved(pixels.astype(np.float32), source, order=3)
        return np.clip(np.rint(moved), pixels.min(), pixels.max()).astype(pixels.dtype)

    def mask(self, mask: np.ndarray, source: EditSource) -> np.ndarray:
        """Where a mask of the source lies at the visit.

        Parameters
        ----------
        mask : ndarray, shape (rows, columns), bool
        source : EditSource

        Returns
        -------
        ndarray, shape (rows, columns), bool
        """
        return self._moved(mask.astype(np.uint8), source, order=0) > 0 if self.is_moved else mask

    def _moved(self, array: np.ndarray, source: EditSource, *, order: int) -> np.ndarray:
        """Array stretched about the chest wall's edge and the breast's middle row."""
        rows = np.flatnonzero(source.breast.any(axis=1))
        fixed = (float(rows.mean()), float(array.shape[1] - 1) if source.prepared.trace.is_mirrored else 0.0)
        scales = (1 / self.height, 1 / self.depth)
        offset = [at - scale * at for at, scale in zip(fixed, scales, strict=True)]
        moved: np.ndarray = ndimage.affine_transform(
            array, scales, offset=offset, order=order, mode="nearest", output=array.dtype
        )
        return moved

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        return {name: round(value, 5) for name, value in dataclasses.asdict(self).items()}
