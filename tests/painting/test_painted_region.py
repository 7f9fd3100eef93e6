"""Grain by frequency, the window that the painter sees, the blend, and contrast held to that of real lesions."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from monai_mammo.errors import RequestError
from monai_mammo.lesions.contrast_ranges import ContrastRange, ring_round, visibility
from monai_mammo.lesions.smooth_filling import smooth_fill
from monai_mammo.painting.blending import blended, blending_weight, without_step
from monai_mammo.painting.borrowed_texture import borrowed_texture
from monai_mammo.painting.grain import grain_like
from monai_mammo.painting.held_contrast import held_contrast, toned_down
from monai_mammo.painting.held_texture import texture_share
from monai_mammo.painting.lesion_texture import depth_beside_surround, held_lesion_texture
from monai_mammo.painting.local_edit import (
    Change,
    blended_change,
    joined,
    window_round,
    without_white_edge,
)

SIDE = 200
ROW, COLUMN = np.mgrid[:SIDE, :SIDE]
OUTLINE = np.hypot(ROW - 100, COLUMN - 100) < 24
BREAST = np.ones((SIDE, SIDE), dtype=bool)
WINDOW = (slice(20, 180), slice(20, 180))
REAL = ContrastRange(of={}, n_lesions=99, n_persons=99, contrast=(0.04, 0.08, 0.1, 0.14, 0.2), highest_peak=0.3)


def power(image, low, high):
    spectrum = np.abs(np.fft.rfft2(image)) ** 2
    radius = np.hypot(np.fft.fftfreq(image.shape[0])[:, None], np.fft.rfftfreq(image.shape[1])[None])
    return spectrum[(radius >= low) & (radius < high)].mean()


def test_grain_has_the_power_by_frequency_of_what_is_known_round_the_region():
    rng = np.random.default_rng(1)
    coloured = ndimage.gaussian_filter(rng.standard_normal((128, 128)), 1.2)
    coloured *= 0.02 / coloured.std()
    known = np.ones(coloured.shape, dtype=bool)
    known[40:88, 40:88] = False
    grain = grain_like(np.where(known, coloured, 5.0), known, np.random.default_rng(2))
    for low, high in ((0.03, 0.1), (0.1, 0.2), (0.2, 0.3)):
        assert power(grain, low, high) == pytest.approx(power(coloured, low, high), rel=0.35)
    assert not grain_like(coloured, np.zeros_like(known), rng).any()


def test_texture_of_a_filling_is_that_of_tissue_as_bright_and_keeps_its_fibres_and_its_power():
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((256, 256))
    lying, standing = (ndimage.gaussian_filter(noise, sigma) for sigma in ((0.7, 6), (6, 0.7)))
    row, column = np.mgrid[:128, :128]
    seen = np.where(column < 64, 0.7, 0.3).astype(np.float32)  # lying fibres in bright tissue, standing ones in dark
    residual = np.where(np.arange(256) < 128, lying / lying.std(), standing / standing.std()).astype(np.float32)
    region = np.hypot(row - 64, column - 64) < 26
    known = ~ndimage.binary_dilation(region, iterations=4)
    hidden = np.where(np.kron(known, np.ones((2, 2))), residual, 99)  # a calcification all over what is filled
    inside = np.kron(np.hypot(row - 64, column - 64) < 18, np.ones((2, 2))) > 0

    def fibres(drawn):
        words = {"region": region, "known": known, "rng": np.random.default_rng(1)}
        texture = borrowed_texture(hidden, np.full_like(seen, drawn), seen, **words)
        down, across = (np.diff(texture, axis=axis)[:255, :255][inside[:255, :255]].std() for axis in (0, 1))
        assert texture[inside].std() == pytest.approx(1, abs=0.15) and np.abs(texture).max() < 6
        return down / across

    assert fibres(0.7) > 3 and fibres(0.3) < 1 / 3  # about 8 and 1/8 where they are known; 1 in noise
    nothing = {"region": region, "known": np.zeros_like(known), "rng": rng}
    assert not borrowed_texture(hidden, seen, seen, **nothing).any()


def test_the_blend_is_one_inside_and_exactly_nothing_away_from_the_region():
    region = np.zeros((120, 120), dtype=bool)
    region[30:70, 30:70] = True
    weight = blending_weight(region, np.ones_like(region))
    assert weight[45:55, 45:55].min() == 1
    distance = ndimage.distance_transform_edt(~region)
    assert not weight[distance > 6].any() and weight[distance == 1].max() < 0.6
    rows, columns = window_round(region)
    assert rows.stop - rows.start == columns.stop - columns.start == 104
    with pytest.raises(RequestError, match="120 x 80 pixels is too small"):
        window_round(region[:, :80])
    large = np.zeros((300, 200), dtype=bool)
    large[10:200, 10:50] = True
    with pytest.raises(RequestError, match="144 are the most"):
        window_round(large)


def test_a_region_at_the_skin_is_filled_up_to_it_without_a_rim_or_a_step():
    skin = 150 - 0.002 * (ROW - 100) ** 2  # a breast to the left of it
    breast = skin > COLUMN
    lesion = breast & (np.hypot(ROW - 100, COLUMN - 140) < 34)
    own, window = np.where(breast, 0.6, 0.02), (slice(None), slice(None))
    darker = np.where(np.hypot(ROW - 100, COLUMN - 140) < 27, -0.3, 0)  # up to the skin, and not up to other tissue
    change = blended_change(window, darker, own, lesion, breast, 4.0)
    assert not change.added[~breast].any() and not change.reach[~breast].any()
    assert not change.reach[ndimage.distance_transform_edt(~lesion) > 6].any()
    depth = ndimage.distance_transform_edt(breast)
    inner = lesion & (np.hypot(ROW - 100, COLUMN - 140) < 24)
    soft = 3
    assert np.allclose(change.added[inner & (depth >= soft)], -0.3)
    rim = inner & (depth < soft)
    assert change.added[rim & (depth < 1.5)].max() < 0  # also the outermost pixel goes over
    along = -change.added[100, 118:152]
    assert np.abs(np.diff(along)).max() < 0.3 * 2 / soft  # a smooth step is 1.5 over its width at its steepest
    assert along.max() == pytest.approx(0.3)


def test_a_region_at_a_strip_that_is_taken_for_no_breast_goes_over_into_it():
    breast = COLUMN >= 12
    own = np.where(COLUMN < 3, 1.0, 0.6)  # a film's white edge, and tissue beside it
    region = breast & (np.hypot(ROW - 100, COLUMN - 12) < 60)
    change = blended_change((slice(None), slice(None)), -0.3 * np.ones(breast.shape), own, region, breast, 4.0)
    along = -change.added[100, :40]
    assert not change.added[~breast].any() and along.max() == pytest.approx(0.3)
    assert np.abs(np.diff(along)).max() < 0.07  # 0.2 where it falls within three pixels


def test_what_is_filled_has_no_deeper_texture_than_the_tissue_round_it_whatever_edge_runs_through_it():
    rng = np.random.default_rng(0)
    side = (slice(0, 128), slice(0, 128))
    region, tissue = OUTLINE[36:164, 36:164], COLUMN[side] > 20
    texture = ndimage.gaussian_filter(rng.standard_normal((128, 128)), 1.5).astype(np.float32)
    edge = np.where(COLUMN[side] + ROW[side] < 110, np.float32(0.2), np.float32(0.6))
    crop = np.where(tissue, edge + 0.1 * texture, 0).astype(np.float32)
    drawn = 0.4 + 0.1 * np.roll(texture, 20, axis=0)
    assert texture_share(drawn, crop, region, tissue) == pytest.approx(1, abs=0.15)
    twice = texture_share(0.4 + 2 * (drawn - 0.4), crop, region, tissue)
    assert 0.5 <= twice < 0.65  # a little more than half, since one pixel in six lies at the edge; by its power 1
    assert texture_share(0.4 + 4 * (drawn - 0.4), crop, region, tissue) == pytest.approx(twice / 2)
    assert texture_share(0.4 + 0.2 * (drawn - 0.4), crop, region, tissue) == 1
    assert texture_share(drawn, crop, region, region) == 1  # nothing round it is known


def test_a_lesion_is_in_no_deeper_lumps_than_real_ones_and_keeps_its_contrast_and_its_edge():
    rng = np.random.default_rng(5)
    fine, coarse = (ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), sigma) for sigma in (1.5, 2.0))
    picture = (0.4 + 0.03 * fine / fine.std()).astype(np.float32)
    outline, breast = OUTLINE, BREAST
    lumps = 0.09 * coarse / coarse.std() * ndimage.gaussian_filter(outline.astype(float), 2)
    added = (0.2 * ndimage.gaussian_filter(outline.astype(float), 2) + lumps).astype(np.float32)
    window = (slice(36, 164), slice(36, 164))  # the painter's own pixels
    change = Change(window=window, added=added[window], reach=added[window] != 0, working_pixels=1.0)

    def depth(one):
        return depth_beside_surround(picture[window] + one.added, outline[window], breast[window])

    held = held_lesion_texture(change, picture, outline, breast)
    assert depth(change) > 3 and depth(held) == pytest.approx(2.2, abs=0.05)
    inside = outline[window]
    assert held.added[inside].mean() == pytest.approx(change.added[inside].mean(), abs=0.004)
    assert np.array_equal(held.added[~inside], change.added[~inside])
    smooth = dataclasses.replace(change, added=(added - lumps).astype(np.float32)[window])
    assert held_lesion_texture(smooth, picture, outline, breast) is smooth
    lumpy = (picture + lumps).astype(np.float32)  # by itself
    assert held_lesion_texture(smooth, lumpy, outline, breast) is smooth


def test_a_white_edge_of_the_film_is_nothing_to_go_on_from():
    crop = np.where(COLUMN[:128, :128] < 100, 0.4 + 0.001 * ROW[:128, :128], 0).astype(np.float32)
    tissue = crop > 0
    tissue[:, :6] = False
    air = crop.copy()
    crop[:, :6] = 1
    region = np.hypot(ROW - 60, COLUMN - 6)[:128, :128] < 30
    shown = without_white_edge(crop, region & tissue, tissue)
    assert shown[:, :6].max() < 0.54 and np.array_equal(shown[:, 8:], crop[:, 8:])
    assert smooth_fill(shown, region & tissue)[60, 7] == pytest.approx(0.46, abs=0.02)
    assert without_white_edge(air, region, air > 0) is air


def test_a_region_that_is_all_there_is_of_a_breast_is_filled():
    breast = np.hypot(ROW, COLUMN) < 40
    weight = blending_weight(breast, breast)
    assert weight[:20, :20].min() == 1 and not weight[~breast].any()


def test_what_is_drawn_brighter_than_its_surroundings_leaves_no_step_and_keeps_its_middle():
    rng = np.random.default_rng(3)
    texture = 0.02 * ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 1)
    hump = 0.2 * np.exp(-((ROW - 100) ** 2 + (COLUMN - 100) ** 2) / (2 * 6**2))
    region = np.hypot(ROW - 100, COLUMN - 100) < 32
    step = 0.05 + 0.0005 * (ROW - 100)  # stronger below
    added = without_step(hump + texture + step, region, BREAST)
    edge = np.abs(np.hypot(ROW - 100, COLUMN - 100) - 32) < 2
    for half in (ROW < 90, ROW > 110):
        assert abs(added[edge & half].mean()) < 0.003
    assert added[100, 100] == pytest.approx(0.25 + texture[100, 100], abs=1e-6)  # two bands from the edge it all stays
    laid, _ = blended(hump + step, np.full((SIDE, SIDE), 0.4), region, BREAST)
    assert abs(laid[edge].mean()) < 0.003 and laid[100, 100] == pytest.approx(0.25, abs=0.001)
    at_skin = COLUMN >= 100  # a region that ends at the skin alone has no step there
    half = region & at_skin
    kept = without_step(step, half, at_skin)
    assert kept[100, 101] == pytest.approx(0.05, abs=0.01) and abs(kept[100, 130]) < 0.01
    assert np.array_equal(without_step(step, at_skin, at_skin), step)


def test_textures_that_have_nothing_in_common_are_as_deep_where_they_meet():
    rng, radius = np.random.default_rng(4), np.hypot(ROW - 100, COLUMN - 100)
    region, seam = radius < 40, np.abs(radius - 40) < 2
    ratios = []
    for _ in range(5):
        own, other = (0.4 + 0.05 * ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 1) for _ in range(2))
        added, reach = blended(other - own, own, region, BREAST)
        depths = [(one - ndimage.gaussian_filter(one, 3))[seam].std() for one in (own + added, own)]
        ratios.append(depths[0] / depths[1])
        assert not added[~reach].any() and not reach[radius > 47].any()
    assert np.mean(ratios) == pytest.approx(0.95, abs=0.05)  # 0.7 where brightness is mixed by its weights
    same, _ = blended(np.zeros_like(own), own, region, BREAST)
    assert np.abs(same).max() < 1e-6  # what stays the same is made no deeper


def test_a_lesion_falls_to_nothing_from_its_outline_to_the_edge_of_its_region():
    region = ndimage.distance_transform_edt(~OUTLINE) <= 9
    glow = np.where(np.hypot(ROW - 100, COLUMN - 100) < 28, 0.2, 0.0)  # brighter than the outline is wide
    added, reach = blended(glow, np.full((SIDE, SIDE), 0.4), region, BREAST, outline=OUTLINE)
    along = added[100, 100:140]
    assert np.allclose(along[:24], 0.2, atol=0.03) and not added[~reach].any()
    assert along[28] < 0.1 and along[26] < 0.17  # half way and less
    replaced, _ = blended(glow, np.full((SIDE, SIDE), 0.4), region, BREAST)
    assert replaced[100, 126] > 0.18


def contrast_of(picture):
    return visibility(picture, OUTLINE, ring_round(OUTLINE, BREAST), bright=0.5).contrast


def a_change(height):
    soft = ndimage.gaussian_filter(OUTLINE.astype(np.float32), 2)[WINDOW] * np.float32(height)
    return Change(window=WINDOW, added=soft, reach=soft > 0, working_pixels=1.0)


@pytest.mark.parametrize("height", [0.01, 0.5])
@pytest.mark.parametrize(("conspicuity", "wanted"), [(0.0, 0.04), (0.5, 0.1), (1.0, 0.2)])
def test_conspicuity_moves_a_lesion_to_the_quantiles_of_real_ones(height, conspicuity, wanted):
    picture = np.full((SIDE, SIDE), 0.4, dtype=np.float32)
    gain = {"bright": 0.5, "conspicuity": conspicuity}
    change, is_held = held_contrast(a_change(height), picture, OUTLINE, BREAST, REAL, **gain)
    reachable = min(wanted, 6 * contrast_of(a_change(height).laid_over(picture)))
    assert contrast_of(change.laid_over(picture)) == pytest.approx(reachable, abs=2e-3)
    assert is_held == (abs(reachable - wanted) < 0.005)


@pytest.mark.parametrize(("height", "wanted"), [(0.02, 0.04), (0.12, None), (0.5, 0.2)])
def test_without_a_conspicuity_only_what_no_real_lesion_shows_is_changed(height, wanted):
    picture = np.full((SIDE, SIDE), 0.4, dtype=np.float32)
    drawn = a_change(height)
    change, is_held = held_contrast(drawn, picture, OUTLINE, BREAST, REAL, bright=0.5, conspicuity=None)
    assert is_held
    if wanted is None:
        assert np.array_equal(change.added, drawn.added)
    else:
        assert contrast_of(change.laid_over(picture)) == pytest.approx(wanted, abs=2e-3)


def test_a_lesion_near_saturation_is_not_brighter_than_real_ones_beside_the_brightest_tissue():
    picture = np.full((SIDE, SIDE), 0.8, dtype=np.float32)
    real = ContrastRange(of={}, n_lesions=99, n_persons=99, contrast=REAL.contrast, highest_peak=0.03)
    change, _ = held_contrast(a_change(0.5), picture, OUTLINE, BREAST, real, bright=0.85, conspicuity=1.0)
    shown = change.laid_over(picture)
    assert np.percentile(shown[OUTLINE], 95) == pytest.approx(0.88, abs=2e-3)
    toned, is_held = held_contrast(a_change(0.5), picture, OUTLINE, BREAST, real, bright=0.85, conspicuity=None)
    assert is_held and REAL.contrast[0] < contrast_of(toned.laid_over(picture)) < REAL.contrast[-1]
    darker, is_held = held_contrast(a_change(-0.2), picture, OUTLINE, BREAST, real, bright=0.85, conspicuity=1.0)
    assert not is_held and np.array_equal(darker.added, a_change(-0.2).added)


@pytest.mark.parametrize(("height", "wanted"), [(0.1, None), (0.4, 0.2), (0.55, 0.2)])
def test_a_drawn_lesion_is_toned_down_to_the_brightest_of_real_ones_and_keeps_its_texture(height, wanted):
    texture = 0.02 * np.random.default_rng(0).standard_normal((SIDE, SIDE)).astype(np.float32)
    picture = np.clip(a_change(height).laid_over(np.full((SIDE, SIDE), 0.4, dtype=np.float32)) + texture, 0, 1)
    toned = toned_down(picture, OUTLINE, BREAST, REAL, bright=0.9)
    if wanted is None:
        assert toned is picture
        return
    assert contrast_of(toned) == pytest.approx(wanted, abs=2e-3)
    fine = [one - ndimage.gaussian_filter(one, 2) for one in (picture, toned)]
    core = ndimage.binary_erosion(OUTLINE, iterations=8)
    assert np.corrcoef(fine[0][core], fine[1][core])[0, 1] > 0.99
    far = np.hypot(ROW - 100, COLUMN - 100) > 60
    assert np.abs(toned - picture)[far].max() < 1e-3


def test_a_drawn_lesion_may_be_held_to_a_lower_place_of_the_range():
    picture = a_change(0.4).laid_over(np.full((SIDE, SIDE), 0.4, dtype=np.float32))
    toned = toned_down(picture, OUTLINE, BREAST, REAL, bright=0.9, conspicuity=0.5)
    assert contrast_of(toned) == pytest.approx(0.1, abs=2e-3)


def test_a_lesion_that_is_white_beside_its_breast_is_toned_down_by_its_peak():
    picture = a_change(0.15).laid_over(np.full((SIDE, SIDE), 0.4, dtype=np.float32))
    real = ContrastRange(of={}, n_lesions=99, n_persons=99, contrast=REAL.contrast, highest_peak=0.05)
    toned = toned_down(picture, OUTLINE, BREAST, real, bright=0.42)
    assert np.percentile(toned[OUTLINE], 95) == pytest.approx(0.47, abs=2e-3)
    white = toned_down(picture, OUTLINE, BREAST, real, bright=0.1)  # cannot be had: as faint as real ones are at least
    assert contrast_of(white) == pytest.approx(REAL.contrast[0], abs=2e-3)


def test_what_is_darker_than_its_surround_or_too_small_stays():
    picture = a_change(-0.2).laid_over(np.full((SIDE, SIDE), 0.4, dtype=np.float32))
    assert toned_down(picture, OUTLINE, BREAST, REAL, bright=0.0) is picture
    tiny = np.zeros_like(OUTLINE)
    tiny[100:102, 100:102] = True
    assert toned_down(np.where(tiny, np.float32(1), picture), tiny, BREAST, REAL, bright=0.5)[100, 100] == 1


def test_changes_of_one_picture_are_joined_where_they_are():
    picture = np.zeros((SIDE, SIDE), dtype=np.float32)
    first = Change(
        window=(slice(0, 50), slice(10, 60)),
        added=np.full((50, 50), 0.1, np.float32),
        reach=np.ones((50, 50), bool),
        working_pixels=1.0,
    )
    second = Change(
        window=(slice(40, 90), slice(100, 150)),
        added=np.full((50, 50), 0.2, np.float32),
        reach=np.ones((50, 50), bool),
        working_pixels=2.0,
    )
    both = joined([first, second])
    assert np.array_equal(both.laid_over(picture), second.laid_over(first.laid_over(picture)))
    assert both.reach.sum() == 5000 and both.working_pixels == 2.0
