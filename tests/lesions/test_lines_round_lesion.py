"""Thin lines: their height is measured, and those that point away from a lesion are told from any others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_mammo.lesions.lines_round_lesion import fibre_contrast, line_responses, outward_lines, without_rays

SIDE = 300
ROW, COLUMN = np.mgrid[:SIDE, :SIDE]
RADIUS = np.hypot(ROW - 150, COLUMN - 140)
LESION = RADIUS < 40
WIDTH = 1.2
ALL = np.ones((SIDE, SIDE), dtype=bool)


def noise():
    return 0.002 * np.random.default_rng(3).standard_normal((SIDE, SIDE))


def rays(n=16):
    """Lines that leave the middle of the lesion, of height 0.1."""
    angle = np.arctan2(ROW - 150, COLUMN - 140)
    away = np.abs((angle * n / (2 * np.pi) + 0.5) % 1 - 0.5) * 2 * np.pi / n * RADIUS
    return 0.1 * np.exp(-0.5 * (away / WIDTH) ** 2)


def rings():
    return 0.1 * np.exp(-0.5 * (((RADIUS - 6) % 12 - 6) / WIDTH) ** 2)


def test_lines_that_point_away_are_told_from_rings_and_from_grain():
    share = {name: outward_lines(noise() + drawn, LESION, ALL) for name, drawn in DRAWN.items()}
    assert share["rays"] > 2 > 1.1 > share["grain"] > 0.9 > 0.5 > share["rings"]


DRAWN = {"rays": rays(), "rings": rings(), "grain": np.zeros((SIDE, SIDE))}


def test_lines_are_looked_for_in_tissue_alone_and_not_beside_a_lesion_that_fills_it():
    half = COLUMN < 140
    mixed = noise() + np.where(half, rings(), rays())
    assert outward_lines(mixed, LESION, half) < 0.5 < 2 < outward_lines(mixed, LESION, ~half)
    assert outward_lines(mixed, LESION, LESION) is None


@pytest.mark.parametrize("degrees", [0, 45, 105])
def test_a_line_is_as_high_as_it_was_drawn_and_responds_in_its_direction(degrees):
    angle = np.deg2rad(degrees)
    across = (ROW - 150) * np.cos(angle) - (COLUMN - 140) * np.sin(angle)
    line = 0.1 * np.exp(-0.5 * (across / WIDTH) ** 2)
    responses = line_responses(0.4 + line, width_px=WIDTH)
    assert np.argmax(responses[:, 150, 140]) == degrees // 15
    on_line = (np.abs(across) < 0.5) & (RADIUS < 80)
    assert fibre_contrast(0.4 + line, on_line, width_px=WIDTH) == pytest.approx(0.1, rel=0.1)
    assert fibre_contrast(np.full((SIDE, SIDE), 0.4), on_line, width_px=WIDTH) == pytest.approx(0, abs=1e-6)
    assert fibre_contrast(line, np.zeros_like(on_line), width_px=WIDTH) == 0


def test_rays_of_an_outline_are_no_part_of_its_body():
    cross = (np.abs(ROW - 150) < 3) | (np.abs(COLUMN - 140) < 3)
    body = without_rays(LESION | (cross & (RADIUS < 70)))
    assert (body ^ LESION).sum() < 0.03 * LESION.sum()
    assert np.array_equal(without_rays(cross & (COLUMN < 8)), cross & (COLUMN < 8)) or without_rays(cross).any()
    assert not ndimage.binary_erosion(body ^ LESION, iterations=3).any()
