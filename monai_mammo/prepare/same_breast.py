"""Two acquisitions of the same breast, found in a datalist, and how one lies over the other.

The views of a pair come from copies that were cut and scaled each for itself, so that after preparation one is a
little wider, or begins a few rows later, than the other. The fit is taken from the outlines alone: what the two show
inside is the very thing that is to be learnt.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage, optimize

from monai_mammo.errors import RequestError
from monai_mammo.phantom import draw_pair
from monai_mammo.prepare.array import prepare_mammogram
from monai_mammo.prepare.datalist_items import mask_of, pixels_of
from monai_mammo.prepare.drawn_items import FIRST_SEED, PHANTOM, drawn_item, training_items
from monai_mammo.prepare.grid import DEFAULT_SHAPE

__all__ = ["OutlineFit", "ViewPair", "fit_outlines", "pair_items", "view_pairs"]

_SHRINKING = 6
_FARTHEST = 0.05
"""Share of the rows beyond which a distance to the outline counts no more: an axilla that one view cuts off."""


@dataclasses.dataclass(frozen=True, slots=True)
class OutlineFit:
    """Where the places of one view lie in another: scale and shift along rows and along columns.

    Parameters
    ----------
    row_scale, column_scale : float
        Places of the other view for each place of this one.
    row_shift, column_shift : float
        As a fraction of the rows.
    overlap_before, overlap : float
        Intersection over union of the breasts, as they are and after the fit.
    """

    row_scale: float = 1.0
    column_scale: float = 1.0
    row_shift: float = 0.0
    column_shift: float = 0.0
    overlap_before: float = 1.0
    overlap: float = 1.0

    def inverse(self) -> OutlineFit:
        """How this view lies over the other.

        Returns
        -------
        OutlineFit
            With the overlaps of this fit, which hold but for interpolation.
        """
        return dataclasses.replace(
            self,
            row_scale=1 / self.row_scale,
            column_scale=1 / self.column_scale,
            row_shift=-self.row_shift / self.row_scale,
            column_shift=-self.column_shift / self.column_scale,
        )

    def laid_over(self, picture: np.ndarray, *, order: int = 3) -> np.ndarray:
        """The other view on the grid of this one.

        Parameters
        ----------
        picture : ndarray, shape (rows, columns), float32
        order : int
            Of the spline.

        Returns
        -------
        ndarray, shape (rows, columns), float32
            0 where the other view shows nothing; in the range of `picture`.
        """
        rows = picture.shape[0]
        numbers = (self.row_scale, self.column_scale, self.row_shift * rows, self.column_shift * rows)
        moved = _moved(picture.astype(np.float32), np.array(numbers), order=order)
        return np.clip(moved, picture.min(), picture.max())

    def mask_laid_over(self, mask: np.ndarray) -> np.ndarray:
        """A mask of the other view on the grid of this one.

        Parameters
        ----------
        mask : ndarray, shape (rows, columns), bool

        Returns
        -------
        ndarray, shape (rows, columns), bool
        """
        return self.laid_over(mask.astype(np.float32), order=1) >= 0.5


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ViewPair:
    """Two acquisitions of one person, side and view.

    Parameters
    ----------
    items : mapping of str to dict
        Items of a datalist by kind.
    """

    items: Mapping[str, dict[str, Any]]

    @property
    def person_id(self) -> str:
        """Whose breast it is."""
        return str(next(iter(self.items.values()))["person_id"])

    def fit(self, of: str, onto: str) -> OutlineFit:
        """How the view of one kind lies over that of the other.

        Parameters
        ----------
        of, onto : str
            Kinds.

        Returns
        -------
        OutlineFit
        """
        breasts = [mask_of(self.items[kind], "breast", pixels_of(self.items[kind]).shape) for kind in (of, onto)]
        return fit_outlines(*breasts)


def pair_items(
    dataset_dir: str | Path,
    *,
    modalities: Sequence[str] = ("digital", "contrast"),
    split: str = "training",
    shape: tuple[int, int] = DEFAULT_SHAPE,
    n_phantoms: int = 16,
) -> list[dict[str, Any]]:
    """Items among which pairs are found: those of a prepared folder, or drawn pairs.

    Parameters
    ----------
    dataset_dir : path
        Prepared folder, or ``phantom``. An item that is no mammogram, such as an ultrasound picture on the grid of its
        mammogram, states ``modality`` beside conditions without a kind.
    modalities : sequence of str
        Two of `monai_mammo.terms.Modality`.
    split : str
        ``training``, ``validation``, ``test`` or ``external``.
    shape : tuple of int
        Rows and columns of phantoms.
    n_phantoms : int
        Drawn pairs.

    Returns
    -------
    list of dict

    Raises
    ------
    RequestError
        There is no prepared folder, split or modality, or no image in the split.
    """
    if str(dataset_dir) != PHANTOM:
        return training_items(dataset_dir, split=split)
    if split not in FIRST_SEED:
        raise RequestError(f"split {split!r} is not one of {', '.join(FIRST_SEED)}")
    first, second = modalities
    items = []
    for seed in range(FIRST_SEED[split], FIRST_SEED[split] + n_phantoms):
        drawn = draw_pair(seed=seed, modalities=(first, second), shape=(int(shape[0]), int(shape[1])))
        for modality, mammogram in zip(modalities, drawn, strict=True):
            prepared = prepare_mammogram(mammogram, shape=(int(shape[0]), int(shape[1])))
            items.append({**drawn_item(prepared), "modality": modality})
    return items


def view_pairs(items: Sequence[Mapping[str, Any]], kinds: Sequence[str] = ("digital", "contrast")) -> list[ViewPair]:
    """Pairs among the items of a datalist, in the order of their first items.

    Parameters
    ----------
    items : sequence of mapping
        Those that do not state person, side, view and breast are in no pair.
    kinds : sequence of str
        Two acquisition kinds.

    Returns
    -------
    list of ViewPair
        Where a kind was taken more than once, of the first.
    """
    found: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for item in items:
        shown = item["conditions"]
        place = (item.get("person_id"), shown.get("laterality"), shown.get("view"))
        kind = item.get("modality", shown.get("kind"))
        if kind in kinds and None not in place and "breast" in item:
            found.setdefault((str(place[0]), str(place[1]), str(place[2])), {}).setdefault(str(kind), dict(item))
    return [ViewPair({kind: one[kind] for kind in kinds}) for one in found.values() if len(one) == len(kinds)]


def fit_outlines(moving: np.ndarray, fixed: np.ndarray) -> OutlineFit:
    """Scale and shift that lay one breast over another of the same person, side and view.

    Parameters
    ----------
    moving, fixed : ndarray, shape (rows, columns), bool
        Breasts on the prepared grid.

    Returns
    -------
    OutlineFit
        None at all where it does not bring them nearer to each other.
    """
    before = _overlap(moving, fixed)
    if not (moving.any() and fixed.any()):
        return OutlineFit(overlap_before=before, overlap=before)
    rows = fixed.shape[0]
    far = _FARTHEST * rows / _SHRINKING
    deep, aim = (np.clip(_depth(one[::_SHRINKING, ::_SHRINKING]), -far, far) for one in (moving, fixed))

    def misfit(numbers: np.ndarray) -> float:
        moved = _moved(deep, numbers, order=1, fill=-far)
        return float(np.abs(moved - aim).mean() + 2 * np.square(numbers[:2] - 1).sum())

    starts = [np.array([1.0, 1.0, 0.0, 0.0]), _by_extent(moving, fixed) / np.array([1, 1, _SHRINKING, _SHRINKING])]
    first = np.eye(4) * np.array([0.03, 0.05, 2, 2])
    found = [
        optimize.minimize(
            misfit,
            start,
            method="Nelder-Mead",
            options={"initial_simplex": [start, *(start + first)], "maxfev": 160, "xatol": 1e-3, "fatol": 1e-3},
        )
        for start in starts
    ]
    row_scale, column_scale, dy, dx = min(found, key=lambda one: float(one.fun)).x
    # a place of the shrunken grid stands for the first of its rows: shifts and scales carry over as they are
    fit = OutlineFit(row_scale, column_scale, dy * _SHRINKING / rows, dx * _SHRINKING / rows, before, before)
    after = _overlap(fit.mask_laid_over(moving), fixed)
    if after <= before:
        return OutlineFit(overlap_before=before, overlap=before)
    return dataclasses.replace(fit, overlap=after)


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union; 1 for two empty masks."""
    joined = int((a | b).sum())
    return int((a & b).sum()) / joined if joined else 1.0


def _moved(picture: np.ndarray, numbers: np.ndarray, *, order: int, fill: float = 0.0) -> np.ndarray:
    row_scale, column_scale, dy, dx = numbers
    return ndimage.affine_transform(
        picture, [row_scale, column_scale], offset=(dy, dx), order=order, mode="constant", cval=fill
    )


def _depth(breast: np.ndarray) -> np.ndarray:
    """Signed distance to the outline, positive inside; the edges of the picture are no outline."""
    inside = ndimage.distance_transform_edt(breast) if not breast.all() else np.full(breast.shape, 1e3)
    return inside - ndimage.distance_transform_edt(~breast)


def _by_extent(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Scale and shift, in pixels, by which the rectangles round both breasts agree."""
    scales, shifts = [], []
    for axis in (1, 0):
        (m0, m1), (f0, f1) = (np.flatnonzero(one.any(axis=axis))[[0, -1]] for one in (moving, fixed))
        scale = (m1 - m0 + 1) / (f1 - f0 + 1)
        scales.append(scale)
        shifts.append(m0 - scale * f0)
    return np.array(scales + shifts)
