"""Grain by frequency, stored values from brightness, and the window that the painter sees."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from monai_mammo.editing.grain import grain_like
from monai_mammo.editing.local_edit import _blending, window_round
from monai_mammo.editing.stored_scale import StoredScale
from monai_mammo.errors import RequestError


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


@pytest.mark.parametrize("rises", [True, False])
def test_stored_values_follow_brightness_in_either_polarity_and_stay_without_a_change(rises):
    stored = np.arange(0, 4096, dtype=np.uint16).reshape(64, 64)
    shown = np.clip((stored.astype(np.float32) - 500) / 3000, 0, 1)
    shown = shown if rises else 1 - shown
    scale = StoredScale.of(stored, shown, largest=4095)
    added = np.zeros(stored.shape)
    added[20:40] = 0.1
    changed = scale.changed(stored, shown, added)
    assert np.array_equal(changed[added == 0], stored[added == 0])
    step = changed[20:40].astype(int) - stored[20:40].astype(int)
    assert np.abs(step - (300 if rises else -300)).max() <= 1
    assert np.allclose(scale.shown(changed, stored, shown)[20:40], shown[20:40] + added[20:40], atol=1e-3)
    assert changed.max() <= 4095


def test_what_shows_no_grey_or_is_signed_has_no_scale():
    stored = np.array([[0, 1], [1, 0]], dtype=np.uint8)
    with pytest.raises(RequestError, match="black and white alone"):
        StoredScale.of(stored, stored.astype(np.float32), largest=255)
    with pytest.raises(RequestError, match="signed"):
        StoredScale.of(stored.astype(np.int16), stored.astype(np.float32), largest=255)
    with pytest.raises(RequestError, match="beyond the 0"):
        StoredScale.of(stored, stored.astype(np.float32), largest=0)


def test_the_blend_is_one_inside_and_exactly_nothing_away_from_the_region():
    region = np.zeros((120, 120), dtype=bool)
    region[30:70, 30:70] = True
    weight = _blending(region)
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
