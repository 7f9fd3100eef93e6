"""An acquired mammogram that a synthetic one is made from: what of it is kept, and where another is drawn."""

from __future__ import annotations

import dataclasses
from enum import StrEnum

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Box, Conditions
from monai_mammo.lesions.placing import RequestedLesion
from monai_mammo.prepare.geometry import mask_of_box

__all__ = ["Keep", "Source", "drawn_round", "source_note"]

_MARGIN, _SEAM = 1 / 64, 1 / 32
"""Shares of the rows: round a lesion all is drawn anew, and over so much more it passes into what is kept."""


class Keep(StrEnum):
    """What of an acquired mammogram stays in the synthetic one."""

    BREAST = "breast"
    ALL_BUT_LESION = "all-but-lesion"
    NOTHING = "nothing"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """An acquired mammogram in the prepared frame, and what of it is kept.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float32
        Brightness in [0, 1], chest wall left.
    breast : ndarray, shape (rows, columns), bool
    outline : ndarray, shape (rows, columns), bool
        Outlined lesion; empty where none is known.
    lesion : ndarray, shape (rows, columns), bool
        Where it shows a lesion, as far as outline or box tell; empty where they tell of none.
    shown : Conditions
        What it is known to show, with the box as it hangs.
    keep : Keep
    strength : float
        In [0, 1], how far from it sampling starts; 1 is pure noise, 0 the picture's reconstruction.
    sha256 : str
        Of its file.
    """

    image: np.ndarray
    breast: np.ndarray
    outline: np.ndarray
    lesion: np.ndarray
    shown: Conditions
    keep: Keep
    strength: float
    sha256: str

    @property
    def is_used(self) -> bool:
        """Whether its pixels, and not only what is known of it, take part in the synthetic image."""
        return not (self.keep is Keep.NOTHING and self.strength == 1)

    @property
    def note(self) -> str:
        """Sentence that every output carries, see `source_note`."""
        return source_note(self.keep, self.strength, self.sha256)

    def region(self, lesion: RequestedLesion) -> np.ndarray:
        """Where the acquired lesion lies, or the requested one is to lie.

        Parameters
        ----------
        lesion : RequestedLesion

        Returns
        -------
        ndarray, shape (rows, columns), bool
        """
        return self.lesion | lesion.mask | _covered(lesion.box, lesion.mask.shape)

    def drawn(self, lesion: RequestedLesion) -> np.ndarray:
        """Where the mammogram is drawn anew: 1, where the acquired one stays: 0, and a soft seam between.

        Parameters
        ----------
        lesion : RequestedLesion

        Returns
        -------
        ndarray, shape (rows, columns), float32
        """
        region = self.region(lesion)
        if self.keep is not Keep.ALL_BUT_LESION:
            return np.ones(region.shape, np.float32)
        return drawn_round(region)


def drawn_round(region: np.ndarray) -> np.ndarray:
    """Where a mammogram is drawn anew for a region: 1, where it stays: 0, and a soft seam between.

    Parameters
    ----------
    region : ndarray, shape (rows, columns), bool
        On the prepared grid.

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    if not region.any():
        return np.zeros(region.shape, np.float32)
    rows = region.shape[0]
    distance = ndimage.distance_transform_edt(~region)
    return np.clip(1 - (distance - _MARGIN * rows) / (_SEAM * rows), 0, 1).astype(np.float32)


def _covered(box: Box | None, shape: tuple[int, ...]) -> np.ndarray:
    if box is None:
        return np.zeros(shape, dtype=bool)
    return mask_of_box(box, (shape[0], shape[1])) > 0


def source_note(keep: str, strength: float, sha256: str) -> str:
    """Sentence on what of an acquired mammogram is in a synthetic one; empty where none of its pixels is.

    Parameters
    ----------
    keep : str
        Value of `Keep`.
    strength : float
        As in `Source`.
    sha256 : str
        Of the mammogram's file.

    Returns
    -------
    str
    """
    name = f"acquired mammogram {sha256[:12]}"
    care = "keep it as you keep that mammogram"
    if keep == Keep.ALL_BUT_LESION:
        return f"outside the lesion this is the reconstruction of {name}: {care}"
    if keep == Keep.BREAST:
        return f"outline and large structures follow {name}: {care}"
    return "" if strength == 1 else f"varied at strength {strength:g} from {name}: {care}"
