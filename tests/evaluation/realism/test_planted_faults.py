"""Each fault that gives generated mammograms away, planted alone: its own measure moves, the others stay."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_mammo.evaluation.realism.measured_image import (
    MEASURES,
    POWER_MEASURES,
    PROFILE_MEASURES,
    image_measures,
)

SHAPE = (192, 144)
_Y, _X = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
BREAST = ((_Y - 95.5) / 88) ** 2 + (_X / 110) ** 2 <= 1
DEPTH = ndimage.distance_transform_edt(np.pad(BREAST, ((1, 1), (0, 1)), constant_values=False))[1:-1, :-1]
SHAPES = ("breast area", "breast width", "breast height", "solidity", "bright parts")


def fibres(seed: int = 0) -> np.ndarray:
    """Noise drawn out along the way to the nipple, deviation 1."""
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    drawn_out = ndimage.gaussian_filter1d(ndimage.gaussian_filter1d(noise, 12, axis=1), 1.0, axis=0)
    return drawn_out / drawn_out.std()


def isotropic(seed: int = 0) -> np.ndarray:
    """Noise of the same power as `fibres` at each frequency, and no direction, deviation 1."""
    power = np.abs(np.fft.fft2(fibres(seed))) ** 2
    radius = np.rint(256 * np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in SHAPE), indexing="ij"))).astype(int)
    mean = np.bincount(radius.ravel(), power.ravel()) / np.maximum(np.bincount(radius.ravel()), 1)
    phases = np.fft.fft2(np.random.default_rng(seed + 99).normal(size=SHAPE))
    field = np.real(np.fft.ifft2(np.sqrt(mean[radius]) * phases / np.abs(phases)))
    return field / field.std()


def breast_with(texture: np.ndarray) -> np.ndarray:
    grain = 0.003 * np.random.default_rng(5).normal(size=SHAPE)
    return np.where(BREAST, 0.45 + 0.05 * texture + grain, 0).astype(np.float32)


PLAIN = breast_with(fibres())


def ratios(image: np.ndarray, breast: np.ndarray = BREAST) -> dict[str, float]:
    """Measures of the picture over those of the plain one; differences in dB and of the exponent."""
    before, after = image_measures(PLAIN, BREAST), image_measures(image, breast)
    assert set(before) == set(after) == {*MEASURES, *POWER_MEASURES, *PROFILE_MEASURES}
    compared = (*MEASURES, *POWER_MEASURES)
    return {m: after[m] - before[m] if m in POWER_MEASURES else after[m] / before[m] for m in compared}


def test_the_plain_picture_has_what_was_drawn():
    found = image_measures(PLAIN, BREAST)
    assert found["bright parts"] == 1
    assert found["2-pixel border ratio"] == pytest.approx(1, abs=0.02)
    assert found["skin-line step"] == pytest.approx(0.45, abs=0.05)
    assert found["solidity"] > 0.98
    assert found["breast height"] == pytest.approx(176 / 192, abs=0.01)
    assert found["breast width"] == pytest.approx(110 / 144, abs=0.015)
    assert found["breast area"] == pytest.approx(np.pi * 88 * 110 / 2 / (192 * 144), rel=0.01)


def test_specks_beside_the_breast_count_one_each_and_change_nothing_else():
    image = PLAIN.copy()
    for row, column in ((5, 130), (20, 120), (180, 130), (100, 138)):
        image[row : row + 2, column] = 0.3
    found = ratios(image)
    assert found["bright parts"] == 5
    assert all(found[m] == 1 for m in MEASURES if m != "bright parts")
    assert all(found[m] == 0 for m in POWER_MEASURES)


def test_islands_of_fat_in_the_breast_are_not_specks():
    image = np.where(BREAST & (DEPTH > 6), 0, PLAIN)
    for row in (60, 100, 130):
        image[row : row + 3, 40:44] = 0.5
    assert image_measures(image, BREAST)["bright parts"] == 1


def test_a_grid_of_blocks_moves_the_border_ratio_alone():
    blocks = np.kron(np.random.default_rng(1).normal(size=(96, 72)), np.ones((2, 2)))
    found = ratios(np.where(BREAST, PLAIN + 0.006 * blocks, 0).astype(np.float32))
    assert found["2-pixel border ratio"] > 1.1
    assert found["skin-line step"] == pytest.approx(1, abs=0.03)
    assert found["orientation coherence"] == pytest.approx(1, abs=0.08)
    assert all(found[m] == 1 for m in SHAPES)
    moved = np.where(BREAST, PLAIN + 0.006 * np.roll(blocks, (1, 1), (0, 1)), 0).astype(np.float32)
    assert ratios(moved)["2-pixel border ratio"] < 0.95, "blocks that begin elsewhere show inside the blocks"


def test_a_soft_skin_line_moves_the_step_alone():
    found = ratios((PLAIN * np.clip(DEPTH / 4, 0, 1)).astype(np.float32))
    assert found["skin-line step"] == pytest.approx(0.25, abs=0.05), "a quarter of the rise for each of 4 pixels"
    assert found["ridge length"] == pytest.approx(1, abs=0.1)
    assert found["orientation coherence"] == pytest.approx(1, abs=0.02)
    assert found["2-pixel border ratio"] == pytest.approx(1, abs=0.02)
    assert all(found[m] == 1 for m in SHAPES)
    assert all(abs(found[m]) < 0.3 for m in POWER_MEASURES)


def test_a_line_along_the_frame_moves_the_frame_step_alone():
    line = PLAIN.copy()
    line[:, 0], line[:, 2:4] = 0, 1.2 * line[:, 2:4]
    found = ratios(np.where(BREAST, line, 0).astype(np.float32))
    assert found["frame step"] > 4
    assert found["skin-line step"] == pytest.approx(1, abs=0.03)
    assert all(found[m] == 1 for m in SHAPES if m != "bright parts")
    away = np.roll(BREAST, 30, axis=1) & (_X >= 30)  # the frame cuts no breast
    assert "frame step" not in image_measures(np.where(away, 0.5, 0).astype(np.float32), away)


def test_texture_without_direction_moves_ridges_and_coherence_and_not_the_spectrum():
    found = ratios(breast_with(isotropic()))
    assert found["ridge length"] < 0.5
    assert found["orientation coherence"] < 0.6
    assert found["skin-line step"] == pytest.approx(1, abs=0.05)
    assert found["2-pixel border ratio"] == pytest.approx(1, abs=0.03)
    assert all(found[m] == 1 for m in SHAPES)
    assert all(abs(found[m]) < 2 for m in POWER_MEASURES), "means over rings mix directions of a steep law"


def test_a_blurred_copy_loses_fine_power_and_the_skin_line():
    blurred = ndimage.gaussian_filter(PLAIN, 1.5)
    found = ratios(np.where(BREAST, blurred, 0).astype(np.float32))
    assert found["power 1/4 to 1/2"] < -6 and found["spectral exponent"] > 0.5
    assert abs(found["power 1/16 to 1/8"]) < 4
    assert found["skin-line step"] < 0.8
    assert found["2-pixel border ratio"] == pytest.approx(1, abs=0.02)
    assert all(found[m] == 1 for m in SHAPES)


def test_bites_lower_solidity():
    bitten = BREAST & ~((_Y - 96) ** 2 + (_X - 110) ** 2 < 30**2)
    found = ratios(np.where(bitten, PLAIN, 0).astype(np.float32), bitten)
    assert found["solidity"] < 0.95 and found["bright parts"] == 1
    assert found["breast height"] == 1


def test_nothing_in_the_picture_measures_nothing():
    empty, whole = np.zeros(SHAPE, np.float32), np.ones(SHAPE, bool)
    assert image_measures(empty, np.zeros(SHAPE, bool)) == {"bright parts": 0.0}
    assert "skin-line step" not in image_measures(empty, whole)
    assert "2-pixel border ratio" not in image_measures(empty, whole)


def test_brightness_contrast_and_percent_density_are_those_of_the_breast():
    image = np.where(BREAST, 0.2, 0.9)
    dense = BREAST & (_X < 40)
    image[dense] = 0.6
    found = image_measures(image.astype(np.float32), BREAST)
    share = dense.sum() / BREAST.sum()
    assert found["dense share"] == pytest.approx(share)
    assert found["brightness"] == pytest.approx(0.2 + 0.4 * share, rel=1e-5)
    assert found["contrast"] == pytest.approx(0.4 * np.sqrt(share * (1 - share)), rel=1e-5)
