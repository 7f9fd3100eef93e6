"""Spicules: as many as are drawn, at about even distances on hollow sides too, and away from the lesion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_mammo.conditions import Box
from monai_mammo.lesions.placing import draw_outline
from monai_mammo.lesions.spicules import with_spicules

WHOLE = Box(0, 0, 1, 1)
SIDE = 600


def outline_of(name):
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    if name == "horseshoe":
        arc = np.linspace(0.4, 2 * np.pi - 0.4, 48)
        ring = np.stack([np.cos(arc), np.sin(arc)], axis=1)
        return np.concatenate([ring, 0.45 * ring[::-1]])
    radius = {"disc": 1.0, "bean": 1 - 0.62 * np.exp(-((angle - 1.2) ** 2) / 0.18), "oval": 1.0}[name]
    stretch = (1.0, 0.4) if name == "oval" else (1.0, 1.0)
    return np.stack([radius * np.cos(angle) * stretch[0], radius * np.sin(angle) * stretch[1]], axis=1)


def drawn(points):
    return draw_outline(0.5 + points / 5, WHOLE, (SIDE, SIDE))


def rays_of(name, sample_id):
    """Middles of the rays, in mean radii, and the body that they stand on."""
    points = outline_of(name)
    rays = drawn(with_spicules(points, seed=4, sample_id=sample_id))
    body = ndimage.binary_dilation(drawn(points), iterations=4)
    labels, n = ndimage.label(rays & ~body)
    large = [i for i in range(1, n + 1) if (labels == i).sum() > 12]
    return np.array(ndimage.center_of_mass(rays, labels, large)) * 5 / SIDE, body


@pytest.mark.parametrize("name", ["disc", "bean", "oval", "horseshoe"])
def test_rays_stand_apart_on_every_side(name):
    for sample_id in range(8):
        middles, body = rays_of(name, sample_id)
        assert 8 <= len(middles) <= 15
        apart = np.hypot(*(middles[:, None] - middles[None]).T) + 9 * np.eye(len(middles))
        around = 2 * np.pi / len(middles)  # even distance on a disc
        assert apart.min(axis=0).min() > 0.2 * around
        assert apart.min(axis=0).max() < 2.2 * around
        middle = np.array(ndimage.center_of_mass(body)) * 5 / SIDE
        angles = np.sort(np.arctan2(*(middles - middle).T))
        assert np.diff(angles, append=angles[0] + 2 * np.pi).max() < 1.5


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("name", ["bean", "horseshoe"])
def test_rays_lie_outside_whichever_way_the_outline_runs(name, turn):
    points = outline_of(name)[::turn]
    for sample_id in range(6):
        body, rays = drawn(points), drawn(with_spicules(points, seed=4, sample_id=sample_id))
        missing = ndimage.binary_erosion(body, iterations=4) & ~rays
        assert not missing.any()
    assert 1.01 < rays.sum() / body.sum() < 1.4
    reach = np.hypot(*(np.argwhere(rays) - SIDE / 2).T).max() * 5 / SIDE
    assert 1.4 < reach < 2.1


def test_rays_point_away_from_the_lesion_wherever_it_lies():
    points = outline_of("oval")
    here, there = (with_spicules(points + shift, seed=1, sample_id=0) - shift for shift in (0.0, (0.5, -0.4)))
    assert np.allclose(here, there)
    assert np.allclose(with_spicules(3 * points, seed=1, sample_id=0) / 3, here)


def test_number_places_and_lengths_are_the_seeds():
    points = outline_of("disc")
    first = with_spicules(points, seed=1, sample_id=0)
    assert np.array_equal(first, with_spicules(points, seed=1, sample_id=0))
    assert not np.array_equal(first, with_spicules(points, seed=1, sample_id=1))
    assert not np.array_equal(first, with_spicules(points, seed=2, sample_id=0))
