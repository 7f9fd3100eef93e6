"""Spicules of a lesion: where they leave its outline, which way they point and how long they are.

Spicules are pulled tissue, so they radiate and do not cross. Roots lie at even distances along the convex hull of the
outline, which a bay shortens, and point half along its normals, which never meet, half away from the lesion's middle:
on the hollow side of a lesion they stand no closer than elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

from monai_mammo.lesions.hash_draw import drawn_position, drawn_share

__all__ = ["evenly_drawn", "roots_of", "with_spicules"]

_N_RAYS = (9, 16)
_LENGTHS = (0.3, 1.0)
"""Least and largest length, as a share of the mean radius."""

_HALF_WIDTH = 0.055
"""Of a ray at its root, as a share of the mean radius."""

_JITTER = 0.8
"""How far a root is moved by chance, as a share of the even distance to the next."""

_POINTS = 720


def with_spicules(points: np.ndarray, *, seed: int, sample_id: int) -> np.ndarray:
    """Outline with thin rays, 9 to 15 at about even distances, each a third to a whole mean radius long.

    A ray that would cross the lesion, out of a deep bay, is left out.

    Parameters
    ----------
    points : ndarray, shape (n_points, 2)
        ``(x, y)`` of a closed outline.
    seed, sample_id : int
        Decide number, places and lengths.

    Returns
    -------
    ndarray, shape (n, 2), float64
        The outline, each ray a triangle on it.
    """
    outline = _even(points.astype(np.float64))
    step = float(np.hypot(*(outline - np.roll(outline, 1, axis=0)).T).mean())
    radius = math.sqrt(abs(_signed_area(outline)) / math.pi)
    reach = max(1, round(_HALF_WIDTH * radius / step))
    n_rays = _N_RAYS[0] + drawn_position(_N_RAYS[1] - _N_RAYS[0], seed, sample_id, "rays")
    shares = [drawn_share(seed, sample_id, f"ray {ray}") for ray in range(n_rays)]
    numbers, directions = _roots(outline, evenly_drawn(shares))
    out, taken = outline.copy(), np.zeros(len(outline), dtype=bool)
    for ray, (root, direction) in enumerate(zip(numbers, directions, strict=True)):
        base = (np.arange(-reach, reach + 1) + root) % len(outline)
        length = radius * (_LENGTHS[0] + (_LENGTHS[1] - _LENGTHS[0]) * drawn_share(seed, sample_id, f"length {ray}"))
        along = outline[root] + np.outer(np.linspace(0.1, 1, 10) * length, direction)
        if taken[base].any() or _is_inside(along, outline).any():  # a bay that it would cross
            continue
        taken[base] = True
        height = 1 - np.abs(np.arange(-reach, reach + 1)) / reach
        # the points of the base go to the two sides of a triangle
        out[base] = outline[base] + np.outer(height * length, direction)
    return out


def evenly_drawn(shares: Sequence[float] | np.ndarray) -> np.ndarray:
    """Places in [0, 1) at about even distances, one for each number drawn from [0, 1).

    Parameters
    ----------
    shares : sequence of float or ndarray, shape (n,)
        How far each place is moved by chance.

    Returns
    -------
    ndarray, shape (n,), float64
        Rising.
    """
    moved = _JITTER * (np.asarray(shares, dtype=np.float64) - 0.5)
    return (np.arange(len(moved)) + 0.5 + moved) / len(moved)


def roots_of(points: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rays leave an outline, and which way they point.

    Parameters
    ----------
    points : ndarray, shape (n_points, 2)
        ``(x, y)`` of a closed outline.
    places : ndarray, shape (n,)
        In [0, 1) of the length of its convex hull, as `evenly_drawn` gives them.

    Returns
    -------
    roots : ndarray, shape (n, 2), float64
        ``(x, y)`` on the outline.
    directions : ndarray, shape (n, 2), float64
        Of length 1.
    """
    outline = _even(points.astype(np.float64))
    numbers, directions = _roots(outline, places)
    return outline[numbers], directions


def _roots(outline: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the outline's points that rays stand on, and the directions of the rays."""
    corners = np.sort(ConvexHull(outline).vertices)
    ends = np.roll(corners, -1)
    edges = outline[ends] - outline[corners]
    lengths = np.hypot(*edges.T)
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    at = places * before[-1]
    edge = np.clip(np.searchsorted(before, at, side="right") - 1, 0, len(corners) - 1)
    roots = []
    for one, along in zip(edge, at - before[edge], strict=True):
        n_between = (ends[one] - corners[one]) % len(outline)
        between = (corners[one] + np.arange(n_between + 1)) % len(outline)
        reached = (outline[between] - outline[corners[one]]) @ edges[one] / lengths[one]
        roots.append(between[np.argmin(np.abs(reached - along))])
    turn = 1.0 if _signed_area(outline) > 0 else -1.0
    normals = turn * np.stack([edges[edge, 1], -edges[edge, 0]], axis=1) / lengths[edge][:, None]
    from_middle = outline[roots] - _middle(outline)
    directions = normals + from_middle / np.maximum(np.hypot(*from_middle.T), 1e-9)[:, None]
    return np.array(roots), directions / np.hypot(*directions.T)[:, None]


def _middle(points: np.ndarray) -> np.ndarray:
    """Centre of gravity of what an outline encloses."""
    after = np.roll(points, -1, axis=0)
    cross = points[:, 0] * after[:, 1] - after[:, 0] * points[:, 1]
    return ((points + after) * cross[:, None]).sum(axis=0) / (3 * cross.sum())


def _is_inside(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Whether an outline encloses each point, by the even-odd rule."""
    x, y = outline.T
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    column, row = points[:, :1], points[:, 1:]
    crosses = (y <= row) != (y2 <= row)
    at = x + (row - y) * (x2 - x) / np.where(y2 == y, 1.0, y2 - y)
    return (crosses & (at > column)).sum(axis=1) % 2 == 1


def _even(points: np.ndarray) -> np.ndarray:
    """Outline of many points at equal distances."""
    closed = np.concatenate([points, points[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.linspace(0, length[-1], _POINTS, endpoint=False)
    even = np.stack([np.interp(at, length, closed[:, axis]) for axis in (0, 1)], axis=1)
    return ndimage.gaussian_filter1d(even, 2.0, axis=0, mode="wrap")


def _signed_area(points: np.ndarray) -> float:
    x, y = points.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
