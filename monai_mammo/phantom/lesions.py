"""Drawn lesions: brightness to add, which is above 0 exactly on the lesion's mask."""

from __future__ import annotations

import dataclasses
from enum import StrEnum

import numpy as np

from monai_mammo.terms import Finding

__all__ = ["MassShape", "Place", "draw_lesion", "lesion_radius", "mass_shape_of"]

_N_ANGLES = 720


class MassShape(StrEnum):
    """Shape of a drawn mass, from probably benign to suspicious."""

    ROUND = "round"
    OVAL = "oval"
    IRREGULAR = "irregular"
    SPICULATED = "spiculated"


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Rectangle of a lesion in pixels: middle ``row``, ``column`` and half its height and width.

    Parameters
    ----------
    row : float
        Of the middle, in pixels from the top.
    column : float
        Of the middle, in pixels from the left.
    half_height : float
        In pixels.
    half_width : float
        In pixels.
    """

    row: float
    column: float
    half_height: float
    half_width: float


@dataclasses.dataclass(frozen=True, slots=True)
class _Recipe:
    shape: MassShape | None  # None: dots
    contrast: float
    radius: tuple[float, float]  # fractions of the picture's height


_RECIPES = {
    Finding.MASS: _Recipe(MassShape.OVAL, 0.19, (0.030, 0.060)),
    Finding.CALCIFICATION: _Recipe(None, 0.20, (0.030, 0.050)),
    Finding.ARCHITECTURAL_DISTORTION: _Recipe(MassShape.SPICULATED, 0.10, (0.060, 0.090)),
    Finding.ASYMMETRY: _Recipe(MassShape.IRREGULAR, 0.10, (0.060, 0.090)),
    Finding.NONMASS_ENHANCEMENT: _Recipe(MassShape.IRREGULAR, 0.14, (0.060, 0.100)),
    Finding.ENHANCEMENT: _Recipe(MassShape.IRREGULAR, 0.16, (0.040, 0.070)),
    Finding.FOCUS: _Recipe(MassShape.ROUND, 0.18, (0.012, 0.020)),
    Finding.DUCT: _Recipe(MassShape.OVAL, 0.12, (0.030, 0.050)),
    Finding.EDEMA: _Recipe(MassShape.IRREGULAR, 0.08, (0.080, 0.110)),
    Finding.POSTOPERATIVE: _Recipe(MassShape.SPICULATED, 0.14, (0.040, 0.070)),
    Finding.LYMPH_NODE: _Recipe(MassShape.OVAL, 0.16, (0.018, 0.030)),
}


def mass_shape_of(birads: int | None, rng: np.random.Generator) -> MassShape:
    """Shape that goes with a BI-RADS category: smooth up to 3, irregular at 4, spiculated above.

    Parameters
    ----------
    birads : int or None
        BI-RADS category, 0 to 6; `None` where it is not known.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    MassShape
    """
    if birads is None:
        return MassShape(rng.choice(list(MassShape)))
    if birads >= 5:
        return MassShape.SPICULATED
    if birads == 4:
        return MassShape.IRREGULAR
    return MassShape(rng.choice([MassShape.ROUND, MassShape.OVAL]))


def lesion_radius(finding: Finding, rng: np.random.Generator) -> float:
    """Half the extent of a finding, as a fraction of the picture's height.

    Parameters
    ----------
    finding : Finding
        Not ``none``.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    float
    """
    return float(rng.uniform(*_RECIPES[finding].radius))


def draw_lesion(
    finding: Finding,
    place: Place,
    rng: np.random.Generator,
    *,
    shape: tuple[int, int],
    mass_shape: MassShape = MassShape.OVAL,
) -> np.ndarray:
    """Brightness that a finding adds, filling the place from edge to edge.

    Parameters
    ----------
    finding : Finding
        Any but ``NONE``.
    place : Place
    rng : numpy.random.Generator
    shape : tuple of int
        Rows and columns of the picture.
    mass_shape : MassShape
        Counts for a mass only.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        0 off the lesion, 0.02 to 0.2 on it.
    """
    recipe = _RECIPES[finding]
    if recipe.shape is None:
        return recipe.contrast * _dots(place, rng, shape)
    outline = _radii(MassShape(mass_shape) if finding is Finding.MASS else recipe.shape, rng)
    return recipe.contrast * _blob(outline, place, shape)


def _radii(form: MassShape, rng: np.random.Generator) -> np.ndarray:
    angles = 2 * np.pi * np.arange(_N_ANGLES) / _N_ANGLES
    if form is MassShape.ROUND:
        return np.ones(_N_ANGLES)
    if form is MassShape.OVAL:
        ratio, turn = rng.uniform(0.55, 0.8), rng.uniform(0, np.pi)
        return ratio / np.hypot(ratio * np.cos(angles - turn), np.sin(angles - turn))
    radii = np.ones(_N_ANGLES)
    for k in range(2, 8):
        radii += rng.normal(0, 0.35 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
    radii = np.clip(radii, 0.4, None) / radii.max()
    if form is MassShape.SPICULATED:
        radii *= 0.5
        for _ in range(rng.integers(9, 15)):
            offset = np.abs((angles - rng.uniform(0, 2 * np.pi) + np.pi) % (2 * np.pi) - np.pi)
            radii = np.maximum(radii, rng.uniform(0.65, 1.0) * np.exp(-offset / 0.09))
    return radii


def _blob(radii: np.ndarray, place: Place, shape: tuple[int, int]) -> np.ndarray:
    angles = 2 * np.pi * np.arange(_N_ANGLES) / _N_ANGLES
    across, down = radii * np.cos(angles), radii * np.sin(angles)
    x = _stretch(np.arange(shape[1]), place.column, place.half_width, across)[None, :]
    y = _stretch(np.arange(shape[0]), place.row, place.half_height, down)[:, None]
    angle = np.arctan2(y, x) % (2 * np.pi)
    edge = np.interp(angle, angles, radii, period=2 * np.pi)
    inward = 1 - np.hypot(x, y) / edge
    profile = 0.35 + 0.65 * np.clip(inward, 0, 1) ** 0.7
    return np.where(inward >= 0, profile, 0).astype(np.float32)


def _stretch(pixels: np.ndarray, middle: float, half: float, extent: np.ndarray) -> np.ndarray:
    """Pixel positions in the coordinates of an outline whose extent fills the place."""
    low, high = extent.min(), extent.max()
    return (pixels - middle) / half * (high - low) / 2 + (high + low) / 2


def _dots(place: Place, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    n_dots = int(rng.integers(8, 18))
    turns, reach = rng.uniform(0, 2 * np.pi, n_dots), np.sqrt(rng.uniform(0, 1, n_dots))
    across, down = reach * np.cos(turns), reach * np.sin(turns)
    radius = np.maximum(0.0, 0.0025 * shape[0] * rng.uniform(0.4, 1.4, n_dots))
    columns = place.column + (2 * (across - across.min()) / np.ptp(across) - 1) * place.half_width
    rows = place.row + (2 * (down - down.min()) / np.ptp(down) - 1) * place.half_height
    grid_rows, grid_columns = np.ogrid[: shape[0], : shape[1]]
    added = np.zeros(shape, np.float32)
    for row, column, size in zip(np.rint(rows), np.rint(columns), radius, strict=True):
        near = (grid_rows - row) ** 2 + (grid_columns - column) ** 2 <= size**2
        added = np.maximum(added, near * np.float32(rng.uniform(0.7, 1.0)))
    return added
