"""Spicules of a lesion drawn in the pixels of the picture, as thin as fibres there.

The painter works on a latent whose positions are four of its pixels wide, so it draws no line of one or two. Spicules
are tissue that a lesion pulls at, and look like the fibres round it: each is a line that leaves the lesion, bends a
little, becomes thinner and ends, as bright above its surround as fibres near it are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math

import numpy as np
from scipy import ndimage

from monai_mammo.lesions.growing_outline import GrowingOutline
from monai_mammo.lesions.lines_round_lesion import fibre_contrast, line_width_px, without_rays
from monai_mammo.lesions.spicules import evenly_drawn, roots_of
from monai_mammo.painting.blending import blending_weight
from monai_mammo.painting.local_edit import Change

__all__ = ["LEAST_DIAMETER_PX", "with_drawn_spicules"]

LEAST_DIAMETER_PX = 40.0
"""Diameter of a lesion in pixels under which its spicules are thinner than a pixel, and none are drawn."""

_N_SPICULES = (16, 28)
_LENGTHS = (0.8, 2.6)
_WIDTHS = (0.010, 0.026)
"""Standard deviation of the brightness across a spicule at its root, as a share of the lesion's diameter."""

_LEAST_WIDTH_PX = 0.55
_BEND = 0.28
_HEIGHTS = (0.7, 1.9)
_WAVE = 0.04
_TURN = 0.2
_UNEVENNESS = 0.3
_INTO_LESION = 0.2
"""How far a spicule is seen inside the outline, as a share of the mean radius."""

_MOST_OF_LESION = 0.35
"""How much of the brightness of its lesion a spicule of mean height adds at most."""


def with_drawn_spicules(
    change: Change,
    picture: np.ndarray,
    *,
    region: np.ndarray,
    outline: np.ndarray,
    tissue: np.ndarray,
    noise_of: tuple[int, str, int],
) -> Change:
    """A lesion with thin spicules, where its pixels are fine enough to show them.

    Parameters
    ----------
    change : Change
        The lesion as it is drawn.
    picture : ndarray, shape (rows, columns), float32
        Brightness in [0, 1] before the change.
    region, outline, tissue : ndarray, shape (rows, columns), bool
        What is changed, outside which no spicule reaches but for the band; the lesion; and the breast.
    noise_of : tuple of int, str and int
        Seed of the run, name of the sample, number of the try.

    Returns
    -------
    Change
        The same where the lesion is small, or no fibre can be measured round it.
    """
    inside, own = outline[change.window], picture[change.window]
    body = without_rays(inside)
    shape = GrowingOutline.of_mask(body)
    if shape.diameter < LEAST_DIAMETER_PX:
        return change
    around = tissue[change.window] & ~ndimage.binary_dilation(inside, iterations=round(0.1 * shape.diameter))
    strength = fibre_contrast(own, around, width_px=line_width_px(shape.diameter))
    strength = min(strength, _MOST_OF_LESION * max(0.0, float(change.added[body].mean())))
    if strength <= 0:
        return change
    weight = blending_weight(region[change.window], tissue[change.window]) * change.reach
    drawn = strength * weight * _lines(shape, own.shape, noise_of)
    return dataclasses.replace(change, added=(change.added + drawn).astype(np.float32))


def _lines(shape: GrowingOutline, size: tuple[int, ...], noise_of: tuple[int, str, int]) -> np.ndarray:
    """Spicules of height 1 at the strongest, shape `size`; where two meet, the brighter is seen."""
    seed = hashlib.sha256(f"spicules/{noise_of!r}".encode()).digest()[:8]
    rng = np.random.default_rng(int.from_bytes(seed, "big"))
    n_spicules = int(rng.integers(*_N_SPICULES))
    angles = (np.arange(len(shape.radius)) + 0.5) / len(shape.radius) * 2 * math.pi - math.pi
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * shape.radius[:, None] + shape.middle[::-1]
    roots, directions = roots_of(points, evenly_drawn(rng.random(n_spicules)))
    radius = shape.diameter / 2
    out = np.zeros(size, dtype=np.float32)
    for root, direction in zip(roots, directions, strict=True):
        length = radius * (_LENGTHS[0] + (_LENGTHS[1] - _LENGTHS[0]) * rng.beta(1.5, 2.2))
        width, height = shape.diameter * rng.uniform(*_WIDTHS), rng.uniform(*_HEIGHTS)
        bend, turn = rng.uniform(-_BEND, _BEND), rng.normal(0, _TURN)
        waves, phases = rng.uniform((0.7, 1.0), (1.6, 2.5)), 2 * math.pi * rng.random(2)
        direction = direction @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        part = _part_round(root, length + 4 * width, size)
        y, x = np.mgrid[part] - root[::-1, None, None]
        along = (x * direction[0] + y * direction[1]) / length
        reached = np.clip(along, 0, 1)
        swing = bend * reached + _WAVE * np.sin(2 * math.pi * waves[0] * reached + phases[0])
        across = y * direction[0] - x * direction[1] - length * reached * swing
        narrowed = np.maximum(_LEAST_WIDTH_PX, width * (1 - 0.65 * np.sqrt(reached)))
        fading = np.clip(1 - along, 0, 1) ** 0.9 * np.clip(1 + along * length / (_INTO_LESION * radius), 0, 1)
        fading *= 1 + _UNEVENNESS * np.sin(2 * math.pi * waves[1] * reached + phases[1])
        out[part] = np.maximum(out[part], height * fading * np.exp(-0.5 * (across / narrowed) ** 2))
    return out


def _part_round(root: np.ndarray, reach: float, size: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns within a distance of a point ``(x, y)``."""
    row, column = (
        slice(max(0, math.floor(at - reach)), max(0, min(length, math.ceil(at + reach) + 1)))
        for at, length in zip(root[::-1], size, strict=True)
    )
    return row, column
