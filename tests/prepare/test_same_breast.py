"""Pairs of acquisitions of one breast: found among the items, and laid over each other by their outlines."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.phantom import draw_pair
from monai_mammo.prepare.same_breast import OutlineFit, fit_outlines, pair_items, view_pairs


def breast(rows=192, columns=144):
    y, x = np.mgrid[:rows, :columns]
    return (((y - 96) / 80) ** 2 + (x / 100) ** 2 < 1) & (y > 20)


def test_a_breast_that_was_scaled_and_moved_is_laid_back():
    fixed = breast()
    moving = ndimage.affine_transform(fixed.astype(float), [1 / 1.04, 1 / 0.9], offset=(-5, 0), order=1) > 0.5
    fit = fit_outlines(moving, fixed)
    assert fit.overlap_before < 0.9 and fit.overlap > 0.97
    assert fit.row_scale == pytest.approx(1.04, abs=0.02) and fit.column_scale == pytest.approx(0.9, abs=0.02)
    y, x = np.mgrid[:192, :144]
    picture = (np.sin(y / 9) * np.cos(x / 7) * 0.5 + 0.5).astype(np.float32)
    moved = ndimage.affine_transform(picture, [1 / 1.04, 1 / 0.9], offset=(-5, 0), order=1)
    inside = ndimage.binary_erosion(fixed, iterations=12)
    errors = [np.abs(one - picture)[inside].mean() for one in (fit.laid_over(moved), moved)]
    assert errors[0] < 0.3 * errors[1]
    back = fit.inverse().laid_over(picture)
    assert np.abs(back - moved)[inside].mean() < 0.3 * errors[1]
    assert fit.laid_over(moved).max() <= moved.max()


def test_no_fit_is_made_where_none_brings_them_nearer():
    one = breast()
    assert fit_outlines(one, one) == OutlineFit(overlap_before=1.0, overlap=1.0)
    assert fit_outlines(np.zeros_like(one), one).overlap == 0


def test_pairs_are_of_one_person_side_and_view_and_kinds_that_are_asked():
    items = pair_items("phantom", split="training", shape=(96, 72), n_phantoms=3)
    pairs = view_pairs(items)
    assert len(pairs) == 3 and len({pair.person_id for pair in pairs}) == 3
    assert [one["conditions"]["kind"] for one in pairs[0].items.values()] == ["digital", "contrast"]
    other = [{**one, "conditions": {**one["conditions"], "view": None}} for one in items[:2]]
    strangers = [items[0], items[3]]
    assert view_pairs([*other, *strangers]) == []
    films = [{**one, "conditions": {**one["conditions"], "kind": "film"}, "modality": "film"} for one in items]
    assert view_pairs(films) == []


def test_the_drawn_pair_is_one_breast_with_one_mask_whatever_shows_it():
    conditions = Conditions(view="CC", laterality="L", finding="mass")
    kinds = {}
    for other in ("contrast", "ultrasound", "biopsy"):
        first, second = draw_pair(conditions, seed=3, modalities=("digital", other), shape=(128, 96))
        assert np.array_equal(first.lesion_mask, second.lesion_mask)
        assert np.array_equal(first.pixels > 0, second.pixels > 0) and not np.array_equal(first.pixels, second.pixels)
        kinds[other] = second.conditions.kind
        again = draw_pair(conditions, seed=3, modalities=("digital", other), shape=(128, 96))[1]
        assert np.array_equal(second.pixels, again.pixels)
    assert kinds["contrast"] == "contrast" and kinds["ultrasound"] is None and kinds["biopsy"] is None
    items = pair_items("phantom", modalities=("digital", "ultrasound"), shape=(96, 72), n_phantoms=2)
    assert len(view_pairs(items, ("digital", "ultrasound"))) == 2
    with pytest.raises(RequestError, match="not one of digital, contrast, ultrasound, biopsy"):
        draw_pair(seed=3, modalities=("digital", "magnetic"))
    with pytest.raises(RequestError, match="split 'all'"):
        pair_items("phantom", split="all")
