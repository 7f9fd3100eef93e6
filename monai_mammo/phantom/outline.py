"""Outlines of a drawn breast: skin, nipple, pectoral muscle. The chest wall is the left edge here."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import distance_transform_edt

from monai_mammo.terms import View

__all__ = ["Outline", "draw_outline"]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """Where breast, muscle and nipple lie, chest wall at the left edge.

    Parameters
    ----------
    breast : ndarray, shape (rows, columns), bool
        Breast with nipple and muscle.
    pectoral : ndarray, shape (rows, columns), float32
        Share of pectoral muscle, 0 to 1; zero in a CC view.
    skin_distance : ndarray, shape (rows, columns), float32
        Distance to the skin in fractions of the height, 0 outside the breast. Edges of the picture are no skin.
    nipple : tuple of float
        Row and column of the nipple's base, in pixels.
    """

    breast: np.ndarray
    pectoral: np.ndarray
    skin_distance: np.ndarray
    nipple: tuple[float, float]


def draw_outline(view: View, rng: np.random.Generator, *, shape: tuple[int, int]) -> Outline:
    """Outline of a breast in one view.

    A CC view is half an ellipse at the chest wall; an MLO view starts at the upper edge, is widest below the
    middle, droops, and carries the muscle as a triangle in its upper corner.

    Parameters
    ----------
    view : View
    rng : numpy.random.Generator
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    Outline
    """
    y, x = _grid(shape)
    depth = rng.uniform(0.66, 0.86)
    if view is View.CC:
        breast = _cc_breast(y, x, depth, rng)
        pectoral = np.zeros(shape, np.float32)
    else:
        top = rng.uniform(0.40, 0.55)
        breast = _mlo_breast(y, x, depth, top, rng)
        pectoral = _pectoral(y, x, top, rng) * breast
    nipple = _tip(breast)
    breast = breast | _nipple_disc(shape, nipple)
    return Outline(breast, pectoral.astype(np.float32), _skin_distance(breast, view), nipple)


def _grid(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = shape
    return (np.arange(rows)[:, None] + 0.5) / rows, (np.arange(columns)[None, :] + 0.5) / columns


def _cc_breast(y: np.ndarray, x: np.ndarray, depth: float, rng: np.random.Generator) -> np.ndarray:
    middle, half_height = 0.5 + rng.uniform(-0.03, 0.03), rng.uniform(0.38, 0.44)
    along = np.clip((y - middle) / half_height, -1, 1)
    wave = 1 + 0.012 * np.sin(3 * np.pi * along + rng.uniform(0, 2 * np.pi))
    reach = depth * wave * (1 - np.abs(along) ** rng.uniform(1.9, 2.5)) ** 0.5
    return x < reach


def _mlo_breast(y: np.ndarray, x: np.ndarray, depth: float, top: float, rng: np.random.Generator) -> np.ndarray:
    widest = rng.uniform(0.58, 0.66)
    knots = [0.0, 0.5 * widest, widest, (1 + widest) / 2, 0.93, 1.0]
    reaches = [top, (top + 1.15 * depth) / 2, depth, 0.84 * depth, 0.38 * depth, rng.uniform(0.08, 0.2) * depth]
    reach = PchipInterpolator(knots, reaches)
    droop = rng.uniform(0.03, 0.07) * (x / depth) ** 2  # rows sag the more the farther from the chest wall
    return x < reach(np.clip(y - droop, 0, 1))


def _pectoral(y: np.ndarray, x: np.ndarray, top: float, rng: np.random.Generator) -> np.ndarray:
    across, along = top * rng.uniform(0.7, 0.9), rng.uniform(0.42, 0.62)
    inside = 1 - x / across - y / along + 0.25 * (x / across) * (y / along)
    return 1 / (1 + np.exp(-inside / 0.015))


def _tip(breast: np.ndarray) -> tuple[float, float]:
    reach = breast.sum(axis=1)
    row = float(np.flatnonzero(reach == reach.max()).mean())
    return row, float(reach.max())


def _nipple_disc(shape: tuple[int, int], nipple: tuple[float, float]) -> np.ndarray:
    radius = max(1.2, 0.016 * shape[0])
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - nipple[0]) ** 2 + (columns - (nipple[1] - 0.2 * radius)) ** 2 <= radius**2


def _skin_distance(breast: np.ndarray, view: View) -> np.ndarray:
    rows, columns = breast.shape
    upper = 0 if view is View.CC else rows // 2
    padded = np.pad(np.pad(breast, ((upper, upper), (columns, 0)), mode="edge"), ((1, 1), (0, 1)))
    distance = distance_transform_edt(padded)[upper + 1 : upper + 1 + rows, columns : columns + columns]
    return (distance / rows).astype(np.float32)
