"""Spicules drawn as lines: away from the lesion, inside what may change, as bright as fibres are, the seed's alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from monai_mammo.lesions.lines_round_lesion import fibre_contrast, line_width_px, outward_lines
from monai_mammo.painting.drawn_spicules import with_drawn_spicules
from monai_mammo.painting.local_edit import Change, region_in_picture

SIDE = 400
ROW, COLUMN = np.mgrid[:SIDE, :SIDE]
OUTLINE = np.hypot(ROW - 200, COLUMN - 150) < 45
REGION = region_in_picture(OUTLINE, rim_share=0.6)
TISSUE = COLUMN < 330
WINDOW = (slice(20, 380), slice(10, 370))
NOISE_OF = (7, "a", 0)


@pytest.fixture(scope="module")
def picture():
    """Tissue with fibres that run anywhere."""
    rng = np.random.default_rng(5)
    fibres = ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), (0.8, 6)) + ndimage.gaussian_filter(
        rng.standard_normal((SIDE, SIDE)), (6, 0.8)
    )
    return (0.4 + 0.1 * fibres).astype(np.float32)


def lesion(height=0.1):
    added = ndimage.gaussian_filter(height * OUTLINE, 3)[WINDOW].astype(np.float32)
    reach = ndimage.binary_dilation(REGION, iterations=6) & TISSUE
    return Change(window=WINDOW, added=added, reach=reach[WINDOW], working_pixels=2.0)


def drawn(picture, change=None, **changes):
    words = {"region": REGION, "outline": OUTLINE, "tissue": TISSUE, "noise_of": NOISE_OF} | changes
    return with_drawn_spicules(lesion() if change is None else change, picture, **words)


def test_lines_point_away_from_the_lesion_and_are_as_bright_as_fibres(picture):
    before = outward_lines(lesion().laid_over(picture), OUTLINE, TISSUE)
    after = outward_lines(drawn(picture).laid_over(picture), OUTLINE, TISSUE)
    assert before < 1.1 and after > before + 0.15
    lines = drawn(picture).added - lesion().added
    fibres = fibre_contrast(picture, TISSUE & ~REGION, width_px=line_width_px(90))
    assert 0.7 * fibres < lines.max() < 2.6 * fibres
    assert lines.min() >= 0 and 0.02 < (lines > 0.2 * lines.max())[REGION[WINDOW]].mean() < 0.35


def test_nothing_is_drawn_outside_what_may_change_nor_in_the_middle_of_the_lesion(picture):
    change = drawn(picture, tissue=COLUMN < 200)
    lines = change.added - lesion().added
    assert not lines[~(REGION & TISSUE & (COLUMN < 200))[WINDOW] & ~change.reach].any()
    assert not lines[(COLUMN >= 200)[WINDOW]].any()
    assert not lines[(np.hypot(ROW - 200, COLUMN - 150) < 25)[WINDOW]].any()
    assert lines[(np.hypot(ROW - 200, COLUMN - 150) > 60)[WINDOW]].any()
    assert np.array_equal(change.reach, lesion().reach)


def test_a_faint_lesion_has_faint_spicules(picture):
    faint, strong = (drawn(picture, lesion(h)).added - lesion(h).added for h in (0.01, 0.1))
    assert 0 < faint.max() < 0.35 * 0.01 * 2.6 < strong.max()
    darker = lesion(-0.1)
    assert drawn(picture, darker) is darker


def test_a_small_lesion_and_flat_tissue_stay_as_they_are(picture):
    small = np.hypot(ROW - 200, COLUMN - 150) < 18
    change = lesion()
    assert drawn(picture, change, outline=small, region=region_in_picture(small)) is change
    assert drawn(np.full_like(picture, 0.4), change) is change


def test_spicules_are_the_seeds_and_follow_the_lesion(picture):
    first = drawn(picture).added
    assert np.array_equal(first, drawn(picture).added)
    assert not np.array_equal(first, drawn(picture, noise_of=(7, "a", 1)).added)
    doubled = dataclasses.replace(lesion(), working_pixels=8.0)
    assert (drawn(picture, doubled).added > 0).any()
