"""The way to the prepared grid and back, by values."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import MammoError
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import Trace, box_of_mask, locate_breast, mask_of_box, mirror, mirror_box, prepare_mammogram
from monai_mammo.study import Mammogram, Spacing
from monai_mammo.terms import AcquisitionKind

WIDE = Trace(source_shape=(40, 60), is_mirrored=False, crop=(4, 36, 0, 50), padding=(17, 18, 0, 0), shape=(67, 50))
"""A wide breast: air above and below, and a grid of its own size, so that values must come back exactly."""


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_a_wide_breast_comes_back_from_between_its_padding(is_mirrored):
    trace = dataclasses.replace(WIDE, is_mirrored=is_mirrored)
    array = np.random.default_rng(0).random((40, 60)).astype(np.float32)
    there = trace.forward(array)
    assert not there[:17].any() and not there[-18:].any()
    moved = mirror(array) if is_mirrored else array
    assert np.array_equal(there[17:49], moved[4:36, :50])
    back = trace.inverse(there)
    inside = np.zeros((40, 60), bool)
    inside[4:36, :50] = True
    inside = mirror(inside) if is_mirrored else inside
    assert np.array_equal(back[inside], array[inside]) and not back[~inside].any()
    box = Box(0.3, 0.2, 0.5, 0.6)
    assert np.allclose(tuple(trace.inverse_box(trace.forward_box(box))), tuple(box), atol=1e-12)
    column = 0.3 * 60 if not is_mirrored else (1 - 0.5) * 60
    assert trace.forward_box(box).x0 == pytest.approx(column / 50)
    assert trace.forward_box(box).y0 == pytest.approx((0.2 * 40 - 4 + 17) / 67)


def test_a_wide_breast_is_prepared_in_the_middle_and_found_again():
    y, x = np.mgrid[:120, :240].astype(np.float32)
    breast = (x / 200) ** 2 + ((y - 60) / 50) ** 2 < 1
    lesion = (x - 90) ** 2 + (y - 70) ** 2 < 8**2
    pixels = np.where(lesion, 0.9, 0.4 * breast).astype(np.float32)
    mammogram = Mammogram(pixels=pixels, conditions=Conditions(kind="digital"), lesion_mask=lesion)
    prepared = prepare_mammogram(mammogram, shape=(256, 192))
    top, bottom, left, _ = prepared.trace.padding
    assert top > 50 and abs(top - bottom) <= 1 and left == 0
    back = prepared.trace.inverse(prepared.lesion_mask)
    assert (back & lesion).sum() / (back | lesion).sum() > 0.9
    found = prepared.trace.inverse_box(box_of_mask(prepared.lesion_mask))
    assert np.abs(np.subtract(tuple(found), tuple(box_of_mask(lesion)))).max() < 0.02


def test_the_nearest_pixel_is_that_in_the_middle_of_the_new_one():
    trace = Trace(source_shape=(8, 12), is_mirrored=False, crop=(0, 8, 0, 12), padding=(0, 0, 0, 0), shape=(4, 3))
    numbered = np.arange(96).reshape(8, 12)
    assert np.array_equal(trace.forward(numbered, order=0), numbered[1::2, 2::4])
    back = trace.inverse(trace.forward(numbered, order=0), order=0)
    assert np.array_equal(back, np.repeat(np.repeat(numbered[1::2, 2::4], 2, axis=0), 4, axis=1))


@pytest.mark.parametrize("side", ["L", "R"])
def test_the_box_found_on_the_prepared_grid_is_on_the_lesion_of_the_file(side):
    asked = Conditions(kind="digital", laterality=side, view="CC", finding="mass")
    drawn = draw_mammogram(asked, seed=4, shape=(320, 240))
    prepared = prepare_mammogram(drawn, shape=(160, 120))
    assert prepared.trace.is_mirrored == (side == "R")
    found = prepared.trace.inverse_box(box_of_mask(prepared.lesion_mask))
    truth = box_of_mask(drawn.lesion_mask)
    assert np.abs(np.subtract(tuple(found), tuple(truth))).max() < 0.012
    assert abs(mirror_box(found).x0 - truth.x0) > 0.1  # the mirrored one is elsewhere


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_box_at_the_chest_wall_begins_at_column_0(side):
    box = Box(0.0, 0.45, 0.2, 0.6) if side == "L" else Box(0.8, 0.45, 1.0, 0.6)
    drawn = draw_mammogram(Conditions(kind="digital", laterality=side, view="CC"), seed=4, shape=(320, 240))
    mask = mask_of_box(box, drawn.shape) >= 0.5
    asked = drawn.conditions.replace(box=box, finding="mass")
    located = locate_breast(drawn.replace(conditions=asked, lesion_mask=mask))
    prepared = located.on_grid((160, 120))
    moved = prepared.conditions.box
    assert moved.x0 == 0.0 and moved.x1 > 0.1
    assert prepared.lesion_mask[:, 0].any()
    assert np.abs(np.subtract(tuple(moved), tuple(box_of_mask(prepared.lesion_mask)))).max() < 0.01
    assert np.allclose(tuple(prepared.trace.inverse_box(moved)), tuple(box), atol=1e-9)


def test_spacing_that_differs_between_rows_and_columns_stretches_the_breast():
    drawn = draw_mammogram(Conditions(kind="digital", laterality="L", view="CC"), seed=4, shape=(320, 240))
    squeezed = drawn.replace(
        pixels=drawn.pixels.reshape(320, 120, 2).mean(axis=2), spacing=Spacing(0.1, 0.2, "imager"), lesion_mask=None
    )
    whole, found = (prepare_mammogram(image, shape=(160, 120)) for image in (drawn, squeezed))
    assert (whole.breast & found.breast).sum() / (whole.breast | found.breast).sum() > 0.97
    assert locate_breast(squeezed).pixel_aspect == 2.0
    kept = locate_breast(squeezed).on_grid(None)
    assert kept.image.shape == kept.trace.padded_shape  # the file's own pixels, whatever their shape


def test_images_keep_fine_lines_that_area_means_would_blur():
    """A scale near 1: bicubic keeps the contrast of a comb everywhere, area means lose it at every n-th line."""
    x = np.arange(300)
    comb = np.tile(0.5 + 0.4 * np.sign(np.sin(x * np.pi / 3 + 0.1)), (40, 1)).astype(np.float32)
    trace = Trace(source_shape=(40, 300), is_mirrored=False, crop=(0, 40, 0, 300), padding=(0,) * 4, shape=(40, 280))
    swing = {order: np.ptp(trace.forward(comb, order=order)[20, 4:-4].reshape(-1, 8), axis=1).min() for order in (1, 3)}
    assert swing[3] > 0.75 and swing[3] > swing[1] + 0.05
    with pytest.raises(MammoError, match="order 2"):
        trace.forward(comb, order=2)


@pytest.mark.parametrize("kind", [*AcquisitionKind])
def test_air_of_a_prepared_image_is_exactly_0(kind):
    drawn = draw_mammogram(Conditions(kind=kind, laterality="L", view="MLO"), seed=4, shape=(320, 240))
    prepared = prepare_mammogram(drawn, shape=(128, 96))
    assert prepared.image.dtype == np.float32 and not prepared.image[~prepared.breast].any()
    assert prepared.image.min() >= 0 and prepared.image.max() <= 1
